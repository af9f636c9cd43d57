"""Messages that a server sent to a Homer collector."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.capture.opener import open_sources
from analyzer.evidence import SECOND, Endpoint, RawMessage
from tests.capture.build import REGISTER, RTP, codes, ethernet, frame, ip4, message, messages, pcap, read, udp
from tests.shared import DATA


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


IPV4 = b"\xc0\x00\x02\x01" + b"\xc0\x00\x02\x02"
IPV6 = b"\x20" + bytes(14) + b"\x01" + b"\x20" + bytes(14) + b"\x02"


def fixed(
    number: int, family: int = 2, protocol: int = 17, ends: bytes = IPV4, clock: bytes = b"", payload: bytes = REGISTER
) -> bytes:
    """A packet of version 1 or 2."""
    return struct.pack("!BBBBHH", number, 8 + len(ends), family, protocol, 5061, 5060) + ends + clock + payload


def clock(seconds: int = 1_600_000_000, micros: int = 250_000, order: str = "<") -> bytes:
    return struct.pack(order + "IIHxx", seconds, micros, 7)


def test_version_1() -> None:
    (found,) = messages([frame(fixed(1), dport=9060)])
    assert found.payload == REGISTER
    assert (found.source, found.destination) == (Endpoint("192.0.2.1", 5061), Endpoint("192.0.2.2", 5060))
    assert (found.time, found.transport) == (1_700_000_000 * SECOND, "UDP")


@pytest.mark.parametrize("order", "<>")
def test_version_2_has_the_time_of_the_agent(order: str) -> None:
    (found,) = messages([frame(fixed(2, clock=clock(order=order)), dport=9060)])
    assert (found.payload, found.time) == (REGISTER, 1_600_000_000 * SECOND + SECOND // 4)
    assert found.source == Endpoint("192.0.2.1", 5061)


@pytest.mark.parametrize("stamp", [clock(seconds=0), struct.pack("<IIHxx", 5, 0x7F7F7F7F, 7)])
def test_version_2_without_a_clock(stamp: bytes) -> None:
    (found,) = messages([frame(fixed(2, clock=stamp))])
    assert found.time == 1_700_000_000 * SECOND


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("family", [10, 24, 26, 28, 30])
def test_ipv6_of_every_system(number: int, family: int) -> None:
    packet = fixed(number, family, 6, IPV6, clock() if number == 2 else b"")
    (found,) = messages([frame(packet)])
    assert (found.payload, found.transport) == (REGISTER, "TCP")
    assert (found.source, found.destination) == (Endpoint("2000::1", 5061), Endpoint("2000::2", 5060))


@pytest.mark.parametrize(("protocol", "transport"), [(17, "UDP"), (6, "TCP"), (132, "SCTP"), (22, "TLS")])
def test_transports(protocol: int, transport: str) -> None:
    assert [one.transport for one in messages([frame(fixed(1, protocol=protocol))])] == [transport]


@pytest.mark.parametrize("number", [1, 2])
def test_the_capture_cut_the_message(number: int) -> None:
    octets = frame(fixed(number, clock=clock() if number == 2 else b""))
    found, _, _ = read(pcap([octets], snap=len(octets) - 30))
    assert [(one.payload, one.missing) for one in found] == [(REGISTER[:-30], 30)]


def test_a_fragmented_packet_of_version_1() -> None:
    body = udp(fixed(1, payload=message(1, b"x" * 2000)), 9060, 9060)
    parts = [ethernet(ip4(body[:1400], more=True)), ethernet(ip4(body[1400:], offset=1400))]
    assert messages(parts)[0].payload == message(1, b"x" * 2000)


@pytest.mark.parametrize(
    "packet",
    [
        fixed(3),
        fixed(1, family=10),
        fixed(1, protocol=1),
        fixed(1, payload=RTP),
        fixed(2),
        fixed(1, ends=IPV4 + b"x"),
        fixed(1, ends=IPV6, family=2),
        fixed(1)[:16],
        fixed(1)[:9],
        b"\x01\x01\x00\x40\x21\x12\xa4\x42" + bytes(60),
        b"\x02",
    ],
)
def test_what_does_not_agree_with_itself_is_no_hep(packet: bytes) -> None:
    """Versions 1 and 2 have no magic number: what is not one is some other traffic, and no defect."""
    found, _, reading = read(pcap([frame(packet)]))
    assert found == []
    source = reading.sources[0]
    assert (source.defects, source.other + source.keepalives) == (0, 1)


def test_kamailio_siptrace() -> None:
    """Kamailio 5.6.3, whose siptrace sends version 1 unless told otherwise."""
    with open_sources([DATA / "real" / "kamailio-siptrace-hep1.pcapng"]) as reading:
        (found,) = reading
    assert isinstance(found, RawMessage)
    assert found.payload.startswith(b"REGISTER sip:127.0.0.1 SIP/2.0\r\n")
    assert found.payload.endswith(b"Content-Length: 0\r\n\r\n")
    assert (found.source, found.destination) == (Endpoint("127.0.0.1", 38270), Endpoint("127.0.0.1", 5060))


def test_kamailio_siptrace_of_version_2() -> None:
    """The clock of Kamailio is that of the collector's machine here: the packet was captured 0.1 ms later at most."""
    with open_sources([DATA / "real" / "kamailio-siptrace-hep2.pcap"]) as reading:
        request, response = reading
    assert isinstance(request, RawMessage)
    assert isinstance(response, RawMessage)
    assert request.payload.startswith(b"REGISTER sip:lab.invalid SIP/2.0\r\n")
    assert response.payload.startswith(b"SIP/2.0 200 OK\r\n")
    assert (request.source, request.destination) == (Endpoint("127.0.0.1", 15070), Endpoint("127.0.0.1", 15060))
    assert (response.source, response.destination) == (request.destination, request.source)
    assert (request.time, response.time) == (1796002030619370000, 1796002030619622000)


@given(st.binary(max_size=100))
def test_noise_of_version_1_and_2_never_raises(noise: bytes) -> None:
    read(pcap([frame(fixed(number, clock=noise)) for number in (1, 2)] + [frame(noise), frame(b"\2" + noise)]))


@given(st.binary(max_size=100))
def test_noise_never_raises(noise: bytes) -> None:
    read(pcap([frame(b"HEP3" + noise), frame(hep(ENDS, noise, chunk(15, REGISTER)))]))
