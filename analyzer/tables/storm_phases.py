"""The course of one storm: its rate, its phases, its answer times.

A storm is divided into consecutive parts. *Peak* is where the rate is at four fifths of its highest or more. What lies
beside it and is as high, or made of copies, is *amplification* where copies are the majority there (the registrar's own
slowness makes the load), else more of the peak. What comes before all that is *onset*, what comes after it *recovery*.
A part may be missing, and amplification may come on both sides of the peak.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analyzer.tables.storm_traffic import SECOND, T1, UNKNOWN, Floats, Ints, Sends, Traffic
from analyzer.tables.storm_values import Phase, PhaseName

_POINTS = 240
_HIGH, _LOW = 0.8, 0.05
_NAMES: tuple[PhaseName, ...] = ("onset", "peak", "amplification", "recovery")
_ONSET, _PEAK, _AMPLIFICATION, _RECOVERY = range(4)


@dataclass(frozen=True, slots=True)
class Course:
    """Counts a step of `width` nanoseconds from `start`; `median` and `slow` in seconds, NaN where nothing came."""

    start: int
    width: int
    first: Floats
    copies: Floats
    answered: Floats
    median: Floats
    slow: Floats

    @property
    def per_second(self) -> float:
        """Steps in a second."""
        return SECOND / self.width


def course_of(traffic: Traffic, inside: Sends, start: int, end: int, *, points: int = _POINTS) -> Course:
    """The course from `start` to `end` in at most about `points` steps of a round width, 0.1 s or more."""
    width = _round_up((end - start) / points)
    size = (end - start) // width + 1
    step = (inside.time - start) // width
    copies = np.bincount(step, weights=inside.copy, minlength=size).astype(np.float64)
    final = traffic.final[(traffic.final >= start) & (traffic.final <= end)]
    median, slow = _answer_times(traffic, start, end, width, size)
    return Course(
        start=start,
        width=width,
        first=np.bincount(step, minlength=size).astype(np.float64) - copies,
        copies=copies,
        answered=np.bincount((final - start) // width, minlength=size).astype(np.float64),
        median=median,
        slow=slow,
    )


def _round_up(width: float) -> int:
    wanted = max(width, SECOND / 10)
    power = 10 ** int(np.floor(np.log10(wanted)))
    return next(int(step * power) for step in (1, 2, 5, 10) if step * power >= wanted)


def _answer_times(traffic: Traffic, start: int, end: int, width: int, size: int) -> tuple[Floats, Floats]:
    rows = np.flatnonzero((traffic.time >= start) & (traffic.time <= end) & (traffic.status > 0))
    taken = pd.Series((traffic.final[rows] - traffic.time[rows]) / SECOND).clip(lower=0)
    grouped = taken.groupby((traffic.time[rows] - start) // width)
    median, slow = (grouped.quantile(part).reindex(range(size)).to_numpy(np.float64) for part in (0.5, 0.95))
    return median.astype(np.float64), slow.astype(np.float64)


def peak_of(times: Ints) -> tuple[float, int]:
    """The most requests in any second, and when that second began. `times` need not be in order."""
    ordered = np.sort(times)
    within = np.searchsorted(ordered, ordered + SECOND, side="left") - np.arange(len(ordered))
    place = int(np.argmax(within))
    return float(within[place]), int(ordered[place])


def carried_of(traffic: Traffic) -> float | None:
    """The knee: the highest rate of answers that the registrar gave while it was in time. Of the seconds in which 95
    of 100 answers came within T1 (RFC 3261 17.1.1.1), the one with the most answers; None where no second was so."""
    rows = np.flatnonzero((traffic.final != UNKNOWN) & (traffic.status > 0))
    if not len(rows):
        return None
    number = pd.factorize((traffic.final[rows] - traffic.span[0]) // SECOND)[0]
    slow = traffic.final[rows] - traffic.time[rows] > T1
    every = np.bincount(number)
    kept = every[every - np.bincount(number, weights=slow) >= 0.95 * every]
    return float(kept.max()) if len(kept) else None


def phases_of(course: Course, end: int) -> tuple[Phase, ...]:
    """The phases, one after the other, from the course's start to `end`."""
    total = course.first + course.copies
    labels = _labels(total, course)
    cuts = [0, *(np.flatnonzero(np.diff(labels)) + 1).tolist(), len(labels)]
    phases = []
    for first, last in itertools.pairwise(cuts):
        begin = course.start + first * course.width
        until = end if last == len(labels) else course.start + last * course.width
        rate = float(total[first:last].sum()) * SECOND / max(until - begin, 1)
        phases.append(Phase(_NAMES[int(labels[first])], begin, max(until, begin), rate))
    return tuple(phases)


def _labels(total: Floats, course: Course) -> Ints:
    """One phase a step."""
    second = max(1, round(course.per_second))
    rate, copies = (_mean(values, second) for values in (total, course.copies))
    high = rate >= _HIGH * rate.max()
    hot = np.flatnonzero(high | ((copies > 0.5 * rate) & (rate >= _LOW * rate.max())))
    labels = np.full(len(total), _RECOVERY, dtype=np.int64)
    labels[: hot[0]] = _ONSET
    low, top = np.flatnonzero(~high), int(np.argmax(rate))
    begin = int(low[low < top].max(initial=-1)) + 1
    end = int(low[low > top].min(initial=len(total)))
    for part in (slice(int(hot[0]), begin), slice(end, int(hot[-1]) + 1)):
        amplified = course.copies[part].sum() > 0.5 * total[part].sum()
        labels[part] = _AMPLIFICATION if amplified else _PEAK
    labels[begin:end] = _PEAK
    return labels


def _mean(values: Floats, steps: int) -> Floats:
    return pd.Series(values).rolling(steps, center=True, min_periods=1).mean().to_numpy()
