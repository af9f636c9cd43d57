"""Nonces are remembered as if the object path had heard of all, also of those that are only counted."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import numpy as np
import pytest

from analyzer.columnar.nonces import Remembered, Told
from analyzer.register.bounded import Bounded
from analyzer.register.challenges import NonceUse
from tests.columnar.captures import SECOND, Packet, assert_same, packets, storm, write
from tests.columnar.phones import Phone, saying, together

_LIMIT = 24


class _Both:
    """A table that hears of all nonces, and one that hears of its own and counts the others."""

    def __init__(self, touches: list[tuple[int, str]]) -> None:
        """`touches`: the others' by the numbers of their messages."""
        self.number = 0
        self.whole: Bounded[tuple[str, str, str], NonceUse] = Bounded(_LIMIT)
        first: dict[str, int] = {}
        for number, nonce in touches:
            first.setdefault(nonce, number)
        names = list(first)
        told = Told(
            np.array(list(first.values()), np.int64),
            np.array([number for number, _ in touches], np.int64),
            np.array([names.index(nonce) for _, nonce in touches], np.int64),
        )
        self.counted: Remembered[tuple[str, str, str], NonceUse] = Remembered(_LIMIT, told, lambda: self.number)

    def other(self, nonce: str) -> None:
        """A message of somebody else, with a nonce."""
        key = ("s", "r", nonce)
        if self.whole.get(key) is None:
            self.whole[key] = NonceUse(0)

    def own(self, nonce: str, *, is_given: bool) -> None:
        """A message of one's own, which gives a nonce out or looks it up."""
        key = ("s", "r", nonce)
        assert (key in self.whole) == (key in self.counted)
        for table in (self.whole, self.counted):
            if table.get(key) is None and is_given:
                table[key] = NonceUse(0)
        self.check()

    def check(self) -> None:
        """Both have forgotten as many."""
        assert self.whole.evicted == self.counted.evicted


def test_nothing_is_kept_of_those_that_had_to_go() -> None:
    both = _Both([])
    for number in range(10 * _LIMIT):
        both.number = number
        both.own(f"n{number}", is_given=True)
    assert len(both.counted._used) <= 2 * _LIMIT


@pytest.mark.parametrize("seed", range(40))
def test_what_is_counted_is_as_what_is_told(seed: int) -> None:
    chance = random.Random(seed)
    steps: list[tuple[bool, str, bool]] = []
    others: list[str] = []
    for number in range(400):
        if chance.random() < 0.6:
            is_new = not others or chance.random() < 0.5
            others += [f"o{number}"] if is_new else []
            steps.append((False, others[-1] if is_new else chance.choice(others[-4:]), True))
        else:
            steps.append((True, f"m{chance.randrange(12)}", chance.random() < 0.5))
    touches = [(number, nonce) for number, (is_own, nonce, _) in enumerate(steps, 1) if not is_own]
    tables = _Both(touches)
    for number, (is_own, nonce, is_given) in enumerate(steps, 1):
        tables.number = number
        if is_own:
            tables.own(nonce, is_given=is_given)
        else:
            tables.other(nonce)
    tables.number += 1
    tables.check()


def test_all_others_are_forgotten_but_the_latest() -> None:
    tables = _Both([(number, f"o{number}") for number in range(2, 2 + _LIMIT)])
    tables.number = 1
    tables.own("mine", is_given=True)
    for number in range(2, 1 + _LIMIT):
        tables.number = number
        tables.other(f"o{number}")
    tables.number = 1 + _LIMIT
    assert ("s", "r", "mine") in tables.counted
    tables.other(f"o{1 + _LIMIT}")
    tables.number = 2 + _LIMIT
    assert ("s", "r", "mine") not in tables.counted
    assert tables.counted.get(("s", "r", "mine")) is None
    tables.check()
    assert tables.counted.evicted == 1


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """So few nonces are remembered that a storm makes them forgotten."""
    for module in ("register.challenges", "columnar.shared", "columnar.clients", "columnar.course"):
        monkeypatch.setattr(f"analyzer.{module}.MOST_NONCES", 60)


def _answered_again(several: list[Packet], gap: float) -> list[Packet]:
    """A phone that sends its first credentials again after some time, as one that keeps a nonce does."""
    own = [one for one in several if b"sip:1000012@" in one.message and b"Authorization:" in one.message]
    again = re.sub(rb"CSeq: \d+", b"CSeq: 70", own[0].message.replace(b"branch=z9hG4bK", b"branch=z9hG4bKagain"))
    late = own[0].saying(again)._replace(time=own[0].time + int(gap * SECOND))
    return sorted([*several, late], key=lambda one: one.time)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("gap", [2.0, 9.0])
def test_a_nonce_of_long_ago_is_forgotten_in_both_paths(gap: float, tmp_path: Path) -> None:
    calm = packets(storm(tmp_path, 1600, 80))
    found = assert_same(write(tmp_path / "again.pcap", _answered_again(calm, gap)))
    assert found.columns is not None, found.why
    assert found.columnar > 20
    forgotten = re.search(r"(\d+) nonces were forgotten", found.objects)
    assert forgotten is not None
    assert int(forgotten[1]) > 60


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("seed", [1, 2])
def test_a_storm_of_more_nonces_than_are_remembered(seed: int, tmp_path: Path) -> None:
    found = assert_same(storm(tmp_path, 1600, 80, seed=seed))
    assert found.columns is not None, found.why


@pytest.mark.parametrize("limit", [40, 100, 250, 290, 1000])
def test_credentials_are_forgotten_alike(limit: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One phone counts far, which is told where its nonces are known to be new, and the credentials of another are sent
    again from elsewhere, which is told where they are remembered."""
    monkeypatch.setattr("analyzer.register.nonce_counts.MOST_SESSIONS", limit)
    monkeypatch.setattr("analyzer.register.replays.MOST_SENT", limit)
    phones = [Phone(number) for number in range(100)]
    for number, phone in enumerate(phones):
        for turn in (0, 60, 120):
            phone.registers(turn + number * 0.3)
    phones[90].packets = saying(phones[90].packets, b"nc=00000001", b"nc=00028811")
    sent = next(one for one in phones[1].packets if b"Authorization" in one.message)
    elsewhere = bytearray(sent.frame)
    elsewhere[29] += 5
    again = sent._replace(frame=bytes(elsewhere), time=sent.time + 180 * SECOND)
    again = again.saying(again.message.replace(b"z9hG4bK", b"z9hG4bKq").replace(b"Call-ID: c", b"Call-ID: q"))
    several = sorted([*together(*phones), again], key=lambda one: one.time)
    found = assert_same(write(tmp_path / "few.pcap", several))
    assert found.columnar > 80, found.why
    assert ("DET-nonce-replay" in {one["rule"] for one in json.loads(found.objects)["findings"]}) is (limit > 290)
