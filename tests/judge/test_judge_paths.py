"""Who is judged where: hops of one path (docs/rules/traps.md T-FORK), captures upstream of the user agent, answers
paired by weak keys."""

from __future__ import annotations

from typing import Any

import pytest

from analyzer.evidence import Frame
from analyzer.judge.findings import Answer, Rule, Violated
from analyzer.judge.flowtext import read_flow
from analyzer.register.subjects import MessageSubject, TransactionSubject
from analyzer.run.pipeline import analyze_items
from analyzer.run.report import Report

_VIA = "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKa"
_PROXIED = f"""
    dst=198.51.100.7:5060 > REGISTER sip:example.com
    {_VIA}
    src=198.51.100.7:5060 dst=198.51.100.1:5060 > REGISTER sip:example.com
    CSeq: 1
    Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKp
    {_VIA}
    < 200
    Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKp
    {_VIA}
    to=1 < 200
"""


def _rule(hop: str, subject: str = "transaction") -> Rule:
    def check(subject: TransactionSubject, context: Any) -> Answer:
        return Violated(f"to {subject.transaction.destination}", sub=str(subject.transaction.destination))

    return Rule(
        id="TEST-hop",
        title="a test",
        short_title="A test",
        question="whether tests run",
        clause="RFC 3261 §16",
        force="MUST",
        severity="error",
        at_fault="UAC",
        subject=subject,  # type: ignore[arg-type]
        check=check,
        fix="nothing",
        why="a test",
        examples=(),
        observed_at=hop,  # type: ignore[arg-type]
    )


def _seen(flow: str, rule: Rule) -> Report:
    return analyze_items(read_flow(flow), rules=[rule])


@pytest.mark.parametrize(("hop", "frames"), [("first", {1}), ("last", {2}), ("any", {1, 2})])
def test_a_rule_looks_at_its_hop(hop: str, frames: set[int]) -> None:
    report = _seen(_PROXIED, _rule(hop))
    assert {finding.evidence[0][0][1] for finding in report.findings} == frames


@pytest.mark.parametrize("hop", ["first", "last"])
def test_a_lone_transaction_is_both_hops(hop: str) -> None:
    assert _seen("> REGISTER sip:example.com\n< 200", _rule(hop)).outcomes["TEST-hop"].violated == 1


def test_the_registrars_answer_is_judged_where_it_was_given() -> None:
    def check(subject: MessageSubject, context: Any) -> Answer:
        return (
            Violated("an answer", sub=str(subject.message.raw_message.source))
            if subject.message.status
            else Violated("q")
        )

    rule = _rule("last", "message")
    object.__setattr__(rule, "check", check)
    found = [finding for finding in _seen(_PROXIED, rule).findings if finding.sub]
    assert [(finding.sub, finding.evidence[0][0]) for finding in found] == [("198.51.100.1:5060", Frame("flow", 3))]


def test_upstream_of_the_user_agent_confidence_falls() -> None:
    flow = f"""
        src=198.51.100.7:5060 > REGISTER sip:example.com
        Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKp
        {_VIA}
        < 200
        Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKp
        {_VIA}
    """
    assert [finding.confidence.word for finding in _seen(flow, _rule("first")).findings] == ["medium"]
    assert [finding.confidence.word for finding in _seen(flow, _rule("last")).findings] == ["high"]


def test_seen_again_upstream_confidence_stays_low() -> None:
    step = f"> REGISTER sip:example.com\nVia: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bK{{}}\n{_VIA}{{}}\n"
    flow = "src=198.51.100.7:5060 " + step.format("p1", "1") + "@60 src=198.51.100.7:5060 " + step.format("p2", "2")
    (finding,) = _seen(flow + "@200 .", _rule("first")).findings
    assert finding.count == 2
    assert finding.confidence.word == "medium"


@pytest.mark.parametrize(
    ("header", "confidence"),
    [("", "high"), ("Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKother", "medium")],
)
def test_an_answer_that_was_paired_by_a_weaker_key_is_less_sure(header: str, confidence: str) -> None:
    (finding,) = _seen(f"> REGISTER sip:example.com\n< 200\n{header}".rstrip(), _rule("last")).findings
    assert finding.confidence.word == confidence
