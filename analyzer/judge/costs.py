"""What each rule costs (`--stats`): how often its check was called, and how long that took.

The checks are wrapped before a run begins, so the judge's path is the same with and without, and a run that measures
nothing pays nothing. The clock is an argument, as all times are; a check that gives its answers one by one is asked for
all of them while the clock runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from analyzer.judge.findings import SINGLE, Answer, Check, Rule

Clock = Callable[[], int]
"""Nanoseconds of a clock that never goes back."""


@dataclass(slots=True)
class RuleCost:
    """Calls of a rule's check, and the nanoseconds that they took together."""

    calls: int = 0
    nanoseconds: int = 0


Costs = dict[str, RuleCost]


def measured(rules: Sequence[Rule], clock: Clock | None) -> tuple[Sequence[Rule], Costs]:
    """The same rules, and what they cost from now on, by rule id; without a clock they are as they were."""
    if clock is None:
        return rules, {}
    costs: Costs = {rule.id: RuleCost() for rule in rules}
    return [replace(rule, check=_timed(rule.check, costs[rule.id], clock)) for rule in rules], costs


def summed(several: Iterable[Costs]) -> Costs:
    """What workers' rules cost together."""
    whole: Costs = {}
    for costs in several:
        for name, cost in costs.items():
            total = whole.setdefault(name, RuleCost())
            total.calls += cost.calls
            total.nanoseconds += cost.nanoseconds
    return whole


def _timed(check: Check, cost: RuleCost, clock: Clock) -> Check:
    def timed(subject: Any, context: Any) -> Answer | Iterable[Answer]:
        begun = clock()
        try:
            answers = check(subject, context)
            return answers if isinstance(answers, SINGLE) else tuple(answers)
        finally:
            cost.calls += 1
            cost.nanoseconds += clock() - begun

    return timed
