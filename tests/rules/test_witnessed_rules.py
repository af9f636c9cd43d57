"""Rules where the log itself names the cause, and where nobody knows the time."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from analyzer.evidence import LogNotice, RawMessage
from analyzer.judge.findings import Finding
from analyzer.judge.tally import Tally
from analyzer.register.digest.secrets import Secrets
from analyzer.rules import all_rules
from analyzer.run.pipeline import analyze_items
from tests.register.loose import loose, notice, with_notices

REGISTER = "> REGISTER sip:example.com\n"
RIGHT = f"{REGISTER}< 401\n{REGISTER}Authorization: {{bob secret}}\n< 403\n"
OUTCOME = "R7616-digest-outcome"
OTHERS = "@{} > OPTIONS sip:a\nCall-ID: o{}\n< 200\n"


def judged(rule: str, items: Sequence[RawMessage]) -> tuple[list[Finding], Tally]:
    """The findings of one rule, and how it answered."""
    rules = [one for one in all_rules() if one.id == rule]
    report = analyze_items(items, rules=rules, secrets=Secrets.of({"bob": "secret"}))
    return report.findings, report.outcomes[rule]


def test_without_a_word_the_registrar_contradicts_the_digest() -> None:
    (finding,), _ = judged(OUTCOME, loose(RIGHT, ()))
    assert "it may be authorisation that failed" in finding.detail


@pytest.mark.parametrize(
    "cause", ["max-contacts", "no-aor", "no-aors", "acl", "contact-acl", "unknown-account", "no-max-contacts"]
)
def test_nobody_is_accused_of_what_the_log_explains(cause: str) -> None:
    findings, tally = judged(OUTCOME, with_notices(loose(RIGHT, ()), 3, notice(cause)))
    assert findings == []
    assert (tally.violated, tally.not_applicable) == (0, 2)


def test_a_reason_that_is_not_known_is_not_judged() -> None:
    findings, tally = judged(OUTCOME, with_notices(loose(RIGHT, ()), 3, notice("other", "Device is on fire")))
    assert findings == []
    assert tally.not_judged == {"the registrar's own log gives another reason": 1}


@pytest.mark.parametrize("cause", ["wrong-password", "failed"])
def test_where_the_log_blames_the_password_the_two_still_disagree(cause: str) -> None:
    (finding,), _ = judged(OUTCOME, with_notices(loose(RIGHT, ()), 3, notice(cause, "Wrong password", line=61)))
    assert finding.detail.endswith('was refused with 403; its own log says "Wrong password"')
    assert finding.evidence[-1].place[1] == 61


@pytest.mark.parametrize(
    "said", [notice("fatal", "stopping"), notice("max-contacts", alone=True), notice("stale-nonce")]
)
def test_what_is_no_reason_of_the_server_changes_nothing(said: LogNotice) -> None:
    (finding,), _ = judged(OUTCOME, with_notices(loose(RIGHT, ()), 3, said))
    assert "it may be authorisation that failed" in finding.detail


def test_who_is_refused_in_a_loop_is_told_the_servers_reason() -> None:
    flow = "".join(f"@{10 * n} {RIGHT}" for n in range(6))
    items = loose(flow, ())
    for number in range(3, len(items), 4):
        items = with_notices(items, number, notice("max-contacts", "will exceed max contacts of 1"))
    (finding,), _ = judged("DET-auth-loop", items)
    assert 'the server\'s log: "will exceed max contacts of 1"' in finding.detail
    assert finding.fix == "mend the cause that is named here: it is not the password"


def test_no_answer_by_the_clients_own_word() -> None:
    flow = f"{REGISTER}@0.5 > again\n{OTHERS.format(3, 1)}"
    items = loose(flow, ())
    assert judged("R3261-17.2-unanswered", items)[0] == []
    told = notice("silent", account="bob@example.com", alone=True)
    (finding,), _ = judged("R3261-17.2-unanswered", with_notices(items, 1, told))
    assert (finding.confidence.word, finding.sub) == ("medium", "selective")


# Times that nobody knows
SHORT = "Expires: 15\n< 200\nContact: <sip:bob@192.0.2.10:5060>;expires=15\n"
RENEWED = "".join(f"@{5 * n} {REGISTER}{SHORT}" for n in range(6)) + OTHERS.format(60, 1)


def test_a_refresh_between_two_stamps_is_not_called_late() -> None:
    """Granted 15 s, renewed every 5 s; stamps stand at 0 and 60 s alone."""
    findings, tally = judged("R3261-10.2.4-refresh-late", loose(RENEWED, set(range(1, 12))))
    assert findings == []
    assert set(tally.not_judged) == {"CLOCK"}
    assert judged("R3261-10.2.4-refresh-late", loose(RENEWED, ()))[1].not_judged == {}


def test_a_refresh_with_a_stamp_after_one_without_is_not_called_late() -> None:
    flow = f"{REGISTER}{SHORT}@10 {REGISTER}{SHORT}@22 {REGISTER}{SHORT}"
    findings, tally = judged("R3261-10.2.4-refresh-late", loose(flow, {2, 3}))
    assert findings == []
    assert set(tally.not_judged) == {"CLOCK"}


def test_an_overdue_refresh_is_not_told_where_one_may_have_come_unstamped() -> None:
    steady = "".join(f"@{30 * n} {REGISTER}Expires: 60\n< 200\n" for n in range(4))
    flow = f"{steady}@118 {REGISTER}Expires: 60\n{OTHERS.format(200, 1)}"
    findings, tally = judged("DET-refresh-overdue", loose(flow, {8}))
    assert findings == []
    assert set(tally.not_judged) <= {"CLOCK", "TS<1s"}


def test_cseq_of_two_between_the_same_stamps_may_be_printed_in_either_order() -> None:
    flow = f"{REGISTER}CSeq: 5\n< 200\n@1 {REGISTER}CSeq: 4\n< 200\n{OTHERS.format(9, 1)}"
    findings, tally = judged("R3261-10.2-cseq-increment", loose(flow, {2, 3}))
    assert findings == []
    assert tally.not_judged == {"TS<1s": 1}


def test_cseq_that_falls_far_behind_an_answer_is_in_order() -> None:
    """A paste without any stamp: a phone begins at 1 again after 504, and its requests are refused."""
    flow = f"{REGISTER}CSeq: 504\n< 200\n@60 {REGISTER}CSeq: 1\n< 400 Invalid CSeq\n{OTHERS.format(90, 1)}"
    findings, _ = judged("R3261-10.2-cseq-increment", loose(flow, {2, 3, 4}))
    assert [finding.detail for finding in findings] == ["CSeq went down from 504 to 1"]


def test_nothing_is_said_of_since_when_a_server_is_silent() -> None:
    flow = f"{REGISTER}< 200\n@5 {REGISTER}\n@90 {REGISTER}CSeq: 9\n@90.5 > again\n{OTHERS.format(200, 1)}"
    findings, _ = judged("R3261-17.2-unanswered", loose(flow, {1, 2}))
    assert findings
    assert all("last heard" not in finding.detail for finding in findings)


def test_silence_that_is_certain_is_told_without_a_figure() -> None:
    copies = "".join(f"@{at} > again\n" for at in (0.5, 1.5, 3.5, 7.5, 11.5))
    flow = f"{OTHERS.format(0, 0)}@1 {REGISTER}{copies}{OTHERS.format(20, 1)}{OTHERS.format(90, 2)}"
    items = loose(flow, set(range(2, 8)))
    (finding,), _ = judged("R3261-17.2-unanswered", items)
    copies_of, rest = finding.detail.split(",", 1)
    assert copies_of.startswith("6 copies of the request to ")
    assert " in " not in copies_of
    assert rest.startswith(" no final answer in time")
