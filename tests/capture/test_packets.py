"""The hot path: what it gives, and that the slow way gives the same."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.capture import packets
from analyzer.evidence import Endpoint, Fidelity, Frame, RawMessage
from tests.capture import build
from tests.capture.build import OK, REGISTER, RTP, ethernet, frame, ip4, ip6, pcap, read, udp


def test_a_datagram_says_where_it_came_from() -> None:
    found, aborts, reading = read(pcap([frame(RTP), frame(REGISTER, sport=5070), frame(OK)]))
    assert aborts == []
    assert found[0] == RawMessage(
        payload=REGISTER,
        time=build.at(1),
        place=Frame("stream", 2, 24 + 16 + len(frame(RTP))),
        source=Endpoint("10.0.0.1", 5070),
        destination=Endpoint("10.0.0.2", 5060),
        transport="UDP",
        fidelity=Fidelity.WIRE,
        ip_id=1,
    )
    (source,) = reading.sources
    assert (source.frames, source.messages, source.other, source.keepalives) == (3, 2, 1, 0)
    assert (source.first, source.last) == (build.at(0), build.at(2))
    assert (source.kind, source.format, source.title) == ("capture", "pcap", "pcap capture")


def test_ipv6_has_no_identification() -> None:
    (found,) = build.messages([ethernet(ip6(udp(REGISTER)))])
    assert found.ip_id is None
    assert str(found.source) == "[fd00::1]:5060"


@pytest.mark.parametrize("payload", [b"\r\n\r\n", b"\0\0\0\0", b"jaK\0", b"\x00\x01\0\0\x21\x12\xa4\x42" + bytes(12)])
def test_keepalives_are_counted_and_not_given(payload: bytes) -> None:
    found, _, reading = read(pcap([frame(payload)]))
    assert found == []
    assert (reading.sources[0].keepalives, reading.sources[0].other) == (1, 0)


PAYLOADS = st.one_of(st.binary(max_size=60), st.sampled_from([REGISTER, OK, RTP, b"\r\n", b"jaK", b"\x08" * 60]))
PORTS = st.sampled_from([5060, 2152, 4789, 1234])


@given(PAYLOADS, PORTS, st.booleans(), st.sampled_from([None, 0, 20, 60]), st.integers(0, 40))
def test_both_ways_agree(payload: bytes, port: int, v6: bool, length: int | None, cut: int) -> None:
    body = udp(payload, 5060, port, length)
    packet = ethernet(ip6(body) if v6 else ip4(body))
    capture = pcap([packet], snap=len(packet) - cut)
    fast = read(capture)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packets, "fast_udp", lambda *_: 0)
        slow = read(capture)
    assert fast[:2] == slow[:2]
    one, other = fast[2].sources[0], slow[2].sources[0]
    assert (one.other, one.keepalives, one.messages) == (other.other, other.keepalives, other.messages)


def test_a_snap_length_is_told_and_counted() -> None:
    capture = pcap([frame(REGISTER), frame(OK), frame(RTP)], snap=100)
    found, _, reading = read(capture)
    assert [one.payload for one in found] == [REGISTER[:58], OK[:58]]
    assert [one.missing for one in found] == [len(REGISTER) - 58, len(OK) - 58]
    assert reading.sources[0].quality == ["3 packets are cut at 100 octets"]


def test_half_a_start_line_is_still_a_message() -> None:
    (found,), _, _ = read(pcap([frame(REGISTER)], snap=42 + 16))
    assert found.payload == b"REGISTER sip:lab"
    assert found.missing == len(REGISTER) - 16


def test_records_without_time() -> None:
    capture = build.section() + build.interface() + build.simple(frame())
    (found,), _, reading = read(capture)
    assert found.time is None
    assert (reading.sources[0].first, reading.sources[0].last) == (None, None)


def test_clock_steps_do_not_disturb() -> None:
    times = [(build.EPOCH, 0), (build.EPOCH - 5, 0), (build.EPOCH + 5, 0)]
    _, _, reading = read(pcap([frame()] * 3, times=times))
    source = reading.sources[0]
    assert (source.first, source.last) == (build.at(-5), build.at(5))


def test_other_protocols_pass() -> None:
    arp = bytes(12) + b"\x08\x06" + bytes(28)
    found, aborts, reading = read(pcap([arp, b"", b"\0" * 13, ethernet(ip4(b"sctp", 132)), frame()]))
    assert (len(found), aborts) == (1, [])
    assert reading.sources[0].frames == 5
    assert reading.sources[0].defects == 0


def test_media_costs_little() -> None:
    """About 2 microseconds per packet where this was written; ten times that is a mistake, not a slow machine."""
    capture = pcap([frame(RTP)] * 20000)
    begin = time.perf_counter()
    _, _, reading = read(capture)
    assert time.perf_counter() - begin < 20000 * 25e-6
    assert reading.sources[0].other == 20000
