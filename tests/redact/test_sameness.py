"""What is told of two reports that differ, and of those that differ in words of the wire alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from analyzer.redact.sameness import differences
from analyzer.run.pipeline import analyze
from analyzer.run.report import Report
from tests.shared import ROOT

SAMPLE = ROOT / "samples" / "asterisk-first-registration" / "input.txt"


@pytest.fixture
def report() -> Report:
    return analyze(SAMPLE)


def other(report: Report, rule: str, **reasons: int) -> Report:
    """The same report, in which a rule could not judge for these reasons."""
    tally = replace(report.outcomes[rule], not_judged=Counter(reasons))
    return replace(report, outcomes={**report.outcomes, rule: tally})


def test_a_report_is_the_same_as_itself(report: Report) -> None:
    assert differences(report, analyze(Path(SAMPLE))) == []


@pytest.mark.parametrize("rule", ["R3261-10.2-cseq-increment", "R7616-3.3-challenge-quality"])
def test_answers_are_compared_whether_there_are_findings_or_not(report: Report, rule: str) -> None:
    one, two = other(report, rule, cut=1), other(report, rule, lost=1)
    assert differences(one, two) == [f"the same findings, but judged otherwise: {rule}"]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ('no quoted string: realm="example.com', 'no quoted string: realm="somewhere.net'),
        ("the value 'alice' is no number", "the value 'carol' is no number"),
        ('the value "alice" is no number', 'the value "carol" is no number'),
    ],
)
def test_words_of_the_wire_are_no_difference(report: Report, one: str, two: str) -> None:
    rule = "R3261-10.2-cseq-increment"
    assert differences(other(report, rule, **{one: 1}), other(report, rule, **{two: 1})) == []
