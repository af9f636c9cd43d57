"""What a person and a machine read of a replay, without a peer."""

from __future__ import annotations

import io
import json
from typing import Any
from xml.etree import ElementTree

import pytest

from analyzer.register.digest.secrets import Secrets
from analyzer.sip.message import parse_bytes
from analyzer.views import ViewOptions
from replay.events import StepResult, Try
from replay.flow import read_flow
from replay.outcome import outcome_of
from replay.preview import preview
from replay.record import Result
from replay.views import load_view, view_names
from tests.replay.peers import answer_to
from tests.replay.playing import sample

FLOW = read_flow([sample("cseq-not-raised")])


def plan() -> Result:
    return preview(FLOW, Secrets.of({"carol": "carolpw"}))


def told(statuses: list[int], **headers: Any) -> Result:
    """The plan, as if these answers had come."""
    result = plan()
    for row, status in zip(result.rows, statuses, strict=False):
        octets = row.editor.octets()
        final = parse_bytes(answer_to(octets, status, **headers)) if status else None
        one = Try(row.editor, final=final, sent_at=0, answered_at=5_000_000 if final else None, ending="answered")
        one.ending = "answered" if final else "timeout"
        row.result = StepResult(row.step, [one])
    steps = [row.step for row in result.rows]
    outcome = outcome_of(steps, [row.result for row in result.rows if row.result])
    result.mode, result.outcome, result.target = "client", outcome, "127.0.0.1:5060 over UDP"
    return result


def shown(result: Result, view: str = "table", **options: Any) -> str:
    out = io.StringIO()
    load_view(view)(result, out, ViewOptions(**options))
    return out.getvalue()


def test_the_formats() -> None:
    assert view_names() == ("json", "junit", "table")


def test_verdict_first() -> None:
    lines = shown(told([401, 200, 401, 403])).splitlines()
    assert "cseq-not-raised" in lines[0]
    assert lines[3] == "Another outcome: step 4 refused (403) now, registered (200) then."
    assert shown(told([401, 200, 401, 200])).splitlines()[3] == "The same outcome: registered (200)."
    assert "Nothing was sent" in shown(plan())


def test_mended_and_changed() -> None:
    table = shown(plan())
    assert "mended: CSeq 2 REGISTER -> 3 REGISTER" in table
    assert "changed as every replay must: Via (the live address and a fresh branch), Call-ID (a replay is a" in table
    everything = shown(plan(), all=True)
    assert "changed: Call-ID" in everything
    assert len(everything) > len(table)


def test_silence_is_said() -> None:
    table = shown(told([401, 0, 0, 0]))
    assert "no answer now" in table
    assert "differs: answer: nothing now, 200 OK then" in table


@pytest.mark.parametrize("width", [50, 80, 200])
def test_no_line_is_wider_than_asked(width: int) -> None:
    assert max(len(line) for line in shown(told([401, 200, 401, 403]), width=width, all=True).splitlines()) <= width


@pytest.mark.parametrize("view", ["json", "junit", "table"])
def test_nothing_active_is_written(view: str) -> None:
    hostile = told([401, 200, 401, 200], reason="\x1b[2J\u202e\r\x00<&>")
    written = shown(hostile, view, all=True)
    assert not set(written) & {"\x1b", "\u202e", "\r", "\x00"}


def test_json_is_one_object_on_one_line() -> None:
    written = shown(told([401, 200, 401, 403]), "json")
    assert written.count("\n") == 1
    record = json.loads(written)
    assert record["outcome"] == {
        "then": "registered (200)",
        "now": "refused (403)",
        "same": False,
        "unlike": [4],
    }
    assert [step["now"]["status"] for step in record["steps"]] == [401, 200, 401, 403]
    assert record["steps"][3]["differences"][0].startswith("answer: 403 ")


def test_junit_fails_where_the_status_differs_alone() -> None:
    suite = ElementTree.fromstring(shown(told([401, 200, 401, 403]), "junit"))
    cases = suite.findall("testcase")
    assert [case.find("failure") is not None for case in cases] == [False, False, False, True]
    assert suite.get("failures") == "1"
    assert cases[0].find("system-out") is not None  # another realm, another Server
    planned = ElementTree.fromstring(shown(plan(), "junit"))
    assert planned.get("skipped") == "4"


def test_junit_and_the_exit_code_agree() -> None:
    """A challenge that does not come is no failure; a registration that was never sent is one."""
    open_house = ElementTree.fromstring(shown(told([200, 200, 200, 200]), "junit"))
    assert open_house.get("failures") == "0" and told([200, 200, 200, 200]).outcome.same
    stopped = told([401, 200])
    suite = ElementTree.fromstring(shown(stopped, "junit"))
    assert (suite.get("failures"), suite.get("skipped")) == ("1", "1") and not stopped.outcome.same
    messages = [failure.get("message") for failure in suite.iter("failure")]
    assert messages == ["not sent now, 200 then"]


def test_another_outcome_in_the_middle_is_said_where_the_end_is_the_same() -> None:
    lines = shown(told([401, 403, 401, 200])).splitlines()
    assert lines[3] == "Another outcome: step 2 refused (403) now, registered (200) then."


def test_what_may_be_left_is_listed() -> None:
    result = told([401, 200, 401, 200])
    result.not_removed = tuple(f"sip:carol@127.0.0.1:{port}" for port in range(1, 8))
    table = shown(result)
    assert "It may have left: sip:carol@127.0.0.1:1, " in table and "and 2 more" in table
    assert json.loads(shown(result, "json"))["not_removed"] == list(result.not_removed)
