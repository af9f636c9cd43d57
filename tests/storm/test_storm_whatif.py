"""What would have been: a peak with jitter against a simulation of it, expiry against division."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.storm.analysis import storms
from analyzer.storm.phases import peak_of
from analyzer.storm.traffic import SECOND
from analyzer.storm.values import Storm
from analyzer.storm.whatif import EXPIRIES, JITTERS, jittered
from tests.storm.fleets import Pairs, periodic, table, together

FEW = settings(max_examples=60, deadline=None)


def in_step(users: int = 400) -> Storm:
    """Phones that refresh all at once every minute, with others around."""
    rng = np.random.default_rng(7)
    calm = table(periodic(300, 120.0, 240.0, rng), granted=240, prefix="calm")
    found = storms(together(calm, table(periodic(users, 60.0, 240.0, rng, spread=0.005), granted=120, prefix="s")))
    return found.storms[0]


def rates(storm: Storm, kind: str) -> dict[str, float]:
    return {case.change: case.peak_rate for case in storm.what_if if case.change.startswith(kind)}


@pytest.mark.parametrize("spread", [2.0, 10.0, 60.0])
def test_jitter_is_what_a_simulation_gives(spread: float) -> None:
    """A burst of 20,000 requests in one second, each moved by a random time; chance makes the highest second of one
    trial a little higher than the rate that is to be expected, by some three of its square roots."""
    rng = np.random.default_rng(5)
    times = np.sort((rng.uniform(0, 1, 20_000) * SECOND).astype(np.int64))
    moved = times + (rng.uniform(0, spread, len(times)) * SECOND).astype(np.int64)
    highest = peak_of(moved)[0]
    assert highest - 4 * highest**0.5 <= jittered(times, spread) <= highest


@FEW
@given(st.lists(st.integers(0, 60_000), min_size=1, max_size=200), st.floats(1.1, 50))
def test_jitter_never_makes_a_peak_higher_than_all_at_once(ticks: list[int], spread: float) -> None:
    times = np.sort(np.array(ticks, dtype=np.int64) * (SECOND // 1000))
    assert len(times) / (60 + spread) <= jittered(times, spread) + 1e-9
    assert jittered(times, spread) <= len(times) / spread + 1e-9
    assert jittered(times, spread * 2) <= jittered(times, spread) + 1e-9


def test_jitter_below_a_second_changes_nothing() -> None:
    times = np.array([0, 1, 2, 3 * SECOND], dtype=np.int64)
    assert jittered(times, 0.5) == 3


def test_the_cases_of_jitter() -> None:
    cases = rates(in_step(), "jitter")
    assert list(cases) == [f"jitter {part}% of 60 s" for part in JITTERS]
    # 800 requests a wave over a tenth, a quarter, a half of a minute, and all of it; the others send five a second.
    for part in JITTERS:
        assert cases[f"jitter {part}% of 60 s"] == pytest.approx(800 / (0.6 * part) + 5, rel=0.05)


def test_expiry_is_users_by_requests_by_half_a_lifetime() -> None:
    storm = in_step()
    cases = rates(storm, "expiry")
    for expiry in EXPIRIES:
        assert cases[f"expiry {expiry} s"] == pytest.approx(storm.users * 2 / (expiry / 2), rel=0.02)


@pytest.mark.parametrize("statuses", [(401, 403), (401, 401)])
def test_what_comes_of_no_timetable_has_no_such_cure(statuses: tuple[int, int]) -> None:
    calm = table(periodic(300, 120.0, 240.0, np.random.default_rng(1)), granted=240, prefix="calm")
    first = 100 + np.linspace(0, 1, 60, endpoint=False)
    loop = Pairs((first[:, None] + np.arange(30)).ravel(), np.repeat(np.arange(60), 30))
    (storm,) = storms(together(calm, table(loop, statuses=statuses, prefix="wrong"))).storms
    assert storm.causes[0].cause == "auth-loop"
    assert storm.what_if == ()


def test_without_refreshes_half_of_what_was_granted_is_the_interval() -> None:
    calm = table(periodic(200, 600.0, 600.0, np.random.default_rng(1)), granted=1200, prefix="calm")
    burst = Pairs(300 + np.random.default_rng(2).uniform(0, 2, 500), np.arange(500))
    (storm,) = storms(together(calm, table(burst, granted=900, prefix="b"))).storms
    assert next(iter(rates(storm, "jitter"))) == "jitter 10% of 450 s"
