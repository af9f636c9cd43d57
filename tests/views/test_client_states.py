"""What became of a client, in one word on which table, JSON and tables agree, and the place that shows it."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest

import analyzer
from analyzer.evidence import Source
from analyzer.judge.flowtext import read_flow
from analyzer.register.client_state import CLIENT_STATES, ClientState, state_of
from analyzer.run.pipeline import Analysis
from analyzer.run.report import Report
from analyzer.views.states import STATES, ClientSummary
from analyzer.views.words import number_of
from tests.shared import DATA
from tests.views.reports import drawn, lines_with, report_of

ONE = "> REGISTER sip:example.com\n"
OTHER = "src=192.0.2.11:5060 > REGISTER sip:example.com\nCall-ID: other\nUser-Agent: other\n"
SHORT = f"{ONE}Expires: 60\n< 200\nContact: <sip:bob@192.0.2.10:5060>;expires=60\n"
ALIVE = "@{} src=192.0.2.20:5060 > OPTIONS sip:example.com\nCall-ID: o\nFrom: <sip:x@example.com>;tag=1\n< 200\n"


class Story(NamedTuple):
    """A flow, the state in which it leaves its first client, and the frame that shows that."""

    state: ClientState
    flow: str
    frame: int


STORIES = [
    Story("registered", f"{ONE}< 401\n{ONE}Authorization: {{bob x}}\n< 200", 4),
    Story("registered", f"@0 {ONE}< 200\n@1800 {ONE}< 200", 2),
    Story("ok again", f"@0 {ONE}< 200\n@60 {ONE}< 503\n@90 {ONE}< 200", 6),
    Story("ok again", f"@0 {SHORT}@100 {SHORT}@110 .", 4),
    Story("refused", f"{ONE}< 403", 2),
    Story("refused", f"@0 {ONE}< 200\n@60 {ONE}< 401\n{ONE}Authorization: {{bob x}}\n< 403", 6),
    Story("refused", f"@0 {ONE}< 403\n@60 {ONE}< 403\n@90 {ONE}< 403", 2),
    Story("no answer", f"{ALIVE.format(0)}@1 {ONE}@1.5 > again\n@100 .", 3),
    Story("no answer", f"@0 {ONE}< 401\n@1 {ONE}Authorization: {{bob x}}\n@1.5 > again\n@100 .", 3),
    Story("gave up", f"{ONE}< 401\n@100 .", 2),
    Story("ran out", f"@0 {SHORT}@200 .", 2),
    Story("ran out", f"@0 {SHORT}@50 {SHORT}@300 .", 4),
    Story("not removed", f"@0 {ONE}< 200\n@60 {ONE}Expires: 0\n< 407\n@200 .", 4),
    Story("not removed", f"@0 {ONE}< 200\n@60 {ONE}Expires: 0\n@60.5 > again\n@200 .", 3),
    Story("taken away", f"@0 {ONE}< 200\n@60 {OTHER}Contact: *\nExpires: 0\n< 200\n-Contact\n@70 .", 4),
    Story("taken away", f"@0 {ONE}< 200\n@60 {ONE}-Contact\n-Expires\n< 200\n-Contact\n@70 .", 4),
    Story(
        "in doubt",
        f"@0 {ONE}< 200\n@60 {OTHER}Contact: <sip:b@192.0.2.77>\nExpires: 600\n< 200\n"
        "Contact: <sip:b@192.0.2.77>;expires=600\n@70 .",
        4,
    ),
    Story("signed off", f"@0 {ONE}< 200\n@60 {ONE}Expires: 0\n< 200\n-Contact", 4),
    Story("asked", f"{ONE}-Contact\n-Expires\n< 200\n-Contact", 2),
    Story("open", f"{ONE}@0.5 > again\n@2 .", 1),
    Story("unclear", f"{ONE}@100 .", 1),
]


def report(flow: str) -> Report:
    """The report on a flow, with what the tables need."""
    analysis = Analysis([Source("flow", kind="capture")], rules=[], tables=True)
    for item in read_flow(flow):
        analysis.feed(item)
    return analysis.finish()


def test_every_state_has_a_story_and_is_shown() -> None:
    assert {story.state for story in STORIES} == set(CLIENT_STATES)
    assert [state.word for state in STATES if state.word not in CLIENT_STATES] == []
    assert len(STATES) == len(CLIENT_STATES)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: f"{story.state}-{story.frame}")
def test_table_json_and_tables_agree(story: Story) -> None:
    made = report(story.flow)
    one = made.registrations[0]
    assert state_of(one) == story.state
    record = made.to_dict()
    assert record["registrations"][0]["state"] == story.state
    assert sum(record["summary"]["clients"].values()) == len(made.registrations)
    assert record["summary"]["clients"][story.state] >= 1
    assert analyzer.tables(made).registrations["state"].tolist()[0] == story.state
    shown = "ok" if story.state == "registered" else story.state
    assert lines_with(drawn(made, 160, all=True), f"{shown} "), drawn(made, 160, all=True)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: f"{story.state}-{story.frame}")
def test_the_place_that_is_shown_is_what_shows_the_state(story: Story) -> None:
    """The answer that refuses, grants or takes away; the request that had no answer."""
    made = report(story.flow)
    assert number_of(ClientSummary(made).place(made.registrations[0])) == story.frame
    word = "ok" if story.state == "registered" else story.state
    line = lines_with(drawn(made, 160, all=True), f"{word} ")[-1] if len(made.registrations) == 1 else ""
    assert not line or line.endswith(f"frame {story.frame}")


def test_who_is_not_listed_is_counted_with_its_outcome() -> None:
    made = report(f"{ONE}< 403")
    made.unlisted["rejected"] += 3
    made.unlisted["removed"] += 1
    assert made.to_dict()["summary"]["clients"] == {"refused": 4, "signed off": 1}


def test_the_outcome_keeps_its_words_where_the_state_says_more() -> None:
    """The contract's values of `outcome` stay; `state` is beside them."""
    for flow, state in ((f"@0 {SHORT}@200 .", "ran out"), (STORIES[14].flow, "taken away")):
        record = report(flow).to_dict()["registrations"][0]
        assert (record["outcome"], record["state"]) == ("registered", state)


