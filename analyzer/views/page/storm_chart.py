"""The load of a storm as geometry: requests a second, sent for the first time or again, over its phases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from analyzer.evidence import SECOND
from analyzer.storm.values import Storm
from analyzer.views.page.timeline import HEIGHT, WIDTH, Bar, Piece
from analyzer.views.storm.summary import SHAPES, verdict
from analyzer.views.words import Clock, count, sentence

MOST_CHARTS = 3
MOST_COLUMNS = 200
WORTH_SAYING = 20
"""Of so many users of a storm one without a registration is worth a word: somebody is always about to register."""


class StormChart(NamedTuple):
    """`first` and `copies` stand on one another; the full height is `most` requests a second."""

    first: list[Bar]
    copies: list[Bar]
    shades: list[Piece]
    most: int
    begin: str
    end: str
    words: str


def charts_of(storms: Sequence[Storm], clock: Clock) -> list[StormChart]:
    """The first few storms."""
    return [chart for storm in storms[:MOST_CHARTS] if (chart := _chart(storm, clock)) is not None]


def _chart(storm: Storm, clock: Clock) -> StormChart | None:
    series = storm.series
    chunk = max(1, -(-len(series.first) // MOST_COLUMNS), round(1 / series.width) if series.width else 1)
    first, copies = list(_coarse(series.first, chunk)), list(_coarse(series.copies, chunk))
    most = max((one + other for one, other in zip(first, copies, strict=True)), default=0.0)
    if not most:
        return None
    wide = WIDTH / len(first)
    end = series.start + round(len(first) * chunk * series.width * SECOND)
    low, high = [], []
    for number, (new, again) in enumerate(zip(first, copies, strict=True)):
        x, base, more = round(number * wide, 2), new * HEIGHT / most, again * HEIGHT / most
        low.append(Bar(x, round(HEIGHT - base, 2), round(wide, 2), round(base, 2)))
        if more:
            high.append(Bar(x, round(HEIGHT - base - more, 2), round(wide, 2), round(more, 2)))
    begins, ends = clock.at(series.start), clock.at(end)
    return StormChart(low, high, list(_shades(storm, end)), round(most), begins, ends, words_of(storm, clock))


def words_of(storm: Storm, clock: Clock) -> str:
    """Why, from when to when, how much at once, and how many users it left without a registration."""
    peak = f"at most {storm.peak_rate:,.0f} requests in a second, at {clock.at(storm.peak_time)}"
    told = f"{sentence(verdict(storm))} From {clock.at(storm.start)} to {clock.at(storm.end)}; {peak}."
    worst = storm.outage.peak
    if worst * WORTH_SAYING < storm.users:
        return told
    return f"{told} At worst {count(worst, 'user')} had no registration that works."


def in_vain(storms: Sequence[Storm]) -> int:
    """How many users at most asked a server that answered nobody: what it had said before does not tell of them."""
    return max((storm.outage.peak for storm in storms if storm.silences), default=0)


def _coarse(values: Sequence[float], chunk: int) -> Iterator[float]:
    """The mean of each few values: rates over a second or more."""
    for start in range(0, len(values), chunk):
        few = values[start : start + chunk]
        yield sum(few) / len(few)


def _shades(storm: Storm, end: int) -> Iterator[Piece]:
    start = storm.series.start
    for phase in storm.phases:
        begin, until = (min(max(time, start), end) - start for time in (phase.start, phase.end))
        x = round(begin * WIDTH / (end - start), 2)
        width = round((until - begin) * WIDTH / (end - start), 2)
        yield Piece(phase.phase, x, max(width, 1.0), SHAPES[phase.phase])
