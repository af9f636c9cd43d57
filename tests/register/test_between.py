"""Messages that lie between two times: nothing is reckoned from a time that nobody knows (docs/rules/traps.md
T-STAMP)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzer.evidence import SECOND, Between, Evidence, LogLines, between
from analyzer.judge.flowtext import START
from analyzer.register.matching import TransactionTable
from analyzer.register.reachability import Reachability
from analyzer.register.timers import GRACE
from tests.register.loose import loose
from tests.register.watch import Watched, put, start, watch

REGISTER = "> REGISTER sip:example.com\n"
SHORT = "Expires: 60\n< 200\nContact: <sip:bob@192.0.2.10:5060>;expires=60\n"
HEARD = "> OPTIONS sip:a\nCall-ID: o\n< 200\n"


def ended(items: list[object], seconds: int) -> Watched:
    """Feed items, and end the source so many seconds after the start."""
    watched = put(start(), items)  # type: ignore[arg-type]
    watched.reconstructor.finish(START + seconds * SECOND)
    return watched


def test_a_place_tells_between_which_times() -> None:
    bounds = Between(1, 2)
    assert between(LogLines("a", 1, 2, bounds)) == bounds
    assert between(LogLines("a", 1, 2)) is None
    assert str(LogLines("a", 1, 2, bounds)) == "lines 1-2 of a"


@pytest.mark.parametrize(
    ("flow", "unstamped", "seconds", "state"),
    [
        # the request lies between 0 and 10 s: it has waited 32 s by 42 s at the earliest
        (HEARD + "@5 " + REGISTER + "@10 > OPTIONS sip:a\nCall-ID: p\n< 200", {2}, 41, "open"),
        (HEARD + "@5 " + REGISTER + "@10 > OPTIONS sip:a\nCall-ID: p\n< 200", {2}, 43, "timeout"),
        # nothing stands behind it: nobody knows how long it waited
        (HEARD + "@5 " + REGISTER, {2}, 4000, "open"),
    ],
)
def test_silence_is_told_by_what_is_certain(flow: str, unstamped: set[int], seconds: int, state: str) -> None:
    watched = ended(list(loose(flow, unstamped)), seconds)
    assert [one.state for one in watched.transactions if one.method == "REGISTER"] == [state]


def test_a_late_stamp_does_not_end_what_may_have_begun_just_now() -> None:
    """A minute lies between two stamps; request and answer may both stand at its end."""
    items = loose(f"{HEARD}@60 {REGISTER}@60.5 < 200\n@61 {REGISTER}CSeq: 9\n< 200", {2})
    watched = watch(items)
    assert [one.state for one in watched.transactions if one.method == "REGISTER"] == ["answered", "answered"]
    assert not [one for one in watched.transactions if one.state == "headless"]


def test_a_table_waits_from_the_later_time_on() -> None:
    table = TransactionTable()
    (item,) = loose(REGISTER, {0})
    from analyzer.sip.message import parse

    table.advance(None, Between(START, START + 100 * SECOND))
    table.feed(parse(item))
    assert table.advance(START + GRACE + 99 * SECOND) == []
    assert [event.kind for event in table.advance(START + GRACE + 101 * SECOND)] == ["silent", "closed"]
    assert table.end == START + GRACE + 101 * SECOND


def test_where_nothing_stands_behind_it_is_not_judged() -> None:
    table = TransactionTable()
    (item,) = loose(REGISTER, {0}, until_end=True)
    from analyzer.sip.message import parse

    table.advance(None, between(item.place))
    table.feed(parse(item))
    events = table.advance(START + 10_000 * SECOND)
    assert [(event.kind, event.transaction.state) for event in events] == [
        ("silent", "open"),
        ("closed", "open"),
    ]


def test_a_renewal_at_an_unknown_time_leaves_no_gap_behind_it() -> None:
    """Granted 60 s at 0, renewed some time between 0 and 100 s, renewed again at 100 s: never too late for certain."""
    flow = f"{REGISTER}{SHORT}@50 {REGISTER}{SHORT}@100 {REGISTER}{SHORT}"
    reach = watch(loose(flow, {2, 3})).registration.reach
    assert reach.gaps == 0
    assert [(one.state, one.cause) for one in reach.stretches] == [
        ("bound", "registered"),
        ("unknown", "no time"),
        ("bound", "registered"),
    ]
    certain = watch(f"{REGISTER}{SHORT}@100 {REGISTER}{SHORT}").registration.reach
    assert certain.gaps == 1  # the flow that it would be if the stamp before were its time


def test_what_ran_out_before_for_certain_did() -> None:
    others = ("@200 > OPTIONS sip:a\nCall-ID: o\n< 200\n", "@300 > OPTIONS sip:a\nCall-ID: o\n")
    flow = f"{REGISTER}{SHORT}{others[0]}@250 {REGISTER}{SHORT}{others[1]}"
    reach = watch(loose(flow, {4, 5})).registration.reach
    assert [(one.state, one.cause) for one in reach.stretches] == [
        ("bound", "registered"),
        ("unbound", "ran out"),
        ("unknown", "no time"),
    ]


def test_a_binding_that_was_renewed_at_an_unknown_time_has_no_end() -> None:
    flow = f"{REGISTER}{SHORT}@50 {REGISTER}{SHORT}@500 > OPTIONS sip:a\nCall-ID: o\n< 200"
    (binding,) = watch(loose(flow, {2, 3})).registration.bindings
    assert (binding.certainty, binding.end, binding.lapsed) == ("present", None, False)


def test_a_binding_that_was_removed_at_an_unknown_time_has_no_end_either() -> None:
    flow = f"{REGISTER}{SHORT}@50 {REGISTER}Expires: 0\n< 200\n-Contact\n@500 > OPTIONS sip:a\nCall-ID: o\n< 200"
    (binding,) = watch(loose(flow, {2, 3})).registration.bindings
    assert (binding.certainty, binding.end) == ("absent", None)


def test_whose_contact_is_taken_away_at_an_unknown_time_is_unclear_from_then_on() -> None:
    other = "From: <sip:bob@example.com>;tag=o\nCall-ID: other\nContact: <sip:bob@192.0.2.20:5060>\n"
    listed = "< 200\n-Contact\nContact: <sip:bob@192.0.2.20:5060>;expires=60\n"
    flow = f"{REGISTER}{SHORT}@20 src=192.0.2.20:5060 {REGISTER}{other}{listed}@50 > OPTIONS sip:a\nCall-ID: o\n< 200"
    first, second = watch(loose(flow, {2, 3})).registrations
    assert [one.state for one in first.reach.stretches] == ["bound", "unknown"]
    assert [one.state for one in second.reach.stretches] == ["unknown"]


def test_unclear_begins_where_the_stretch_before_began_at_the_earliest() -> None:
    reach, by = Reachability(), Evidence(LogLines("x", 1, 1), None)
    reach.granted(100 * SECOND, 160 * SECOND, by)
    reach.unclear(50 * SECOND, by)
    reach.unclear(60 * SECOND, by)
    assert [(one.state, one.start // SECOND) for one in reach.stretches] == [("bound", 100), ("unknown", 100)]


def test_a_client_is_not_called_gone_by_an_old_time() -> None:
    """Its last request has no time: it may be there still, so another Call-ID is another client."""
    flow = f"{REGISTER}{SHORT}@50 {REGISTER}{SHORT}@400 > OPTIONS sip:a\nCall-ID: o\n< 200"
    registration = watch(loose(flow, {2, 3})).registration
    assert registration.last is None
    assert registration.alive(START + 400 * SECOND)
    assert registration.last_success is None


def test_an_episode_whose_end_is_not_known_explains_no_later_gap() -> None:
    from analyzer.rules import all_rules
    from analyzer.run.pipeline import analyze_items

    refused = f"@10 {REGISTER}CSeq: 5\n< 403\n@20 {REGISTER}CSeq: 6\n{SHORT}"
    late = f"@30 {REGISTER}CSeq: 7\n{SHORT}@300 {REGISTER}CSeq: 8\n{SHORT}"
    items = loose(f"{REGISTER}CSeq: 4\n{SHORT}{refused}{late}", {4, 5})
    report = analyze_items(items, rules=all_rules())
    gap = next(one for one in report.registrations[0].reach.stretches if one.state == "unbound")
    assert (gap.cause, gap.finding) == ("refreshed too late", "R3261-10.2.4-refresh-late")


def test_all_that_is_unstamped_is_still_one_registration() -> None:
    flow = f"{REGISTER}< 401\n> REGISTER sip:example.com\nAuthorization: {{bob x}}\n{SHORT}"
    watched = watch([replace(item, time=None) for item in loose(flow, set())])
    assert watched.attempts == [("registered", 200, 2)] == watch(loose(flow, {0, 1, 2, 3})).attempts
