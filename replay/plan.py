"""The steps of a replay: each captured request in order, what was answered then, and how long the client waited.

A step that brings credentials after a 401/407, or asks for more after a 423, goes on with what the step before began
(RFC 3261 22.2, 10.2.8); the last step of such a chain has its outcome.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from replay.flow import Exchange, Flow

_CONTINUED = frozenset((401, 407, 413, 415, 416, 420, 421, 423, 494))
"""Answers after which RFC 3261 8.1.3.5, 10.2.8 and 22.2 have the client go on with the same matter."""


@dataclass(frozen=True, slots=True)
class Step:
    """One captured request. `wait` is the time between the response before (or, without one, the request before) and
    this request, in nanoseconds. `before` is the exchange before. `continues`: it goes on with the one before;
    `is_last` of its chain, so that its answer is an outcome."""

    number: int
    exchange: Exchange
    wait: int
    before: Exchange | None
    continues: bool
    is_last: bool


def steps_of(flow: Flow) -> tuple[Step, ...]:
    """The steps of a flow; numbers count from 1."""
    exchanges = flow.exchanges
    goes_on = [False, *(_goes_on(a, b) for a, b in pairwise(exchanges)), False]
    return tuple(
        Step(
            number=at + 1,
            exchange=exchange,
            wait=_gap(exchanges[at - 1], exchange) if at else 0,
            before=exchanges[at - 1] if at else None,
            continues=goes_on[at],
            is_last=not goes_on[at + 1],
        )
        for at, exchange in enumerate(exchanges)
    )


def _goes_on(before: Exchange, after: Exchange) -> bool:
    if before.status in (401, 407):
        return after.request.has_credentials
    return before.status in _CONTINUED


def _gap(before: Exchange, after: Exchange) -> int:
    began = before.final_time if before.final_time is not None else before.request_time
    if began is None or after.request_time is None:
        return 0
    return max(0, after.request_time - began)
