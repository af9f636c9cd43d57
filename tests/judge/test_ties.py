"""Violations are tied to what they broke, and to nothing else; the report and the table say so."""

from __future__ import annotations

import io
import json

import pytest

from analyzer.judge.findings import brings_about
from analyzer.judge.flowtext import read_flow
from analyzer.rules import all_rules
from analyzer.run.pipeline import analyze_items
from analyzer.run.report import Report
from analyzer.views import ViewOptions, load_view
from tests.rules.cases import rule_of

_REGISTER = "> REGISTER sip:example.com\n"
_CSEQ = "R3261-10.2-cseq-increment"
_LOWER = f"{_REGISTER}CSeq: 9\n< 200\n@60 {_REGISTER}CSeq: 1\n"


def report(flow: str, *rules: str) -> Report:
    chosen = [rule_of(one) for one in rules] if rules else all_rules()
    return analyze_items(read_flow(flow), rules=chosen)


def table(made: Report) -> str:
    out = io.StringIO()
    load_view("table")(made, out, ViewOptions(width=160))
    return " ".join(out.getvalue().split())


@pytest.mark.parametrize(
    ("effects", "outcome", "status", "expected"),
    [
        ((401,), "rejected", 401, True),
        ((401,), "rejected", 403, False),
        (("refusal",), "rejected", 400, True),
        (("refusal",), "rejected", 401, False),
        (("silence",), "timeout", 0, True),
        (("refusal",), "timeout", 0, False),
        (("given up",), "abandoned", 401, True),
        ((), "rejected", 400, False),
        (("refusal", "silence"), "registered", 200, False),
    ],
)
def test_what_can_bring_about_what(effects: tuple[int | str, ...], outcome: str, status: int, expected: bool) -> None:
    assert brings_about(effects, outcome, status) is expected  # type: ignore[arg-type]


def test_a_violation_is_tied_to_the_attempt_that_it_broke() -> None:
    made = report(f"{_LOWER}< 400 Invalid CSeq", _CSEQ)
    (finding,) = made.findings
    assert (finding.explains, finding.explained, made.summary.broken_by_findings) == ([2], 1, 1)
    (episode,) = made.registrations[0].history.episodes
    assert episode.first.findings == (_CSEQ,)
    assert "which explains 1 failed attempt" in table(made)


def test_a_violation_that_did_no_harm_is_tied_to_nothing() -> None:
    made = report(f"{_LOWER}< 200", _CSEQ)
    assert [finding.explains for finding in made.findings] == [[]]
    assert "which broke no registration" in table(made)


def test_a_refusal_of_another_kind_is_not_its_doing() -> None:
    made = report(f"{_LOWER}< 401\n{_REGISTER}CSeq: 2\nAuthorization: {{bob x}}\n< 401", _CSEQ)
    assert all(finding.explains == [] for finding in made.findings)


def test_the_same_refusal_again_has_the_same_cause() -> None:
    later = "".join(f"@{60 * n} {_REGISTER}CSeq: {n}\n< 400 Invalid CSeq\n" for n in range(2, 5))
    made = report(f"{_LOWER}< 400 Invalid CSeq\n{later}@400 {_REGISTER}CSeq: 5\n< 200", _CSEQ)
    assert [len(finding.explains) for finding in made.findings] == [4]
    text = table(made)
    assert "ok again" in text and 'refused 4 times (400 "Invalid CSeq")' in text


def test_another_refusal_in_between_ends_the_chain() -> None:
    flow = f"{_LOWER}< 400 Invalid CSeq\n@120 {_REGISTER}CSeq: 2\n< 503\n@180 {_REGISTER}CSeq: 3\n< 400 Invalid CSeq"
    (finding,) = report(flow, _CSEQ).findings
    assert len(finding.explains) == 1


def test_silence_is_tied_too() -> None:
    made = report(f"{_LOWER}@200 .", _CSEQ, "R3261-17.2-unanswered")
    assert made.summary.broken_by_findings == 1
    assert {finding.rule for finding in made.findings if finding.explains} >= {_CSEQ}


def test_a_gap_that_refusals_made_names_them() -> None:
    lower = f"{_REGISTER}CSeq: 9\nExpires: 60\n< 200\nContact: <sip:bob@192.0.2.10:5060>;expires=60\n"
    lower += f"@50 {_REGISTER}CSeq: 1\n< 400 Invalid CSeq\n@90 {_REGISTER}CSeq: 10\n< 200\n@95 ."
    made = report(lower, _CSEQ)
    (gap,) = [one for one in made.registrations[0].reach.stretches if one.state == "unbound"]
    assert (gap.cause, gap.finding) == ("refused", _CSEQ)


def test_json_has_it_all() -> None:
    record = json.loads(json.dumps(report(f"{_LOWER}< 400 Invalid CSeq", _CSEQ).to_dict()))
    (registration,) = record["registrations"]
    attempts = registration["attempts_detail"]
    assert [(one["purpose"], one["outcome"], one["findings"]) for one in attempts] == [
        ("register", "registered", []),
        ("refresh", "rejected", [_CSEQ]),
    ]
    assert attempts[1]["server_words"] == {"reason": "Invalid CSeq"}
    assert [(one["state"], one["cause"]) for one in registration["reachability"]] == [("bound", "registered")]
    assert record["findings"][0]["explains"] == [attempts[1]["id"]]
    assert record["summary"]["broken_by_findings"] == 1


def test_a_failed_sign_off_is_told_as_one() -> None:
    flow = f"{_REGISTER}< 200\n@60 {_REGISTER}Expires: 0\n< 407\n@600 > OPTIONS sip:example.com\n< 200"
    text = table(report(flow))
    assert "could not sign off" in text and "still bound" in text
    assert "there until 03:40:00" in text and "no password" not in text


def test_the_digest_never_replaces_the_status() -> None:
    flow = f"{_REGISTER}< 401\n{_REGISTER}Authorization: {{bob x}}\n< 603 Too Many Contacts"
    text = table(report(flow))
    assert 'the registrar says "Too Many Contacts"' in text and "password" not in text.partition("digest")[0]


def test_every_effect_on_a_card_is_one_that_can_be() -> None:
    words = {"refusal", "silence", "given up", "gap"}
    for rule in all_rules():
        assert all(effect in words or (isinstance(effect, int) and 300 <= effect < 700) for effect in rule.explains)
