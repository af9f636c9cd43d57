"""Messages that a server sent to a Homer collector."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.evidence import SECOND, Endpoint
from tests.capture.build import REGISTER, RTP, codes, ethernet, frame, ip4, message, messages, pcap, read, udp


def chunk(kind: int, value: bytes, vendor: int = 0) -> bytes:
    return struct.pack("!HHH", vendor, kind, 6 + len(value)) + value


def hep(*chunks: bytes) -> bytes:
    body = b"".join(chunks)
    return b"HEP3" + struct.pack("!H", 6 + len(body)) + body


ENDS = (
    chunk(1, b"\x02") + chunk(2, b"\x11") + chunk(3, b"\xc0\x00\x02\x01") + chunk(4, b"\xc0\x00\x02\x02")
    + chunk(7, b"\x13\xc5") + chunk(8, b"\x13\xc4")
)  # fmt: skip
TIME = chunk(9, struct.pack("!I", 1_600_000_000)) + chunk(10, struct.pack("!I", 250_000))
REST = chunk(11, b"\x01") + chunk(12, b"\0\0\0\x07") + chunk(15, b"theirs", vendor=9)


def test_the_inner_packet_counts() -> None:
    (found,) = messages([frame(hep(ENDS, TIME, REST, chunk(15, REGISTER)), dport=9060)])
    assert found.payload == REGISTER
    assert (found.source, found.destination) == (Endpoint("192.0.2.1", 5061), Endpoint("192.0.2.2", 5060))
    assert found.time == 1_600_000_000 * SECOND + SECOND // 4
    assert found.transport == "UDP"


def test_without_a_time_that_of_the_record_is_taken() -> None:
    (found,) = messages([frame(hep(ENDS, chunk(15, REGISTER)))])
    assert found.time == 1_700_000_000 * SECOND


def test_ipv6_tcp_and_compression() -> None:
    ends = chunk(2, b"\x06") + chunk(5, b"\x20" + bytes(14) + b"\x01") + chunk(6, b"\x20" + bytes(14) + b"\x02")
    (found,) = messages([frame(hep(ends, chunk(16, zlib.compress(REGISTER))))])
    assert (found.payload, found.transport, found.source) == (REGISTER, "TCP", Endpoint("2000::1", 0))


def test_a_fragmented_hep_packet() -> None:
    body = udp(hep(ENDS, TIME, chunk(15, message(1, b"x" * 2000))), 9060, 9060)
    parts = [ethernet(ip4(body[:1400], more=True)), ethernet(ip4(body[1400:], offset=1400))]
    assert messages(parts)[0].payload == message(1, b"x" * 2000)


def test_what_is_no_sip_is_counted() -> None:
    _, _, reading = read(pcap([frame(hep(ENDS, chunk(15, RTP)))]))
    assert (reading.sources[0].other, reading.sources[0].defects) == (1, 0)


@pytest.mark.parametrize(
    "packet",
    [
        hep(ENDS),
        hep(chunk(15, REGISTER)),
        hep(ENDS, chunk(16, b"no zlib")),
        hep(ENDS, chunk(3, b"abc"), chunk(15, REGISTER)),
        hep(ENDS, chunk(15, REGISTER))[:-1],
        b"HEP3",
    ],
)
def test_a_malformed_packet_is_a_defect(packet: bytes) -> None:
    found, _, reading = read(pcap([frame(packet)]))
    assert found == []
    assert codes(reading) == ["bad-hep"]


@given(st.binary(max_size=100))
def test_noise_never_raises(noise: bytes) -> None:
    read(pcap([frame(b"HEP3" + noise), frame(hep(ENDS, noise, chunk(15, REGISTER)))]))
