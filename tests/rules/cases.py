"""What the rule tests share: a rule by its id, and a flow judged by one rule."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.judge.findings import Example, Rule
from analyzer.judge.flowtext import read_flow
from analyzer.register.digest.secrets import Secrets
from analyzer.rules import all_rules
from analyzer.run.pipeline import analyze_items
from analyzer.run.report import Report


def rule_of(rule_id: str) -> Rule:
    """The rule with this id; fails the test that asks where there is none."""
    return next(rule for rule in all_rules() if rule.id == rule_id)


def judged(rule: Rule, example: Example, profile: str = "") -> Report:
    """The report of one rule alone on a flow; by default in the first profile that has the rule."""
    profile = profile or (rule.only_in or ("rfc3261",))[0]
    items = read_flow(example.flow, tail=example.tail, log=example.log)
    return analyze_items(items, rules=[rule], secrets=Secrets.of(example.passwords), profile=profile)


def run(rule_id: str, flow: str, *, tail: float = 0.0, log: bool = False, profile: str = "rfc3261") -> Report:
    """The report of one rule, called by its id, on a flow."""
    return judged(rule_of(rule_id), Example(flow, tail=tail, log=log), profile)


def subs(report: Report) -> list[str]:
    """The sub-codes of all findings, sorted; a failed rule shows as `internal`."""
    return sorted(finding.sub if finding.rule != "internal" else "internal" for finding in report.findings)


def examples() -> Iterator[tuple[Rule, Example]]:
    """Every example of every rule."""
    for rule in all_rules():
        for example in rule.examples:
            yield rule, example


def label(rule: Rule, example: Example) -> str:
    """A test id: the rule and what the example shows."""
    kind = "bad" if example.expect else "good"
    return f"{rule.id}-{kind}-{example.title or example.flow.strip().splitlines()[-1].strip()}"[:110]
