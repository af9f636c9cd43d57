"""Whatever a capture holds, reading it raises nothing, ends, and accounts for what it read."""

from __future__ import annotations

import gzip
import io
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzer.capture.opener import open_sources
from analyzer.defect import SourceError
from analyzer.evidence import RawMessage
from tests.capture import build
from tests.capture.build import REGISTER, ethernet, fragment6, frame, ip4, ip6, message, pcap, pcapng, tcp, udp
from tests.capture.tcp_talk import Talk

TALK = (
    Talk().open().up(0, message(1)[:50]).up(80, message(1)[80:]).down(0, b"\r\n").up(50, message(1)[50:80]).fin(200, 2)
)
FRAMES = [
    frame(),
    ethernet(ip6(udp(REGISTER)), tags=[0x8100]),
    ethernet(ip4(udp(REGISTER)[:80], more=True)),
    ethernet(ip4(udp(REGISTER)[80:], offset=80)),
    ethernet(ip6(fragment6(udp(REGISTER), 17, 0, False), 44)),
    ethernet(ip4(b"\x03\x03" + bytes(6) + ip4(udp(REGISTER)), 1)),
    ethernet(ip4(udp(b"\x30\xff\0\x90\0\0\0\x01" + ip4(udp(REGISTER)), 2152, 2152))),
    *TALK.frames,
]
CAPTURES = [pcap(FRAMES), pcapng(FRAMES), gzip.compress(pcap(FRAMES), mtime=0)]


def drain(capture: bytes) -> list[RawMessage]:
    """Read it all; what must hold for every capture."""
    try:
        reading = open_sources([io.BytesIO(capture)])
    except SourceError as error:
        assert "\n" not in str(error)
        return []
    with reading:
        found = [item for item in reading if isinstance(item, RawMessage)]
        (source,) = reading.sources
    if source.kind == "capture":
        assert len(found) == source.messages
        assert sum(len(one.payload) for one in found) <= 64 * len(capture)
    assert len(source.defect_list) <= source.defects
    return found


CHANGES = st.lists(st.tuples(st.integers(0, 10**4), st.integers(0, 255)), min_size=1, max_size=12)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(CAPTURES), CHANGES)
def test_octets_changed(capture: bytes, changes: list[tuple[int, int]]) -> None:
    octets = bytearray(capture)
    for place, octet in changes:
        octets[place % len(octets)] = octet
    drain(bytes(octets))


@settings(max_examples=100)
@given(st.sampled_from(CAPTURES[:2]), st.integers(0, 10**4), st.integers(0, 10**4))
def test_a_piece_cut_out(capture: bytes, one: int, other: int) -> None:
    start, end = sorted((one % len(capture), other % len(capture)))
    drain(capture[:start] + capture[end:])


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(0, len(FRAMES) - 1), CHANGES), max_size=15))
def test_packets_changed_in_a_sound_file(picks: list[tuple[int, list[tuple[int, int]]]]) -> None:
    frames = []
    for index, changes in picks:
        octets = bytearray(FRAMES[index])
        for place, octet in changes:
            octets[place % len(octets)] = octet
        frames.append(bytes(octets))
    drain(pcap(frames))


def flood_of_fragments() -> list[bytes]:
    return [ethernet(ip4(b"x" * 8, ident=index % 7, offset=(index * 16) % 65000, more=True)) for index in range(20000)]


def flood_of_holes() -> list[bytes]:
    return Talk().open().frames + [ethernet(ip4(tcp(b"y" * 8, 5000 + 16 * index), 6)) for index in range(20000)]


def flood_of_ports() -> list[bytes]:
    return [ethernet(ip4(tcp(b"REGISTER sip:a SIP/2.0\r\n", 1, sport=index), 6)) for index in range(20000)]


def flood_of_lines() -> list[bytes]:
    return Talk().open().frames + [ethernet(ip4(tcp(b"\n" * 1000, 1001 + 1000 * index), 6)) for index in range(1000)]


@pytest.mark.parametrize("flood", [flood_of_fragments, flood_of_holes, flood_of_ports, flood_of_lines])
def test_floods_take_little_time(flood: build.Flood) -> None:
    capture = pcap(flood(), times=None)
    begin = time.perf_counter()
    drain(capture)
    assert time.perf_counter() - begin < 8
