"""The judge with rules made up for the purpose: outcomes, crashes, merging, folding, needs, confidence."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from analyzer.evidence import SECOND, Endpoint, Fidelity, Frame
from analyzer.judge.failures import INTERNAL
from analyzer.judge.findings import (
    NOT_APPLICABLE,
    PASSED,
    Answer,
    Confidence,
    Need,
    NotJudged,
    Rule,
    Violated,
)
from analyzer.judge.flowtext import read_flow
from analyzer.judge.judge import MAX_PLACES
from analyzer.register.subjects import AttemptSubject, MessageSubject, TransactionSubject, TransitionSubject
from analyzer.run.pipeline import analyze_items
from analyzer.run.report import Report

_ONE = "> REGISTER sip:example.com\n< 200"
_TWO = f"{_ONE}\n@60 > REGISTER sip:example.com\n< 200"


def _rule(check: Callable[[Any, Any], Answer | Iterable[Answer]], **given: Any) -> Rule:
    card: dict[str, Any] = {
        "id": "TEST-rule",
        "title": "a test",
        "short_title": "A test",
        "question": "whether tests run",
        "clause": "RFC 3261 §10",
        "force": "MUST",
        "severity": "error",
        "at_fault": "UAC",
        "subject": "transaction",
        "check": check,
        "fix": "nothing",
        "why": "a test",
        "examples": (),
    }
    return Rule(**(card | given))


def _report(flow: str, *rules: Rule, **given: Any) -> Report:
    return analyze_items(read_flow(flow, **given), rules=list(rules))


def _crash(subject: Any, context: Any) -> Answer:
    raise ValueError(f"no {subject.transaction.id}")


def _violates(subject: Any, context: Any) -> Answer:
    return Violated(f"transaction {subject.transaction.id}")


def test_a_crash_is_an_outcome_and_the_run_goes_on() -> None:
    report = _report(_TWO, _rule(_crash), _rule(_violates, id="TEST-other"))
    assert report.outcomes["TEST-rule"].failed == 2
    assert report.outcomes["TEST-other"].violated == 2
    internal = next(finding for finding in report.findings if finding.rule == INTERNAL)
    assert internal.count == 2
    assert internal.at_fault == "sipcheck"
    assert "TEST-rule" in internal.detail
    assert "ValueError" in internal.detail


def test_a_crash_inside_a_generator_is_caught_too() -> None:
    def check(subject: TransactionSubject, context: Any) -> Iterable[Answer]:
        yield PASSED
        raise KeyError(subject.transaction.id)

    report = _report(_ONE, _rule(check))
    assert report.outcomes["TEST-rule"].failed == 1
    assert [finding.rule for finding in report.findings] == [INTERNAL]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (PASSED, "passed"),
        (NOT_APPLICABLE, "not_applicable"),
        (Violated("seen"), "violated"),
        (NotJudged("TAIL"), "not_judged"),
    ],
)
def test_each_answer_is_tallied(answer: Answer, outcome: str) -> None:
    tally = _report(_TWO, _rule(lambda subject, context: answer)).outcomes["TEST-rule"]
    assert getattr(tally, outcome) == ({"TAIL": 2} if outcome == "not_judged" else 2)
    others = {"passed", "not_applicable", "violated", "failed"} - {outcome}
    assert all(getattr(tally, other) == 0 for other in others)


def test_several_answers_of_one_check_are_all_taken() -> None:
    report = _report(_ONE, _rule(lambda subject, context: [PASSED, Violated("a", sub="a"), Violated("b", sub="b")]))
    assert [finding.sub for finding in report.findings] == ["a", "b"]
    assert report.outcomes["TEST-rule"].passed == 1


def test_findings_of_one_registration_are_one_with_a_count() -> None:
    (finding,) = _report(_TWO, _rule(_violates)).findings
    assert finding.count == 2
    assert finding.detail == "transaction 1"
    assert [place[1] for place, _ in finding.evidence] == [1, 3]


def test_sub_codes_are_findings_of_their_own() -> None:
    report = _report(_TWO, _rule(lambda subject, context: Violated("x", sub=str(subject.transaction.id))))
    assert [(finding.sub, finding.count) for finding in report.findings] == [("1", 1), ("2", 1)]


def test_per_says_what_is_one_finding() -> None:
    report = _report(_TWO, _rule(lambda subject, context: Violated("x", group_key=subject.transaction.id)))
    assert [finding.count for finding in report.findings] == [1, 1]


def test_places_are_bounded_and_the_count_goes_on() -> None:
    flow = "\n".join(f"@{60 * number} {_ONE}" for number in range(MAX_PLACES + 5))
    (finding,) = _report(flow, _rule(_violates)).findings
    assert len(finding.evidence) == MAX_PLACES
    assert finding.count == MAX_PLACES + 5


def test_the_worst_severity_speaks() -> None:
    def check(subject: TransactionSubject, context: Any) -> Answer:
        late = subject.transaction.id > 1
        return Violated("late" if late else "early", severity="error" if late else "info", fix=f"fix {late}")

    (finding,) = _report(_TWO, _rule(check)).findings
    assert (finding.severity, finding.detail, finding.fix) == ("error", "late", "fix True")


def test_joined_sub_codes_are_listed_once() -> None:
    answers = {1: Violated("short", sub="short"), 2: Violated("short and old", sub="short,old", severity="error")}
    check = _rule(lambda subject, context: answers[subject.transaction.id], join_subs=True, severity="info")
    (finding,) = _report(_TWO, check).findings
    assert finding.sub == "short,old"
    assert finding.detail == "short; short and old"
    assert finding.severity == "error"


def test_a_sub_code_that_is_part_of_another_is_not_lost() -> None:
    answers = {1: Violated("a", sub="nonce-short"), 2: Violated("b", sub="short")}
    (finding,) = _report(_TWO, _rule(lambda subject, context: answers[subject.transaction.id], join_subs=True)).findings
    assert finding.sub == "nonce-short,short"


def test_a_root_takes_the_count_of_what_it_folds() -> None:
    folded = _rule(_violates, id="TEST-folded")
    root = _rule(
        lambda subject, context: Violated("root") if subject.transaction.id == 1 else PASSED,
        id="TEST-root",
        supersedes=("TEST-folded",),
    )
    report = _report(_TWO, folded, root)
    counts = {finding.rule: finding.count for finding in report.findings}
    assert counts == {"TEST-root": 1, "TEST-folded": 1}
    assert next(finding for finding in report.findings if finding.rule == "TEST-root").folded == ["TEST-folded"]


def test_what_is_folded_whole_is_not_reported() -> None:
    folded = _rule(lambda subject, context: [Violated("a", sub="a"), Violated("b", sub="b")], id="TEST-folded")
    root = _rule(_violates, id="TEST-root", supersedes=("TEST-folded",))
    report = _report(_TWO, folded, root)
    assert [finding.rule for finding in report.findings] == ["TEST-root"]
    assert report.outcomes["TEST-folded"].violated == 4


@pytest.mark.parametrize(
    ("need", "flow", "log"),
    [
        (Need.BYTES, _ONE, True),
        (Need.SUBSECOND, _ONE, True),
        (Need.S2C, "> REGISTER sip:example.com\n@60 .", False),
    ],
)
def test_an_unmet_need_is_the_reason_for_not_judging(need: Need, flow: str, log: bool) -> None:
    report = _report(flow, _rule(_violates, needs=(need,)), log=log)
    assert report.outcomes["TEST-rule"].not_judged == {need.value: 1}
    assert report.findings == []


@pytest.mark.parametrize("need", [Need.BYTES, Need.SUBSECOND, Need.S2C, Need.C2S, Need.CLOCK, Need.WHOLE])
def test_a_need_that_is_met_does_not_stand_in_the_way(need: Need) -> None:
    assert _report(_ONE, _rule(_violates, needs=(need,))).outcomes["TEST-rule"].violated == 1


def test_a_cut_message_is_not_whole_and_a_clockless_one_has_no_clock() -> None:
    items = list(read_flow(_ONE))
    for item in items:
        item.time = None
        item.missing = 10  # type: ignore[union-attr]
    for need in (Need.WHOLE, Need.CLOCK):
        report = analyze_items(items, rules=[_rule(_violates, needs=(need,))])
        assert report.outcomes["TEST-rule"].not_judged == {need.value: 1}


def test_a_headless_answer_lacks_the_client_direction() -> None:
    _, answer = read_flow(_ONE)
    report = analyze_items([answer], rules=[_rule(_violates, needs=(Need.C2S,))])
    assert report.outcomes["TEST-rule"].not_judged == {"C2S": 1}


@pytest.mark.parametrize(
    ("confidence", "shown"), [(Confidence.HIGH, "error"), (Confidence.MEDIUM, "error"), (Confidence.LOW, "warning")]
)
def test_an_error_that_is_hardly_sure_is_shown_as_warning(confidence: Confidence, shown: str) -> None:
    report = _report(_ONE, _rule(lambda subject, context: Violated("x", confidence=confidence)))
    (finding,) = report.findings
    assert (finding.proven_severity, finding.severity) == ("error", shown)
    assert report.summary.findings == {shown: 1}


def test_other_methods_are_not_asked_about() -> None:
    flow = "> OPTIONS sip:example.com\n< 200"
    assert _report(flow, _rule(_violates)).outcomes["TEST-rule"].not_applicable == 1
    assert _report(flow, _rule(_violates, methods=())).outcomes["TEST-rule"].violated == 1


def test_times_of_earlier_transactions_stand_in_the_evidence() -> None:
    flow = "> REGISTER sip:example.com\n< 423\nMin-Expires: 300\n@1 > REGISTER sip:example.com\n< 200"

    def attempt(subject: AttemptSubject, context: Any) -> Answer:
        return Violated("x", at=subject.attempt.first.evidence)

    def step(subject: TransitionSubject, context: Any) -> Answer:
        assert subject.earlier is not None
        return Violated("x", at=subject.earlier.evidence)

    def message(subject: MessageSubject, context: Any) -> Answer:
        return Violated("x", at=subject.earlier.evidence) if subject.earlier else PASSED

    for kind, check in (("attempt", attempt), ("step", step), ("message", message)):
        (finding,) = _report(flow, _rule(check, subject=kind)).findings
        assert finding.evidence[0][0] == Frame("flow", 1)
        assert finding.evidence[0][1] is not None


def test_flow_items_are_what_the_tests_take_them_for() -> None:
    request, answer = read_flow(_ONE)
    assert answer.time is not None
    assert request.time is not None
    assert answer.time - request.time == SECOND // 100
    assert request.source == Endpoint("192.0.2.10", 5060)
    (printed, _) = read_flow(_ONE, log=True)
    assert printed.fidelity is Fidelity.TEXT_LOG  # type: ignore[union-attr]
