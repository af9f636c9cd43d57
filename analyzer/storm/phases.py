"""The course of one storm: its rate, its phases, its answer times.

A storm is divided into consecutive parts. *Peak* is where the rate is at four fifths of its highest or more.
*Amplification* is where repeats are the majority and still count (the load makes itself); a repeat is a copy of a
request, or a new request after one that failed. What comes before all that is *onset*, what comes after it, or between
two of its waves, *recovery*. What is too short to be seen goes to what it follows. A storm of many waves is one long
peak: phones in step do not recover in between.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analyzer.sip.timers import T1
from analyzer.storm.traffic import SECOND, UNKNOWN, Flags, Floats, Ints, Sends, Traffic, round_up
from analyzer.storm.values import Phase, PhaseName

_POINTS = 240
_HIGH, _LOW = 0.8, 0.05
_SHORTEST, _MOST_WAVES = 0.03, 3
_LONG = 40 * SECOND
_LONGEST_COUNT = 10_000_000
_NAMES: tuple[PhaseName, ...] = ("onset", "peak", "amplification", "recovery")
_ONSET, _PEAK, _AMPLIFICATION, _RECOVERY = range(4)

Stretch = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class RateCourse:
    """Counts a step of `width` nanoseconds from `start`; `again` are copies and retries; `median` and `slow` in
    seconds, NaN where nothing came."""

    start: int
    width: int
    first: Floats
    copies: Floats
    again: Floats
    answered: Floats
    median: Floats
    slow: Floats

    @property
    def per_second(self) -> float:
        """Steps in a second."""
        return SECOND / self.width


def course_of(
    traffic: Traffic, retry: Flags, inside: Sends, start: int, end: int, *, points: int = _POINTS
) -> RateCourse:
    """The course from `start` to `end` in at most about `points` steps of a round width, 0.1 s or more; of a second at
    least in a long storm, where nobody wants to see more in a step than ever came in a second."""
    length = end - start
    width = round_up(max(length / points, SECOND if length >= _LONG else traffic.tick, SECOND / 10))
    size = (end - start) // width + 1
    step = (inside.time - start) // width
    copies = np.bincount(step, weights=inside.copy, minlength=size).astype(np.float64)
    final = traffic.final[(traffic.final >= start) & (traffic.final <= end)]
    median, slow = _answer_times(traffic, start, end, width, size)
    return RateCourse(
        start=start,
        width=width,
        first=np.bincount(step, minlength=size).astype(np.float64) - copies,
        copies=copies,
        again=np.bincount(step, weights=inside.copy | retry[inside.row], minlength=size).astype(np.float64),
        answered=np.bincount((final - start) // width, minlength=size).astype(np.float64),
        median=median,
        slow=slow,
    )


def _answer_times(traffic: Traffic, start: int, end: int, width: int, size: int) -> tuple[Floats, Floats]:
    rows = np.flatnonzero((traffic.time >= start) & (traffic.time <= end) & (traffic.status > 0))
    taken = pd.Series((traffic.final[rows] - traffic.time[rows]) / SECOND).clip(lower=0)
    grouped = taken.groupby((traffic.time[rows] - start) // width)
    median, slow = (grouped.quantile(part).reindex(range(size)).to_numpy(np.float64) for part in (0.5, 0.95))
    return median.astype(np.float64), slow.astype(np.float64)


def peak_of(times: Ints) -> tuple[float, int]:
    """The most requests in any second, and when that second began. `times` need not be in order."""
    ordered = times if bool((times[1:] >= times[:-1]).all()) else np.sort(times)
    within = np.searchsorted(ordered, ordered + SECOND, side="left") - np.arange(len(ordered))
    place = int(np.argmax(within))
    return float(within[place]), int(ordered[place])


def carried_of(traffic: Traffic) -> float | None:
    """The knee: the highest rate of answers that the registrar gave while it was in time. Of the seconds in which 95
    of 100 answers came within T1 (RFC 3261 17.1.1.1), the one with the most answers; None where no second was so."""
    rows = np.flatnonzero((traffic.final != UNKNOWN) & (traffic.status > 0))
    if not len(rows):
        return None
    first, last = traffic.span
    if last - first > _LONGEST_COUNT * SECOND:  # a clock that was set: count only the seconds that there are
        number = pd.factorize((traffic.final[rows] - first) // SECOND)[0]
    else:
        number = np.maximum(traffic.final[rows] - first, 0) // SECOND
    slow = traffic.final[rows] - traffic.time[rows] > T1
    every = np.bincount(number)
    kept = every[every - np.bincount(number, weights=slow) >= 0.95 * every]
    return float(kept.max()) if kept.any() else None


def phases_of(course: RateCourse, end: int) -> tuple[Phase, ...]:
    """The phases, one after the other, from the course's start to `end`."""
    total = course.first + course.copies
    phases = []
    for label, first, last in _stretches(course):
        begin = course.start + first * course.width
        until = end if last == len(total) else course.start + last * course.width
        rate = float(total[first:last].sum()) * SECOND / max(until - begin, 1)
        phases.append(Phase(_NAMES[label], begin, max(until, begin), rate))
    return tuple(phases)


