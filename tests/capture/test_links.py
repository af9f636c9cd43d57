"""Link layers: what a frame carries and where."""

from __future__ import annotations

import importlib
import pkgutil
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.capture import links
from tests.capture import build
from tests.capture.build import REGISTER, ethernet, ip4, ip6, messages, udp

V4, V6 = ip4(udp(REGISTER)), ip6(udp(REGISTER))


def sll(protocol: int, packet: bytes) -> bytes:
    return struct.pack("!HHH8sH", 0, 1, 6, bytes(8), protocol) + packet


def sll2(protocol: int, packet: bytes) -> bytes:
    return struct.pack("!HHIHBB8s", protocol, 0, 2, 1, 0, 6, bytes(8)) + packet


def pppoe(packet: bytes, protocol: bytes = b"\x00\x21") -> bytes:
    return struct.pack("!BBHH", 0x11, 0, 9, len(packet) + 2) + protocol + packet


FRAMES = {
    "ethernet": (1, ethernet(V4)),
    "ethernet, IPv6": (1, ethernet(V6)),
    "802.1Q": (1, ethernet(V4, tags=[0x8100])),
    "802.1ad": (1, ethernet(V4, tags=[0x88A8, 0x8100])),
    "old QinQ": (1, ethernet(V6, tags=[0x9100, 0x8100])),
    "five tags": (1, ethernet(V4, tags=[0x8100] * 5)),
    "PPPoE": (1, ethernet(pppoe(V4), 0x8864)),
    "PPPoE, IPv6, in a VLAN": (1, ethernet(pppoe(V6, b"\x00\x57"), 0x8864, tags=[0x8100])),
    "PPPoE, compressed protocol": (1, ethernet(pppoe(V4, b"\x21"), 0x8864)),
    "MPLS": (1, ethernet(b"\x00\x01\x00\x40" + b"\x00\x02\x01\x40" + V6, 0x8847)),
    "LLC/SNAP": (1, ethernet(b"\xaa\xaa\x03\0\0\0\x08\x00" + V4, 600)),
    "cooked": (113, sll(0x0800, V4)),
    "cooked, IPv6": (113, sll(0x86DD, V6)),
    "cooked, VLAN": (113, sll(0x8100, b"\x00\x05\x08\x00" + V4)),
    "cooked 2": (276, sll2(0x0800, V4)),
    "cooked 2, IPv6": (276, sll2(0x86DD, V6)),
    "raw": (101, V4),
    "raw, IPv6": (101, V6),
    "raw, BSD": (12, V4),
    "raw, OpenBSD": (14, V6),
    "IPv4": (228, V4),
    "IPv6": (229, V6),
    "null, little-endian": (0, b"\x02\0\0\0" + V4),
    "null, big-endian": (0, b"\0\0\0\x02" + V4),
    "null, IPv6 on Darwin": (0, b"\x1e\0\0\0" + V6),
    "null, IPv6 on FreeBSD": (0, b"\x1c\0\0\0" + V6),
    "loop": (108, b"\0\0\0\x18" + V6),
    "PPP": (9, b"\x00\x21" + V4),
    "PPP, HDLC": (50, b"\xff\x03\x00\x57" + V6),
    "PPPoE link": (51, pppoe(V4)),
}


@pytest.mark.parametrize(("linktype", "frame"), FRAMES.values(), ids=FRAMES)
def test_the_message_is_found(linktype: int, frame: bytes) -> None:
    (message,) = messages([frame], linktype)
    assert message.payload == REGISTER
    assert message.source.host in (build.ALICE, build.ALICE6)
    assert message.destination.host in (build.REGISTRAR, build.REGISTRAR6)


@pytest.mark.parametrize(("linktype", "frame"), FRAMES.values(), ids=FRAMES)
def test_no_cut_frame_raises(linktype: int, frame: bytes) -> None:
    build.read(build.pcap([frame[:size] for size in range(len(frame))], linktype))


@given(st.sampled_from(sorted(links.table())), st.binary(max_size=80))
def test_noise_never_raises(linktype: int, noise: bytes) -> None:
    ethertype, at = links.table()[linktype](noise)
    assert ethertype >= 0
    assert at >= 0


def test_no_number_is_declared_twice() -> None:
    names = [module.name for module in pkgutil.iter_modules(links.__path__) if not module.name.startswith("_")]
    numbers = [number for name in names for number in importlib.import_module(f"analyzer.capture.links.{name}").DLTS]
    assert len(numbers) == len(set(numbers))
    assert set(links.table()) == set(numbers)


def test_two_files_with_one_number_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from analyzer.capture.links import raw, sll2

    monkeypatch.setattr(sll2, "DLTS", raw.DLTS)
    with pytest.raises(ValueError, match="declared twice"):
        links.table()


def test_an_unknown_link_type_is_told() -> None:
    _, _, reading = build.read(build.pcap([V4, V4], 147))
    assert reading.sources[0].quality == ["2 packets are of link type 147, which is not read"]
    assert reading.sources[0].frames == 2
