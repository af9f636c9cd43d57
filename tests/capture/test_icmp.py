"""ICMP errors end exchanges; what they quote is no message."""

from __future__ import annotations

import struct

import pytest

from analyzer.capture import icmp
from analyzer.evidence import Endpoint, Frame, NetworkError
from tests.capture import build
from tests.capture.build import REGISTER, RTP, ethernet, ip4, ip6, pcap, read, tcp, udp


def error(quoted: bytes, kind: int = 3, code: int = 3, source: str = "192.0.2.9") -> bytes:
    return ethernet(ip4(struct.pack("!BBHI", kind, code, 0, 0) + quoted, 1, source, build.ALICE))


def error6(quoted: bytes, kind: int = 1, code: int = 4) -> bytes:
    return ethernet(ip6(struct.pack("!BBHI", kind, code, 0, 0) + quoted, 58, build.REGISTRAR6, build.ALICE6))


def test_port_unreachable_is_an_abort_of_the_quoted_packet() -> None:
    found, aborts, reading = read(pcap([build.frame(sport=5070), error(ip4(udp(REGISTER, 5070)))]))
    assert len(found) == reading.sources[0].messages == 1
    assert aborts == [
        NetworkError(
            time=build.at(1),
            place=Frame("stream", 2, 24 + 16 + len(build.frame())),
            source=Endpoint("10.0.0.1", 5070),
            destination=Endpoint("10.0.0.2", 5060),
            transport="UDP",
            reason="icmp",
            text="port unreachable",
            quoted=REGISTER,
            sender="192.0.2.9",
        )
    ]
    assert aborts[0].said == "port unreachable, from 192.0.2.9"


def test_who_was_asked_needs_no_mention() -> None:
    (abort,) = read(pcap([error(ip4(udp(REGISTER)), source="10.0.0.2")]))[1]
    assert abort.said == "port unreachable"


@pytest.mark.parametrize("size", [8, 9, 40])
def test_a_quote_may_be_short(size: int) -> None:
    quoted = ip4(udp(REGISTER))[: 20 + size]
    (abort,) = read(pcap([error(quoted)]))[1]
    assert abort.quoted == REGISTER[: size - 8]


def test_ipv6() -> None:
    (abort,) = read(pcap([error6(ip6(udp(REGISTER)))]))[1]
    assert (abort.text, str(abort.destination)) == ("port unreachable", "[fd00::2]:5060")


def test_tcp_is_quoted_behind_its_header() -> None:
    (abort,) = read(pcap([error(ip4(tcp(REGISTER, 1), 6), code=1)]))[1]
    assert (abort.transport, abort.text, abort.quoted) == ("TCP", "host unreachable", REGISTER)
    (abort,) = read(pcap([error(ip4(tcp(REGISTER, 1)[:8], 6))]))[1]
    assert abort.quoted == b""


@pytest.mark.parametrize(
    "frame",
    [
        error(ip4(udp(RTP))),
        error(ip4(udp(b"\x12\x34\x01\x00\x00\x01" + bytes(20), 3000, 53))),
        error(ip4(udp(REGISTER)), kind=8, code=0),  # an echo request that holds a packet
        error(ip4(udp(REGISTER), offset=80)),
        error(ip4(b"abcd", 132)),
        error(b""),
        error6(ip6(udp(REGISTER)), kind=128, code=0),
        ethernet(ip4(b"\x03", 1)),
    ],
)
def test_what_is_no_failed_sip(frame: bytes) -> None:
    found, aborts, _ = read(pcap([frame]))
    assert (found, aborts) == ([], [])


@pytest.mark.parametrize(
    ("number", "code", "v6", "text"),
    [
        (3, 0, False, "network unreachable"),
        (3, 9, False, "administratively prohibited"),
        (3, 10, False, "administratively prohibited"),
        (3, 13, False, "administratively prohibited"),
        (3, 4, False, "packet too big"),
        (3, 99, False, "destination unreachable"),
        (11, 0, False, "time exceeded"),
        (12, 0, False, "parameter problem"),
        (0, 0, False, ""),
        (1, 0, True, "network unreachable"),
        (1, 1, True, "administratively prohibited"),
        (1, 4, True, "port unreachable"),
        (2, 0, True, "packet too big"),
        (3, 0, True, "time exceeded"),
        (4, 0, True, "parameter problem"),
        (135, 0, True, ""),
    ],
)
def test_reasons(number: int, code: int, v6: bool, text: str) -> None:
    assert icmp.reason(number, code, v6=v6) == text


def test_icmp_inside_icmp_is_not_followed() -> None:
    packet = ip4(udp(REGISTER))
    for _ in range(500):
        packet = ip4(b"\x03\x03" + bytes(6) + packet, 1, total=0)
    assert read(pcap([ethernet(packet)]))[1] == []
