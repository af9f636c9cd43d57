"""What the registrar does with bindings: removal, stars, order, expiry, other phones, atomicity (RFC 3261 10.3 steps 6
to 8), and several answers to one request, beyond what the examples on the cards say. Traps by docs/rules/traps.md."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzer.evidence import Item, RawMessage
from analyzer.judge.flowtext import read_flow
from analyzer.run.pipeline import analyze_items
from analyzer.run.report import Report
from tests.register.watch import watch, without_clock
from tests.rules.cases import rule_of, run, subs

_REMOVAL, _STAR, _STALE = "R3261-10.3-7-removal", "R3261-10.3-6-star", "R3261-10.3-7-stale-cseq"
_CAP, _OTHERS, _ATOMIC = "R3261-10.3-7-expires-cap", "R3261-10.3-8-other-bindings", "R3261-10.3-atomic"
_ECHO, _TAG = "R3261-8.2.6.2-echo", "R3261-8.2.6.2-to-tag"
_AT = "> REGISTER sip:example.com\n"
_MADE = f"{_AT}CSeq: 9\n< 200\n"
_LISTED = "Contact: <sip:bob@192.0.2.10:5060>;expires={}"


def _together(flow: str, *rules: str) -> Report:
    return analyze_items(list(read_flow(flow)), rules=[rule_of(one) for one in rules])


def _cut(flow: str, octets: int) -> list[Item]:
    *before, last = read_flow(flow)
    assert isinstance(last, RawMessage)
    return [*before, replace(last, payload=last.payload[:octets], missing=len(last.payload) - octets)]


@pytest.mark.parametrize("rule", [_REMOVAL, _STAR, _ATOMIC])
def test_a_list_that_was_cut_proves_no_absence(rule: str) -> None:
    flow = f"{_AT}Contact: <sip:b@h1>, <sip:b@h2>;expires=0\n< 200\nContact: <sip:c@h9>;expires=50"
    report = analyze_items(_cut(flow, 200), rules=[rule_of(rule)])
    assert report.findings == []
    assert report.outcomes[rule].failed == 0


# A sign-off that was not carried out is none


@pytest.mark.parametrize(
    ("removal", "listed", "outcome"),
    [
        ("Expires: 0", "", "removed"),
        ("Expires: 0", _LISTED.format(0), "removed"),
        ("Expires: 0", _LISTED.format(3540), "rejected"),
        ("Expires: 0", "Contact: <sip:bob@192.0.2.99>;expires=60", "removed"),
        ("Expires: 0", "Contact: <sip:bob@192.0.2.10:5060>\nExpires: 0", "removed"),
        ("Contact: *\nExpires: 0", "Contact: <sip:bob@192.0.2.99>;expires=60", "rejected"),
        ("Contact: *\nExpires: 0", "-Contact", "removed"),
    ],
)
def test_what_becomes_of_a_sign_off(removal: str, listed: str, outcome: str) -> None:
    watched = watch(f"{_AT}< 200\n@60 {_AT}{removal}\n< 200\n{listed}")
    assert watched.attempts[-1][:2] == (outcome, 200)


def test_the_finding_explains_why_it_could_not_sign_off() -> None:
    report = _together(f"{_AT}< 200\n@60 {_AT}Expires: 0\n< 200\n{_LISTED.format(3540)}", _REMOVAL)
    assert report.registrations[0].outcome == "rejected"
    assert report.registrations[0].history.last is not None
    assert report.registrations[0].history.last.findings == (_REMOVAL,)


def test_of_an_old_cseq_the_removal_is_not_blamed_on_the_registrar() -> None:
    report = _together(
        f"{_MADE}@60 {_AT}CSeq: 9\nExpires: 0\n< 200\n{_LISTED.format(3540)}",
        _REMOVAL,
        _STALE,
        "R3261-10.2-cseq-increment",
    )
    assert sorted((one.rule, one.sub) for one in report.findings) == [
        ("R3261-10.2-cseq-increment", "repeat"),
        (_STALE, "unchanged"),
    ]
    assert report.registrations[0].history.last is not None
    assert report.registrations[0].history.last.findings == ("R3261-10.2-cseq-increment",)


def test_a_star_that_leaves_contacts_is_told_by_one_rule() -> None:
    flow = f"{_AT}Contact: *\nExpires: 0\n< 200\nContact: <sip:b@h1>"
    report = _together(flow, _STAR, _REMOVAL, "R3261-10.3-8-expires-param")
    assert [(one.rule, one.sub) for one in report.findings] == [(_STAR, "still-listed")]


def test_a_400_to_a_star_is_never_certain() -> None:
    (finding,) = run(_STAR, f"{_AT}Contact: *\nExpires: 0\n< 400").findings
    assert finding.confidence.word == "medium"
    report = run(_STAR, f"{_AT}Contact: *\nExpires: 0\nFrom: <sip:bob@>;tag=1\n< 400")
    assert report.findings == []
    assert list(report.outcomes[_STAR].not_judged) == ["the 400 may be for what else is wrong in the request"]


# Old requests


def test_two_requests_that_crossed_are_less_sure() -> None:
    flow = f"{_AT}CSeq: 9\nsrc=192.0.2.10:5060 {_AT}CSeq: 8\nExpires: 0\nto=1 < 200\nto=2 < 200"
    (finding,) = run(_STALE, flow).findings
    assert finding.confidence.word == "medium"


def test_what_a_log_prints_in_one_tick_may_have_come_in_either_order() -> None:
    flow = f"@0.1 {_AT}CSeq: 9\n@0.2 < 200\n@0.3 {_AT}CSeq: 8\nExpires: 0\n@0.4 < 200"
    report = run(_STALE, flow, log=True)
    assert report.findings == []
    assert report.outcomes[_STALE].not_judged == {"TS<1s": 1}


def test_without_a_clock_nothing_is_said_of_times() -> None:
    items = without_clock(read_flow(f"{_MADE}@60 {_AT}CSeq: 8\n< 200\n{_LISTED.format(3600)}"))
    report = analyze_items(items, rules=[rule_of(_STALE)])
    assert report.findings == []
    assert report.outcomes[_STALE].not_judged == {"the time that was left is not known": 1}


def test_the_request_that_a_proxy_sent_by_two_ways_is_not_old() -> None:
    vias = "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{}\nVia: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKc\n"
    flow = f"{_AT}CSeq: 9\n{vias.format('p1')}< 200\n@3 {_AT}CSeq: 9\n{vias.format('p2')}< 200"
    report = run(_STALE, flow)
    assert report.findings == []
    assert report.outcomes[_STALE].not_judged == {"one request may have come by two ways": 1}


def test_what_is_left_is_held_against_what_was_granted_last() -> None:
    flow = (
        f"{_MADE}@1800 {_AT}CSeq: 10\n< 200\n@1900 {_AT}CSeq: 10\n< 200\n{_LISTED.format(3500)}\n"
        f"@2000 {_AT}CSeq: 9\n< 200\n{_LISTED.format(3600)}"
    )
    assert subs(run(_STALE, flow)) == ["", "unchanged"]


# More than was asked for


@pytest.mark.parametrize(
    ("asked", "granted", "found"),
    [
        (60, 60, []),
        (60, 61, []),
        (60, 62, ["minimum"]),
        (60, 300, ["minimum"]),
        (60, 301, ["longer"]),
        (3600, 7200, ["longer"]),
        (3600, 1, []),
        (3600, 0, ["refused-silently"]),
    ],
)
def test_how_much_is_too_much(asked: int, granted: int, found: list[str]) -> None:
    assert subs(run(_CAP, f"{_AT}Expires: {asked}\n< 200\n{_LISTED.format(granted)}")) == found


def test_a_200_that_grants_nothing_explains_the_failure() -> None:
    report = run(_CAP, f"{_AT}< 200\n{_LISTED.format(0)}")
    assert report.findings[0].explained == 1


def test_each_hop_is_judged_by_what_it_was_asked_for() -> None:
    """A box that asks for an hour upstream and grants a minute downstream breaks nothing (T-SBC)."""
    flow = (
        f"dst=198.51.100.5:5060 {_AT}Expires: 60\nCall-ID: a\n< 200\n{_LISTED.format(60)}\n"
        f"src=198.51.100.5:5060 {_AT}Call-ID: b\nExpires: 3600\n< 200\n{_LISTED.format(3600)}"
    )
    assert run(_CAP, flow).findings == []


# Other phones


_A = f"{_AT}Contact: <sip:bob@192.0.2.10>\nCall-ID: a\n< 200\n"
_B = f"@60 src=192.0.2.20:5060 {_AT}Contact: <sip:bob@192.0.2.20>\nCall-ID: b\n< 200\n{{}}"
_ALONE = "Server: Asterisk PBX 20\nContact: <sip:bob@192.0.2.20>;expires=3600\n"


def test_the_story_and_the_finding_agree() -> None:
    report = run(_OTHERS, _A + _B.format(_ALONE))
    assert subs(report) == [""]
    first = report.registrations[0]
    assert first.reach.is_taken_away
    doubted = run(_OTHERS, _A + _B.format("Contact: <sip:bob@192.0.2.20>;expires=3600"))
    assert subs(doubted) == ["unlisted"]
    assert doubted.registrations[0].reach.is_doubted


def test_two_phones_that_throw_each_other_out_are_one_finding() -> None:
    turns = "".join(
        f"@{100 + 20 * n} src=192.0.2.{10 * (1 + n % 2)}:5060 {_AT}Contact: <sip:bob@192.0.2.{10 * (1 + n % 2)}>\n"
        f"Call-ID: {'ab'[n % 2]}\n< 200\nServer: Asterisk PBX 20\n"
        f"Contact: <sip:bob@192.0.2.{10 * (1 + n % 2)}>;expires=3600\n"
        for n in range(6)
    )
    (finding,) = run(_OTHERS, turns).findings
    assert finding.count == 5


def test_a_binding_that_was_in_doubt_is_not_missed() -> None:
    flow = _A + f"@30 {_AT}Contact: <sip:bob@192.0.2.10>\nCall-ID: a\n@80 .\n" + _B.replace("@60", "@90").format(_ALONE)
    report = run(_OTHERS, flow)
    assert report.findings == []
    assert list(report.outcomes[_OTHERS].not_judged) == ["it is not certain that it was bound"]


def test_a_log_does_not_show_whether_a_connection_was_closed() -> None:
    flow = "transport=TCP stream=1 " + _A + _B.format(_ALONE)
    report = run(_OTHERS, flow, log=True)
    assert report.findings == []
    assert list(report.outcomes[_OTHERS].not_judged) == ["a log does not show whether its connection was closed"]


# As a whole, or not at all


@pytest.mark.parametrize(
    ("after", "found"),
    [
        (3595, ["applied-on-failure"]),
        (3594, ["applied-on-failure"]),
        (3590, []),
        (3600, []),
        (60, []),
    ],
)
def test_a_refused_contact_is_known_by_the_time_that_it_has_left(after: int, found: list[str]) -> None:
    flow = f"{_AT}< 500\n@5 {_AT}Call-ID: q\n-Contact\n< 200\n{_LISTED.format(after)}"
    assert subs(run(_ATOMIC, flow)) == found


def test_what_was_refused_and_listed_twice_is_one_finding() -> None:
    query = f"{_AT}Call-ID: q\n-Contact\n< 200\n"
    flow = f"{_AT}< 420 Bad\n{_LISTED.format(3600)}\n@5 {query}{_LISTED.format(3595)}\n@9 {query}{_LISTED.format(3591)}"
    (finding,) = run(_ATOMIC, flow).findings
    assert (finding.sub, finding.count) == ("applied-on-failure", 3)


def test_a_challenge_is_no_refusal() -> None:
    flow = f"{_AT}< 401\n@5 {_AT}Call-ID: q\n-Contact\n< 200\n{_LISTED.format(3595)}"
    assert run(_ATOMIC, flow).findings == []


def test_half_of_a_request_is_told_once() -> None:
    flow = f"{_AT}Contact: <sip:b@h1>, <sip:b@h2>\n< 200\nContact: <sip:b@h1>;expires=3600"
    report = _together(flow, _ATOMIC, "R3261-10.3-8-contact-list")
    assert [(one.rule, one.sub, one.folded) for one in report.findings] == [
        (_ATOMIC, "partial", ["R3261-10.3-8-contact-list"])
    ]


# Several answers to one request


def test_copies_that_differ_may_be_answered_otherwise() -> None:
    first, answer, again, other = read_flow(f"{_AT}< 401\n@0.5 > again\n< 403")
    assert isinstance(again, RawMessage)
    changed = replace(again, payload=again.payload.replace(b"Expires: 3600", b"Expires: 1800"))
    rules = [rule_of(_ECHO)]
    assert subs(analyze_items([first, answer, changed, other], rules=rules)) == []
    assert subs(analyze_items([first, answer, again, other], rules=rules)) == ["multi-final"]


def test_several_other_answers_are_one_finding_of_a_kind() -> None:
    flow = f"{_AT}< 200\n@0.5 > again\n< 401\n@1.5 > again\n< 403\n@2.5 > again\n< 200\nTo: <sip:bob@example.com>;tag=x"
    report = run(_ECHO, flow)
    assert subs(report) == ["multi-final", "tag-varies"]
    assert {one.count for one in report.findings} == {1}


def test_other_answers_do_not_change_what_the_rule_says_of_the_first() -> None:
    tally = run(_ECHO, f"{_AT}< 401\n@0.5 > again\n< 403").outcomes[_ECHO]
    assert (tally.passed, tally.violated) == (1, 1)


@pytest.mark.parametrize("profile", ["rfc3261", "modern", "ims", "legacy2543"])
def test_tags_are_not_asked_of_old_networks(profile: str) -> None:
    found = subs(run(_TAG, f"{_AT}< 200\nTo: <sip:bob@example.com>", profile=profile))
    assert found == ([] if profile == "legacy2543" else [""])


def test_an_answer_without_its_request_is_judged_by_itself() -> None:
    _, answer = read_flow(f"{_AT}< 603 Decline\nTo: <sip:bob@example.com>")
    report = analyze_items([answer], rules=[rule_of(_TAG), rule_of("R3261-10.3-no-6xx")])
    assert sorted(one.rule for one in report.findings) == ["R3261-10.3-no-6xx", _TAG]
