"""What is said of a nonce rests on what was seen: where a stream began, and what the registrar itself calls stale."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.evidence import Evidence, LogLines
from analyzer.judge.findings import Finding
from analyzer.register.causes import FORBIDDEN, OLD_NONCE
from analyzer.register.challenges import Challenged
from analyzer.rules import all_rules
from analyzer.rules.r7616_3_4_nonce_current import _at
from analyzer.run.report import Report
from tests.rules.cases import rule_of
from tests.views.reports import drawn, report_of

RULE = "R7616-3.4-nonce-current"
PLAIN = "@{} > REGISTER sip:example.com\n{}"
CHALLENGED = '< 401\nWWW-Authenticate: Digest realm="example.com", nonce="{}"{}\n'
WITH = "@{} > REGISTER sip:example.com\n{}Authorization: {{bob secret nonce={}}}\n"


def findings(flow: str, rule: str = RULE, **given: bool) -> list[Finding]:
    return report_of(flow, rules=[rule_of(rule)], **given).findings  # type: ignore[arg-type]


def only(flow: str) -> Finding:
    (finding,) = findings(flow)
    return finding


def test_never_given_out_is_said_where_all_was_seen() -> None:
    finding = only(PLAIN.format(0, "") + CHALLENGED.format("A", "") + WITH.format(1, "", "X") + "< 403")
    assert (finding.sub, finding.detail) == ("invented", "bob uses a nonce that the registrar never gave out")


HEADS = {
    "it counts from the middle": PLAIN.format(0, "CSeq: 146\n") + CHALLENGED.format("A", ""),
    "it brings credentials": WITH.format(0, "", "W") + CHALLENGED.format("A", ""),
    "a request is missing": PLAIN.format(0, "") + CHALLENGED.format("B", "") + PLAIN.format(1, "CSeq: 5\n")
    + CHALLENGED.format("A", ""),
}  # fmt: skip


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_where_the_beginning_was_not_seen_only_what_is_known_is_said(head: str) -> None:
    finding = only(head + WITH.format(2, "", "X") + "< 403")
    assert finding.sub == ""
    assert finding.detail.startswith("bob uses a nonce that is not among the challenges in this capture, though it was")
    assert "never" not in finding.detail


def test_stale_is_the_registrars_word_that_the_nonce_was_good() -> None:
    finding = only(
        PLAIN.format(0, "")
        + CHALLENGED.format("A", "")
        + WITH.format(1, "", "X")
        + CHALLENGED.format("B", ", stale=TRUE")
    )
    assert finding.sub == ""
    expected = "bob goes on with an old nonce, older than the challenge at frame 2; the registrar calls it stale"
    assert finding.detail == expected


def test_a_nonce_from_before_the_capture_that_is_used_on_is_old() -> None:
    rounds = "".join(WITH.format(number, "", "W") + CHALLENGED.format(f"N{number}", "") for number in range(4))
    finding = only(rounds)
    assert (finding.sub, finding.count) == ("", 3)
    assert finding.detail == "bob goes on with an old nonce, older than the challenge at frame 2"


def test_places_in_a_log_are_lines() -> None:
    place = Evidence(LogLines("log", 61, 73), None)
    assert _at(Challenged("r", frozenset(), None, place, stale=False, qop=(), transaction=1)) == "line 61"


def test_the_loop_in_spite_of_stale_is_told_and_the_password_is_not_blamed() -> None:
    """A console log that begins in the middle; each 401 says stale=true, and the phone takes none of them in."""
    rounds = "".join(
        WITH.format(4 * number, f"CSeq: {146 + number}\n", "W uri=sip:198.51.100.20:5071").replace(
            "REGISTER sip:example.com", "REGISTER sip:192.168.15.53:5060"
        )
        + CHALLENGED.format(f"N{number}", ", stale=true")
        for number in range(8)
    )
    report = report_of(rounds, rules=all_rules(), passwords={"bob": "secret"}, log=True)
    by_rule = {finding.rule: finding for finding in report.findings}
    assert by_rule[RULE].detail.endswith("which says stale=true")
    uri = by_rule["R3261-22.4-digest-uri"]
    assert "is for sip:198.51.100.20:5071, and the request goes to sip:192.168.15.53:5060" in uri.detail
    assert (uri.severity, uri.at_fault) == ("warning", "UAC / middlebox"), "stale=true says that it is not the reason"
    assert "R7616-digest-outcome" not in by_rule
    assert report.summary.digests == {"match": 8}


def test_the_same_nonce_in_a_new_challenge_is_counted_anew() -> None:
    """A registrar may make its nonces of the time in seconds: who is challenged twice in one gets the same twice."""
    again = CHALLENGED.format("A", ', qop="auth"') + "> REGISTER sip:example.com\nAuthorization: {bob x}\n"
    assert findings(PLAIN.format(0, "") + again + again + "< 403\n", "R7616-3.4-nc-count") == []
    repeated = again + "< 200\n> REGISTER sip:example.com\nAuthorization: {bob x}\n< 200\n"
    (finding,) = findings(PLAIN.format(0, "") + again + repeated, "R7616-3.4-nc-count")
    assert finding.sub == "not-increasing"


def _once(status: str, *, stale: str = "", reused: str = "W1") -> str:
    """A router whose nonces are good for one request each."""
    return (
        PLAIN.format(0, "CSeq: 31663\n") + CHALLENGED.format("W1", "")
        + "> REGISTER sip:example.com\nAuthorization: {bob secret}\n< 200\n"
        + WITH.format(210, "", reused) + (CHALLENGED.format("W2", stale) if status == "401" else f"< {status}\n")
        + PLAIN.format(270, "") + CHALLENGED.format("W3", "")
        + "> REGISTER sip:example.com\nAuthorization: {bob secret}\n< 200\n"
    )  # fmt: skip


def _story(flow: str) -> tuple[Report, dict[str, Finding]]:
    report = report_of(flow, rules=all_rules(), passwords={"bob": "secret"}, detail=True)
    return report, {finding.rule: finding for finding in report.findings}


def test_a_nonce_that_is_good_once_has_to_be_called_stale() -> None:
    report, by_rule = _story(_once("401"))
    assert report.summary.digests == {"match": 3}
    assert [record.form.word for record in report.digests] == ["as-asked"] * 3
    stale = by_rule["R7616-3.3-stale"]
    assert (stale.sub, stale.at_fault, stale.severity) == ("missing", "registrar", "warning")
    assert "does not say stale=true" in stale.detail
    assert "R7616-digest-outcome" not in by_rule, "the registrar has the right password"
    assert RULE not in by_rule, "the phone uses the newest nonce that it has"
    assert "wrong" not in " ".join(drawn(report).split()).replace("take its password for wrong", "")


def test_where_it_says_stale_nothing_is_amiss() -> None:
    _, by_rule = _story(_once("401", stale=", stale=true"))
    assert not by_rule.keys() & {"R7616-3.3-stale", "R7616-digest-outcome", RULE}


def test_a_403_for_a_used_nonce_forbids_the_user() -> None:
    """403 offers no new nonce: what is refused there is the user, and not the nonce."""
    flow = _once("403").replace("@210", "@10")
    _, by_rule = _story(flow)
    assert by_rule["R7616-digest-outcome"].sub == "forbidden"


def test_the_loop_names_what_to_mend() -> None:
    rounds = "".join(WITH.format(number, "", "W") + CHALLENGED.format(f"N{number}", "") for number in range(100))
    (loop,) = findings(rounds, "DET-auth-loop")
    assert loop.detail.endswith(OLD_NONCE)
    assert loop.fix == "mend the cause that is named here: it is not the password"
    answer = "> REGISTER sip:example.com\nAuthorization: {bob secret}\n< 403\n"
    tries = (PLAIN.format(60 * number, "") + CHALLENGED.format(f"N{number}", "") for number in range(6))
    flow = "".join(one + answer for one in tries)
    (refused,) = report_of(flow, rules=[rule_of("DET-auth-loop")], passwords={"bob": "secret"}).findings
    assert refused.detail.endswith(FORBIDDEN)
    assert "compare user name, password and realm" in refused.fix


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["", "A", "B", "C", "X"]), st.sampled_from(["A", "B", "C", ""]), st.booleans()),
        min_size=1,
        max_size=7,
    ),
    st.integers(1, 3),
)
def test_whatever_nonces_come_and_go_never_is_true(rounds: list[tuple[str, str, bool]], begin: int) -> None:
    """`never gave out` is said of no nonce that was given out, was called stale, or may be from before the capture."""
    flow, offered, unknown = "", {""}, []
    for number, (sent, answer, stale) in enumerate(rounds):
        head = f"CSeq: {begin + number}\n"
        flow += WITH.format(10 * number, head, sent) if sent else PLAIN.format(10 * number, head)
        flow += CHALLENGED.format(answer, ", stale=true" if stale else "") if answer else "< 200\n"
        if sent not in offered and not (answer and stale):
            unknown.append(sent)
        offered.add(answer)
    said = findings(flow)
    if any("never gave out" in finding.detail for finding in said):
        assert unknown
        assert (begin, rounds[0][0]) == (1, ""), "its first request brought nothing from before"
    if any("older than" in finding.detail for finding in said):
        assert any(answer for _, answer, _ in rounds[:-1]), "something was given out that it is older than"
    if any("not among" in finding.detail for finding in said):
        assert unknown