def test_an_attempt_names_what_decided_it() -> None:
    flow = f"@0 {ONE}< 401\n{ONE}Authorization: {{bob x}}\n< 403\n@60 {ONE}@60.5 > again\n@200 ."
    attempts = report(flow).to_dict()["registrations"][0]["attempts_detail"]
    assert [(one["evidence"]["frame"], one["decided_by"]["frame"]) for one in attempts] == [(1, 4), (5, 5)]


def test_an_answer_that_was_not_heard_is_told_in_json() -> None:
    case = analyzer.analyze(DATA / "reports" / "nat-answer-to-sent-by-port" / "input.pcap")
    (one,) = case.to_dict()["registrations"]
    assert one["unheard"] == {
        "status": 401,
        "sent_from": "198.51.100.29:60437",
        "via": "192.168.0.16:52780",
        "sent_to": "198.51.100.29:52780",
        "asks_rport": False,
        "astray": True,
        "translated": True,
    }
    assert report(f"{ONE}< 200").to_dict()["registrations"][0]["unheard"] is None


def test_failures_that_began_with_another_answer_say_so() -> None:
    """What is refused with 403 now was challenged in vain before, or had no answer at all."""
    flow = f"@0 {ONE}< 401\n@60 {ONE}< 403\n@90 {ONE}< 403\n@200 ."
    assert "401, then 403 since 02:40:00, 3 tries" in drawn(report(flow), 160)
    silent = f"{ALIVE.format(0)}@1 {ONE}@1.5 > again\n@60 {ONE}< 403\n@200 ."
    assert "no answer, then 403 since 02:40:01, 2 tries" in drawn(report(silent), 160)
    assert ", then" not in drawn(report(f"@0 {ONE}< 403\n@60 {ONE}< 403\n@200 ."), 160)


LOGIN = f"{ONE}< 401\n{ONE}Authorization: {{bob Tr0ub4dor-of-mine}}\n< 403\n"


def test_one_wording_for_a_response_that_does_not_match() -> None:
    """No more is proven than that; the headline and the row of the digest say it in the same words."""
    made = report_of(LOGIN, passwords={"bob": "Another-1"})
    text = " ".join(drawn(made, leads_with="digests").split())
    assert "WRONG PASSWORD OR UNKNOWN CAUSE: the response does not match the password given" in text
    assert "wrong password or unknown cause" in text
    assert "bob's digest does not match the password given" in text
    assert not re.search(r"WRONG PASSWORD(?! OR)|password is wrong", text)
    assert made.digests[0].judged.reason.startswith("wrong password or unknown cause")


def test_without_a_password_the_two_reasons_for_a_refusal_are_named() -> None:
    text = " ".join(drawn(report_of(LOGIN)).split())
    reason = "its credentials were refused: the password is wrong, or the registrar has another reason"
    assert f"{reason} (--credentials FILE tells which)" in text
    other = " ".join(drawn(report_of(LOGIN, passwords={"carol": "x"})).split())
    assert f"{reason} (its digest could not be judged)" in other
