"""The timeline of a client: bound from when to when by the registrar's own words, and what lies between."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.evidence import SECOND, Evidence, Frame
from analyzer.judge.flowtext import START
from analyzer.register.reachability import KEPT, SLACK, Reachability
from tests.register.watch import watch

BY = Evidence(Frame("x", 1), 0)
_REGISTER = "> REGISTER sip:example.com\n"


def timeline(flow: str) -> list[tuple[str, str, float, float | None]]:
    """State, cause, begin and end of each stretch, in seconds from the start of the flow."""
    reach = watch(flow).registration.reach
    return [
        (
            one.state,
            one.cause,
            round((one.start - START) / SECOND, 1),
            None
            if one.end is None and one.expires is None
            else round(((one.end or one.expires or 0) - START) / SECOND, 1),
        )
        for one in reach.stretches
    ]


def test_a_registration_is_bound_until_it_runs_out() -> None:
    assert timeline(f"{_REGISTER}< 200\n@4000 .") == [
        ("bound", "registered", 0.0, 3600.0),
        ("unbound", "ran out", 3600.0, None),
    ]


def test_a_refresh_in_time_is_one_stretch() -> None:
    assert timeline(f"{_REGISTER}< 200\n@1800 {_REGISTER}< 200\n@2000 .") == [("bound", "registered", 0.0, 5400.0)]


def test_a_refresh_too_late_leaves_a_gap() -> None:
    flow = f"{_REGISTER}Expires: 60\n< 200\nExpires: 60\nContact: <sip:bob@192.0.2.10:5060>;expires=60\n"
    flow += f"@110 {_REGISTER}Expires: 60\n< 200\nContact: <sip:bob@192.0.2.10:5060>;expires=60\n@120 ."
    assert [(one[0], one[1]) for one in timeline(flow)] == [
        ("bound", "registered"),
        ("unbound", "refreshed too late"),
        ("bound", "registered"),
    ]
    reach = watch(flow).registration.reach
    assert (reach.gaps, round(reach.lost / SECOND)) == (1, 50)


def test_a_sign_off_ends_it_and_is_no_gap() -> None:
    flow = f"{_REGISTER}< 200\n@60 {_REGISTER}Expires: 0\n< 200\n-Contact\n@90 {_REGISTER}< 200\n@95 ."
    assert [(one[0], one[1]) for one in timeline(flow)] == [
        ("bound", "registered"),
        ("unbound", "signed off"),
        ("bound", "registered"),
    ]
    assert watch(flow).registration.reach.gaps == 0


def test_a_sign_off_that_fails_leaves_it_bound() -> None:
    flow = f"{_REGISTER}< 200\n@60 {_REGISTER}Expires: 0\n< 500\n@90 ."
    assert timeline(flow) == [("bound", "registered", 0.0, 3600.0)]
    until = watch(flow).registration.reach.bound_until
    assert until is not None and round((until - START) / SECOND) == 3600


def test_a_list_without_the_contact_takes_it_away() -> None:
    other = "< 200\nContact: <sip:eve@192.0.2.99>;expires=600"
    assert [one[:2] for one in timeline(f"{_REGISTER}< 200\n@60 {_REGISTER}{other}\n@90 .")][-1] == (
        "unbound",
        "not listed",
    )


@pytest.mark.parametrize("order", [1, -1])
def test_of_several_contacts_the_one_that_lasts_longest_counts(order: int) -> None:
    contacts = "".join(f"Contact: <sip:bob@192.0.2.{n}:5060>;expires={n}\n" for n in (60, 90)[::order])
    assert timeline(f"{_REGISTER}{contacts}< 200\n{contacts}@10 .") == [("bound", "registered", 0.0, 90.0)]


def test_of_several_contacts_one_that_goes_takes_nothing_away() -> None:
    contacts = "Contact: <sip:bob@192.0.2.10:5060>;expires={}\nContact: <sip:bob@192.0.2.11:5060>;expires={}\n"
    flow = f"{_REGISTER}{contacts.format(600, 600)}< 200\n{contacts.format(600, 600)}"
    flow += f"@60 {_REGISTER}{contacts.format(600, 0)}< 200\nContact: <sip:bob@192.0.2.10:5060>;expires=600\n@61 ."
    assert timeline(flow) == [("bound", "registered", 0.0, 660.0)]


def test_success_that_lists_nothing_leaves_it_unknown() -> None:
    assert [one[:2] for one in timeline(f"{_REGISTER}< 200\n-Contact\n@5 .")] == [("unknown", "no expiry")]


def test_a_query_changes_nothing() -> None:
    flow = (
        f"{_REGISTER}< 200\n@60 {_REGISTER}-Contact\n-Expires\n< 200\nContact: <sip:bob@192.0.2.10:5060>;expires=3540"
    )
    assert [one[:2] for one in timeline(f"{flow}\n@70 .")] == [("bound", "registered")]


def test_the_last_word_to_another_client_takes_away() -> None:
    reach = Reachability()
    told = [reach.is_taken_away]
    reach.granted(SECOND, 100 * SECOND, BY)
    told.append(reach.is_taken_away)
    reach.gone(2 * SECOND, "taken away", BY)
    told.append(reach.is_taken_away)
    reach.granted(3 * SECOND, 100 * SECOND, BY)
    told.append(reach.is_taken_away)
    reach.gone(4 * SECOND, "signed off", BY)
    assert [*told, reach.is_taken_away] == [False, False, True, False, False]


def test_without_a_clock_nothing_is_said() -> None:
    reach = Reachability()
    reach.settle(None)
    assert not reach and reach.stretches == () and reach.bound_until is None


def test_what_is_late_does_not_undo_what_is_newer() -> None:
    reach = Reachability()
    reach.granted(100 * SECOND, 200 * SECOND, BY)
    reach.gone(50 * SECOND, "taken away", BY)
    reach.granted(40 * SECOND, 60 * SECOND, BY)
    assert [(one.state, one.expires) for one in reach.stretches] == [("bound", 200 * SECOND)]


@given(st.lists(st.tuples(st.sampled_from("gnrx"), st.integers(0, 300), st.integers(1, 200)), max_size=120))
def test_stretches_are_in_order_bounded_and_alternate(steps: list[tuple[str, int, int]]) -> None:
    reach, now = Reachability(), 0
    for kind, wait, length in steps:
        now += wait * SECOND
        if kind == "g":
            reach.granted(now, now + length * SECOND, BY)
        elif kind == "n":
            reach.granted(now, None, BY)
        elif kind == "r":
            reach.gone(now, "taken away", BY)
        else:
            reach.clock_stepped(now, now)
    reach.settle(now + 1000 * SECOND)
    stretches = reach.stretches
    assert len(stretches) <= KEPT
    assert all(one.end is not None and one.start <= one.end for one in stretches[:-1])
    if not reach.dropped:
        assert all(one.end == two.start for one, two in itertools.pairwise(stretches))
    assert not stretches or stretches[-1].state != "bound"
    for one in stretches:
        if one.state == "bound" and one.end is not None and one.expires is not None:
            assert one.end <= one.expires + SLACK
    assert reach.lost >= 0 and reach.gaps >= 0


@pytest.mark.parametrize("count", [10, 500])
def test_memory_does_not_follow_the_number_of_gaps(count: int) -> None:
    reach = Reachability()
    for number in range(count):
        reach.granted(number * 100 * SECOND, (number * 100 + 50) * SECOND, BY)
    assert (len(reach.stretches) <= KEPT, reach.gaps) == (True, count - 1)
    assert reach.lost == (count - 1) * 50 * SECOND
