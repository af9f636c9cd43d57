"""The course of a storm: counts a step, its busiest second, its knee, its phases; each against a plain count."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.storm.marks import marks_of
from analyzer.storm.phases import RateCourse, carried_of, course_of, peak_of, phases_of
from analyzer.storm.traffic import SECOND, Traffic, sends_of, traffic_of
from tests.dataframes.talks import Said, any_talk, nanoseconds, talk

FEW = settings(max_examples=100, deadline=None)


def whole(traffic: Traffic, points: int = 240) -> RateCourse:
    """The course of all that a table has."""
    start, end = traffic.span
    return course_of(traffic, marks_of(traffic).retry, sends_of(traffic), start, end, points=points)


@FEW
@given(any_talk(), st.integers(5, 300))
def test_the_course_counts_what_a_loop_counts(said: list[Said], points: int) -> None:
    traffic = traffic_of(talk(*said))
    course, sends = whole(traffic, points), sends_of(traffic)
    assert len(course.first) <= 2.6 * points + 1
    assert course.first.sum() == len(said)
    assert course.copies.sum() == sum(one.copies for one in said)
    assert course.answered.sum() == sum(one.status > 0 for one in said)
    for step in range(len(course.first)):
        begin = course.start + step * course.width
        inside = [n for n, time in enumerate(sends.time.tolist()) if begin <= time < begin + course.width]
        assert course.copies[step] == sum(bool(sends.copy[n]) for n in inside)
        assert course.first[step] + course.copies[step] == len(inside)


@FEW
@given(any_talk())
def test_answer_times_are_those_of_the_requests_of_their_step(said: list[Said]) -> None:
    traffic = traffic_of(talk(*said))
    course = whole(traffic, points=20)
    for step, median in enumerate(course.median.tolist()):
        begin = course.start + step * course.width
        taken = [one.took for one in said if one.status and begin <= nanoseconds(one.time) < begin + course.width]
        assert median == pytest.approx(np.median(taken) if taken else np.nan, abs=1e-6, nan_ok=True)
        assert course.slow[step] == pytest.approx(np.quantile(taken, 0.95) if taken else np.nan, abs=1e-6, nan_ok=True)


@FEW
@given(st.lists(st.integers(0, 8000), min_size=1, max_size=80), st.randoms())
def test_the_busiest_second(ticks: list[int], chance: object) -> None:
    times = np.array([tick * SECOND // 1000 for tick in ticks], dtype=np.int64)
    rate, begin = peak_of(times)
    counts = {time: sum(time <= other < time + SECOND for other in times.tolist()) for time in times.tolist()}
    assert rate == max(counts.values())
    assert counts[begin] == rate
    assert begin == min(time for time, count in counts.items() if count == rate)


def answers(second: int, count: int, took: float = 0.01) -> list[Said]:
    """So many answers within a second."""
    return [Said(second + number / (2 * count), user=f"u{number}", took=took) for number in range(count)]


def test_the_knee_is_the_best_second_that_was_in_time() -> None:
    said = [*answers(0, 10), *answers(1, 40), *answers(3, 90, took=0.9)]
    assert carried_of(traffic_of(talk(*said))) == 40


def test_a_second_with_one_late_answer_in_twenty_is_in_time() -> None:
    fine = [*answers(0, 19), Said(0.1, user="late", took=0.7)]
    assert carried_of(traffic_of(talk(*fine))) == 20
    late = [*answers(0, 18), *(Said(0.1, user=f"late{number}", took=0.7) for number in range(2))]
    assert carried_of(traffic_of(talk(*late))) is None


def test_no_knee_without_answers() -> None:
    assert carried_of(traffic_of(talk(Said(0, 0)))) is None


def test_a_clock_that_is_set_makes_no_endless_count() -> None:
    assert carried_of(traffic_of(talk(Said(0), Said(0.1, user="b"), Said(200_000_000, user="c")))) == 2


def course(first: list[float], again: list[float] | None = None) -> RateCourse:
    """A course of steps of a second."""
    new, repeats = np.array(first, dtype=float), np.array(again or np.zeros(len(first)), dtype=float)
    nothing = np.full(len(new), np.nan)
    return RateCourse(0, SECOND, new, repeats, repeats, np.zeros(len(new)), nothing, nothing)


def names(made: RateCourse) -> list[str]:
    """The phases with the steps that each begins at."""
    phases = phases_of(made, len(made.first) * SECOND)
    return [f"{phase.phase} {phase.start // SECOND}" for phase in phases]


@pytest.mark.parametrize(
    ("first", "again", "expected"),
    [
        ([100] * 10, None, ["peak 0"]),
        ([10, 30, 100, 100, 40, 10], None, ["onset 0", "peak 2", "recovery 4"]),
        ([100, 90, 40, 20, 10], None, ["peak 0", "recovery 2"]),
        ([81, 79, 100, 79, 70], None, ["peak 0", "recovery 1", "peak 2", "recovery 3"]),
        ([10, 20, 40, 100], None, ["onset 0", "peak 3"]),
        ([10, 5, 5, 5, 40, 10], [0, 20, 30, 30, 60, 0], ["onset 0", "amplification 1", "peak 4", "recovery 5"]),
        (
            [10, 100, 10, 10, 10, 5],
            [0, 0, 40, 30, 20, 0],
            ["onset 0", "peak 1", "amplification 2", "recovery 5"],
        ),
        # Two waves: what is between them is no peak.
        ([100, 100, 20, 20, 100, 100, 20], None, ["peak 0", "recovery 2", "peak 4", "recovery 6"]),
        # Five waves of phones in step: one long peak.
        ([*[100, 0, 0] * 5, 0, 0], None, ["peak 0", "recovery 13"]),
        # A pause between copies belongs to them.
        ([5, 5, 0, 5, 100], [20, 20, 0, 20, 0], ["amplification 0", "peak 4"]),
    ],
)
def test_phases(first: list[float], again: list[float] | None, expected: list[str]) -> None:
    assert names(course(first, again)) == expected


def test_a_lone_step_is_no_phase_in_a_long_storm() -> None:
    steps = [100.0] * 60 + [10.0] + [100.0] * 60
    assert names(course(steps)) == ["peak 0"]


@FEW
@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100)), min_size=2, max_size=120))
def test_phases_are_a_division_and_their_rates_add_up(steps: list[tuple[int, int]]) -> None:
    if not any(first + again for first, again in steps):
        return
    made = course([float(first) for first, _ in steps], [float(again) for _, again in steps])
    end = len(steps) * SECOND
    phases = phases_of(made, end)
    assert phases[0].start == 0
    assert phases[-1].end == end
    assert all(one.end == other.start and one.phase != other.phase for one, other in itertools.pairwise(phases))
    total = sum(phase.rate * (phase.end - phase.start) / SECOND for phase in phases)
    assert total == pytest.approx(sum(first + again for first, again in steps))
    assert any(phase.phase == "peak" for phase in phases)
    assert sum(phase.phase == "peak" for phase in phases) <= 3
