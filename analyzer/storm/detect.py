"""Where the storms are: found by change against the traffic's own level, and by distress; nobody has to give a rate.

Two signs, each of which suffices, over bins whose width is such that an ordinary bin holds some twenty requests:

- *surge*: far more requests than the level of the surroundings, at once. The level is the median, the spread the median
  absolute deviation (or that of a Poisson process, if larger), so a storm does not raise the level that it is held
  against. In a capture of many hours the surroundings are six hours; where there are three days or more, what the other
  days had at the same time of day is the level too, so a rush that comes every morning is no storm. *At once*: half of
  what is above the level comes within a fortieth of the time in which these phones register anyway. People who start
  their phones after lunch take longer than that.
- *distress*: most requests are not needed (see `marks`). This finds a storm that fills the whole capture, where
  there is no calm to compare with; and a calm registrar, however busy, has none of it. What few phones send again and
  again to a registrar that is away is no storm: nobody but they notices.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from analyzer.sip.timers import TIMER_F
from analyzer.storm.marks import Marks
from analyzer.storm.traffic import SECOND, Flags, Floats, Ints, Sends, Traffic, distinct, round_up

_IN_A_BIN = 20
_FEWEST_BINS, _MOST_BINS = 10, 500_000
_PAUSE, _LONG = 50, 2 * TIMER_F
"""Of the mean time between two requests, and in nanoseconds: where there is less for longer, the capture has a gap."""
_SPREADS, _TIMES = 6.0, 3.0
"""A surge is both: six spreads above the level (by chance once in a billion bins), and three times the level."""
_DISTRESSED = 0.5
_SMALLEST_SURGE, _SMALLEST_CROWD = 100, 20
"""Requests above the level, and users: a handful of phones on one table is no storm, whenever they start."""
_AT_ONCE, _SOONEST, _USUAL_INTERVAL = 1 / 40, 5.0, 1800.0
"""Of the interval between registrations (half of RFC 3261's hour where it cannot be seen), and at least in seconds."""
_RISEN, _FOOT = 1.5, 0.1
"""Where a wave begins and ends: of the level, and of its height."""
_SMALLEST_DISTRESS, _SLOWEST_DISTRESS = 60.0, 5.0
"""Needless requests in all, and in a second: one client on Timer E sends eleven in 32 s, at most two in a second."""
_SILENCE = 240 * SECOND
"""What lies so far apart is also looked at by itself: it may be several captures."""
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
    """A storm's bounds."""

    start: int
    end: int


def bins_of(traffic: Traffic, marks: Marks, sends: Sends, width: int = 0) -> Bins:
    """The bins of a capture or a part of it, which is not empty; as wide as suits it where no `width` is given."""
    start = int(sends.time[0])
    width = width or _width(traffic, sends)
    number = (sends.time - start) // width
    size = int(number.max()) + 1
    counts = np.bincount(number, minlength=size).astype(np.int64)
    distress = np.bincount(number, weights=_needless(marks, sends), minlength=size).astype(np.float64)
    return Bins(start, width, counts, distress, _level(counts, width))


def _lasting(times: Ints) -> int:
    """How long there was traffic: several files may be hours apart, and a storm in one of them is no shorter for it."""
    gaps = np.diff(times)
    if not len(gaps):
        return 0
    return int(np.minimum(gaps, min(int(gaps.max()), max(_LONG, int(_PAUSE * gaps.mean())))).sum())


def _width(traffic: Traffic, sends: Sends) -> int:
    """A round width with `_IN_A_BIN` requests in a mean bin, and no less than the clock's step."""
    span = int(sends.time[-1]) - int(sends.time[0])
    wanted = max(_lasting(sends.time) * _IN_A_BIN / len(sends.time), span / _MOST_BINS, SECOND / 10)
    wanted = min(wanted, max(span / _FEWEST_BINS, 1.0))
    return max(traffic.tick, 1, round_up(wanted * 0.999))


def _needless(marks: Marks, sends: Sends) -> Floats:
    """How needless each sending is: a copy altogether."""
    return np.where(sends.copy, 1.0, marks.distress[sends.row])


def _level(counts: Ints, width: int) -> Floats:
    """The usual count of each bin."""
    near = _around(counts.astype(np.float64), width)
    a_day = round(_DAY / width)
    if a_day < 1 or len(counts) < 3 * a_day:  # clocks that are years apart make bins of more than a day
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
    """The storms of a capture, in order of time: of all that there is, and, where that is long beside a storm, those
    that a closer look at each stretch of it shows besides."""
    interval = _refresh_interval(marks)
    most = max(_SOONEST, _AT_ONCE * (interval or _interval_asked(traffic))) * SECOND
    spans = _spans(traffic, marks, sends, bins, most, interval)
    for stretch in _stretches(sends):
        for closer in _closer(traffic, marks, stretch, bins.width):
            found = _spans(traffic, marks, stretch, closer, most, None, closely=True)
            spans += [one for one in found if all(one.end < other.start or other.end < one.start for other in spans)]
    return _apart(sorted(spans, key=lambda span: span.start))


def _stretches(sends: Sends) -> list[Sends]:
    """The parts between silences that have enough to be a storm."""
    cuts = np.flatnonzero(np.diff(sends.time) > _SILENCE) + 1
    bounds = [0, *cuts.tolist(), len(sends.time)]
    parts = [slice(first, last) for first, last in pairwise(bounds) if last - first >= _SMALLEST_DISTRESS]
    return [Sends(sends.time[part], sends.row[part], sends.copy[part]) for part in parts]


def _closer(traffic: Traffic, marks: Marks, stretch: Sends, width: int) -> Iterator[Bins]:
    """Bins of a stretch that are narrower than `width`: those that suit it by itself, and ever narrower ones down to a
    second, for a short storm in a long calm."""
    own = _width(traffic, stretch)
    if own < width:
        yield bins_of(traffic, marks, stretch, own)
        width = own
    while width >= 2 * SECOND:
        width = max(width // 10, SECOND)
        if (int(stretch.time[-1]) - int(stretch.time[0])) // width < _MOST_BINS:
            yield bins_of(traffic, marks, stretch, width)


def _spans(
    traffic: Traffic,
    marks: Marks,
    sends: Sends,
    bins: Bins,
    most: float,
    interval: float | None,
    *,
    closely: bool = False,
) -> list[Span]:
    """What these bins show. Half of a wave comes within `most` nanoseconds; waves that come every `interval` seconds
    are one storm. `closely`: the bins are narrow, so chance has more of them to be at work in, and a storm must show as
    a whole what elsewhere some of its bins show."""
    surge, distress = surging(bins), distressed(bins)
    breath = max(3, -(-TIMER_F // bins.width))
    gap = breath if interval is None else int(1.5 * interval * SECOND / bins.width)
    found = [run for run in _runs(distress, breath) if _is_distress(traffic, marks, sends, bins, distress, *run)]
    found = [run for run in found if not closely or _is_needless(marks, sends, bins, *run)]
    found = [_with_onset(bins, *run) for run in found]
    for run in _runs(surge, max(3, gap)):
        if _is_surge(traffic, sends, bins, surge, *run) and _at_once(sends, bins, surge, most, *run):
            found.append(run)
    spans = [_bounded(marks, sends, bins, surge, first, last) for first, last in _united(found, breath)]
    return _apart(spans)


def usual_of(bins: Bins, spans: list[Span], start: int, end: int) -> float | None:
    """Requests per second in the surroundings of a time, outside all storms; None where there is next to nothing."""
    begins = bins.start + np.arange(len(bins.counts)) * bins.width
    calm = (begins + bins.width > start - _SURROUNDINGS // 2) & (begins < end + _SURROUNDINGS // 2)
    for span in spans:
        calm &= (begins + bins.width <= span.start) | (begins > span.end)
    if np.count_nonzero(calm) < max(3, 5 * SECOND // bins.width):
        return None
    # The mean, cut of its extremes: with few requests in a bin the median of counts is coarse.
    counts = np.sort(bins.counts[calm])
    cut = len(counts) // 10
    return float(counts[cut : len(counts) - cut].mean()) * bins.per_second


def _runs(hot: Flags, gap: int) -> list[tuple[int, int]]:
    """First and last of hot bins, runs less than `gap` bins apart taken for one."""
    places = np.flatnonzero(hot)
    if not len(places):
        return []
    cuts = np.flatnonzero(np.diff(places) > gap)
    firsts, lasts = np.concatenate([[0], cuts + 1]), np.concatenate([cuts, [len(places) - 1]])
    return list(zip(places[firsts].tolist(), places[lasts].tolist(), strict=True))


def _is_distress(traffic: Traffic, marks: Marks, sends: Sends, bins: Bins, hot: Flags, first: int, last: int) -> bool:
    inside = sends.within(*_times(bins, first, last))
    needless = _needless(marks, inside)
    needless *= hot[(inside.time - bins.start) // bins.width]
    if distinct(traffic.user[inside.row[needless > 0]]) < _SMALLEST_CROWD:
        # Few: what was sent because nobody answered is theirs alone. What was sent for another reason counts.
        needless *= ~inside.copy & ~marks.silent[inside.row] & ~marks.late[inside.row]
    total = np.concatenate([[0.0], np.cumsum(needless)])
    reach = np.searchsorted(inside.time, inside.time + SECOND, side="left")
    fastest = float((total[reach] - total[:-1]).max(initial=0.0))
    return float(total[-1]) >= _SMALLEST_DISTRESS and fastest >= _SLOWEST_DISTRESS


def _is_needless(marks: Marks, sends: Sends, bins: Bins, first: int, last: int) -> bool:
    """Whether most of all requests in a run are needless."""
    inside = sends.within(*_times(bins, first, last))
    return float(_needless(marks, inside).sum()) >= _DISTRESSED * len(inside.time)


def _with_onset(bins: Bins, first: int, last: int) -> tuple[int, int]:
    """Distress takes a while to show: the load that it comes of, without a gap before it, is the storm's onset; and
    what it leaves to be done, without a gap after it, its end. Both are held against what there is nearby: elsewhere in
    the capture there may be nothing at all."""
    before, behind = _nearby(bins, first, last)
    level = _ordinary(bins, first, last)
    limit = max(_TIMES * level, level + _SPREADS * np.sqrt(max(level, 1.0)))
    ahead, after = np.flatnonzero(before <= limit), np.flatnonzero(behind <= limit)
    rise = len(before) - 1 - int(ahead.max(initial=-1))
    return first - rise, last + int(after.min(initial=len(behind)))


def _nearby(bins: Bins, first: int, last: int) -> tuple[Ints, Ints]:
    """The counts before and behind a run, of as much time as it took and a little more."""
    length = last - first + 1 + 2 * int(TIMER_F // bins.width)
    return bins.counts[max(first - length, 0) : first], bins.counts[last + 1 : last + 1 + length]


def _ordinary(bins: Bins, first: int, last: int) -> float:
    """The middle count nearby, where there is anything at all."""
    calm = np.concatenate(_nearby(bins, first, last))
    return float(np.median(calm[calm > 0])) if calm.any() else 0.0


def _times(bins: Bins, first: int, last: int) -> tuple[int, int]:
    """First and last moment of some bins."""
    return bins.start + first * bins.width, bins.start + (last + 1) * bins.width - 1


def _is_surge(traffic: Traffic, sends: Sends, bins: Bins, hot: Flags, first: int, last: int) -> bool:
    part = slice(first, last + 1)
    above = float(np.where(hot[part], bins.counts[part] - bins.level[part], 0.0).sum())
    if above < _SMALLEST_SURGE:
        return False
    inside = sends.within(*_times(bins, first, last))
    return distinct(traffic.user[inside.row]) >= _SMALLEST_CROWD


def _at_once(sends: Sends, bins: Bins, hot: Flags, most: float, first: int, last: int) -> bool:
    """Whether half of the highest wave came within `most` nanoseconds. A wave reaches as far as there is more than
    usual: the top of a long rise is as short as one likes, and no wave."""
    above = np.where(hot[first : last + 1], bins.counts[first : last + 1] - bins.level[first : last + 1], 0.0)
    highest = max(_runs(above > 0, 1), key=lambda wave: float(above[wave[0] : wave[1] + 1].sum()))
    counts, level = _smooth(bins.counts), _smooth(bins.level)
    foot = _FOOT * bins.counts[first : last + 1].max()
    low = np.flatnonzero((counts <= np.maximum(_RISEN * level, 5 * foot)) | (bins.counts <= foot))
    place = np.searchsorted(low, first + highest[0])
    begin = int(low[place - 1]) + 1 if place else 0
    end = int(low[place]) if place < len(low) else len(bins.counts)
    times = sends.within(*_times(bins, min(begin, first + highest[0]), max(end - 1, first + highest[1]))).time
    half = len(times) // 2
    return half > 0 and int((times[half:] - times[:-half]).min()) <= most


def _interval_asked(traffic: Traffic) -> float:
    """Half of the lifetime that is granted, in seconds: when phones come again."""
    known = traffic.granted[traffic.granted > 0]
    return float(np.median(known)) / 2 if len(known) else _USUAL_INTERVAL


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


def _bounded(marks: Marks, sends: Sends, bins: Bins, surge: Flags, first: int, last: int) -> Span:
    """From the first request that belongs to it to the last, and on until those who were in it are registered again (at
    most twice Timer F: later successes belong to something else)."""
    inside = sends.within(*_times(bins, first, last))
    troubled = inside.copy | (marks.distress[inside.row] >= _DISTRESSED)
    belongs = troubled
    if surge[first : last + 1].any():
        level = max(float(np.median(bins.level[first : last + 1])), _ordinary(bins, first, last))
        belongs = troubled | _dense(inside.time, level * bins.per_second)
    times = inside.time[belongs] if belongs.any() else inside.time
    start, end = int(times[0]), int(times[-1])
    back = marks.regained[inside.row[troubled]]
    return Span(start, int(back[(back > end) & (back <= end + _RECOVERY)].max(initial=end)))


def _dense(times: Ints, usual: float) -> Flags:
    """Requests that stand among several at `_TIMES` the usual rate, and no less than the foot of the peak: a bin is
    wide where the capture is long, and has ordinary requests too. All, where there are none."""
    few = _IN_A_BIN // 2
    reach = np.searchsorted(times, times + SECOND, side="left") - np.arange(len(times))
    rate = max(_TIMES * usual, _FOOT * float(reach.max(initial=1)))
    quick = times[few:] - times[:-few] <= few * SECOND / rate
    if not quick.any():
        return np.ones(len(times), dtype=bool)
    within = np.concatenate([quick, np.zeros(few, dtype=bool)]).astype(np.int64)
    dense: Flags = np.convolve(within, np.ones(few + 1, dtype=np.int64))[: len(times)] > 0
    return dense


def _apart(spans: list[Span]) -> list[Span]:
    """Recovery that runs into the next storm is that storm's onset: they are one."""
    apart: list[Span] = []
    for span in spans:
        if apart and span.start <= apart[-1].end:
            before = apart.pop()
            span = Span(before.start, max(before.end, span.end))
        apart.append(span)
    return apart
