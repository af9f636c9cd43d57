"""The flows of a document, each analyzed by itself (docs/rules/reconstruction.md 1 item 5).

What is printed as an example uses the same Call-ID, branches and addresses in each flow. So a flow is a capture:
nothing is remembered from one to the next, and the report puts together but the lists of what was found.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Protocol

from analyzer.evidence import Item, RawMessage
from analyzer.register.bounded import MessageCounter
from analyzer.run.partial_result import PartialResult

_COLLECTED = 256
"""Flows after which what is left of them is given back."""


class Part(Protocol):
    """An analysis as it is used here (`analyzer.run.pipeline.Analysis`)."""

    counter: MessageCounter

    def feed(self, item: Item) -> None:
        """Take in an item."""

    def partials(self, *, interrupted: bool) -> list[PartialResult]:
        """The input has ended: what was found."""


class FlowAnalyses:
    """Gives each flow of a document an analysis of its own, and one to all that belongs to none: no transaction, client
    or nonce of one is known in another. `begin` begins an analysis. Messages are numbered through."""

    def __init__(self, begin: Callable[..., Part]) -> None:
        self._begin = begin
        self._number = 0
        self._last: tuple[str, int] | None = None
        self._flow: Part | None = None
        self._rest: Part | None = None
        self._done: list[PartialResult] = []
        self._begun = 0

    def feed(self, item: Item) -> None:
        """Take in an item; the flow before is over where another begins."""
        analysis = self._of(item)
        analysis.counter.number = self._number
        analysis.feed(item)
        self._number = analysis.counter.number

    def _of(self, item: Item) -> Part:
        step = item.flow_step if isinstance(item, RawMessage) else None
        if step is None:
            self._rest = self._rest or self._next()
            return self._rest
        flow = (item.place.source, step.flow)
        if self._flow is None or flow != self._last:
            self._end(self._flow, interrupted=False)
            self._flow, self._last = self._next(), flow
        return self._flow

    def _next(self) -> Part:
        self._begun += 1
        if self._begun % _COLLECTED == 0:
            gc.collect()  # an analysis knows itself, so it stays until the collector comes, which rests in a run
            gc.freeze()  # what is left is kept to the end: to look through all of it again each time takes the square
        return self._begin(part=self._begun, after=self._number)

    def _end(self, analysis: Part | None, *, interrupted: bool) -> None:
        for part in () if analysis is None else analysis.partials(interrupted=interrupted):
            if self._done:  # the counts of a hundred rules for each of thousands of flows would take all memory
                counted = self._done[0].outcomes
                for rule, tally in part.outcomes.items():
                    counted[rule].merge(tally)
                part.outcomes = {}
            self._done.append(part)

    def partials(self, *, interrupted: bool) -> list[PartialResult]:
        """The input has ended: what each flow showed."""
        for analysis in (self._flow, self._rest):
            self._end(analysis, interrupted=interrupted)
        return self._done or self._begin().partials(interrupted=interrupted)
