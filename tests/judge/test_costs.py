"""What rules cost: counted and timed by a clock that the test holds, summed over workers, nothing when off."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analyzer.judge.costs import RuleCost, measured, summed
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Check, Rule, Violated
from analyzer.rules import all_rules
from analyzer.run.pipeline import analyze
from analyzer.run.report import Report
from analyzer.views.costs import cost_lines
from tests.rules.cases import rule_of
from tests.shared import ROOT

SAMPLE = ROOT / "samples" / "wrong-password" / "input.pcapng"


class Clock:
    """Nanoseconds that go on when the test says so, and by one at each look."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        self.now += 1
        return self.now


def rule_that(check: Check) -> Rule:
    return replace(rule_of("R3261-10.2-callid"), id="TEST-cost", check=check)


def test_a_call_is_counted_with_its_time() -> None:
    clock = Clock()

    def check(subject: Any, context: Any) -> Answer:
        clock.now += 500
        return PASSED

    (rule,), costs = measured([rule_that(check)], clock)
    assert rule.check(None, None) is PASSED
    assert costs == {"TEST-cost": RuleCost(1, 501)}
    rule.check(None, None)
    assert costs["TEST-cost"] == RuleCost(2, 1002)


def test_answers_one_by_one_are_timed_to_the_last() -> None:
    clock = Clock()

    def check(subject: Any, context: Any) -> Iterator[Answer]:
        for answer in (PASSED, NOT_APPLICABLE, Violated("x")):
            clock.now += 100
            yield answer

    (rule,), costs = measured([rule_that(check)], clock)
    assert rule.check(None, None) == (PASSED, NOT_APPLICABLE, Violated("x"))
    assert costs["TEST-cost"] == RuleCost(1, 301)


@pytest.mark.parametrize("late", [False, True])
def test_a_crash_costs_too(late: bool) -> None:
    def check(subject: Any, context: Any) -> Answer | Iterable[Answer]:
        def answers() -> Iterator[Answer]:
            yield PASSED
            raise ValueError("late")

        if late:
            return answers()
        raise ValueError("at once")

    (rule,), costs = measured([rule_that(check)], Clock())
    with pytest.raises(ValueError):
        rule.check(None, None)
    assert costs["TEST-cost"].calls == 1 and costs["TEST-cost"].nanoseconds > 0


def test_the_card_is_the_same_but_for_its_check() -> None:
    rules, costs = measured(all_rules(), Clock())
    assert [replace(rule, check=all_rules()[at].check) for at, rule in enumerate(rules)] == list(all_rules())
    assert set(costs) == {rule.id for rule in all_rules()}


def test_costs_of_workers_add_up() -> None:
    whole = summed([{"a": RuleCost(1, 10)}, {"a": RuleCost(2, 5), "b": RuleCost(0, 0)}, {}])
    assert whole == {"a": RuleCost(3, 15), "b": RuleCost(0, 0)}
    assert summed([]) == {}


def run(jobs: int = 1, clock: Clock | None = None, rules: list[Rule] | None = None) -> Report:
    return analyze(SAMPLE, tables=False, jobs=jobs, clock=clock, rules=rules)


def test_nothing_is_measured_unasked() -> None:
    assert run().costs == {}


def test_measuring_changes_nothing_else() -> None:
    plain, timed = run(), run(clock=Clock())
    assert [repr(finding) for finding in plain.findings] == [repr(finding) for finding in timed.findings]
    assert plain.outcomes == timed.outcomes


def test_a_call_is_what_the_marks_do_not_settle() -> None:
    """There are as many calls as answers at the most, and a rule that never has a say is never called."""
    report = run(clock=Clock())
    for name, cost in report.costs.items():
        tally = report.outcomes[name]
        answers = tally.passed + tally.violated + tally.not_applicable + tally.failed
        answers += sum(tally.not_judged.values()) + sum(tally.seen.values())
        if rule_of(name).subject != "fleet" and cost.calls == 0:
            assert tally.violated == 0
        assert answers >= 1 or cost.calls == 0
    assert sum(cost.calls for cost in report.costs.values()) > 100


@pytest.mark.parametrize("path", [SAMPLE], ids=lambda path: Path(path).parent.name)
def test_with_workers_the_calls_are_those_of_one_process(path: Path) -> None:
    alone, shared = run(clock=Clock()), run(jobs=2, clock=Clock())
    assert {name: cost.calls for name, cost in alone.costs.items()} == {
        name: cost.calls for name, cost in shared.costs.items()
    }
    fleet = [rule.id for rule in all_rules() if rule.subject == "fleet"]
    assert fleet and all(shared.costs[name].calls == 1 for name in fleet)


def test_the_table_has_a_line_a_rule_and_the_sum() -> None:
    report = run(clock=Clock())
    head, *rows, last = cost_lines(report)
    assert head.split() == ["ms", "calls", "us/call", "answers", "rule"]
    called = {name for name, cost in report.costs.items() if cost.calls}
    assert {row.split()[-1] for row in rows} == called
    spent = [report.costs[row.split()[-1]].nanoseconds for row in rows]
    assert spent == sorted(spent, reverse=True)
    assert f"{sum(cost.calls for cost in report.costs.values()):,}" in last
    assert f"all {len(called)} rules, {len(report.costs) - len(called)} more were never called" in last
    assert len({len(row) - len(row.split()[-1]) for row in rows}) == 1, "columns stand under each other"


def test_a_run_without_calls_divides_by_nothing() -> None:
    report = run(clock=Clock(), rules=[])
    assert [line.split()[-2:] for line in cost_lines(report)] == [["answers", "rule"], ["0", "rules"]]
