"""Violations are tied to what they broke, and to nothing else; the report and the table say so."""

from __future__ import annotations

import io
import json

import pytest

from analyzer.judge.findings import Effect, brings_about
from analyzer.judge.flowtext import read_flow
from analyzer.register.digest.secrets import Secrets
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
    ("effects", "outcome", "status", "answers", "expected"),
    [
        ((401,), "rejected", 401, True, True),
        ((401,), "rejected", 403, True, False),
        ((400, "silence"), "rejected", 400, False, True),
        (("silence",), "timeout", 0, True, True),
        (("silence",), "timeout", 0, False, False),
        (("no answer",), "timeout", 0, False, True),
        ((400,), "timeout", 0, True, False),
        (("given up",), "abandoned", 401, True, True),
        ((401,), "abandoned", 401, True, False),
        (("gap",), "rejected", 400, True, False),
        ((), "rejected", 400, True, False),
        ((200, "silence"), "registered", 200, True, False),
    ],
)
def test_what_can_bring_about_what(
    effects: tuple[Effect, ...], outcome: str, status: int, answers: bool, expected: bool
) -> None:
    assert brings_about(effects, outcome, status, answers=answers) is expected


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


def test_a_refusal_for_another_reason_in_between_is_not_its_doing() -> None:
    """The CSeq is as low as ever, but a registrar that is overloaded refuses whatever comes."""
    flow = f"{_LOWER}< 400 Invalid CSeq\n@120 {_REGISTER}CSeq: 2\n< 503\n@180 {_REGISTER}CSeq: 3\n< 400 Invalid CSeq"
    (finding,) = report(flow, _CSEQ).findings
    assert finding.explains == [2, 4]


@pytest.mark.parametrize(
    ("then", "explained"),
    [
        ("CSeq: 9\n< 400 Invalid CSeq", 2),
        ("CSeq: 10\n< 400 Bad Request", 1),
        ("Call-ID: another\nCSeq: 2\n< 400 Bad Request", 1),
        ("CSeq: 2\n< 401", 1),
        ("CSeq: 2\n< 401\n" + _REGISTER + "CSeq: 3\nAuthorization: {bob x}\n< 400 Invalid CSeq", 2),
    ],
    ids=["as high as before", "higher", "another Call-ID", "only challenged", "challenged, and then refused"],
)
def test_a_low_cseq_breaks_requests_until_it_is_passed(then: str, explained: int) -> None:
    (finding,) = report(f"{_LOWER}< 400 Invalid CSeq\n@120 {_REGISTER}{then}", _CSEQ).findings
    assert len(finding.explains) == explained


def test_a_success_ends_what_a_low_cseq_broke() -> None:
    """The old binding has run out, and with it the higher CSeq; what is refused then is refused for another reason."""
    flow = f"{_LOWER}< 400 Invalid CSeq\n@120 {_REGISTER}CSeq: 2\n< 200\n@180 {_REGISTER}CSeq: 3\n< 400 Bad Request"
    (finding,) = report(flow, _CSEQ).findings
    assert finding.explains == [2]


def test_silence_is_tied_too() -> None:
    made = report(f"{_LOWER}@60.5 > again\n@200 .", _CSEQ, "R3261-17.2-unanswered")
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
    assert "could not sign off" in text and "not removed" in text
    assert "there until 03:40:00" in text and "no password" not in text


def test_the_digest_never_replaces_the_status() -> None:
    flow = f"{_REGISTER}< 401\n{_REGISTER}Authorization: {{bob x}}\n< 603 Too Many Contacts"
    text = table(report(flow))
    assert 'the registrar says "Too Many Contacts"' in text and "password" not in text.partition("digest")[0]


def test_every_effect_on_a_card_is_one_that_can_be() -> None:
    words = {"silence", "no answer", "given up", "gap"}
    for rule in all_rules():
        assert all(effect in words or (isinstance(effect, int) and 200 <= effect < 700) for effect in rule.explains)


