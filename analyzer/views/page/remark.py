"""A finding as it stands with a message: what is wrong, whose it is, the clause, the values, the fix."""

from __future__ import annotations

from typing import NamedTuple

from analyzer.escape import visible
from analyzer.judge.findings import Finding
from analyzer.sip.text import clip
from analyzer.views.gathered import MOST_DETAIL, told
from analyzer.views.words import SEVERITY_WORD, clause_words, party, sentence

LONGEST_VALUE = 300


class Remark(NamedTuple):
    """The words of a finding, all of them visible."""

    severity: str
    word: str
    text: str
    fault: str
    clause: str
    observed: str
    expected: str
    fix: str
    rule: str
    confidence: str
    known: str
    live_with: str


def remark_of(finding: Finding) -> Remark:
    """The words of a finding."""
    stack = finding.stack
    return Remark(
        severity=finding.severity,
        word=SEVERITY_WORD[finding.severity],
        text=sentence(visible(told(finding))),
        fault=party(finding.at_fault),
        clause=clause_words(finding.clause, whole=True),
        observed=visible(clip(finding.observed, LONGEST_VALUE)),
        expected=visible(clip(finding.expected, LONGEST_VALUE)),
        fix=sentence(visible(clip(finding.fix, MOST_DETAIL))),
        rule=finding.rule,
        confidence=finding.confidence.word,
        known=sentence(visible(stack.told)) if stack is not None else "",
        live_with=sentence(visible(stack.live_with)) if stack is not None and stack.live_with else "",
    )
