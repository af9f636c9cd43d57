"""Lanes find what single steps find, whatever was guessed."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import numpy as np
import pytest

from analyzer.columnar import walk as walking
from analyzer.columnar.packets import records_of
from analyzer.columnar.pcap_records import _chain, _head
from analyzer.columnar.records import Unsuited, mapped
from analyzer.columnar.walk import Chain, Octets, walk
from tests.columnar.captures import Packet, write
from tests.columnar.pcapng_files import write_pcapng

_SIZE = struct.Struct("<I")


@pytest.fixture(autouse=True)
def _many_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lanes in files that are small."""
    monkeypatch.setattr(walking, "_FIRST", 8)
    monkeypatch.setattr(walking, "_LANE", 8)
    monkeypatch.setattr(walking, "_FEW_LANES", 2)


def _chain_that_guesses(guess: walking.Guess) -> Chain:
    """Records that begin with their own length, 4 to 4,000 octets."""
    return Chain("<", 0, 0, 4, 4000, 1, 4, guess)


def _file(chance: random.Random, count: int, longest: int) -> tuple[Octets, list[int]]:
    """Records of any octets, and where they begin."""
    sizes = [chance.randint(4, longest) for _ in range(count)]
    octets = b"".join(_SIZE.pack(size) + chance.randbytes(size - 4) for size in sizes)
    return np.frombuffer(octets, np.uint8), (np.cumsum(sizes) - sizes).tolist()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("right", [0.0, 0.5, 1.0])
def test_guesses_right_and_wrong(seed: int, right: float) -> None:
    chance = random.Random(seed)
    octets, places = _file(chance, 700, chance.choice((8, 40, 400)))

    def guess(_: memoryview, begin: int, end: int) -> int:
        if chance.random() >= right:
            return chance.choice((-1, chance.randrange(begin, end)))
        return next((place for place in places if begin <= place < end), -1)

    at, stop = walk(octets, 0, _chain_that_guesses(guess))
    assert at.tolist() == places
    assert stop == len(octets)


@pytest.mark.parametrize("cut", [1, 3, 4, 5, 37])
def test_the_walk_stops_where_a_record_is_not_whole(cut: int) -> None:
    octets, places = _file(random.Random(cut), 500, 40)
    places = [place for place in places if place + _SIZE.unpack_from(octets.data, place)[0] <= len(octets) - cut]
    at, stop = walk(octets[:-cut], 0, _chain_that_guesses(lambda _, begin, __: begin))
    assert at.tolist() == places
    assert stop == places[-1] + _SIZE.unpack_from(octets.data, places[-1])[0]


@pytest.mark.parametrize("length", [0, 1, 3, 4001, 0xFFFFFFFF])
@pytest.mark.parametrize("which", [0, 5, 8, 250, 499])
def test_the_walk_stops_where_a_length_cannot_be_one(length: int, which: int) -> None:
    octets, places = _file(random.Random(which), 500, 40)
    broken = octets.copy()
    broken[places[which] : places[which] + 4] = np.frombuffer(_SIZE.pack(length), np.uint8)
    guesses = set(places)
    guess = _chain_that_guesses(lambda _, begin, end: next((at for at in range(begin, end) if at in guesses), -1))
    at, stop = walk(broken, 0, guess)
    assert at.tolist() == places[:which]
    assert stop == places[which]


def test_a_record_longer_than_a_lane_leaps_over_others() -> None:
    long = _SIZE.pack(3000) + _SIZE.pack(4) * 749  # what is in it looks like records, too
    octets = np.frombuffer((_SIZE.pack(8) * 2) * 60 + long + (_SIZE.pack(8) * 2) * 300, np.uint8)
    at, stop = walk(octets, 0, _chain_that_guesses(lambda _, begin, __: begin + -begin % 4))
    assert np.diff(at).tolist() == [8] * 60 + [3000] + [8] * 299
    assert stop == len(octets)


def test_a_number_that_is_no_multiple_ends_it() -> None:
    octets = np.frombuffer(b"".join(_SIZE.pack(size) + bytes(size - 4) for size in [8] * 200 + [10, 8]), np.uint8)
    chain = _chain_that_guesses(lambda _, begin, __: begin - begin % 8)._replace(unit=4)
    at, stop = walk(octets, 0, chain)
    assert (len(at), stop) == (200, 1600)


def _random_packets(chance: random.Random, count: int) -> list[Packet]:
    """Packets of any octets, many of which are noughts or a pattern that repeats itself, as silence is."""
    kinds = (chance.randbytes, bytes, lambda size: (b"\x08\0\0\0" * size)[:size], lambda size: b"\x06\0\0\0" * size)
    return [
        Packet(1_000_000_000_000_000 + 20 * at, chance.choice(kinds)(chance.randint(1, 300))) for at in range(count)
    ]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("seed", range(3))
def test_packets_whose_octets_look_like_records(tmp_path: Path, order: str, seed: int) -> None:
    several = _random_packets(random.Random(seed), 900)
    sizes = [len(one.frame) for one in several]
    classic = records_of(write(tmp_path / "some.pcap", several, order=order))
    assert classic.size.tolist() == sizes
    assert (
        classic.at.tolist() == (24 + np.cumsum([16 + size for size in sizes]) - [16 + size for size in sizes]).tolist()
    )
    blocks = records_of(write_pcapng(tmp_path / "some.pcapng", several, order))
    assert blocks.size.tolist() == sizes
    for one, at in zip(several, blocks.at.tolist(), strict=True):
        assert blocks.octets[at + 28 : at + 28 + len(one.frame)].tobytes() == one.frame
    assert (classic.time == blocks.time).all()


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_beginning_of_a_record_is_found(tmp_path: Path, order: str) -> None:
    chance = random.Random(4)
    several = [Packet(10**15 + at, chance.randbytes(chance.randint(1, 300))) for at in range(400)]
    path = write(tmp_path / "some.pcap", several, order=order)
    octets, places = mapped(str(path)), records_of(path).at.tolist()
    chain = _chain(_head(octets))
    right = 0
    for begin in range(100, len(octets) - 2000, 997):
        guess = chain.guess(octets.data, begin, begin + 2000)
        right += guess == next(place for place in places if place >= begin)
    assert right > 0.9 * len(range(100, len(octets) - 2000, 997))
    assert chain.guess(octets.data, places[3] + 1, places[3] + 2) == -1


def test_small_files_are_walked_step_by_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "_FEW_LANES", 1000)
    path = write(tmp_path / "some.pcap", _random_packets(random.Random(1), 300))
    assert len(records_of(path)) == 300


@pytest.mark.parametrize("guessed", [True, False])
@pytest.mark.parametrize(("room", "is_enough"), [(3000, True), (1200, False)])
def test_more_records_than_there_is_memory_for(
    guessed: bool, room: int, is_enough: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether lanes are walked abreast or one after the other, the walk ends where memory would."""
    monkeypatch.setattr(walking, "memory", lambda: 2 * 64 * room)
    octets, places = _file(random.Random(3), 1500, 40)
    known = set(places)
    chain = _chain_that_guesses(
        lambda _, begin, end: next((at for at in range(begin, end) if at in known), -1) if guessed else -1
    )
    if is_enough:
        assert walk(octets, 0, chain)[0].tolist() == places
        return
    with pytest.raises(Unsuited, match="too many records"):
        walk(octets, 0, chain)
