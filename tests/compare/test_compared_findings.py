"""A finding is worse only where its like would have been seen before."""

from __future__ import annotations

import pytest

from analyzer.compare.comparison import WEIGHING, compared
from analyzer.compare.findings import finding_changes
from analyzer.compare.values import FindingChange
from tests.compare.sides import side

_PLAIN = """\
> REGISTER sip:example.com
To: <sip:{name}@example.com>
From: <sip:{name}@example.com>;tag=1
Call-ID: {call}
CSeq: {cseq} REGISTER
Contact: <sip:{name}@192.0.2.10:5060>
< 200
Contact: <sip:{name}@192.0.2.10:5060>;expires=3600
"""
RULE = "R3261-10.2-ruri-userinfo"


def register(name: str = "bob", cseq: int = 1, call: str = "call", uri: str = "sip:example.com") -> str:
    return _PLAIN.format(name=name, cseq=cseq, call=f"{call}-{name}").replace("sip:example.com\nTo", f"{uri}\nTo")


BROKEN = register(uri="sip:bob@example.com")


def of_rule(before: str, after: str, rule: str = RULE) -> list[FindingChange]:
    found = finding_changes(side(before), side(after), WEIGHING)
    return [one for one in found if one.key.rule == rule]


def test_a_new_finding_of_a_client_that_was_there_is_worse() -> None:
    (change,) = of_rule(register(), BROKEN)
    assert (change.verdict, change.reason, change.before) == ("worse", "", None)


def test_one_that_is_gone_while_its_client_is_there_is_better() -> None:
    (change,) = of_rule(BROKEN, register())
    assert (change.verdict, change.after) == ("better", None)


def test_one_of_a_client_that_was_not_there_is_new() -> None:
    (change,) = of_rule(register("carol"), BROKEN)
    assert change.verdict == "new" and "client is in the second alone" in change.reason


def test_one_whose_client_is_gone_is_gone_and_not_mended() -> None:
    (change,) = of_rule(BROKEN, register("carol"))
    assert change.verdict == "gone" and "client is in the first alone" in change.reason


def test_one_whose_rule_had_nothing_to_judge_is_new() -> None:
    before = "> OPTIONS sip:example.com\nTo: <sip:bob@example.com>\n< 200\n"
    found = finding_changes(side(before), side(BROKEN), WEIGHING)
    assert found and {one.verdict for one in found} == {"new"}
    assert all(one.reason for one in found)


def test_the_same_is_the_same_whatever_the_frames_are() -> None:
    later = register("carol") + BROKEN.replace("call-bob", "other")
    (change,) = of_rule(BROKEN, later)
    assert change.verdict == "same"
    assert change.before is not None and change.after is not None
    assert change.before.evidence != change.after.evidence


def test_what_weighs_is_said_by_who_asks() -> None:
    before, after = side(register()), side(BROKEN)
    verdicts = [
        next(one.verdict for one in finding_changes(before, after, weighing) if one.key.rule == RULE)
        for weighing in (("error", "warning", "info"), ())
    ]
    assert verdicts == ["worse", "new"]


@pytest.mark.parametrize("flow", [register(), BROKEN, register() + register("carol", cseq=5)])
def test_a_flow_against_itself_has_nothing_but_the_same(flow: str) -> None:
    found = compared(side(flow), side(flow))
    assert found.verdict == "same" and not found.clients
    assert {one.verdict for one in found.findings} <= {"same"}


_CHALLENGED = """\
> REGISTER sip:example.com
Call-ID: {call}
From: <sip:{call}@example.com>;tag=1
To: <sip:{call}@example.com>
< 401
WWW-Authenticate: Digest realm="{realm}", nonce="0123456789abcdef0123456789abcdef"
"""


def test_a_server_that_did_it_before_is_not_worse_for_another_realm() -> None:
    """It asks another client for another realm now, without qop as ever."""
    before = _CHALLENGED.format(call="alice", realm="one.example")
    after = before + _CHALLENGED.format(call="bob", realm="two.example")
    found = of_rule(before, after, "R3261-22.4-qop-offered")
    assert found and {one.verdict for one in found} <= {"same", "new"}


def test_what_weighs_more_the_more_often_it_is_seen_is_not_worse_in_a_longer_capture() -> None:
    def jumps(count: int) -> str:
        return "".join(f"@{60 * at} {register(cseq=1 + 300 * at)}" for at in range(count))

    for before, after in ((3, 10), (10, 3)):
        found = of_rule(jumps(before), jumps(after), "R3261-10.2-cseq-gap")
        assert {one.verdict for one in found} <= {"same", "changed"}
