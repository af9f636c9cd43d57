"""Media is passed by without a look at each packet: nothing else may be, and nothing that is counted may change."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.capture import media
from analyzer.capture.opener import open_sources
from analyzer.evidence import Source
from tests.capture.build import (
    EPOCH,
    REGISTER,
    RTP,
    block,
    enhanced,
    ethernet,
    frame,
    interface,
    ip4,
    ip6,
    message,
    pcap,
    section,
    simple,
    tcp,
    udp,
)

Write = Callable[[Sequence[bytes]], bytes]
VXLAN = b"\x08\0\0\0\0\0\1\0" + ethernet(ip4(udp(REGISTER)))
KINDS = [
    frame(RTP),
    frame(b"\xbf" + bytes(8)),
    frame(b"\x80"),
    frame(RTP, sport=5060, dport=5060),
    frame(b""),
    frame(REGISTER),
    frame(message(3)),
    frame(b"\r\n\r\n"),
    frame(b"\xc0" + bytes(20)),
    frame(b"\x16\xfe\xff" + bytes(20)),
    frame(VXLAN, dport=4789),
    ethernet(ip4(udp(RTP), options=bytes(8))),
    ethernet(ip4(udp(RTP), more=True)),
    ethernet(ip4(RTP, offset=64)),
    ethernet(ip4(tcp(REGISTER, 1))),
    ethernet(ip6(udp(RTP))),
    ethernet(ip6(udp(REGISTER))),
    ethernet(ip4(udp(RTP)), tags=(0x8100,)),
    ethernet(ip4(udp(REGISTER)), tags=(0x8100,)),
    ethernet(b"\x45" + RTP, ethertype=0x0806),
    b"",
    bytes(12),
    frame(RTP)[:43],
    frame(RTP)[:42],
]


def ng(frames: Sequence[bytes], order: str = "<") -> bytes:
    packets = [enhanced(octets, (EPOCH + index) * 10**6, order=order) for index, octets in enumerate(frames)]
    return section(order) + interface(order=order) + b"".join(packets)


WRITERS: dict[str, Write] = {
    "pcap": pcap,
    "pcap-big-endian": lambda frames: pcap(frames, order=">"),
    "pcap-nanoseconds": lambda frames: pcap(frames, magic=0xA1B23C4D),
    "pcap-modified": lambda frames: pcap(frames, magic=0xA1B2CD34),
    "pcap-cut": lambda frames: pcap(frames, snap=60),
    "pcapng": ng,
    "pcapng-big-endian": lambda frames: ng(frames, ">"),
}


def read(octets: bytes) -> tuple[list[object], Source]:
    with open_sources([io.BytesIO(octets)]) as reading:
        items: list[object] = list(reading)
    return items, reading.sources[0]


def blind(octets: bytes, monkeypatch: pytest.MonkeyPatch) -> tuple[list[object], Source]:
    """The same without passing anything by."""
    with monkeypatch.context() as patch:
        patch.setattr(media, "look", lambda *_: None)
        return read(octets)


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS.keys())
@given(frames=st.lists(st.sampled_from(KINDS), max_size=30))
@settings(max_examples=40, deadline=None)
def test_the_same_is_read_and_counted(write: Write, frames: list[bytes]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        octets = write(frames) or b""
        assert read(octets) == blind(octets, patch)


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS.keys())
@pytest.mark.parametrize("cut", range(1, 64))
def test_the_same_of_a_file_that_ends_early(write: Write, cut: int, monkeypatch: pytest.MonkeyPatch) -> None:
    octets = write([frame(RTP), frame(REGISTER), frame(RTP), frame(RTP)])[:-cut]
    assert read(octets) == blind(octets, monkeypatch)


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS.keys())
@pytest.mark.parametrize("at", range(24, 200, 3))
def test_the_same_of_a_damaged_file(write: Write, at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    octets = bytearray(write([frame(RTP)] * 3 + [frame(REGISTER)] + [frame(RTP)] * 3))
    octets[at] ^= 0xFF
    assert read(bytes(octets)) == blind(bytes(octets), monkeypatch)


def noting(seen: list[bytes]) -> Callable[[bytes], tuple[int, int]]:
    """A decoder that understands nothing and keeps what it was given."""

    def decode(frame: bytes) -> tuple[int, int]:
        seen.append(frame)
        return 0, 0

    return decode


def test_media_makes_no_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """That the test above compares two ways, and not one with itself."""
    made: list[int] = []
    for name, write in WRITERS.items():
        if name == "pcap-cut":
            continue
        octets = write([frame(RTP)] * 1000 + [frame(REGISTER)])
        decoded: list[bytes] = []
        with monkeypatch.context() as patch:
            patch.setattr("analyzer.capture.links.ethernet.decode", noting(decoded))
            _, source = read(octets)
        made.append(len(decoded))
        assert (source.frames, source.other) == (1001, 1000)
    assert made == [1] * len(made) != []


def test_interfaces_of_two_link_types(monkeypatch: pytest.MonkeyPatch) -> None:
    head = section() + interface(1) + interface(113) + interface(1)
    cooked = bytes(14) + b"\x08\0" + ip4(udp(RTP))
    body = b"".join([enhanced(frame(RTP)), enhanced(cooked, number=1), simple(frame(RTP)), enhanced(frame(), number=2)])
    octets = head + body * 3 + section() + interface(113) + enhanced(cooked) * 5
    items, source = read(octets)
    assert (items, source) == blind(octets, monkeypatch)
    assert (len(items), source.frames, source.other) == (3, 17, 14)


def test_lengths_of_a_block_that_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pcapng block says its length twice, so that damage shows; media must not hide it."""
    wrong = bytearray(enhanced(frame(RTP)))
    wrong[-4:] = struct.pack("<I", 4444)
    octets = section() + interface() + enhanced(frame(RTP)) * 2 + bytes(wrong) + enhanced(frame(REGISTER))
    items, source = read(octets)
    assert (items, source) == blind(octets, monkeypatch)
    assert [defect.code for _, defect in source.defect_list] == ["block-length"] and len(items) == 1


@pytest.mark.parametrize("linktype", [1, 113, 276])
@pytest.mark.parametrize("order", ["<", ">"])
def test_where_the_look_falls(linktype: int, order: str) -> None:
    before = {1: bytes(12) + b"\x08\0", 113: bytes(14) + b"\x08\0", 276: b"\x08\0" + bytes(18)}[linktype]
    octets = struct.pack(order + "IIII", 1, 2, 3, 4) + before + ip4(udp(RTP))
    look = media.look(order, "IIII", linktype)
    assert look is not None
    assert look.unpack.unpack_from(octets) == (1, 2, 3, 4, look.ipv4, media.WHOLE_HEADER, look.whole, media.UDP, 0x80)
    assert look.least == len(before + ip4(udp(b"x")))


def test_other_links_are_decoded() -> None:
    assert media.look("<", "IIII", 101) is None


def test_the_last_packet_of_a_buffer(monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies across the end of a chunk is read after the next one came, at every offset."""
    monkeypatch.setattr("analyzer.capture.window.CHUNK", 997)
    for write in (pcap, ng):
        octets = write([frame(RTP), frame(REGISTER), frame(RTP)] * 40)
        items, source = read(octets)
        assert (len(items), source.frames, source.other, source.damaged) == (40, 120, 80, False)


def test_unknown_blocks_between(monkeypatch: pytest.MonkeyPatch) -> None:
    octets = section() + interface() + (enhanced(frame(RTP)) + block(99, b"abcd") + enhanced(frame(REGISTER))) * 4
    assert read(octets) == blind(octets, monkeypatch)
