"""Contacts that a registrar lists again after a sign-off, and answers that cross."""

from __future__ import annotations

import pytest

from analyzer.evidence import RawMessage
from analyzer.judge.flowtext import REGISTRAR, START, read_flow
from analyzer.register.client_state import state_of
from analyzer.register.registration import Registration
from analyzer.run.pipeline import analyze_items
from analyzer.views.states import ClientSummary
from analyzer.views.table.phrases import what, why
from tests.register.traffic import answer, request
from tests.register.watch import edited, watch

BOB = "Contact: <sip:bob@192.0.2.10:5060>;expires={left}"
EVE = "Contact: <sip:bob@192.0.2.77:5060>;expires=3600"
_SIGNED_OFF = f"""> REGISTER sip:example.com
< 200
@60 > REGISTER sip:example.com
Expires: 0
< 200
-Contact
@90 src=192.0.2.77:5060 > REGISTER sip:example.com
Call-ID: eve
From: <sip:bob@example.com>;tag=eve
Contact: <sip:bob@192.0.2.77:5060>
< 200
{EVE}
"""


def stretches(one: Registration) -> list[tuple[str, str, int]]:
    """State, cause and begin of each, in whole seconds from the start."""
    return [(each.state, each.cause, round((each.start - START) / 1e9)) for each in one.reach.stretches]


def of_bob(flow: str) -> Registration:
    """The client that signs off."""
    return next(one for one in watch(flow).registrations if "eve" not in one.call_ids)


def test_who_signed_off_and_is_listed_by_an_answer_to_another_client_is_bound_again() -> None:
    bob = of_bob(f"{_SIGNED_OFF}{BOB.format(left=3500)}\n@120 .")
    assert stretches(bob) == [
        ("bound", "registered", 0),
        ("unbound", "signed off", 60),
        ("bound", "listed again", 90),
    ]
    assert bob.reach.bound_until == pytest.approx(START + (90 + 3500) * 10**9, abs=2 * 10**9)
    assert state_of(bob) == "not removed"


def test_it_ends_when_that_runs_out() -> None:
    bob = of_bob(f"{_SIGNED_OFF}{BOB.format(left=30)}\n@150 .")
    assert [each[:2] for each in stretches(bob)][-2:] == [("bound", "listed again"), ("unbound", "ran out")]
    assert state_of(bob) == "signed off"


def test_who_is_not_listed_stays_signed_off() -> None:
    bob = of_bob(f"{_SIGNED_OFF}@120 .")
    assert [each[:2] for each in stretches(bob)] == [("bound", "registered"), ("unbound", "signed off")]
    assert state_of(bob) == "signed off"


def test_who_registers_anew_is_no_returned_contact() -> None:
    again = "@100 > REGISTER sip:example.com\nCall-ID: anew\n< 200\n@120 ."
    assert [each[1] for each in stretches(of_bob(_SIGNED_OFF + again))][-1] == "registered"


def test_the_contact_of_nobody_seen_is_given_to_nobody() -> None:
    stranger = "Contact: <sip:bob@192.0.2.200:5060>;expires=600"
    bob = of_bob(f"{_SIGNED_OFF}{stranger}\n@120 .")
    assert stretches(bob)[-1][1] == "signed off"


def crossing(*, late: bool) -> Registration:
    """A registration whose first answer comes after, or before, the one to the sign-off that was sent later."""
    bound = answer(5.2 if late else 0.5, branch="z9hG4bKon", cseq=1)
    items = [
        request(0.0, branch="z9hG4bKon", cseq=1),
        *([] if late else [bound]),
        request(5.0, extra="Expires: 0\r\n", cseq=2, branch="z9hG4bKoff"),
        answer(5.1, cseq=2, branch="z9hG4bKoff"),
        *([bound] if late else []),
        request(40.0, branch="z9hG4bKelse", user="other", call="else", contact="192.0.2.11"),
    ]
    return next(one for one in watch(map(_signing_off, items)).registrations if "bob" in one.aor)


def _signing_off(item: RawMessage) -> RawMessage:
    """The second request takes the contact away, and its answer lists none."""
    if b"CSeq: 2" not in item.payload:
        return item
    if item.source == REGISTRAR:
        return edited(item, b"Contact: <sip:bob@192.0.2.10>;expires=3600\r\n", b"")
    return edited(item, b";expires=3600", b";expires=0")


def test_an_older_answer_behind_that_to_the_sign_off_leaves_it_unknown() -> None:
    bob = crossing(late=True)
    assert [each[0] for each in stretches(bob)] == ["unknown"]
    assert [binding.certainty for binding in bob.bindings] == ["maybe"]


def test_an_answer_in_its_order_does_not() -> None:
    assert [each[:2] for each in stretches(crossing(late=False))] == [
        ("bound", "registered"),
        ("unbound", "signed off"),
    ]


def test_the_table_says_that_calls_go_there_and_who_shows_it() -> None:
    report = analyze_items(read_flow(f"{_SIGNED_OFF}{BOB.format(left=3500)}\n@120 ."))
    clients = ClientSummary(report)
    (told,) = [(one, state) for one, state in clients.states if state.word == "not removed"]
    assert "signed off" in what(clients, *told) and "but calls go there until" in what(clients, *told)
    assert "its sign-off was accepted; the answer to another client at frame 6 lists its contact again" in why(
        clients, *told
    )
