"""Rayleigh's test against its textbook values, and the steps from in step to spread out."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from analyzer.storm.coherence import coherence_of, in_step
from analyzer.storm.marks import marks_of
from analyzer.storm.traffic import traffic_of
from analyzer.storm.values import Coherence
from tests.storm.fleets import Pairs, periodic, table, together


def coherence(made: pd.DataFrame) -> Coherence | None:
    """The coherence of all refreshes of a table."""
    traffic = traffic_of(made)
    marks = marks_of(traffic)
    return coherence_of(traffic, np.flatnonzero(marks.refresh), marks)


def fleet(spread: float, users: int = 200, rounds: int = 5) -> pd.DataFrame:
    """Phones that refresh every 60 s, whose first registrations take a part `spread` of that."""
    pairs = periodic(users, 60.0, 60.0 * rounds, np.random.default_rng(9), spread=spread)
    return together(table(pairs, granted=120))


def test_all_at_once_is_one() -> None:
    found = coherence(fleet(0.0001))
    assert found is not None
    assert found.length == pytest.approx(1.0, abs=1e-3)
    assert found.period == pytest.approx(60.0, abs=0.01)
    assert found.refreshes == 200 * 4
    assert max(found.histogram) == sum(found.histogram) == 800


@pytest.mark.parametrize("part", [0.1, 0.25, 0.5, 0.75])
def test_evenly_over_a_part_of_the_interval_is_the_sine_of_it(part: float) -> None:
    """The mean of unit vectors over an arc of 2 pi times `part` is sin(pi part) / (pi part)."""
    found = coherence(fleet(part, users=2000))
    assert found is not None
    assert found.length == pytest.approx(math.sin(math.pi * part) / (math.pi * part), abs=0.05)


def test_the_chance_is_that_of_rayleigh() -> None:
    found = coherence(fleet(0.8))
    assert found is not None
    assert math.log(found.p) == pytest.approx(-found.refreshes * found.length**2)


def test_spread_evenly_is_next_to_nothing() -> None:
    found = coherence(fleet(1.0, users=1000))
    assert found is not None
    assert found.length < 0.1
    assert not in_step(found)


def test_less_spread_is_more_coherence() -> None:
    lengths = [found.length for part in (0.9, 0.6, 0.3, 0.1) if (found := coherence(fleet(part))) is not None]
    assert len(lengths) == 4
    assert lengths == sorted(lengths)


@pytest.mark.parametrize(("users", "rounds"), [(200, 1), (5, 4)])
def test_too_few_refreshes_tell_nothing(users: int, rounds: int) -> None:
    assert coherence(fleet(0.01, users=users, rounds=rounds)) is None


def test_one_wave_is_no_rhythm() -> None:
    """Two rounds have one wave of refreshes: whether there will be another nobody knows."""
    assert coherence(fleet(0.01, rounds=2)) is None


@pytest.mark.parametrize(
    ("length", "p", "kept"), [(0.9, 1e-9, True), (0.9, 0.01, False), (0.3, 1e-30, False), (0.5, 1e-7, True)]
)
def test_in_step_is_neither_chance_nor_slight(length: float, p: float, kept: bool) -> None:
    assert in_step(Coherence(60.0, 100, length, p, (1,) * 24)) is kept


def test_nothing_is_not_in_step() -> None:
    assert not in_step(None)


def test_new_registrations_are_no_refreshes() -> None:
    pairs = periodic(100, 60.0, 300.0, np.random.default_rng(3), spread=0.01)
    made = table(Pairs(pairs.time, pairs.user), calls=np.arange(len(pairs.time)))
    assert coherence(together(made)) is None
