"""Credentials that are repeated, challenges that cannot be answered, and headers mixed up, beyond the examples."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from analyzer.evidence import Item, RawMessage
from analyzer.judge.flowtext import read_flow
from analyzer.register.digest.secrets import Secrets
from analyzer.rules import all_rules
from analyzer.run.pipeline import analyze_items
from analyzer.run.report import Report
from tests.rules.cases import rule_of, run, subs

SAME, PRESENT, HEADER = "R3261-22.1-same-credentials", "R3261-22.2-challenge-present", "R3261-22.3-wrong-header"
TRY = "@{} > REGISTER sip:example.com\n< 401\n> REGISTER sip:example.com\nAuthorization: {{bob wrong{}}}\n< {}\n"


def whole(items: Sequence[Item], **passwords: str) -> Report:
    return analyze_items(items, rules=all_rules(), secrets=Secrets.of(passwords))


def rules_of(report: Report) -> set[str]:
    return {finding.rule for finding in report.findings if finding.count}


def test_a_wrong_digest_is_the_root_and_says_that_it_was_repeated() -> None:
    flow = TRY.format(0, "", 403) + TRY.format(5, "", 403)
    assert SAME in rules_of(whole(list(read_flow(flow))))
    report = whole(list(read_flow(flow)), bob="secret")
    assert SAME not in rules_of(report)
    (root,) = [one for one in report.findings if one.rule == "R7616-digest-verify"]
    assert SAME in root.folded


@pytest.mark.parametrize(
    ("root", "extra"),
    [
        ("R7616-3.4-algorithm", " algorithm=SHA-256"),
        ("R7616-3.4-realm", " realm=other"),
        ("R7616-3.4-nonce-current", ""),
    ],
)
def test_another_root_is_told_alone(root: str, extra: str) -> None:
    nonce = " nonce=11" if root.endswith("current") else ""
    flow = "".join(TRY.format(5 * turn, extra + nonce, 403) for turn in range(3))
    found = rules_of(whole(list(read_flow(flow))))
    assert root in found
    assert SAME not in found


def test_two_clients_of_one_user_do_not_count_for_each_other() -> None:
    other = TRY.replace("@{} >", "@{} src=192.0.2.77:5060 >").replace(
        "sip:example.com\n", "sip:example.com\nCall-ID: other\nContact: <sip:bob@192.0.2.77>\n"
    )
    assert subs(run(SAME, TRY.format(0, "", 403) + other.format(5, "", 403))) == []


def test_a_retransmission_is_not_sent_again_in_this_sense() -> None:
    assert subs(run(SAME, TRY.format(0, "", 403) + "@0.6 > again\n< again\n")) == []


@pytest.mark.parametrize(("rule", "flow"), [(SAME, TRY.format(0, "", 403) + TRY.format(5, "", 403))])
def test_one_direction_is_not_judged(rule: str, flow: str) -> None:
    requests = [one for one in read_flow(flow) if isinstance(one, RawMessage) and one.payload.startswith(b"REGISTER")]
    report = analyze_items(requests, rules=[rule_of(rule)])
    assert report.findings == []
    assert report.outcomes[rule].not_judged


def test_without_a_clock_nothing_is_said_of_a_moment_ago() -> None:
    items = list(read_flow(TRY.format(0, "", 403) + TRY.format(5, "", 403)))
    for item in items:
        item.time = None
    report = analyze_items(items, rules=[rule_of(SAME)])
    assert report.findings == []
    assert report.outcomes[SAME].not_judged


def test_the_count_of_a_row_is_in_the_sentence() -> None:
    (finding,) = run(SAME, "".join(TRY.format(20 * turn, "", 403) for turn in range(4))).findings
    assert (finding.severity, finding.count) == ("error", 3)
    assert finding.detail.endswith("3 times in a row")


def test_a_success_between_ends_a_row() -> None:
    flow = TRY.format(0, "", 403) + TRY.format(5, "", 200) + TRY.format(20, "", 403) + TRY.format(25, "", 403)
    assert [(one.severity, one.count) for one in run(SAME, flow).findings] == [("warning", 2)]


def test_a_challenge_that_was_cut_may_have_had_it() -> None:
    items = list(read_flow("> REGISTER sip:example.com\n< 401\n"))
    answer = items[-1]
    assert isinstance(answer, RawMessage)
    at = answer.payload.index(b"WWW-Authenticate")
    answer.payload, answer.missing = answer.payload[:at], 200
    report = analyze_items(items, rules=[rule_of(PRESENT)])
    assert report.findings == []
    assert report.outcomes[PRESENT].not_judged == {"WHOLE": 1}


def test_a_challenge_without_its_request_is_judged_all_the_same() -> None:
    items = list(read_flow("> REGISTER sip:example.com\n< 401\n-WWW-Authenticate\n"))
    assert subs(analyze_items(items[1:], rules=[rule_of(PRESENT)])) == ["missing"]


def test_it_explains_that_the_phone_gave_up() -> None:
    report = whole(list(read_flow("> REGISTER sip:example.com\n< 401\n-WWW-Authenticate\n", tail=60)))
    (finding,) = [one for one in report.findings if one.rule == PRESENT]
    assert finding.explained == 1


def test_one_finding_for_a_server_whoever_asks() -> None:
    flow = "".join(
        f"@{turn} > REGISTER sip:h\nCall-ID: c{turn}\nTo: <sip:u{turn}@h>\nFrom: <sip:u{turn}@h>;tag=t\n< 401\n"
        "-WWW-Authenticate\n"
        for turn in range(5)
    )
    assert [(one.sub, one.count) for one in run(PRESENT, flow).findings] == [("missing", 5)]


@pytest.mark.parametrize("log", [False, True])
def test_the_wrong_header_is_told_with_both_names(log: bool) -> None:
    flow = "> REGISTER sip:h\n< 401\n> REGISTER sip:h\nProxy-Authorization: {bob x}\n< 401\n"
    (finding,) = run(HEADER, flow, log=log).findings
    assert "asked in WWW-Authenticate" in finding.detail
    assert "answers in Proxy-Authorization" in finding.detail
