"""IP headers off the fast path, and IP inside IP."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.capture import ip
from analyzer.evidence import Endpoint
from tests.capture import build
from tests.capture.build import REGISTER, RTP, codes, ethernet, ip4, ip6, messages, pcap, read, udp

DATAGRAM = udp(REGISTER)
HOP = b"\x11\x00" + bytes(6)
AH = b"\x11\x04" + bytes(22)


def after(header: bytes, protocol: int, following: int) -> bytes:
    """An IPv6 packet with one extension header that names `following` as the next."""
    return ip6(bytes([following]) + header[1:] + DATAGRAM, protocol)


def vxlan(frame: bytes) -> bytes:
    return udp(b"\x08\0\0\0\0\0\x01\0" + frame, 50000, 4789)


def gtp(packet: bytes, flags: int = 0x30, extra: bytes = b"", message: int = 255) -> bytes:
    return udp(struct.pack("!BBHI", flags, message, len(extra + packet), 1) + extra + packet, 2152, 2152)


def geneve(frame: bytes, kind: int = 0x6558, options: bytes = b"") -> bytes:
    """RFC 8926 3.4."""
    return udp(struct.pack("!BBHI", len(options) // 4, 0, kind, 0x700) + options + frame, 50000, 6081)


def tzsp(frame: bytes, tags: bytes = b"", kind: int = 1) -> bytes:
    return udp(struct.pack("!BBH", 1, 0, kind) + tags + b"\1" + frame, 5555, 37008)


def l2tp(packet: bytes, flags: int = 0, head: bytes = b"\0\1\0\2", framing: bytes = b"\xff\x03\0\x21") -> bytes:
    """A data message of version 2 (RFC 2661 3.1): tunnel 1, session 2."""
    return udp(bytes([flags, 2]) + head + framing + packet, 1701, 1701)


def l2tp3(frame: bytes, between: bytes = b"") -> bytes:
    """A data message of version 3 over UDP (RFC 3931 4.1.2.1): session 9, and what may stand behind it."""
    return udp(b"\0\3\0\0\0\0\0\x09" + between + frame, 1701, 1701)


PACKETS = {
    "options": ip4(DATAGRAM, options=b"\x01" * 8),
    "all options": ip4(DATAGRAM, options=b"\x01" * 40),
    "total length 0": ip4(DATAGRAM, total=0),
    "hop by hop": after(HOP, 0, 17),
    "routing": after(b"\0\x02" + bytes(22), 43, 17),
    "destination": after(HOP, 60, 17),
    "authentication": after(AH, 51, 17),
    "two extensions": ip6(b"\x3c" + HOP[1:] + HOP + DATAGRAM, 0),
    "IP in IP": ip4(ip4(DATAGRAM, source="192.0.2.1"), 4),
    "6in4": ip4(ip6(DATAGRAM), 41),
    "4in6": ip6(ip4(DATAGRAM), 4),
    "GRE": ip4(b"\0\0\x08\0" + ip4(DATAGRAM), 47),
    "GRE with everything": ip4(b"\xb0\0\x86\xdd" + bytes(12) + ip6(DATAGRAM), 47),
    "GRE, Ethernet": ip4(b"\0\0\x65\x58" + ethernet(ip4(DATAGRAM), tags=[0x8100]), 47),
    "GTP-U": ip4(gtp(ip4(DATAGRAM))),
    "GTP-U, sequence number": ip4(gtp(ip6(DATAGRAM), 0x32, bytes(4))),
    "GTP-U, extensions": ip4(gtp(ip4(DATAGRAM), 0x34, b"\0\0\0\x85\x01\0\0\xc0\x01\0\0\0")),
    "GTP-U over IPv6": ip6(gtp(ip6(DATAGRAM))),
    "VXLAN": ip4(vxlan(ethernet(ip4(DATAGRAM)))),
    "GENEVE": ip4(geneve(ethernet(ip4(DATAGRAM)))),
    "GENEVE, options": ip4(geneve(ethernet(ip6(DATAGRAM)), options=b"\1\2\x80\1" + bytes(4))),
    "GENEVE, IP": ip6(geneve(ip4(DATAGRAM), 0x0800)),
    "TZSP": ip4(tzsp(ethernet(ip4(DATAGRAM)))),
    "TZSP, tags": ip4(tzsp(ethernet(ip6(DATAGRAM)), b"\0\0\x0a\1\x50\x29\2\0\7")),
    "L2TP": ip4(l2tp(ip4(DATAGRAM))),
    "L2TP, no address and control": ip4(l2tp(ip6(DATAGRAM), framing=b"\0\x57")),
    "L2TP, length": ip4(l2tp(ip4(DATAGRAM), 0x40, struct.pack("!HHH", 12 + len(ip4(DATAGRAM)), 1, 2))),
    "L2TP, everything": ip4(
        l2tp(ip4(DATAGRAM), 0x4B, struct.pack("!HHHHHH3s", 21 + len(ip4(DATAGRAM)), 1, 2, 3, 4, 3, b"pad"))
    ),
    "VXLAN in VXLAN": ip4(vxlan(ethernet(ip4(vxlan(ethernet(ip6(DATAGRAM))))))),
}


@pytest.mark.parametrize("packet", PACKETS.values(), ids=PACKETS)
def test_the_message_is_found(packet: bytes) -> None:
    (found,) = messages([ethernet(packet)])
    assert found.payload == REGISTER
    assert found.destination == Endpoint(build.REGISTRAR if ":" not in found.source.host else build.REGISTRAR6, 5060)


@pytest.mark.parametrize("name", [name for name in PACKETS if name != "total length 0"])  # says nothing of its length
def test_every_cut_packet_says_what_is_missing(name: str) -> None:
    packet = PACKETS[name]
    found, _, _ = read(pcap([ethernet(packet)[:size] for size in range(14, len(packet) + 14)]))
    assert found
    for one in found:
        assert one.payload + REGISTER[len(REGISTER) - one.missing :] == REGISTER


def test_the_addresses_are_those_of_the_inner_packet() -> None:
    (found,) = messages([ethernet(ip4(gtp(ip4(DATAGRAM, source="192.0.2.7", ident=77))))])
    assert found.source == Endpoint("192.0.2.7", 5060)
    assert found.ip_id == 77


@pytest.mark.parametrize(
    "packet",
    [
        gtp(b"", 0x32, bytes(4), message=1),  # echo request
        gtp(ip4(DATAGRAM), flags=0x10),  # version 0
        udp(b"\0" * 8 + ethernet(ip4(DATAGRAM)), 50000, 4789),
    ],
)
def test_what_only_uses_a_tunnel_port_is_no_tunnel(packet: bytes) -> None:
    found, _, reading = read(pcap([ethernet(ip4(packet))]))
    assert found == []
    assert reading.sources[0].other == 1


def test_sip_on_a_tunnel_port_is_sip() -> None:
    assert messages([build.frame(sport=2152, dport=4789)])[0].payload == REGISTER


def test_nesting_is_bounded() -> None:
    packet = ip4(DATAGRAM)
    for _ in range(2000):
        packet = ip4(packet, 4, total=0)
    found, _, reading = read(pcap([ethernet(packet)]))
    assert found == []
    assert codes(reading) == ["deep-tunnel"]


def test_padding_is_no_payload() -> None:
    (found,) = messages([ethernet(ip4(udp(REGISTER))) + b"\0" * 20])
    assert found.payload == REGISTER
    _, _, reading = read(pcap([ethernet(ip4(udp(b""))) + bytes(18)]))
    assert reading.sources[0].keepalives == 1


@pytest.mark.parametrize(("length", "payload"), [(0, REGISTER), (7, REGISTER), (len(REGISTER) + 100, REGISTER)])
def test_a_wrong_udp_length_gives_way_to_that_of_ip(length: int, payload: bytes) -> None:
    (found,) = messages([ethernet(ip4(udp(REGISTER, length=length)))])
    assert found.payload == payload
    assert [defect.code for defect in found.defects] == (["bad-udp-length"] if length else [])


def test_octets_behind_the_udp_length_are_no_payload() -> None:
    (found,) = messages([ethernet(ip4(udp(REGISTER, length=8 + len(REGISTER)) + b"trailer"))])
    assert found.payload == REGISTER


def test_a_header_that_is_too_short_is_a_defect() -> None:
    _, _, reading = read(pcap([ethernet(ip4(b"1234567"))]))
    assert codes(reading) == ["short-udp"]


@pytest.mark.parametrize("packet", [b"\x44" + ip4(DATAGRAM)[1:], b"\x65" + ip4(DATAGRAM)[1:], ip4(DATAGRAM, total=19)])
def test_impossible_headers(packet: bytes) -> None:
    assert ip.parse(packet, 0x0800, 0) is None
    assert messages([ethernet(packet, 0x0800)]) == []


@given(st.binary(max_size=120), st.sampled_from([4, 17, 41, 47, 0, 43, 44, 51, 60, 1, 6, 58]))
def test_noise_never_raises(noise: bytes, protocol: int) -> None:
    read(pcap([ethernet(ip4(noise, protocol)), ethernet(ip6(noise, protocol)), ethernet(ip4(gtp(noise)))]))


def test_media_is_counted() -> None:
    _, _, reading = read(pcap([build.frame(RTP)] * 5 + [ethernet(ip6(udp(RTP)))]))
    assert reading.sources[0].other == 6
