"""What is looked up of messages that are not passed on: who was heard, and who answered whom, when."""

from __future__ import annotations

import random

import numpy as np
import pytest

from analyzer.columnar.hearsay import Heard, Index, Messages, Pairs
from analyzer.register.bounded import MessageCounter


@pytest.mark.parametrize("seed", range(5))
def test_places_of_numbers(seed: int) -> None:
    chance = random.Random(seed)
    column = np.array([chance.choice((-(2**63), -1, 0, 5, 2**62, 2**63 - 1)) for _ in range(50)], np.int64)
    index = Index(column)
    for number in (*set(column.tolist()), 7, -7, 2**61):
        assert index.places(number).tolist() == np.flatnonzero(column == number).tolist()


def test_places_in_nothing() -> None:
    assert len(Index(np.empty(0, np.int64)).places(3)) == 0


def _told(count: int) -> Messages:
    """Messages 2, 4, 6 and so on, a second after each other."""
    row = np.arange(count)
    time = row * 1000
    return Messages(row, 2 * row + 2, time, time)


def test_who_was_heard_up_to_a_message() -> None:
    counter = MessageCounter()
    heard = Heard(10, counter, ["192.0.2.1", "192.0.2.2"], np.array([0, 1, 0, 1]), _told(4))
    found = []
    for counter.number in range(1, 10):
        found.append((heard.get("192.0.2.1"), heard.get("192.0.2.2"), heard.get("192.0.2.3")))
    assert [one for one, _, _ in found] == [None, None, 0, 0, 0, 0, 2000, 2000, 2000]
    assert [two for _, two, _ in found] == [None, None, None, None, 1000, 1000, 1000, 1000, 3000]
    assert {three for *_, three in found} == {None}


def test_what_comes_by_is_heard_beside_what_does_not() -> None:
    counter = MessageCounter()
    heard = Heard(10, counter, ["192.0.2.1"], np.array([0, 0]), _told(2))
    counter.number = 3
    heard.note("192.0.2.1", 555)
    assert heard.get("192.0.2.1") == 555 and "192.0.2.1" in heard
    counter.number = 5
    assert heard.get("192.0.2.1") == 1000


def test_pairs_of_servers_and_hosts() -> None:
    """The answers are the second and the third message; both ends of the highest addresses stay apart."""
    counter = MessageCounter()
    high, low = 0xFFFFFFFF, 0xC0000201
    source, target = np.array([low, high, high, low]), np.array([high, low, high, high])
    pairs = Pairs(counter, np.array([False, True, True, False]), source, target, _told(4))
    counter.number = 100
    assert pairs.get(("255.255.255.255", "192.0.2.1")) == 1000
    assert pairs.get(("255.255.255.255", "255.255.255.255")) == 2000
    assert ("192.0.2.1", "255.255.255.255") not in pairs  # a request
    assert ("2001:db8::1", "192.0.2.1") not in pairs and ("example.com", "192.0.2.1") not in pairs
    counter.number = 4
    assert pairs.get(("255.255.255.255", "192.0.2.1")) is None
