"""What a finding tells, word for word: the reader acts on it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzer.evidence import RawMessage
from analyzer.judge.flowtext import read_flow
from analyzer.run.pipeline import analyze_items
from tests.rules.cases import rule_of, run, subs

_AT = "> REGISTER sip:example.com"
_423 = f"{_AT}\nExpires: 60\n< 423\nMin-Expires: 300\n"


def _sentences(rule: str, flow: str, tail: float = 0.0) -> list[str]:
    return [finding.detail for finding in run(rule, flow, tail=tail).findings]


@pytest.mark.parametrize(
    ("contacts", "words"),
    [
        ("*, <sip:a@h>", "Contact: * stands beside 1 other Contact value"),
        ("*, <sip:a@h>, <sip:b@h>", "Contact: * stands beside 2 other Contact values"),
    ],
)
def test_how_many_stand_beside_the_star(contacts: str, words: str) -> None:
    assert _sentences("R3261-10.2.2-star-form", f"{_AT}\nContact: {contacts}\nExpires: 0") == [words]


@pytest.mark.parametrize(
    ("retry", "tail"),
    [
        ("Expires: 300\nContact: <sip:b@h>;expires=60", "; the header Expires: 300 does not help, the parameter wins"),
        ("Expires: 299\nContact: <sip:b@h>;expires=60", ""),
        ("-Expires\nContact: <sip:b@h>;expires=60", ""),
        ("Expires: 60\nContact: <sip:b@h>", ""),
    ],
)
def test_why_a_retry_is_too_low(retry: str, tail: str) -> None:
    words = f"423 asked for at least 300 s, and the next request asks 60 s for sip:b@h{tail}"
    assert _sentences("R3261-10.2.8-423-retry", f"{_423}{_AT}\n{retry}\n< 200") == [words]


def test_the_third_round_says_so() -> None:
    (detail,) = _sentences("R3261-10.2.8-423-retry", f"{_423 * 4}{_AT}\nExpires: 300\n< 200")
    assert detail.endswith("asks 60 s for sip:bob@192.0.2.10:5060 (round 3)")


def test_only_a_423_asks_for_more() -> None:
    flow = f"{_AT}\nExpires: 60\n< 420\nMin-Expires: 300\n{_AT}\nExpires: 60\n< 200"
    assert _sentences("R3261-10.2.8-423-retry", flow) == []


def test_a_cut_retry_is_not_judged() -> None:
    *first, retry = read_flow(f"{_423}{_AT}\nExpires: 60")
    assert isinstance(retry, RawMessage)
    report = analyze_items([*first, replace(retry, missing=20)], rules=[rule_of("R3261-10.2.8-423-retry")])
    assert report.outcomes["R3261-10.2.8-423-retry"].not_judged == {"WHOLE": 1}


@pytest.mark.parametrize(("count", "more"), [(1, ""), (2, ""), (3, ""), (4, ", ...")])
def test_a_long_list_is_cut_in_the_sentence(count: int, more: str) -> None:
    listed = ", ".join(f"<sip:c{number}@h>;expires=60" for number in range(count))
    shown = ", ".join(f"sip:c{number}@h" for number in range(min(count, 3)))
    (detail,) = _sentences("R3261-10.3-8-contact-list", f"{_AT}\nContact: <sip:b@h1>\n< 200\nContact: {listed}")
    assert detail == f"sip:b@h1 was registered, and the 200 lists only {shown}{more}"


@pytest.mark.parametrize(
    ("listed", "words"),
    [
        ("<sip:b@h>", "Contact sip:b@h has no expires parameter, only the header Expires: 60"),
        ("<sip:b@h>, <sip:c@h>", "Contact sip:b@h (and 1 more) has no expires parameter, only the header Expires: 60"),
        (
            "<sip:b@h;expires=9>",
            "Contact sip:b@h;expires=9 has no expires parameter, only the header Expires: 60; the expires inside the "
            "angle brackets belongs to the URI",
        ),
    ],
)
def test_which_contact_has_no_expiry(listed: str, words: str) -> None:
    assert _sentences("R3261-10.3-8-expires-param", f"{_AT}\n< 200\nContact: {listed}\nExpires: 60") == [words]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("Contact: <sip:b@h>\nExpires: 0", []),
        ("Contact: <sip:b@h>;expires=0", []),
        ("Contact: <sip:b@h>;expires=0, <sip:c@h>", ["unknown-interval"]),
        ("-Contact", ["unknown-interval"]),
    ],
)
def test_answers_to_removals_are_left_to_other_rules(asked: str, expected: list[str]) -> None:
    flow = f"{_AT}\n{asked}\n< 200\nContact: <sip:d@h>"
    assert subs(run("R3261-10.3-8-expires-param", flow)) == expected


@pytest.mark.parametrize(("times", "words"), [(1, "1 attempt of this client"), (3, "3 attempts of this client")])
def test_how_often_a_client_failed_before(times: int, words: str) -> None:
    flow = "\n".join(f"@{60 * number} {_AT}\n< 403" for number in range(times))
    (detail,) = _sentences("R3261-17.2-unanswered", f"{flow}\n@600 {_AT}\n@600.5 > again", tail=60)
    assert words in detail


@pytest.mark.parametrize(
    ("last", "confidence"), [(15, "medium"), (16, "high"), (27, "high")], ids=["early", "half", "late"]
)
def test_when_a_client_stopped_early(last: int, confidence: str) -> None:
    flow = f"@0 {_AT}\n@1 > again\n@{last} > again"
    (finding,) = run("R3261-17.2-unanswered", flow, tail=60).findings
    assert finding.confidence.word == confidence


_CREDENTIALS = 'Authorization: Digest username="bob", realm="x", nonce="n", uri="sip:x", response="r"'


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        (f"@0.1 {_AT}\n{_CREDENTIALS}\n< 200", []),
        (f"@0.1 {_AT}\n< 200", []),  # nothing says that a challenge was received, but it was not repeated
        (f"@33 {_AT}\n{_CREDENTIALS}\n< 200", []),
        (f"transport=TCP @0.1 {_AT}\n< 200", []),
        (f"@0.1 dst=198.51.100.2:5060 {_AT}\n{_CREDENTIALS}\n< 200", ["one-way"]),
        (f"@0.6 > again\n@0.7 {_AT}\n< 200", ["selective"]),
        (f"@0.6 > again\n@33 {_AT}\n{_CREDENTIALS}\n< 200", ["selective"]),
        (f"@0.6 > again\n@0.7 {_AT}\nCall-ID: other\n{_CREDENTIALS}\n< 200", ["selective"]),
        (f"@0.1 > again\n@0.2 {_AT}\n{_CREDENTIALS}\n< 200", ["selective"]),
    ],
)
def test_when_a_later_request_proves_an_answer(later: str, expected: list[str]) -> None:
    assert subs(run("R3261-17.2-unanswered", f"@0 {_AT}\n{later}", tail=60)) == expected


def test_a_from_tag_under_a_new_call_id_needs_a_from_to_compare() -> None:
    flow = f"{_AT}\n-From\n< 400\n@60 {_AT}\nCall-ID: other\n< 200"
    assert subs(run("R3261-8.1.1.3-from-tag", flow)) == []
