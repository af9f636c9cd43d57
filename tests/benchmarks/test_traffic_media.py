"""The capture that is mostly media: right shares, streams as calls have them, registrations whole among them."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from pathlib import Path

import dpkt
import pytest

import analyzer
from benchmarks.frames import Packet
from benchmarks.media import TICK, MediaPlan, media
from benchmarks.population import write_users
from benchmarks.traffic import EDITION, make_media

PLAN = MediaPlan(packets=20_000, calls=10)


def datagrams(packets: list[Packet], *, odd: bool) -> dict[tuple[bytes, int], list[tuple[int, bytes]]]:
    """Times and payloads by sender, of RTCP (odd ports) or of RTP."""
    streams: dict[tuple[bytes, int], list[tuple[int, bytes]]] = {}
    for micros, octets in packets:
        packet = dpkt.ethernet.Ethernet(octets).ip
        if packet.udp.sport % 2 == odd:
            streams.setdefault((packet.src, packet.udp.sport), []).append((micros, bytes(packet.udp.data)))
    return streams


@pytest.fixture(scope="module")
def spoken() -> list[Packet]:
    """What ten calls say."""
    return list(media(PLAN))


@pytest.mark.parametrize("packets", [0, 1, 399, 20_000])
def test_count_is_exact_and_in_time_order(packets: int) -> None:
    times = [micros for micros, _ in media(MediaPlan(packets, calls=10))]
    assert len(times) == packets
    assert times == sorted(times)


def test_same_seed_gives_the_same_bytes(spoken: list[Packet]) -> None:
    assert spoken == list(media(PLAN))
    assert spoken != list(media(MediaPlan(PLAN.packets, calls=10, seed=2)))


def test_bytes_are_those_of_this_edition(tmp_path: Path) -> None:
    make_media(tmp_path / "media.pcap", 2000, 5, 1)
    expected = {1: "13c4f6ab2e2bea6f00510207db9d07ab11b4250be464cc61dce7c42bbbd5d978"}
    assert hashlib.sha256((tmp_path / "media.pcap").read_bytes()).hexdigest() == expected[EDITION]


def test_streams_are_steady(spoken: list[Packet]) -> None:
    streams = datagrams(spoken, odd=False)
    assert len(streams) == 20
    for packets in streams.values():
        heads = [dpkt.rtp.RTP(payload) for _, payload in packets]
        assert len({head.ssrc for head in heads}) == len({head.pt for head in heads}) == 1
        assert {(after.seq - before.seq) % 2**16 for before, after in pairwise(heads)} == {1}
        assert {(after.ts - before.ts) % 2**32 for before, after in pairwise(heads)} == {160}
        assert {after - before for (before, _), (after, _) in pairwise(packets)} == {TICK}


def test_codecs_and_sizes(spoken: list[Packet]) -> None:
    kinds = {
        (payload[1] & 0x7F, len(payload)) for packets in datagrams(spoken, odd=False).values() for _, payload in packets
    }
    assert kinds == {(0, 172), (8, 172), (18, 32)}


def test_reports_come_every_five_seconds(spoken: list[Packet]) -> None:
    reports = datagrams(spoken, odd=True)
    assert len(reports) == 20
    for packets in reports.values():
        assert {after - before for (before, _), (after, _) in pairwise(packets)} == {250 * TICK}
        for _, payload in packets:
            assert payload[:2] == b"\x80\xc8"
            length = 4 * (int.from_bytes(payload[2:4]) + 1)
            assert payload[length : length + 2] == b"\x81\xca"
            assert len(payload) == length + 4 * (int.from_bytes(payload[length + 2 : length + 4]) + 1)


def test_two_in_a_hundred_are_sip_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "media.pcap"
    totals = make_media(path, 25_000, 60, 1)
    write_users(tmp_path / "users.csv", 60, 1)
    report = analyzer.analyze(str(path), credentials=str(tmp_path / "users.csv"))
    assert (totals.packets, totals.messages) == (25_000, 500)
    assert (report.sources[0].frames, report.summary.messages) == (25_000, 500)
    assert report.summary.outcomes == {
        "registered": totals.users - totals.users_refused,
        "rejected": totals.users_refused,
    }
    assert report.summary.digests.get("mismatch", 0) == totals.exchanges_refused
    assert report.summary.digests["match"] == totals.exchanges - totals.exchanges_refused


def test_both_kinds_last_as_long(tmp_path: Path) -> None:
    path = tmp_path / "media.pcap"
    make_media(path, 150_000, 750, 1)
    last: dict[bool, float] = {}
    with path.open("rb") as file:
        for time, octets in dpkt.pcap.Reader(file):
            last[b"SIP/2.0" in octets] = time
    span = last[False] - 1_767_258_000
    assert last[True] - 1_767_258_000 == pytest.approx(span, abs=3.0)