def _stretches(course: RateCourse) -> list[Stretch]:
    """What each phase is, its first step, and the step after its last."""
    labels = _labels(course)
    shortest = max(round(course.per_second / 2), round(_SHORTEST * len(labels)), 1)
    found = _runs(labels)
    while len(found) > 1 and (short := _short(found, shortest)) is not None:
        place = found[short - 1] if short else found[1]
        labels[found[short][1] : found[short][2]] = place[0]
        found = _runs(labels)
    # A breath between copies, or between the last of them and the wave that they end in, is part of what they make.
    for before, (label, first, last) in itertools.pairwise(found[:-1]):
        if label == _RECOVERY and before[0] in (_ONSET, _AMPLIFICATION):
            labels[first:last] = before[0]
    found = _runs(labels)
    peaks = [run for run in found if run[0] == _PEAK]
    if len(peaks) > _MOST_WAVES:
        labels[peaks[0][1] : peaks[-1][2]] = _PEAK
        found = _runs(labels)
    return found


def _runs(labels: Ints) -> list[Stretch]:
    cuts = [0, *(np.flatnonzero(np.diff(labels)) + 1).tolist(), len(labels)]
    return [(int(labels[first]), first, last) for first, last in itertools.pairwise(cuts)]


def _short(found: list[Stretch], shortest: int) -> int | None:
    """The place of the shortest stretch, if it is no peak and too short."""
    small = [(run[2] - run[1], place) for place, run in enumerate(found) if run[0] != _PEAK]
    length, place = min(small, default=(shortest, 0))
    return place if length < shortest else None


def _labels(course: RateCourse) -> Ints:
    """One phase a step."""
    second = max(1, round(course.per_second))
    rate, again = (_mean(values, second) for values in (course.first + course.copies, course.again))
    high = rate >= _HIGH * rate.max()
    amplified = (again > 0.5 * rate) & (rate >= _LOW * rate.max()) & ~high
    hot = np.flatnonzero(high | amplified)
    labels = np.full(len(rate), _RECOVERY, dtype=np.int64)
    labels[: hot[0]] = _ONSET
    labels[high], labels[amplified] = _PEAK, _AMPLIFICATION
    return labels


def _mean(values: Floats, steps: int) -> Floats:
    """The mean of `steps` around each step; at the ends, of as many as are within, so that no end is made up."""
    steps = min(steps, len(values))
    total = np.concatenate([[0.0], np.cumsum(values)])
    first = np.clip(np.arange(len(values)) - steps // 2, 0, len(values) - steps)
    mean: Floats = (total[first + steps] - total[first]) / steps
    return mean
