"""DET-shrinking-expiry and DET-refresh-overdue: rows of values, habits, and what is not known at the end."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.evidence import NetworkError, RawMessage
from analyzer.judge.flowtext import CLIENT, REGISTRAR, read_flow
from analyzer.rules import all_rules
from analyzer.run.pipeline import analyze, analyze_items
from tests.rules.cases import rule_of, run, subs
from tests.shared import shared

_SHRINK = "DET-shrinking-expiry"
_OVERDUE = "DET-refresh-overdue"


def turn(at: float, asked: int, granted: int | None, minimum: int = 60) -> str:
    """A REGISTER for `asked` seconds that is granted `granted`, or refused with 423."""
    contact = "<sip:bob@192.0.2.10>;expires={}"
    answer = f"< 423\nMin-Expires: {minimum}" if granted is None else f"< 200\nContact: {contact.format(granted)}"
    return f"@{at} > REGISTER sip:example.com\nContact: {contact.format(asked)}\n{answer}\n"


@settings(max_examples=40, deadline=None)
@given(first=st.integers(61, 4000), steps=st.lists(st.integers(1, 30), min_size=1, max_size=8), off=st.integers(0, 5))
def test_the_row_is_told_as_it_was(first: int, steps: list[int], off: int) -> None:
    """Whatever the registrar takes off: the row has the values asked for; a phone that asks anew is never blamed."""
    row = [first + sum(steps)]
    for step in steps:
        row.append(row[-1] - step)
    minimum = row[-1] + 1 + min(off, steps[-1] - 1)
    flow = "".join(turn(30 * number, asked, granted) for number, (asked, granted) in enumerate(pairwise(row)))
    refused = turn(30 * len(row), row[-1], None, minimum)
    (finding,) = run(_SHRINK, flow + refused, tail=60).findings
    assert f"asked for {', '.join(map(str, row))} s in turn" in finding.detail
    assert f"at least {minimum} s" in finding.detail
    assert (finding.sub, finding.severity, finding.at_fault) == ("", "warning", "UAC")
    anew = "".join(turn(30 * number, row[0], granted) for number, granted in enumerate(row[1:]))
    assert run(_SHRINK, anew + turn(900, row[0], None, row[0] + 1), tail=60).findings == []


@pytest.mark.parametrize(
    ("flow", "expected"),
    [
        (turn(0, 63, 62) + turn(30, 62, 61) + turn(60, 61, 60), []),  # three values: not yet a habit
        (turn(0, 63, 62) + turn(30, 62, 61) + turn(60, 61, 60) + turn(90, 60, 60), ["sinking"]),
        (turn(0, 63, 62) + turn(30, 62, 61) + turn(60, 3600, 3600) + turn(90, 30, None), []),  # somebody set it anew
        (turn(0, 63, 61) + turn(30, 62, None, 63), []),  # not what it was granted
    ],
)
def test_what_makes_a_row(flow: str, expected: list[str]) -> None:
    assert subs(run(_SHRINK, flow, tail=60)) == expected


def test_two_contacts_at_once_are_no_row() -> None:
    flow = ""
    for number, seconds in enumerate((63, 62, 61, 60)):
        rows = "".join(f"Contact: <sip:{user}@192.0.2.10>;expires={seconds - late}\n" for late, user in enumerate("ab"))
        flow += f"@{30 * number} > REGISTER sip:example.com\n{rows}< 200\n"
    assert run(_SHRINK, flow, tail=60).findings == []


def test_the_refusal_is_told_once() -> None:
    rounds = "".join(turn(at, 59, None) for at in (60, 100, 140))
    (finding,) = run(_SHRINK, turn(0, 60, 59) + rounds, tail=60).findings
    assert finding.count == 1


def test_the_row_of_the_field() -> None:
    path = shared("cases", "reports", "interval-shrinks-to-423", "input.pcap")
    report = analyze(str(path), rules=all_rules())
    (told,) = [finding for finding in report.findings if finding.rule == _SHRINK]
    assert "63, 62, 61, 60, 59 s" in told.detail
    titles = {
        finding.sub: finding.short_title for finding in report.findings if finding.rule == "R3261-10.2.8-423-retry"
    }
    assert titles["never-retried"] == "The phone does not ask again after 423"
    assert "too little" in titles[""]
    assert not {finding.rule for finding in report.findings} & {"R3261-10.2.4-refresh-late", _OVERDUE}


def refreshes(*at: float, granted: int = 60) -> str:
    """Refreshes at these seconds."""
    return "".join(f"@{one} > REGISTER sip:example.com\nExpires: {granted}\n< 200\n" for one in at)


@settings(max_examples=40, deadline=None)
@given(interval=st.integers(5, 3000), jitter=st.floats(0, 0.04), tail=st.floats(0.1, 3))
def test_overdue_is_said_only_of_what_is_later_than_it_ever_was(interval: int, jitter: float, tail: float) -> None:
    times = [0.0, interval, interval * (2 + jitter), interval * (3 + jitter), interval * (4 + jitter)]
    flow = refreshes(*(round(at, 3) for at in times), granted=2 * interval)
    report = run(_OVERDUE, flow, tail=round(tail * interval, 3))
    late = tail - (1 + jitter)
    slack = max(2, interval * (1 + jitter) / 10) + max(jitter, 0) * interval
    if late * interval > slack + 0.2:
        (finding,) = report.findings
        assert finding.severity == "info"
        assert ("lasts" in finding.detail) == (round(tail * interval, 3) <= 2 * interval)
    elif late * interval < slack - interval * jitter - 0.2:
        assert report.findings == []


def test_until_when_the_binding_lasts() -> None:
    (finding,) = run(_OVERDUE, refreshes(0, 30, 60, 90), tail=45).findings
    assert "refreshed every 30 s" in finding.detail
    assert "15 s late" in finding.detail
    assert "its binding lasts 15 s longer" in finding.detail
    (over,) = run(_OVERDUE, refreshes(0, 30, 60, 90), tail=100).findings
    assert "its binding ran out 40 s before that" in over.detail


@pytest.mark.parametrize(
    "after",
    [
        "@125 > REGISTER sip:example.com\n",
        "@100 > REGISTER sip:example.com\nExpires: 0\n< 200\n",
        "@100 > REGISTER sip:example.com\nExpires: 0\n< 401\n",
        "@122 > REGISTER sip:example.com\n< 403\n",
    ],
)
def test_who_did_something_since_is_not_overdue(after: str) -> None:
    assert run(_OVERDUE, refreshes(0, 30, 60, 90) + after, tail=60).findings == []


@pytest.mark.parametrize("reason", ["icmp", "closed", "reset"])
def test_a_network_that_ended_it_is_another_reason(reason: str) -> None:
    head = "transport=TCP stream=1 "
    items = list(read_flow(refreshes(0, 30, 60, 90).replace("> REGISTER", f"{head}> REGISTER")))
    last = next(item for item in reversed(items) if isinstance(item, RawMessage))
    items = [item if item.source != REGISTRAR else _on_stream(item) for item in items if isinstance(item, RawMessage)]
    ended = NetworkError(last.time, last.place, CLIENT, REGISTRAR, "TCP", reason, "as tested", stream=1)  # type: ignore[arg-type]
    (later,) = read_flow("@200 .")
    report = analyze_items([*items, ended, later], rules=[rule_of(_OVERDUE)])
    assert report.findings == []
    assert report.outcomes[_OVERDUE].not_judged == {"the network ended its connection": 1}


def _on_stream(raw_message: RawMessage) -> RawMessage:
    raw_message.stream = 1
    return raw_message


@pytest.mark.parametrize(
    ("after", "sure"),
    [
        ("@140 > OPTIONS sip:example.com\nCall-ID: o1\n", "high"),
        ("@140 src=192.0.2.20:5060 > OPTIONS sip:example.com\nCall-ID: o1\n", "medium"),
    ],
)
def test_who_is_heard_after_it_was_due(after: str, sure: str) -> None:
    (finding,) = run(_OVERDUE, refreshes(0, 30, 60, 90) + after).findings
    assert finding.confidence.word == sure


def test_a_clock_of_seconds_and_none_at_all_are_not_judged() -> None:
    assert run(_OVERDUE, refreshes(0, 30, 60, 90), tail=100, log=True).outcomes[_OVERDUE].not_judged == {"TS<1s": 1}
    items = list(read_flow(refreshes(0, 30, 60, 90), tail=100))
    for item in items:
        item.time = None
    assert analyze_items(items, rules=[rule_of(_OVERDUE)]).findings == []


def test_a_clock_that_steps_back_forgets_the_habit() -> None:
    items = list(read_flow(refreshes(0, 30, 60, 90), tail=100))
    for item in items[4:]:
        assert item.time is not None
        item.time -= 50_000_000_000
    assert analyze_items(items, rules=[rule_of(_OVERDUE)]).findings == []
