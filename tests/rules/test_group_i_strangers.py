"""Credentials and contacts in other hands: what the examples of the cards do not say."""

from __future__ import annotations

import pytest

from analyzer.evidence import RawMessage
from analyzer.judge.flowtext import read_flow
from analyzer.register.replays import Replays
from analyzer.rules import all_rules
from analyzer.run.pipeline import analyze_items
from tests.rules.cases import rule_of, run, subs

REPLAY, CHURN, HIJACK = "DET-nonce-replay", "DET-source-churn", "DET-hijack"
ASK = "> REGISTER sip:h\n< 401\n"
WITH = "> REGISTER sip:h\nAuthorization: {bob x nonce=n1}\n< 200\n"
AGAIN = "src=203.0.113.9:5060 > REGISTER sip:h\nCall-ID: other\nAuthorization: {bob x nonce=n1}\n< 200\n"


def test_the_sentence_names_both_addresses_and_the_time() -> None:
    (finding,) = run(REPLAY, ASK + WITH + "@300 " + AGAIN).findings
    assert "that 192.0.2.10 had sent come again from 203.0.113.9" in finding.detail
    assert finding.detail.endswith("and were accepted")
    assert len(finding.evidence) == 2


def test_without_qop_it_is_less_sure() -> None:
    legacy = ASK.replace("< 401\n", '< 401\nWWW-Authenticate: Digest realm="example.com", nonce="n1"\n')
    assert [one.confidence.word for one in run(REPLAY, legacy + WITH + "@300 " + AGAIN).findings] == ["medium"]
    assert [one.confidence.word for one in run(REPLAY, ASK + WITH + "@300 " + AGAIN).findings] == ["high"]


def test_another_response_to_the_same_nonce_is_no_replay() -> None:
    assert subs(run(REPLAY, ASK + WITH + "@300 " + AGAIN.replace("nonce=n1", "nonce=n1 nc=00000002"))) == []


def test_retransmissions_from_a_new_port_are_one_request() -> None:
    assert subs(run(REPLAY, ASK + WITH.replace("< 200\n", "") + "@0.6 src=192.0.2.10:6000 > again\n< 200\n")) == []


def test_empty_credentials_say_nothing() -> None:
    empty = (
        '> REGISTER sip:h\nAuthorization: Digest username="bob", realm="h", nonce="", uri="sip:h", response=""\n< 401\n'
    )
    assert subs(run(REPLAY, empty + "src=203.0.113.9:5060 " + empty.replace("sip:h\nA", "sip:h\nCall-ID: o\nA"))) == []


def test_other_users_do_not_replay_each_other() -> None:
    eve = AGAIN.replace("Call-ID: other\n", "Call-ID: other\nTo: <sip:eve@h>\nFrom: <sip:eve@h>;tag=e\n")
    assert subs(run(REPLAY, ASK + WITH + "@300 " + eve)) == []


def test_what_is_remembered_is_bounded() -> None:
    assert Replays()._sent.limit == 50_000


MOVE = "@{0} src=203.0.113.{1}:5060 > REGISTER sip:h\nExpires: {2}\n< 200\n"


def test_the_granted_time_is_the_measure() -> None:
    quick = "".join(MOVE.format(50 * turn, turn + 1, 3600) for turn in range(5))
    assert subs(run(CHURN, quick)) == ["addresses"]
    assert subs(run(CHURN, quick.replace("Expires: 3600", "Expires: 60"))) == []


def test_most_addresses_are_named_and_counted() -> None:
    (finding,) = run(CHURN, "".join(MOVE.format(50 * turn, turn + 1, 3600) for turn in range(9))).findings
    assert "9 addresses" in finding.detail
    assert "203.0.113.1, 203.0.113.2, 203.0.113.3, ..." in finding.detail


def test_addresses_take_precedence_over_ports() -> None:
    flow = "".join(
        f"@{50 * turn} src=203.0.113.{turn % 4}:{6000 + turn} > REGISTER sip:h\n< 200\n" for turn in range(16)
    )
    assert subs(run(CHURN, flow)) == ["addresses"]


def test_two_addresses_in_turn_are_no_churn() -> None:
    """Two access networks, or IPv4 and IPv6."""
    assert subs(run(CHURN, "".join(MOVE.format(50 * turn, turn % 2 + 1, 3600) for turn in range(12)))) == []


OWN = "> REGISTER sip:h\n< 200\n"
STRANGER = "src=203.0.113.9:5060 > REGISTER sip:h\nCall-ID: s\n"
TAKES = f"@300 {STRANGER}Contact: *\nExpires: 0\n< 200\n{STRANGER}Contact: <sip:x@203.0.113.9>\n< 200\n"


def test_who_was_refused_before_is_more_likely() -> None:
    tries = "".join(
        f"@{280 + turn} {STRANGER}Contact: <sip:x@203.0.113.9>\n< 401\n{STRANGER}Contact: <sip:x@203.0.113.9>\n"
        f"Authorization: {{bob {turn}}}\n< 403\n"
        for turn in range(4)
    )
    (finding,) = run(HIJACK, OWN + tries + TAKES).findings
    assert "after 4 refused tries" in finding.detail
    assert finding.confidence.word == "high"
    assert [one.confidence.word for one in run(HIJACK, OWN + TAKES).findings] == ["medium"]


@pytest.mark.parametrize("refused", [403, 401, 500])
def test_a_removal_that_was_refused_takes_nothing(refused: int) -> None:
    assert subs(run(HIJACK, OWN + TAKES.replace("Expires: 0\n< 200", f"Expires: 0\n< {refused}"))) == []


def test_one_instance_is_one_phone() -> None:
    urn = ';+sip.instance="<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>"'
    own = f"> REGISTER sip:h\nContact: <sip:bob@192.0.2.10:5060>{urn}\n< 200\n"
    assert subs(run(HIJACK, own + TAKES.replace("<sip:x@203.0.113.9>", f"<sip:x@203.0.113.9>{urn}"))) == []


def test_another_user_takes_nothing() -> None:
    other = TAKES.replace("Call-ID: s\n", "Call-ID: s\nTo: <sip:eve@h>\nFrom: <sip:eve@h>;tag=e\n")
    assert subs(run(HIJACK, OWN + other)) == []


def test_one_direction_alone_says_nothing() -> None:
    for rule in (REPLAY, CHURN, HIJACK):
        for example in rule_of(rule).examples:
            items = [
                item
                for item in read_flow(example.flow)
                if isinstance(item, RawMessage) and item.payload.startswith(b"SIP/2.0")
            ]
            assert analyze_items(items, rules=[rule_of(rule)]).findings == []


def test_all_rules_together_tell_a_theft_once() -> None:
    report = analyze_items(read_flow(OWN + TAKES), rules=all_rules())
    assert [one.count for one in report.findings if one.rule == HIJACK] == [1]
