"""Where the storms are: found by change against the traffic's own level, and by distress; nobody has to give a rate.

Two signs, each of which suffices, over bins whose width is such that an ordinary bin holds some twenty requests:

- *surge*: far more requests than the level of the surroundings. The level is the median, the spread the median absolute
  deviation (or that of a Poisson process, if larger), so a storm does not raise the level that it is held against. In a
  capture of many hours the surroundings are six hours; where there are three days or more, what the other days had at
  the same time of day is the level too, so a rush that comes every morning is no storm.
- *distress*: most requests are not needed (see `storm_marks`). This finds a storm that fills the whole capture, where
  there is no calm to compare with; and a calm registrar, however busy, has none of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analyzer.tables.storm_marks import Marks
from analyzer.tables.storm_traffic import SECOND, TIMER_F, Flags, Floats, Ints, Sends, Traffic

_IN_A_BIN = 20
_FEWEST_BINS, _MOST_BINS = 10, 50_000
_SPREADS, _TIMES = 6.0, 3.0
"""A surge is both: six spreads above the level (by chance once in a billion bins), and three times the level."""
_DISTRESSED = 0.5
_SMALLEST_SURGE, _SMALLEST_CROWD = 100, 20
"""Requests above the level, and users: a handful of phones on one table is no storm, whenever they start."""
_SMALLEST_DISTRESS, _SLOWEST_DISTRESS = 60.0, 5.0
"""Needless requests in all, and in a second: one client on Timer E sends eleven in 32 s, at most two in a second."""
_SURROUNDINGS = 6 * 3600 * SECOND
_DAY = 86_400 * SECOND
_RECOVERY = 2 * TIMER_F


@dataclass(frozen=True, slots=True)
class Bins:
    """Sends counted in bins of `width` nanoseconds from `start`; `level` is what the surroundings have a bin."""

    start: int
    width: int
    counts: Ints
    distress: Floats
    level: Floats

    @property
    def per_second(self) -> float:
        """Bins in a second."""
        return SECOND / self.width


@dataclass(frozen=True, slots=True)
class Span:
    """A storm's bounds, and the rate that is usual there (requests per second)."""

    start: int
    end: int
    level: float


def bins_of(traffic: Traffic, marks: Marks, sends: Sends) -> Bins:
    """The bins of a capture, which is not empty."""
    start, end = int(sends.time.min()), int(sends.time.max())
    width = _width(end - start, len(sends.time))
    number = (sends.time - start) // width
    size = int(number.max()) + 1
    counts = np.bincount(number, minlength=size).astype(np.int64)
    weight = np.where(sends.copy, 1.0, marks.distress[sends.row])
    distress = np.bincount(number, weights=weight, minlength=size).astype(np.float64)
    return Bins(start, width, counts, distress, _level(counts, width))


def _width(span: int, sends: int) -> int:
    """A width of 1, 2 or 5 times a power of ten nanoseconds, with `_IN_A_BIN` requests in a mean bin."""
    wanted = max(span * _IN_A_BIN / max(sends, 1), span / _MOST_BINS, SECOND / 10)
    wanted = min(wanted, max(span / _FEWEST_BINS, 1.0))
    power = 10.0 ** np.floor(np.log10(wanted))
    return max(1, int(next(step * power for step in (1, 2, 5, 10) if step * power >= wanted * 0.999)))


def _level(counts: Ints, width: int) -> Floats:
    """The usual count of each bin."""
    near = _around(counts.astype(np.float64), width)
    a_day = round(_DAY / width)
    if len(counts) < 3 * a_day:
        return near
    # The median of the same time of day on all days, a little widened: the rush is not on the dot.
    days = len(counts) // a_day
    whole = pd.Series(np.median(counts[: days * a_day].reshape(days, a_day), axis=0))
    usual = whole.rolling(5, center=True, min_periods=1).max().to_numpy()
    level: Floats = np.maximum(near, usual[np.arange(len(counts)) % a_day])
    return level


