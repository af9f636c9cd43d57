"""Ratios are taken round by round."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.spread import Spread, ratio, spread

RATES = st.lists(st.floats(1, 1e7), min_size=1, max_size=9)


@pytest.mark.parametrize(
    ("values", "expected"),
    [([3.0], (3, 3, 3)), ([1.0, 9.0, 2.0], (2, 1, 9)), ([4.0, 1.0, 3.0, 2.0], (2.5, 1, 4)), ((5.0, 5.0), (5, 5, 5))],
)
def test_spread(values: list[float], expected: tuple[float, float, float]) -> None:
    assert spread(values) == Spread(*expected)


def test_ratio_is_taken_within_each_round() -> None:
    ours, theirs = [100.0, 10.0, 60.0], [50.0, 2.0, 20.0]  # the second round was disturbed, for both
    assert ratio(ours, theirs) == Spread(3.0, 2.0, 5.0)
    assert ratio(ours, theirs).median == spread(ours).median / spread(theirs).median == 3.0
    assert ratio([100.0, 10.0, 10.0], [50.0, 2.0, 20.0]).median == 2.0  # not 10/20, the ratio of the medians


def test_no_round_is_no_number() -> None:
    with pytest.raises(ValueError, match="no round"):
        spread([])
    with pytest.raises(ValueError, match="no round"):
        ratio([], [])


def test_rounds_must_be_the_same() -> None:
    with pytest.raises(ValueError, match="zip"):
        ratio([1.0, 2.0], [1.0])


@given(RATES)
def test_spread_brackets_its_median(values: list[float]) -> None:
    found = spread(values)
    assert found.low <= found.median <= found.high
    assert {found.low, found.high} <= set(values)


@given(RATES, st.floats(0.01, 100))
def test_who_is_so_many_times_as_fast_has_that_ratio(theirs: list[float], times: float) -> None:
    found = ratio([rate * times for rate in theirs], theirs)
    assert found.low == pytest.approx(times)
    assert found.high == pytest.approx(times)
