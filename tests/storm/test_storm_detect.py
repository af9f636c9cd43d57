"""Where storms are: bins and levels against plain counts, what is calm, and bounds to the second."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.storm.analysis import storms
from analyzer.storm.detect import Bins, Span, bins_of, distressed, spans_of, surging, usual_of
from analyzer.storm.marks import marks_of
from analyzer.storm.traffic import SECOND, sends_of, traffic_of
from tests.dataframes.talks import Said, any_talk, talk
from tests.storm.fleets import START, Pairs, avalanche, periodic, poisson, shifted, table, together

FEW = settings(max_examples=40, deadline=None)


def binned(made: pd.DataFrame) -> Bins:
    """The bins of a table."""
    traffic = traffic_of(made)
    return bins_of(traffic, marks_of(traffic), sends_of(traffic))


def bins(counts: list[int], level: list[float] | float = 10.0, distress: list[float] | None = None) -> Bins:
    """Bins of a second."""
    made = np.array(counts, dtype=np.int64)
    levels = np.broadcast_to(np.asarray(level, dtype=np.float64), made.shape)
    return Bins(0, SECOND, made, np.array(distress or np.zeros(len(made))), levels)


def found(made: pd.DataFrame) -> list[tuple[float, float]]:
    """Bounds of the storms, in seconds since the table's beginning."""
    return [((one.start - START) / SECOND, (one.end - START) / SECOND) for one in storms(made).storms]


@FEW
@given(any_talk())
def test_every_request_is_in_one_bin(said: list[Said]) -> None:
    made = talk(*said)
    sent = sorted(sends_of(traffic_of(made)).time.tolist())
    counted = binned(made)
    assert counted.counts.sum() == len(sent)
    for number, count in enumerate(counted.counts.tolist()):
        begin = counted.start + number * counted.width
        assert count == sum(begin <= time < begin + counted.width for time in sent)
    assert (counted.distress <= counted.counts).all()


@FEW
@given(st.integers(100, 3000), st.floats(1, 10_000))
def test_widths_are_round_and_hold_some_twenty_requests(count: int, span: float) -> None:
    made = table(Pairs(np.linspace(0, span, count), np.arange(count)), delay=0.0001)
    width = binned(made).width
    mantissa = f"{width:e}".split("e")[0]
    assert float(mantissa) in (1, 2, 5)
    assert width >= SECOND // 10 or width >= span * SECOND / 10 / 10
    mean = 2 * count / span * width / SECOND
    assert mean >= 19 or width * 10 <= span * SECOND * 3


def test_a_surge_is_far_above_the_level_and_three_times_it() -> None:
    calm = [10, 9, 11, 10, 12, 8, 10, 9, 11, 10]
    assert not surging(bins(calm)).any()
    assert surging(bins([*calm, 60])).tolist() == [False] * 10 + [True]
    assert not surging(bins([*(100 * one for one in calm), 2500], 1000.0)).any()


def test_distress_is_most_of_a_bin_and_its_neighbours() -> None:
    assert distressed(bins([10] * 9, distress=[0, 0, 0, 9, 9, 9, 9, 9, 9])).tolist() == [False] * 3 + [True] * 6
    assert not distressed(bins([10] * 9, distress=[4] * 9)).any()
    assert not distressed(bins([0] * 9)).any()


@FEW
@given(st.lists(st.integers(0, 200), min_size=30, max_size=60))
def test_the_usual_rate_leaves_storms_out(counts: list[int]) -> None:
    whole = bins(counts)
    span = Span(10 * SECOND, 20 * SECOND)
    kept = sorted([*counts[:10], *counts[21:]])
    cut = len(kept) // 10
    usual = usual_of(whole, [span], span.start, span.end)
    assert usual == pytest.approx(np.mean(kept[cut : len(kept) - cut]))


def test_no_usual_rate_where_the_storm_is_all_there_is() -> None:
    span = Span(0, 58 * SECOND)
    assert usual_of(bins([50] * 60), [span], span.start, span.end) is None


@pytest.mark.parametrize(("times", "minutes"), [(2, 10), (4, 10), (6, 10), (4, 5), (8, 20), (10, 15)])
def test_a_lunch_time_bump_in_a_calm_hour_is_no_storm(times: int, minutes: int) -> None:
    rng = np.random.default_rng(times * 100 + minutes)
    extra = 2000 * minutes * 60 // 1800 * (times - 1)
    late = Pairs(1500 + rng.beta(3, 3, extra) * minutes * 60, np.arange(extra))
    made = together(table(periodic(2000, 1800.0, 3600.0, rng)), table(late, prefix="late"))
    assert found(made) == []


@pytest.mark.parametrize("minutes", [5, 15, 30])
def test_an_office_that_opens_is_no_storm(minutes: int) -> None:
    rng = np.random.default_rng(minutes)
    night = periodic(20, 1800.0, 6 * 3600.0, rng)
    morning = Pairs(7200 + rng.beta(2, 2, 300) * minutes * 60, np.arange(300))
    assert found(together(table(night), table(morning, prefix="day"))) == []


def test_the_same_phones_in_one_moment_are_a_storm() -> None:
    rng = np.random.default_rng(1)
    night = periodic(20, 1800.0, 6 * 3600.0, rng)
    burst = Pairs(7200 + rng.uniform(0, 8, 300), np.arange(300))
    ((begin, end),) = found(together(table(night), table(burst, prefix="day")))
    assert begin == pytest.approx(7200, abs=1)
    assert end == pytest.approx(7208, abs=1)