def _around(values: Floats, width: int) -> Floats:
    window = int(_SURROUNDINGS // width) | 1
    if window >= len(values):
        return np.full(len(values), float(np.median(values)))
    return pd.Series(values).rolling(window, center=True, min_periods=window // 2).median().to_numpy()


def surging(bins: Bins) -> Flags:
    """Bins far above their level."""
    apart = np.abs(bins.counts - bins.level)
    spread = np.maximum(1.4826 * _around(apart, bins.width), np.sqrt(np.maximum(bins.level, 1.0)))
    return bins.counts > np.maximum(bins.level + _SPREADS * spread, _TIMES * bins.level)


def distressed(bins: Bins) -> Flags:
    """Bins most of whose requests are needless, looked at with their neighbours."""
    counts, distress = (_smooth(values) for values in (bins.counts, bins.distress))
    return (distress >= _DISTRESSED * counts) & (counts > 0) & (bins.distress > 0)


def _smooth(values: Ints | Floats) -> Floats:
    return pd.Series(values, dtype=np.float64).rolling(5, center=True, min_periods=1).sum().to_numpy()


def spans_of(traffic: Traffic, marks: Marks, sends: Sends, bins: Bins) -> list[Span]:
    """The storms of a capture, in order of time."""
    surge, distress = surging(bins), distressed(bins)
    breath = max(3, -(-TIMER_F // bins.width))
    runs = _runs(distress, breath)
    wave = _refresh_interval(marks)
    surges = _runs(surge, max(breath if wave is None else 0, 3, int(1.5 * (wave or 0) * SECOND / bins.width)))
    found = [run for run in runs if _is_distress(bins, distress, *run)]
    found += [run for run in surges if _is_surge(traffic, sends, bins, surge, *run)]
    spans = [_bounded(traffic, marks, sends, bins, first, last) for first, last in _united(found, breath)]
    return _apart(spans)


def _runs(hot: Flags, gap: int) -> list[tuple[int, int]]:
    """First and last of hot bins, runs less than `gap` bins apart taken for one."""
    places = np.flatnonzero(hot)
    if not len(places):
        return []
    cuts = np.flatnonzero(np.diff(places) > gap)
    firsts, lasts = np.concatenate([[0], cuts + 1]), np.concatenate([cuts, [len(places) - 1]])
    return list(zip(places[firsts].tolist(), places[lasts].tolist(), strict=True))


def _is_distress(bins: Bins, hot: Flags, first: int, last: int) -> bool:
    needless = np.where(hot[first : last + 1], bins.distress[first : last + 1], 0.0)
    second = max(1, round(bins.per_second))
    peak = pd.Series(needless).rolling(second, min_periods=1).sum().max() / max(second / bins.per_second, 1.0)
    return float(needless.sum()) >= _SMALLEST_DISTRESS and float(peak) >= _SLOWEST_DISTRESS


def _is_surge(traffic: Traffic, sends: Sends, bins: Bins, hot: Flags, first: int, last: int) -> bool:
    part = slice(first, last + 1)
    above = float(np.where(hot[part], bins.counts[part] - bins.level[part], 0.0).sum())
    if above < _SMALLEST_SURGE:
        return False
    inside = sends.within(bins.start + first * bins.width, bins.start + (last + 1) * bins.width)
    return len(np.unique(traffic.user[inside.row])) >= _SMALLEST_CROWD


def _refresh_interval(marks: Marks) -> float | None:
    """Seconds between a client's registrations, as is usual in this capture: waves that far apart are one storm."""
    refreshes = marks.since[~marks.fresh & ~marks.loop & (marks.since > 0)]
    return float(np.median(refreshes)) if len(refreshes) >= _SMALLEST_CROWD else None


def _united(runs: list[tuple[int, int]], gap: int) -> list[tuple[int, int]]:
    united: list[tuple[int, int]] = []
    for first, last in sorted(runs):
        if united and first - united[-1][1] <= gap:
            united[-1] = (united[-1][0], max(last, united[-1][1]))
        else:
            united.append((first, last))
    return united


def _bounded(traffic: Traffic, marks: Marks, sends: Sends, bins: Bins, first: int, last: int) -> Span:
    """From the first request of the first hot bin to the last of the last, and on until those who were in it are
    registered again (at most twice Timer F: later successes belong to something else)."""
    inside = sends.within(bins.start + first * bins.width, bins.start + (last + 1) * bins.width - 1)
    troubled = marks.distress[inside.row] > 0
    start = inside.time[troubled].min() if troubled.any() and not surging(bins)[first] else inside.time.min()
    end = int(inside.time.max())
    rows = np.unique(inside.row[troubled])
    after = np.flatnonzero(marks.success & (traffic.final > end) & (traffic.final <= end + _RECOVERY))
    # The first success of each troubled client: the one whose last success before it lies before the storm's end.
    before = marks.previous[after]
    first_again = (before < 0) | (traffic.final[before] <= end)
    back = after[first_again & np.isin(traffic.client[after], np.unique(traffic.client[rows]))]
    unanswered = ~_answered_before(traffic, marks, rows, end)
    waiting = np.unique(traffic.client[rows[unanswered]])
    back = back[np.isin(traffic.client[back], waiting)]
    level = float(np.median(bins.level[first : last + 1])) * bins.per_second
    return Span(int(start), int(max(end, traffic.final[back].max(initial=end))), level)


def _answered_before(traffic: Traffic, marks: Marks, rows: Ints, end: int) -> Flags:
    """Whether the client of each row had a success after it and before `end`."""
    done = np.flatnonzero(marks.success & (traffic.final <= end))
    latest = np.full(int(traffic.client.max(initial=0)) + 1, -1, dtype=np.int64)
    np.maximum.at(latest, traffic.client[done], traffic.final[done])
    return latest[traffic.client[rows]] >= traffic.time[rows]


def _apart(spans: list[Span]) -> list[Span]:
    """Recovery that runs into the next storm is that storm's onset: they are one."""
    apart: list[Span] = []
    for span in spans:
        if apart and span.start <= apart[-1].end:
            before = apart.pop()
            span = Span(before.start, max(before.end, span.end), min(before.level, span.level))
        apart.append(span)
    return apart