def explains(made: Report) -> dict[tuple[str, str], list[int]]:
    return {(one.rule, one.sub): one.explains for one in made.findings if one.explains}


_PLAIN = '< 401\nWWW-Authenticate: Digest realm="example.com", nonce="N{}", algorithm=MD5\n'
_CHALLENGED = f"@{{}} {_REGISTER}{_PLAIN}@{{}} {_REGISTER}"
_WRONG = "Authorization: {bob unlike}\n< 401\n"
_FORM = "Authorization: {bob secret qop=auth nc=00000001 cnonce=c}\n< 401\n"
_OF_PASSWORD, _OF_QOP = ("R7616-digest-verify", ""), ("R3261-22.4-qop-returned", "uninvited")


def rounds(*sent: str, apart: int = 100) -> str:
    """A challenge and what is sent for it, one attempt each."""
    rounds = (_CHALLENGED.format(apart * n, n, apart * n + 1) + one for n, one in enumerate(sent))
    return "".join(rounds) + f"@{apart * len(sent)} ."


def known(flow: str, *rules: str) -> Report:
    chosen = [rule_of(one) for one in rules] if rules else all_rules()
    return analyze_items(read_flow(flow), rules=chosen, secrets=Secrets.of({"bob": "secret"}))


def test_a_wrong_password_and_a_wrong_form_are_each_tied_to_their_own_attempts() -> None:
    """Two faults of one client in one capture; the answers are alike to the octet."""
    found = explains(known(rounds(_WRONG, _FORM, _WRONG, _FORM)))
    assert found == {_OF_PASSWORD: [1, 5], _OF_QOP: [3, 7]}


@pytest.mark.parametrize(("order", "expected"), [((0, 1), [3]), ((1, 0), [1]), ((1, 1), [1, 3]), ((0, 0), [])])
def test_in_any_order(order: tuple[int, int], expected: list[int]) -> None:
    found = explains(known(rounds(*((_WRONG, _FORM)[one] for one in order))))
    assert found.get(_OF_QOP, []) == expected


def test_a_wrong_password_in_a_wrong_form_is_a_wrong_password() -> None:
    both = "Authorization: {bob unlike qop=auth nc=00000001 cnonce=c}\n< 401\n"
    assert explains(known(rounds(both))) == {_OF_PASSWORD: [1]}


def test_without_the_password_a_form_explains_a_refusal_only_where_the_value_cannot_be_right() -> None:
    assert explains(report(rounds(_FORM))) == {_OF_QOP: [1]}
    omitted = rounds("Authorization: {bob secret}\n< 401\n").replace("algorithm=MD5", 'algorithm=MD5, qop="auth"')
    omitted = omitted.replace("{bob secret}", "{bob secret qop=}")
    assert explains(report(omitted, "R3261-22.4-qop-returned")) == {}
    assert all(one.count for one in report(omitted, "R3261-22.4-qop-returned").findings)


def test_what_the_registrar_accepts_explains_nothing() -> None:
    """It takes the same form another time, so it has another reason to refuse; before and after that."""
    accepted = _FORM.replace("401", "200")
    for sent in ((_FORM, accepted), (accepted, _FORM), (_FORM, accepted, _FORM)):
        made = known(rounds(*sent, apart=1000), "R3261-22.4-qop-returned")
        assert [one.count for one in made.findings] == [len(sent)]
        assert explains(made) == {}
        assert made.summary.broken_by_findings == 0


def test_another_client_is_not_acquitted_by_it() -> None:
    carol = rounds(_FORM.replace("401", "200")).replace("bob", "carol")
    carol = carol.replace(_REGISTER, f"{_REGISTER}From: <sip:carol@example.com>;tag=c\nTo: <sip:carol@example.com>\n")
    carol = carol.replace(_REGISTER, f"src=192.0.2.20:5060 {_REGISTER}Call-ID: carol\n")
    flow = rounds(_FORM) + "\n" + carol.replace("@0 ", "@200 ").replace("@1 ", "@201 ").replace("@100 .", "@300 .")
    assert list(explains(report(flow, "R3261-22.4-qop-returned"))) == [_OF_QOP]


