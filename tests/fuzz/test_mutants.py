"""The changes that the short runs make: the same every time, of every kind, never too long."""

from __future__ import annotations

import random

from tests.fuzz import mutants as m
from tests.fuzz.on_captures import frames_of, joined, segment, segments_of
from tests.fuzz.on_job import item, items_of

SEEDS = [b"REGISTER sip:x SIP/2.0\r\nCSeq: 12 REGISTER\r\n\r\n", bytes(range(64))]


def test_the_same_seed_gives_the_same_octets() -> None:
    assert list(m.mutants(SEEDS, 50, 7)) == list(m.mutants(SEEDS, 50, 7))
    assert list(m.mutants(SEEDS, 50, 7)) != list(m.mutants(SEEDS, 50, 8))


def test_the_seeds_come_first_and_as_they_are() -> None:
    found = list(m.mutants(SEEDS, 30))
    assert found[:2] == SEEDS
    assert len(found) == 32
    assert len(set(found)) > 20


def test_each_change_changes() -> None:
    for change in set(m._CHANGES):
        results = {change(SEEDS[0], random.Random(seed)) for seed in range(20)}
        assert results - {SEEDS[0]}, change.__name__


def test_each_change_takes_nothing_at_all() -> None:
    for change in set(m._CHANGES):
        for seed in range(10):
            assert isinstance(change(b"", random.Random(seed)), bytes)


def test_numbers_replace_digits() -> None:
    results = {m._numbered(b"CSeq: 12 REGISTER", random.Random(seed)) for seed in range(30)}
    assert b"CSeq: 4294967296 REGISTER" in results or b"CSeq: 14294967296 REGISTER" in results
    assert all(result.startswith(b"CSeq: ") for result in results)


def test_nothing_grows_without_bound() -> None:
    octets = b"x" * m.LONGEST
    for seed in range(20):
        assert len(m.changed(octets, random.Random(seed))) <= m.LONGEST


def test_packets_are_cut_as_they_were_joined() -> None:
    frames = [b"one", b"", b"three" * 100]
    assert list(frames_of(joined(frames))) == frames
    assert list(frames_of(joined(frames)[:-1]))[-1] == frames[-1][:-1]
    assert list(frames_of(b"\0")) == []


def test_segments_follow_each_other() -> None:
    first, second, back = segments_of(segment(b"abc") + segment(b"de") + segment(b"x", back=True, ack=-5))
    assert first.endswith(b"abc")
    assert int.from_bytes(second[24:28], "big") == int.from_bytes(first[24:28], "big") + 3
    assert back[12:16] == first[16:20]
    assert int.from_bytes(back[28:32], "big") == 1000


def test_items_take_their_size_and_time() -> None:
    first, second = items_of(item(b"abc", step=0) + item(b"de", 1, address=2, step=100))
    assert (first.source, second.destination.port) == (second.destination._replace(port=5060), 5062)
    assert (second.time or 0) - (first.time or 0) == 10**9
