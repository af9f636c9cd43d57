"""Each rule's examples, taken at their word: exactly the findings they expect, and every rule is seen to speak."""

from __future__ import annotations

from collections import Counter

import pytest

from analyzer.judge.findings import SEVERITIES, Example, Rule
from analyzer.rules import all_rules
from tests.rules.cases import examples, judged, label, subs

_EXAMPLES = [pytest.param(rule, example, id=label(rule, example)) for rule, example in examples()]
_RULES = [pytest.param(rule, id=rule.id) for rule in all_rules()]


@pytest.mark.parametrize(("rule", "example"), _EXAMPLES)
def test_an_example_gives_exactly_its_findings(rule: Rule, example: Example) -> None:
    report = judged(rule, example)
    assert subs(report) == sorted(example.expect), [finding.detail for finding in report.findings]
    assert report.outcomes[rule.id].failed == 0


@pytest.mark.parametrize(("rule", "example"), [case for case in _EXAMPLES if case.values[1].severity is not None])  # type: ignore[union-attr]
def test_the_worst_finding_has_the_severity_that_the_example_names(rule: Rule, example: Example) -> None:
    found = [finding.severity for finding in judged(rule, example).findings]
    assert max(found, key=SEVERITIES.index) == example.severity


@pytest.mark.parametrize(("rule", "example"), [case for case in _EXAMPLES if case.values[1].expect])  # type: ignore[union-attr]
def test_a_finding_says_what_was_seen_where_and_what_to_do(rule: Rule, example: Example) -> None:
    for finding in judged(rule, example).findings:
        assert finding.rule == rule.id
        assert len(finding.detail) > 15
        assert "\n" not in finding.detail
        assert len(finding.fix) > 15
        assert finding.at_fault
        assert {one.place.source for one in finding.evidence} == {"flow"}
        assert None not in {one.time for one in finding.evidence}, "the flow has a clock, so every place has a time"
        assert finding.count >= 1


@pytest.mark.parametrize(("rule", "example"), _EXAMPLES)
def test_an_example_shows_exactly_its_facts_each_once(rule: Rule, example: Example) -> None:
    assert judged(rule, example).outcomes[rule.id].seen == dict.fromkeys(example.facts, 1)


@pytest.mark.parametrize("rule", [rule for rule in all_rules() if rule.is_fact], ids=lambda rule: rule.id)
def test_a_fact_is_never_a_finding(rule: Rule) -> None:
    for _, example in examples():
        report = judged(rule, example)
        tally = report.outcomes[rule.id]
        assert (report.findings, tally.violated, tally.failed) == ([], 0, 0), example.flow


@pytest.mark.parametrize(("rule", "example"), _EXAMPLES)
def test_judging_twice_says_the_same(rule: Rule, example: Example) -> None:
    first, second = judged(rule, example), judged(rule, example)
    assert [finding.detail for finding in first.findings] == [finding.detail for finding in second.findings]


@pytest.mark.parametrize("rule", _RULES)
def test_no_rule_is_silent(rule: Rule) -> None:
    outcomes: Counter[str] = Counter()
    for example in rule.examples:
        tally = judged(rule, example).outcomes[rule.id]
        outcomes.update(passed=tally.passed, violated=tally.violated, failed=tally.failed)
    if not rule.is_fact:
        assert outcomes["violated"] >= 1
        assert outcomes["passed"] >= 1
    assert outcomes["failed"] == 0