def test_silence_of_a_server_that_answers_nobody_is_nobody_s_doing() -> None:
    dead = f"{_REGISTER}CSeq: 9\n@0.5 > again\n@40 {_REGISTER}CSeq: 1\n@40.5 > again\n@200 ."
    made = report(dead, _CSEQ, "R3261-17.2-unanswered")
    assert {rule for rule, _ in explains(made)} == {"R3261-17.2-unanswered"}


def test_a_cause_that_a_later_answer_made_good_is_tied_to_nothing() -> None:
    """The old nonce was challenged anew, and answered; that the registrar then forbids it is another matter."""
    stale = '< 401\nWWW-Authenticate: Digest realm="example.com", nonce="N2", stale=true\n'
    flow = f"{_REGISTER}{_PLAIN.format(1)}@1 {_REGISTER}Authorization: {{bob x}}\n{stale}"
    flow += f"@2 {_REGISTER}Authorization: {{bob x nonce=N1}}\n{stale.replace('N2', 'N3')}"
    made = report(f"{flow}@3 {_REGISTER}Authorization: {{bob x}}\n< 403\n", "R7616-3.4-nonce-current")
    assert [one.count for one in made.findings] == [1] and explains(made) == {}


_FAR = "Via: SIP/2.0/UDP 192.168.1.5:5060;branch=z9hG4bKa\n"
_COPIES = "".join(f"@{at} > again\ndst=198.51.100.7:5060 < again\n" for at in (0.6, 1.6, 3.6, 7.6))
_UNHEARD = f"src=198.51.100.7:43712 {_REGISTER}{_FAR}dst=198.51.100.7:5060 < 401\n{_COPIES}@90 ."


def test_a_challenge_that_goes_astray_breaks_its_attempt() -> None:
    """It is known when all copies are in, after the attempt is over; the rule that it folds is tied to nothing."""
    made = report(_UNHEARD, "R3261-18.2.2-response-path", "R3261-17.1.2-retx-after-final", "DET-weak-md5")
    assert explains(made) == {("R3261-18.2.2-response-path", "no-rport"): [1]}
    assert "the warning explains 1 failed attempt" in table(made)
    (one,) = made.registrations[0].history.attempts or []
    assert (one.outcome, one.findings) == ("abandoned", ("R3261-18.2.2-response-path",))


def test_an_answer_that_is_not_heard_breaks_its_attempt_too() -> None:
    flow = f"{_REGISTER}< 401\n" + "".join(f"@{at} > again\n< again\n" for at in (0.6, 1.6, 3.6)) + "@90 ."
    assert explains(report(flow)) == {("R3261-17.1.2-retx-after-final", ""): [1]}
    once = f"{_REGISTER}< 401\n@0.6 > again\n< again\n@90 ."
    assert explains(report(once)) == {}


def test_an_answer_that_went_astray_and_arrived_all_the_same_breaks_nothing() -> None:
    went_on = _UNHEARD.replace("@90 .", f"src=198.51.100.7:43712 {_REGISTER}Authorization: {{{{bob x}}}}\n< 403\n@90 .")
    assert "R3261-18.2.2-response-path" not in {rule for rule, _ in explains(report(went_on.replace("{{", "{")))}


def _sinks(asked: int, answer: str, at: int) -> str:
    return f"@{at} {_REGISTER}Contact: <sip:bob@192.0.2.10>;expires={asked}\n{answer}\n"


_SINKING = "".join(_sinks(63 - n, f"< 200\nContact: <sip:bob@192.0.2.10>;expires={62 - n}", 30 * n) for n in range(4))


def test_a_sinking_expiry_explains_each_423_that_it_ends_in() -> None:
    brief = "< 423\nMin-Expires: 60"
    made = report(_SINKING + _sinks(59, brief, 120) + _sinks(59, brief, 200) + "@300 .", "DET-shrinking-expiry")
    (finding,) = made.findings
    assert (finding.explains, finding.count) == ([5, 6], 4)
    assert explains(report(_SINKING + _sinks(59, "< 503", 120), "DET-shrinking-expiry")) == {}


