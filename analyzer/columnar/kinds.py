"""Classes of transactions: all that the answer of a rule may depend on (docs/columnar.md)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from analyzer.columnar.columns import same_rows
from analyzer.columnar.course import Course, guesses_of
from analyzer.columnar.exchanges import Exchanges
from analyzer.columnar.records import Flags, Numbers
from analyzer.columnar.shapes import Shapes
from analyzer.register.guesses import ENOUGH
from analyzer.sip.timers import TIMER_F, TRYING_DUE

_EARLY = 2
"""Transactions of a client that are of classes of their own; those behind them are alike."""
_SINKING = 4
"""Times asked for in a row, each less than before, that a rule may speak of (`rules/det_shrinking_expiry.py`)."""
_OFTEN = 4
"""Uses of a nonce that are of classes of their own."""
_REFUSED = 2
"""Refusals of the same credentials, each by the next, from which on there are several."""


class Kinds:
    """Numbers the classes of transactions, the same for those of several courses. `end` is that of the capture,
    `stages` tell of each transaction what its server had done (`answering.py`)."""

    def __init__(self, shapes: Shapes, exchanges: Exchanges, end: int, stages: Numbers | None = None) -> None:
        self._shapes, self._exchanges, self._end = shapes, exchanges, end
        self._stages = np.zeros(len(exchanges), np.int64) if stages is None else stages
        self._numbers: dict[tuple[int, ...], int] = {}

    def of(self, course: Course, wanted: Flags, keys: Numbers, shared: Numbers, renewed: Flags) -> Numbers:
        """The class of each transaction of a course that is `wanted`. `keys` tells what matters of each of its clients,
        `shared` what is known of the nonce that each transaction gives out, `renewed` whether that is the one that it
        brings."""
        columns = [column[wanted] for column in self._columns(course, keys, shared, renewed)]
        which, first = same_rows(*columns)
        rows = zip(*(column[first].tolist() for column in columns), strict=True)
        own = [self._numbers.setdefault(row, len(self._numbers)) for row in rows]
        return np.array(own, np.int32)[which]

    def _columns(self, course: Course, keys: Numbers, shared: Numbers, renewed: Flags) -> tuple[npt.NDArray[Any], ...]:
        shapes, exchanges, order, is_first = self._shapes, self._exchanges, course.order, course.is_first
        before = order[course.before]
        asks, answers = shapes.of[exchanges.first[order]], shapes.of[exchanges.final[order]]
        behind = np.where(is_first, -1, course.before)
        latest = (behind, course.asked, course.granted)
        return (
            asks + 1,
            answers + 1,
            *(np.where(at < 0, 0, one[at] + 1) for at in latest for one in (asks, answers)),
            np.minimum(course.index, _EARLY),
            np.where(course.asked < 0, 0, np.minimum(np.arange(len(order)) - course.asked, _OFTEN)),
            exchanges.copies[order],
            exchanges.finals[order] > 1,
            exchanges.after[order] > 0,
            exchanges.answered[order] - exchanges.begun[order] > TRYING_DUE,
            exchanges.closes[order] < self._end,
            ~is_first & (exchanges.closes[before] < exchanges.begun[order]),
            course.spread(keys) + 1,
            shared[order],
            _sinking(shapes, exchanges, course),
            *_refused(shapes, exchanges, course),
            renewed[order],
            *self._silent(course),
            self._stages[order],
        )

    def _silent(self, course: Course) -> tuple[Numbers, ...]:
        """How it stands with each transaction that has no answer: it waits when the capture ends, it is over then, or
        by then, and whether its client goes on before that is noticed; and whether its client had none before, and
        since its latest grant."""
        order, silences = course.order, course.silences
        is_over = self._end - self._exchanges.begun[order] >= TIMER_F
        since = np.where(course.granted < 0, 0, silences[course.granted])
        states = 1 + is_over + (self._exchanges.closes[order] < self._end)
        follows = np.append(~course.is_first[1:], False)  # another one of the same client, by time
        goes_on = follows & (self._exchanges.closes[order] >= self._exchanges.begun[np.append(order[1:], order[-1:])])
        state = np.where(course.silent, 2 * states + goes_on, 0)
        return state, np.minimum(silences, 1), np.minimum(silences - since, 1)


def _sinking(shapes: Shapes, exchanges: Exchanges, course: Course) -> Numbers:
    """How many grants in a row, the latest of each transaction the last of them, came to requests that asked for what
    was granted before, and so for less than before (`Registration.note_grant`)."""
    order, at = course.order, np.flatnonzero(course.is_grant & (course.granted >= 0))
    asked, granted = (shapes.each(lambda shape: shape.expires, of[order]) for of in (exchanges.first, exchanges.final))
    before = course.granted[at]
    sinks = np.zeros(len(order), np.bool_)
    sinks[at] = (asked[at] == granted[before]) & (asked[at] < asked[before])
    rows = np.zeros(len(order), np.int64)
    for _ in range(_SINKING):  # each turn makes the rows one longer that go on
        rows[at] = np.where(sinks[at], rows[before] + 1, 0)
    grants = np.where(course.is_grant, np.arange(len(order)), course.granted)
    found: Numbers = np.where(grants < 0, 0, np.minimum(rows[grants], _SINKING))
    return found


def _refused(shapes: Shapes, exchanges: Exchanges, course: Course) -> tuple[Numbers, ...]:
    """Whether the client of each transaction was refused by then, and since its latest grant; how often with
    credentials, as far as that is looked at (`register/guesses.py`); and whether the credentials before it were refused
    (`register/refused_credentials.py`): that stands until some are accepted."""
    refusals, guesses = course.refusals, guesses_of(shapes, exchanges, course)
    since, accepted = (np.where(course.granted < 0, 0, counts[course.granted]) for counts in (refusals, guesses))
    before = np.where(course.is_first, 0, guesses[course.before])
    return (
        np.minimum(refusals, 1),
        np.minimum(refusals - since, 1),
        np.minimum(guesses, ENOUGH),
        np.minimum(before - accepted, _REFUSED),
    )
