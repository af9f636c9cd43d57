"""R7616-3.4-realm beyond its examples: other hops, one direction, cut messages, and the cause that a report names."""

from __future__ import annotations

import pytest

from analyzer.judge.flowtext import read_flow
from analyzer.register.causes import OTHER_REALM
from analyzer.register.digest.secrets import Secrets
from analyzer.rules import all_rules
from analyzer.run.pipeline import analyze_items
from analyzer.run.report import Report
from tests.rules.cases import run, subs

RULE = "R7616-3.4-realm"
ASKED = '> REGISTER sip:example.com\n< 401\nWWW-Authenticate: Digest realm="asterisk", nonce="n1", qop="auth"\n'
WRONG = "> REGISTER sip:example.com\nAuthorization: {bob secret realm=other nonce=n1}\n< 403\n"


def whole(flow: str, **passwords: str) -> Report:
    return analyze_items(read_flow(flow), rules=all_rules(), secrets=Secrets.of(passwords))


def test_the_sentence_has_both_realms_and_the_place_of_both() -> None:
    (finding,) = run(RULE, ASKED + WRONG).findings
    assert finding.detail == "asked for realm 'asterisk', the phone sends credentials for realm 'other'"
    assert [place.place[1] for place in finding.evidence] == [3, 2]


def test_it_explains_the_refusal_and_is_named_as_its_cause() -> None:
    report = whole(ASKED + WRONG, bob="secret")
    (finding,) = [one for one in report.findings if one.rule == RULE]
    assert finding.explained == 1
    (client,) = report.registrations
    assert client.history.last is not None
    assert client.history.last.cause == OTHER_REALM
    assert "R7616-digest-outcome" not in {one.rule for one in report.findings}, "it was refused with good reason"


def test_a_loop_names_it() -> None:
    flow = "".join(
        f"@{20 * turn} {ASKED.replace('n1', f'n{turn}')}{WRONG.replace('n1', f'n{turn}')}" for turn in range(6)
    )
    loops = [one for one in whole(flow).findings if one.rule == "DET-auth-loop"]
    assert [OTHER_REALM in one.detail for one in loops] == [True]


def test_it_is_told_once_for_a_client_with_a_count() -> None:
    flow = "".join(
        f"@{20 * turn} {ASKED.replace('n1', f'n{turn}')}{WRONG.replace('n1', f'n{turn}')}" for turn in range(6)
    )
    assert [(one.sub, one.count) for one in run(RULE, flow).findings] == [("mismatch", 6)]


@pytest.mark.parametrize("log", [False, True])
def test_a_printed_log_tells_it_too(log: bool) -> None:
    assert subs(run(RULE, ASKED + WRONG, log=log)) == ["mismatch"]


def test_without_the_challenge_nothing_is_said() -> None:
    report = run(RULE, WRONG)
    assert subs(report) == []
    assert report.outcomes[RULE].not_judged == {"HEAD": 1}


def test_requests_alone_are_not_judged() -> None:
    lines = [item for item in read_flow(ASKED + WRONG) if item.payload.startswith(b"REGISTER")]  # type: ignore[union-attr]
    report = analyze_items(lines, rules=[rule for rule in all_rules() if rule.id == RULE])
    assert report.findings == []
    assert report.outcomes[RULE].not_judged


def test_credentials_that_are_malformed_are_another_fault() -> None:
    broken = WRONG.replace("{bob secret realm=other nonce=n1}", 'Digest username="bob, realm="other", nonce="n1"')
    assert subs(run(RULE, ASKED + broken)) == []


def test_a_later_challenge_for_that_realm_makes_it_legal() -> None:
    flow = ASKED + WRONG.replace("< 403", '< 401\nWWW-Authenticate: Digest realm="other", nonce="m1", qop="auth"')
    again = "> REGISTER sip:example.com\nAuthorization: {bob secret realm=other nonce=m1}\n< 200\n"
    assert [one.count for one in run(RULE, flow + again).findings] == [1], "the first brought another realm's nonce"


def test_only_the_first_hop_is_judged() -> None:
    core = "Via: SIP/2.0/UDP 198.51.100.1;branch=z9hG4bKcore\nVia: SIP/2.0/UDP 192.0.2.10:5060;rport;branch=z9hG4bK{}\n"
    flow = ASKED + WRONG.replace("< 403", "").rstrip() + "\n"
    second = "src=198.51.100.1:5060 dst=198.51.100.9:5060 > REGISTER sip:example.com\nCSeq: 2\n" + core.format(3)
    second += "Authorization: {bob secret realm=other nonce=n1}\n< 403\nto=3 < 403\n"
    assert sum(one.count for one in run(RULE, flow + second.replace("to=3 < 403\n", "")).findings) <= 1