def test_a_423_again_in_the_same_attempt_has_the_same_cause() -> None:
    brief = "< 423\nMin-Expires: 60"
    made = report(_SINKING + _sinks(59, brief, 120) + _sinks(59, brief, 121) + "@300 .", "DET-shrinking-expiry")
    assert explains(made) == {("DET-shrinking-expiry", ""): [5]}


_FOR_A_MINUTE = "< 200\nContact: <sip:bob@192.0.2.10:5060>;expires=60\n"
_LATE = "R3261-10.2.4-refresh-late"


def test_a_gap_is_tied_to_the_refresh_that_came_too_late_for_it() -> None:
    """Two gaps, of which the first has no finding: it registered elsewhere meanwhile."""
    flow = f"{_REGISTER}CSeq: 1\n{_FOR_A_MINUTE}@80 dst=198.51.100.2:5060 {_REGISTER}CSeq: 2\n"
    flow += f"@100 {_REGISTER}CSeq: 2\n{_FOR_A_MINUTE}"
    made = report(f"{flow}@200 {_REGISTER}CSeq: 3\n{_FOR_A_MINUTE}@210 .", _LATE)
    gaps = [one for one in made.registrations[0].reach.stretches if one.state == "unbound"]
    assert [gap.finding for gap in gaps] == ["", _LATE]
    (finding,) = made.findings
    assert [(gap.start, gap.end) for gap in finding.tied_gaps] == [(gaps[1].start, gaps[1].end)]
    record = made.to_dict()
    assert record["summary"]["broken_by_findings"] == 1
    assert [round(gap["until"] - gap["from"]) for gap in record["findings"][0]["gaps"]] == [40]
    assert "which explains 1 gap without a binding" in table(made)


def test_refusals_after_a_late_refresh_prolong_the_gap_and_did_not_make_it() -> None:
    flow = f"{_REGISTER}{_FOR_A_MINUTE}@100 {_REGISTER}< 503\n@130 {_REGISTER}{_FOR_A_MINUTE}@135 ."
    (gap,) = [one for one in report(flow, _LATE).registrations[0].reach.stretches if one.state == "unbound"]
    assert (gap.cause, gap.finding) == ("refreshed too late", _LATE)


def test_a_gap_without_a_finding_is_not_denied() -> None:
    """Nothing failed and nothing is tied, but there was a time without a binding: no sentence says all was well."""
    flow = f"{_REGISTER}CSeq: 1\n{_FOR_A_MINUTE}@100 {_REGISTER}CSeq: 2\n{_FOR_A_MINUTE}@110 ."
    made = report(flow, "R3261-10.3-3-authenticate")
    assert made.registrations[0].reach.gaps == 1 and not made.summary.broken_by_findings
    text = table(made)
    assert "broke" not in text and "explains no failure" not in text


def test_the_sentence_of_a_client_names_the_case_that_broke_it() -> None:
    """Two findings of one rule have titles of their own; the one that explains the last attempt is told."""
    brief, minute = "< 423\nMin-Expires: 60\n", "Contact: <sip:bob@192.0.2.10:5060>;expires=30\n"
    tried = f"{_REGISTER}{minute}{brief}"
    text = table(report(f"{tried}@1 {tried}@100 {tried}@200 .", "R3261-10.2.8-423-retry"))
    assert "423 since 02:40:00, 2 tries The phone does not ask again after 423" in text


def test_a_card_that_names_gaps_has_examples_with_one_and_no_other_rule_claims_any() -> None:
    for rule in all_rules():
        flows = [one for one in rule.examples if one.expect]
        made = [analyze_items(read_flow(one.flow, tail=one.tail, log=one.log), rules=[rule]) for one in flows]
        claimed = any(finding.gaps for report in made for finding in report.findings)
        assert claimed is ("gap" in rule.explains), rule.id
