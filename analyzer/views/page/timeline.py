"""Timelines as geometry: who could be called when, and how many REGISTERs came when. The template draws them.

Pictures are `WIDTH` units wide and as high as `HEIGHT`; everything in them is said in words, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from analyzer.evidence import SECOND
from analyzer.register.reachability import Stretch
from analyzer.register.registration import Registration
from analyzer.run.report import PACE, Report
from analyzer.views.states import ClientSummary
from analyzer.views.words import Clock, count, duration

WIDTH, HEIGHT = 1000, 120
STEPS = 250
"""Moments at which the picture of all clients looks."""
MOST_BARS = 180
FEW = 100
"""REGISTERs from which on a picture of them tells anything."""
MOST_SPOKEN = 4
"""Stretches of one client that are said in words."""
_WORD = {"bound": "can be called", "unbound": "cannot be called", "unknown": "not known", "off": "signed off"}
_STACK = ("bound", "unknown", "off", "unbound")
"""The states from the bottom to the top; `off` is without a registration by its own wish."""


class Span(NamedTuple):
    """The time that is shown, nanoseconds, and its two ends in words."""

    first: int
    last: int
    begin: str
    end: str

    def x(self, time: int) -> float:
        """The place of a time in the picture."""
        inside = min(max(time, self.first), self.last)
        return round((inside - self.first) * WIDTH / (self.last - self.first), 2)


class Piece(NamedTuple):
    """A stretch of time: its state, or phase, and where it begins and how wide it is."""

    state: str
    x: float
    width: float
    words: str


class Area(NamedTuple):
    """How many clients are in a state, as a polygon, and what the state is."""

    state: str
    points: str
    words: str


class Overview(NamedTuple):
    """All clients together; `most` is what the full height stands for."""

    areas: list[Area]
    most: int
    words: str


class Bar(NamedTuple):
    """So many REGISTERs, drawn from here to there."""

    x: float
    y: float
    width: float
    height: float


class Pace(NamedTuple):
    """REGISTERs over time, `most` in one bar, which is so long as `step` says."""

    bars: list[Bar]
    most: int
    step: str
    words: str


def span_of(report: Report, clock: Clock) -> Span | None:
    """The time that the sources span; None without a clock, or where it is less than a second."""
    first, last = report.span
    if first is None or last is None or last - first < SECOND:
        return None
    return Span(first, last, clock.at(first), clock.at(last))


def pieces_of(one: Registration, span: Span, clock: Clock) -> list[Piece]:
    """The timeline of one client."""
    return [
        Piece(_state(stretch), x := span.x(start), max(round(span.x(end) - x, 2), 1.5), _spoken(stretch, clock))
        for stretch, start, end in _stretches(one, span)
    ]


def spoken(pieces: Sequence[Piece]) -> str:
    """The timeline of one client in words: its latest stretches."""
    if not pieces:
        return "The server never listed a registration of this phone."
    earlier = len(pieces) - MOST_SPOKEN
    before = [f"{count(earlier, 'time')} before"] if earlier > 0 else []
    return "; ".join([*before, *(piece.words for piece in pieces[-MOST_SPOKEN:])])


def _spoken(stretch: Stretch, clock: Clock) -> str:
    until = f" to {clock.at(stretch.end)}" if stretch.end is not None else " on"
    state = _state(stretch)
    cause = f" ({stretch.cause})" if state in ("unbound", "unknown") else ""
    return f"{_WORD[state]}{cause} from {clock.at(stretch.start)}{until}"


def _state(stretch: Stretch) -> str:
    return "off" if stretch.state == "unbound" and stretch.cause == "signed off" else stretch.state


def _stretches(one: Registration, span: Span) -> Iterator[tuple[Stretch, int, int]]:
    for stretch in one.reach.stretches:
        end = span.last if stretch.end is None else min(stretch.end, span.last)
        if end >= stretch.start:  # the clock may have been set back
            yield stretch, stretch.start, end


def overview(clients: ClientSummary, span: Span, clock: Clock, in_vain: int = 0) -> Overview | None:
    """How many clients could be called, over time; None where no server ever said so of any. `in_vain` are the users
    that a storm left without a registration that works: a server that is silent still has its word in the picture."""
    deltas: dict[str, list[int]] = {state: [0] * (STEPS + 1) for state in _WORD}
    total = 0
    for one, _ in clients.states:
        total += bool(one.reach.stretches)
        for stretch, start, end in _stretches(one, span):
            changes = deltas[_state(stretch)]
            changes[_step(start, span)] += 1
            changes[STEPS if stretch.end is None else _step(end, span)] -= 1
    if not total:
        return None
    counts = {state: list(accumulate(changes))[:STEPS] for state, changes in deltas.items()}
    most = max(1, max(map(sum, zip(*counts.values(), strict=True))))
    base = [0] * STEPS
    areas = []
    for state in _STACK:
        top = [low + more for low, more in zip(base, counts[state], strict=True)]
        if any(counts[state]):
            areas.append(Area(state, _polygon(base, top, most), _WORD[state]))
        base = top
    words = _overview_words(counts, len(clients.states), span, clock)
    return Overview(areas, most, words + _unseen_words(in_vain, max(counts["unbound"])))


def _step(time: int, span: Span) -> int:
    return min(STEPS - 1, int((max(time, span.first) - span.first) * STEPS // (span.last - span.first + 1)))


def _polygon(base: Sequence[int], top: Sequence[int], most: int) -> str:
    """Stairs from left to right on top, and back at the bottom."""
    width = WIDTH / STEPS

    def corners(values: Sequence[int]) -> Iterator[str]:
        for number, value in enumerate(values):
            y = round(HEIGHT - value * HEIGHT / most, 1)
            yield f"{round(number * width, 1)},{y} {round((number + 1) * width, 1)},{y}"

    back = list(corners(base))
    turned = " ".join(" ".join(reversed(pair.split(" "))) for pair in reversed(back))
    return f"{' '.join(corners(top))} {turned}"


def _overview_words(counts: dict[str, list[int]], total: int, span: Span, clock: Clock) -> str:
    at_end = counts["bound"][-1]
    worst = max(counts["unbound"])
    said = f"At the end {at_end:,} of {count(total, 'client')} can be called"
    if not worst:
        return f"{said}; by the server's own words none had lost its registration."
    at = counts["unbound"].index(worst)
    time = clock.at(span.first + at * (span.last - span.first) // STEPS)
    return f"{said}; at worst {worst:,} had lost {'its' if worst == 1 else 'their'} registration, at about {time}."


def _unseen_words(in_vain: int, worst: int) -> str:
    """What the picture does not show, or it would belie what is said of the storm."""
    if in_vain <= worst:
        return ""
    return (
        f" The picture goes by what the server had said before: in the storm up to {count(in_vain, 'user')} asked it in"
        " vain, and may not have been reached whatever it had said."
    )


def pace_of(report: Report, span: Span, clock: Clock) -> Pace | None:
    """REGISTERs over time; None where there are too few to make a picture."""
    pace = report.summary.pace
    if sum(pace.values()) < FEW or len(pace) < 3:
        return None
    first, last = min(pace), max(pace)
    step = max(1, -(-(last - first + 1) // MOST_BARS))
    sums: dict[int, int] = {}
    for tick, number in pace.items():
        bin_ = (tick - first) // step
        sums[bin_] = sums.get(bin_, 0) + number
    most = max(sums.values())
    bars = []
    for bin_, number in sorted(sums.items()):
        x = span.x((first + bin_ * step) * PACE)
        end = span.x((first + (bin_ + 1) * step) * PACE)
        height = round(number * HEIGHT / most, 2)
        bars.append(Bar(x, round(HEIGHT - height, 2), max(round(end - x, 2), 1.0), height))
    at = clock.at((first + max(sums, key=lambda one: (sums[one], -one)) * step) * PACE)
    long = duration(step * PACE)
    words = f"At most {count(most, 'REGISTER')} in {long}, in the {long} from {at} on."
    return Pace(bars, most, long, words)
