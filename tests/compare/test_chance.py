"""Two counts differ, or it may be chance."""

from __future__ import annotations

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.compare.chance import _at_least, direction


@pytest.mark.parametrize(
    ("before", "after", "way"),
    [(0, 0, 0), (1, 2, 0), (0, 5, 0), (0, 20, 1), (20, 0, -1), (100, 120, 0), (100, 180, 1), (1000, 400, -1)],
)
def test_over_the_same_exposure(before: int, after: int, way: int) -> None:
    assert direction(before, 10, after, 10) == way


def test_a_longer_time_has_more_by_itself() -> None:
    assert direction(100, 1, 1000, 10) == 0
    assert direction(100, 10, 100, 1) == 1


def test_what_is_certain_but_small_is_no_difference() -> None:
    assert direction(1_000_000, 1, 1_200_000, 1) == 0


@pytest.mark.parametrize("exposures", [(0, 1), (1, 0), (0, 0)])
def test_without_exposure_nothing_is_said(exposures: tuple[float, float]) -> None:
    assert direction(5, exposures[0], 500, exposures[1]) == 0


@given(st.integers(0, 40), st.integers(1, 40), st.floats(0.05, 0.95))
def test_the_tail_is_that_of_the_binomial(count: int, total: int, share: float) -> None:
    exact = sum(comb(total, k) * share**k * (1 - share) ** (total - k) for k in range(count, total + 1))
    assert _at_least(count, total, share) == pytest.approx(exact, abs=1e-9)


def test_large_counts_go_on_where_the_sum_ends() -> None:
    assert _at_least(1080, 2000, 0.5) == pytest.approx(_at_least(1081, 2001, 0.5), rel=0.1)


@given(st.integers(0, 5000), st.integers(0, 5000), st.floats(0.1, 100), st.floats(0.1, 100))
def test_turned_round_it_is_the_opposite(before: int, after: int, one: float, other: float) -> None:
    assert direction(before, one, after, other) == -direction(after, other, before, one)
