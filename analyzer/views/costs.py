"""What each rule cost (`--stats`), as plain lines: the dearest first, then those that were never called, counted."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.judge.costs import RuleCost
from analyzer.judge.tally import Tally
from analyzer.run.report import Report

_HEAD = ("ms", "calls", "us/call", "answers", "rule")
_MILLISECOND, _MICROSECOND = 1_000_000, 1_000


def cost_lines(report: Report) -> Iterator[str]:
    """A head, a line for each rule that was called, the sum. `answers` counts those too that were given without a call,
    because what a subject is settles them."""
    called = {name: cost for name, cost in report.costs.items() if cost.calls}
    yield _line(_HEAD)
    for name, cost in sorted(called.items(), key=lambda item: (-item[1].nanoseconds, item[0])):
        yield _line(_row(name, cost, report.outcomes.get(name, Tally())))
    calls, spent = sum(one.calls for one in called.values()), sum(one.nanoseconds for one in called.values())
    answers = sum(_answers(tally) for tally in report.outcomes.values())
    idle = len(report.costs) - len(called)
    never = f", {idle} more were never called" if idle else ""
    each = f"{spent / calls / _MICROSECOND:.1f}" if calls else "-"
    yield _line((f"{spent / _MILLISECOND:.1f}", f"{calls:,}", each, f"{answers:,}", f"all {len(called)} rules{never}"))


def _row(name: str, cost: RuleCost, tally: Tally) -> tuple[str, ...]:
    each = cost.nanoseconds / cost.calls / _MICROSECOND
    return (f"{cost.nanoseconds / _MILLISECOND:.1f}", f"{cost.calls:,}", f"{each:.1f}", f"{_answers(tally):,}", name)


def _answers(tally: Tally) -> int:
    return tally.passed + tally.violated + tally.not_applicable + tally.failed + sum(tally.not_judged.values())


def _line(cells: tuple[str, ...]) -> str:
    *numbers, name = cells
    return "".join(f"{number:>12}" for number in numbers) + f"  {name}"
