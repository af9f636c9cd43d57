"""The steps of a replay: each captured request in order, what was answered then, and how long the client waited.

A step that brings credentials after a 401/407, or asks for more after a 423, goes on with what the step before began
(RFC 3261 22.2, 10.2.8); the last step of such a chain has its outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from analyzer.sip.auth import Challenge
from analyzer.sip.auth_headers import ANSWERED_IN
from replay.flow import Exchange, Flow

_CONTINUED = frozenset((401, 407, 413, 415, 416, 420, 421, 423, 494))
"""Answers after which RFC 3261 8.1.3.5, 10.2.8 and 22.2 have the client go on with the same matter."""
LEFT_OUT = "R3261-22.3-left-out"
_MOST_ASKED = 32
"""Challenges that are kept in mind at a step: a hostile capture may ask for another realm with each response."""


@dataclass(frozen=True, slots=True)
class Step:
    """One captured request. `wait` is the time between the response before (or, without one, the request before) and
    this request, in nanoseconds. `before` is the exchange before. `continues`: it goes on with the one before;
    `is_last` of its chain, so that its answer is an outcome. `asked` are the challenges in force, of each header and
    realm the last, since the client began anew without credentials. `flow_rules` are the rules that any exchange of the
    flow breaks: of a fault that comes again and again a report has the first place alone."""

    number: int
    exchange: Exchange
    wait: int
    before: Exchange | None
    continues: bool
    is_last: bool
    asked: tuple[Challenge, ...] = ()
    flow_rules: frozenset[str] = frozenset()

    @property
    def left_out(self) -> tuple[Challenge, ...]:
        """The challenges that come once more because the request had no credentials for them, though it had been asked
        for those before, and brought others that were asked for (RFC 3261 22.3)."""
        request, final = self.exchange.request, self.exchange.final
        if final is None or LEFT_OUT not in self.flow_rules:
            return ()
        sent = {(one.header, one.realm) for one in request.credentials}
        asked = {(ANSWERED_IN[one.header], one.realm) for one in self.asked}
        if not sent & asked:
            return ()
        again = [(one, (ANSWERED_IN[one.header], one.realm)) for one in final.challenges]
        return tuple(one for one, key in again if key in asked and key not in sent)


def steps_of(flow: Flow) -> tuple[Step, ...]:
    """The steps of a flow; numbers count from 1."""
    exchanges = flow.exchanges
    goes_on = [False, *(_goes_on(a, b) for a, b in pairwise(exchanges)), False]
    asked = _asked_before(exchanges, goes_on)
    flow_rules = frozenset[str]().union(*(exchange.rules for exchange in exchanges))
    return tuple(
        Step(
            number=at + 1,
            exchange=exchange,
            wait=_gap(exchanges[at - 1], exchange) if at else 0,
            before=exchanges[at - 1] if at else None,
            continues=goes_on[at],
            is_last=not goes_on[at + 1],
            asked=asked[at],
            flow_rules=flow_rules,
        )
        for at, exchange in enumerate(exchanges)
    )


def _asked_before(exchanges: Sequence[Exchange], goes_on: Sequence[bool]) -> list[tuple[Challenge, ...]]:
    """Of each exchange the challenges in force before it."""
    found: list[tuple[Challenge, ...]] = []
    in_force: tuple[Challenge, ...] = ()
    for exchange, continues in zip(exchanges, goes_on, strict=False):
        if not (continues or exchange.request.has_credentials):
            in_force = ()
        found.append(in_force)
        new = exchange.final.challenges if exchange.final is not None and exchange.status in (401, 407) else []
        if new:
            renewed = {(one.header, one.realm) for one in new}
            kept = [one for one in in_force if (one.header, one.realm) not in renewed]
            in_force = tuple([*kept, *new][-_MOST_ASKED:])
    return found


def _goes_on(before: Exchange, after: Exchange) -> bool:
    if before.status in (401, 407):
        return after.request.has_credentials
    return before.status in _CONTINUED


def _gap(before: Exchange, after: Exchange) -> int:
    began = before.final_time if before.final_time is not None else before.request_time
    if began is None or after.request_time is None:
        return 0
    return max(0, after.request_time - began)