@pytest.mark.parametrize("users", [1, 2, 5, 10, 19])
@pytest.mark.parametrize("outage", [10.0, 30.0])
def test_a_tiny_office_whose_registrar_is_away_is_no_storm(users: int, outage: float) -> None:
    assert found(avalanche(users, outage, np.random.default_rng(users))) == []


@pytest.mark.parametrize("users", [5, 19])
def test_a_tiny_office_in_step_is_no_storm(users: int) -> None:
    made = table(periodic(users, 60.0, 3600.0, np.random.default_rng(2), spread=0.001), granted=120)
    assert found(together(made)) == []


def day(rng: np.random.Generator, hours: float = 24.0) -> Pairs:
    """Registrations by day and few by night, as the sun goes."""
    even = poisson(20_000, 6.0, hours * 3600, rng)
    sun = np.sin((even.time / 86_400 - 0.25) * 2 * np.pi)
    kept = rng.random(len(even.time)) < 0.2 + 0.8 * np.clip(sun, 0, 1)
    return Pairs(even.time[kept], even.user[kept])


def test_a_day_alone_has_no_storm_and_one_in_it_is_bounded() -> None:
    rng = np.random.default_rng(3)
    calm = day(rng)
    made = table(calm, calls=np.arange(len(calm.time)))
    assert found(together(made)) == []
    burst = Pairs(54_000 + rng.uniform(0, 20, 4000), np.arange(4000))
    report = storms(together(made, table(burst, prefix="burst")))
    (storm,) = report.storms
    assert (storm.start - START) / SECOND == pytest.approx(54_000, abs=2)
    assert (storm.end - START) / SECOND == pytest.approx(54_020, abs=2)
    assert storm.users >= 4000
    assert storm.usual_rate == pytest.approx(8.8, abs=1.5)  # that of the afternoon, not of the day


def test_a_small_storm_at_night_is_found_below_the_rate_of_the_day() -> None:
    rng = np.random.default_rng(4)
    calm = day(rng)
    slow = table(Pairs(10_000 + rng.uniform(0, 60, 300), np.arange(300)), prefix="night", delay=2.0)
    report = storms(together(table(calm, calls=np.arange(len(calm.time))), slow))
    (storm,) = report.storms
    assert storm.causes[0].cause == "slow-answers"
    assert (storm.start - START) / SECOND == pytest.approx(10_000, abs=3)
    assert storm.usual_rate is not None
    assert storm.usual_rate < 4


@pytest.mark.parametrize("apart", [300.0, 900.0, 40_000.0])
def test_two_storms_are_two_even_with_nothing_between_them(apart: float) -> None:
    first = avalanche(500, 20.0, np.random.default_rng(2))
    second = shifted(avalanche(500, 15.0, np.random.default_rng(4)), apart)
    bounds = found(together(first, second.assign(aor="x" + second["aor"].astype(str))))
    assert [round(begin) for begin, _ in bounds] == [120, round(120 + apart)]
    assert all(end - begin < 40 for begin, end in bounds)


def test_a_storm_that_runs_when_the_capture_begins() -> None:
    whole = avalanche(500, 20.0, np.random.default_rng(2))
    cut = whole[whole["time"] > pd.Timestamp(START + 130 * SECOND, tz="UTC")]
    ((begin, end),) = found(cut)
    assert begin == pytest.approx(130, abs=1)
    assert end == pytest.approx(found(whole)[0][1], abs=0.5)


def test_spans_are_in_order_and_apart() -> None:
    made = together(
        avalanche(300, 20.0, np.random.default_rng(2)), shifted(avalanche(300, 15.0, np.random.default_rng(4)), 500)
    )
    traffic = traffic_of(made)
    marks, sends = marks_of(traffic), sends_of(traffic)
    spans = spans_of(traffic, marks, sends, bins_of(traffic, marks, sends))
    assert len(spans) == 2
    assert all(one.start < one.end for one in spans)
    assert spans[0].end < spans[1].start


def test_a_storm_in_a_long_capture_is_that_of_a_short_one() -> None:
    """Each storm is looked at by itself: what lies hours away changes nothing that is its own."""
    alone = avalanche(400, 20.0, np.random.default_rng(6))
    calm = table(periodic(400, 60.0, 600.0, np.random.default_rng(7)), granted=120)
    later = shifted(together(calm), 2000).assign(aor=lambda made: "later" + made["aor"].astype(str))
    one, other = storms(alone).storms[0], storms(together(alone, later)).storms[0]
    assert other.start == pytest.approx(one.start, abs=SECOND)
    assert other.end == pytest.approx(one.end, abs=2 * SECOND)
    assert [cause.cause for cause in one.causes] == [cause.cause for cause in other.causes]
    assert one.causes[0].detail == other.causes[0].detail
    assert (one.silences, one.outage, one.peak_rate) == (other.silences, other.outage, other.peak_rate)


def test_clocks_that_are_years_apart_are_no_fault() -> None:
    """A phone without a battery begins in 1970: bins are wider than the day whose rhythm is looked for."""
    one = table(Pairs(np.array([0.0]), np.array([0])))
    made = together(one, shifted(one, 50 * 365 * 86_400.0))
    assert binned(made).width > 2 * 86_400 * SECOND
    assert found(made) == []
