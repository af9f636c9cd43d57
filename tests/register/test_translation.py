"""A NAT that changes the port in mid-registration: what is remembered of it, and of the contacts that are left then
(RFC 3581 4, RFC 3261 10.2.4, 18.2.1)."""

from __future__ import annotations

import io
import json

import pytest

from analyzer.evidence import SECOND, Endpoint, Frame
from analyzer.judge.flowtext import START
from analyzer.register.translation import KEPT_MOVES, Move, Translation
from analyzer.rules import all_rules
from analyzer.views import ViewOptions
from analyzer.views.formats.json import render
from tests.register.watch import raw_messages, watch, without_clock
from tests.views.reports import drawn, report_of

INSIDE = "192.168.1.5:5060"
OUTSIDE = "198.51.100.7"


def one(
    at: int,
    port: int,
    contact: str = INSIDE,
    *,
    listed: str = "",
    cseq: int = 0,
    outside: str = OUTSIDE,
    inside: str = INSIDE,
    rport: str = "",
    status: int = 200,
    more: str = "",
) -> str:
    """A REGISTER of a phone behind a NAT, as the registrar sees it, and the response. `contact` and `listed` are hosts
    and ports (with `=seconds` in the list), `listed` is what was asked for where nothing is given."""
    source = f"{outside}:{port}"
    via = f"Via: SIP/2.0/UDP {inside};branch=z9hG4bK-{at}-{port}"
    rows = [f"<sip:bob@{contact}>"] if contact else []
    given = [entry.partition("=") for entry in (listed or f"{contact}=60").split()]
    answers = [f"<sip:bob@{place}>;expires={seconds}" for place, _, seconds in given]
    request = f"@{at} src={source} > REGISTER sip:example.com\n{via};rport\nContact: {', '.join(rows)}{more}\n"
    request += "Expires: 60\n" + (f"CSeq: {cseq} REGISTER\n" if cseq else "")
    response = f"< {status}\n{via};rport={rport or port};received={outside}\n"
    return request + response + (f"Contact: {', '.join(answers)}\n" if status == 200 else "")


def moves(flow: str) -> list[Move]:
    translation = watch(flow).registration.translation
    assert translation is not None
    return list(translation.moves)


def changes(flow: str) -> list[tuple[str, str]]:
    return [(str(move.before), str(move.after)) for move in moves(flow)]


STAYS = one(0, 40001) + one(30, 40001) + one(60, 40001)
MOVES = one(0, 40001) + one(30, 40022) + one(60, 40022)
OLD, NEW = f"{OUTSIDE}:40001", f"{OUTSIDE}:40022"
BEHIND = one(0, 40001, OLD) + one(30, 40022, OLD) + one(60, 40022, NEW, listed=f"{OLD}=30 {NEW}=60")
REWRITTEN = one(0, 40001, listed=f"{OLD}=60") + one(30, 40022, listed=f"{OLD}=30 {NEW}=60")
"""A registrar that binds where the request comes from, whatever the Contact says (Asterisk: `rewrite_contact`)."""


def test_one_that_stays_has_no_change() -> None:
    translation = watch(STAYS).registration.translation
    assert translation is not None
    assert (translation.sent_by, str(translation.seen), translation.moves) == (INSIDE, OLD, ())


def test_one_that_nothing_translates_costs_nothing() -> None:
    assert watch("> REGISTER sip:example.com\n< 200").registration.translation is None


def test_a_change_has_its_place() -> None:
    (move,) = moves(MOVES)
    assert (str(move.before), str(move.after)) == (OLD, NEW)
    assert (move.evidence.time, move.evidence.place) == (START + 30 * SECOND, Frame("flow", 3))
    assert (move.behind, move.left) == (0, None)  # its Contact is its own address all the time


def test_a_challenge_shows_it_first() -> None:
    challenged = one(0, 40001) + one(30, 40022, status=401) + one(31, 40022)
    (move,) = moves(challenged)
    assert move.evidence.place == Frame("flow", 3)


def test_another_address_too() -> None:
    flow = one(0, 40001) + one(30, 40001, outside="198.51.100.99")
    assert changes(flow) == [(OLD, "198.51.100.99:40001")]


def test_seen_before_the_nat_by_what_the_responses_say() -> None:
    """The capture is made at the phone: its own address never changes."""
    inside = [one(at, port).replace(f"src={OUTSIDE}:{port}", f"src={INSIDE}") for at, port in ((0, 40001), (30, 40022))]
    assert changes("".join(inside)) == [(OLD, NEW)]


def test_seen_at_both_sides_the_response_tells() -> None:
    both = one(0, 40001).replace(f"src={OUTSIDE}:40001", f"src={INSIDE}") + one(30, 40022)
    assert changes(both) == [(OLD, NEW)]


@pytest.mark.parametrize("rport", ["0x9c", "-1", "999999", "４０００１"])
def test_an_rport_that_is_no_port_says_nothing(rport: str) -> None:
    flow = one(0, 40001) + one(30, 40022, rport=rport)
    assert watch(flow).registration.translation == Translation(INSIDE, watch(flow).registration.call_id, _end(40001))


def _end(port: int) -> Endpoint:
    return Endpoint(OUTSIDE, port)


def test_before_anything_is_bound_nothing_is_told() -> None:
    """Two ports for the first request and the one with credentials: no binding has lost its way."""
    assert moves(one(0, 40001, status=401) + one(1, 40022)) == []


def test_after_the_binding_ran_out_nothing_is_told() -> None:
    assert moves(one(0, 40001) + one(500, 40022)) == []


def test_a_phone_that_opens_another_socket_was_not_moved_by_its_nat() -> None:
    assert moves(one(0, 40001) + one(30, 40022, "192.168.1.5:5062", inside="192.168.1.5:5062")) == []


def test_a_new_connection_is_no_change() -> None:
    flow = MOVES.replace("src=", "transport=TCP stream=1 src=").replace("SIP/2.0/UDP", "SIP/2.0/TCP")
    assert watch(flow).registration.translation is None


def test_one_that_takes_the_address_into_its_via_is_still_the_same() -> None:
    """pjsip rewrites its Via, too: the next change is told all the same."""
    flow = one(0, 40001) + one(20, 40001, OLD, inside=OLD) + one(40, 40022, OLD, inside=OLD)
    assert changes(flow) == [(OLD, NEW)]


def test_two_phones_of_two_homes_are_two() -> None:
    other = one(5, 50000, outside="203.0.113.9").replace("Expires: 60", "Expires: 60\nCall-ID: other")
    watched = watch(one(0, 40001) + other)
    assert [bool(each.translation and each.translation.moves) for each in watched.registrations] == [False, False]


def test_many_changes_are_counted_and_few_are_kept() -> None:
    watched = watch("".join(one(20 * number, 40000 + number) for number in range(12)))
    translation = watched.registration.translation
    assert translation is not None
    assert (translation.changes, len(translation.moves)) == (11, KEPT_MOVES)
    assert str(translation.moves[-1].after) == f"{OUTSIDE}:40011"


def test_without_a_clock_it_is_told_too() -> None:
    watched = watch(without_clock(raw_messages(MOVES)))
    translation = watched.registration.translation
    assert translation is not None and [str(move.after) for move in translation.moves] == [NEW]


# The Contact.


def test_a_contact_that_is_one_refresh_behind() -> None:
    (move,) = moves(BEHIND)
    assert move.behind == 1
    assert move.first_behind is not None and move.first_behind.place == Frame("flow", 3)
    assert move.caught_up is not None and move.caught_up.place == Frame("flow", 5)


def test_a_contact_that_never_follows() -> None:
    (move,) = moves(one(0, 40001, OLD) + one(30, 40022, OLD) + one(60, 40022, OLD) + one(90, 40022, OLD))
    assert (move.behind, move.caught_up) == (3, None)


def test_a_contact_that_names_both_is_not_behind() -> None:
    (move,) = moves(one(0, 40001, OLD) + one(30, 40022, NEW, more=f", <sip:bob@{OLD}>"))
    assert move.behind == 0


def test_a_removal_of_the_former_is_not_behind() -> None:
    (move,) = moves(one(0, 40001, OLD) + one(30, 40022, NEW, more=f", <sip:bob@{OLD}>;expires=0"))
    assert (move.behind, move.left) == (0, None)


def test_a_refused_request_is_not_counted() -> None:
    (move,) = moves(one(0, 40001, OLD) + one(30, 40022, OLD, status=403))
    assert move.behind == 0


# The bindings.


def test_two_bindings_are_left_until_the_former_runs_out() -> None:
    (move,) = moves(BEHIND)
    assert move.left is not None and move.left.place == Frame("flow", 6)
    assert move.left_until is not None and round((move.left_until - START) / SECOND) == 90


def test_the_former_may_be_taken_away_before() -> None:
    (move,) = moves(BEHIND + one(70, 40022, NEW))
    assert move.left_until is not None and round((move.left_until - START) / SECOND) == 70


def test_a_registrar_that_binds_where_the_request_comes_from_binds_anew() -> None:
    """What is listed with the time that was left is the former one, and no renewal that failed."""
    registration = watch(REWRITTEN).registration
    (move,) = moves(REWRITTEN)
    assert move.left is not None and (move.behind, registration.not_renewed) == (0, 0)
    assert [(binding.contact, binding.form) for binding in registration.bindings] == [
        (f"sip:bob@{OLD}", f"at {OLD}"),
        (f"sip:bob@{NEW}", f"at {NEW}"),
    ]
    assert registration.granted == 60
    assert registration.reach.bound_until == pytest.approx(START + 90 * SECOND, abs=SECOND)


@pytest.mark.parametrize("turned", [False, True])
def test_the_renewal_after_that_is_of_the_new_one(turned: bool) -> None:
    listed = [f"{OLD}=10", f"{NEW}=60"]
    flow = REWRITTEN + one(50, 40022, listed=" ".join(reversed(listed) if turned else listed))
    registration = watch(flow).registration
    assert (registration.granted, registration.not_renewed, registration.refreshes) == (60, 0, 2)


def test_a_registrar_that_renews_nothing_is_still_told() -> None:
    """The same list again, and nothing new beside it."""
    flow = one(0, 40001, listed=f"{OLD}=60") + one(30, 40022, listed=f"{OLD}=30")
    assert watch(flow).registration.not_renewed == 1


def test_another_phone_of_the_user_is_not_taken_for_a_renewal() -> None:
    """The own contact is renewed, and another one that lasts longer is listed as well."""
    flow = one(0, 40001, listed=f"{OLD}=60") + one(30, 40001, listed=f"{OLD}=60 203.0.113.9:5060=3000")
    registration = watch(flow).registration
    assert [binding.contact for binding in registration.bindings] == [f"sip:bob@{OLD}"]
    assert registration.granted == 60


# What is said.


_OF_THE_FLOWS = (
    "R3261-10.3-3-authenticate",
    "R3261-20.17-date",
    "PRAC-contact-unroutable",
    "R3581-4-received-rport",
    "R3261-10.2.4-contact-mangled",
)
"""Rules on what these short flows lack beside: challenges, dates, a registrar that learns the public address."""


def said(flow: str) -> str:
    rules = [rule for rule in all_rules() if rule.id not in _OF_THE_FLOWS]
    return " ".join(drawn(report_of(flow, rules=rules), width=80).split())


def test_the_table_says_what_it_is_and_blames_nobody() -> None:
    for flow in (MOVES, BEHIND, REWRITTEN):
        text = said(flow)
        assert "its NAT changed its port from 40001 to 40022 at 02:40:30 (frame 3)" in text
        assert "that were asked is broken: " in text
    assert "Contact" not in said(MOVES).partition("its NAT")[2].partition("renewed")[0]
    assert "its Contact was one refresh behind and named port 40001 until 02:41:00 (frame 5)" in said(BEHIND)
    assert "two bindings were left (frame 6), that at port 40001 until 02:41:30" in said(BEHIND)
    assert "two bindings were left (frame 4), that at port 40001 until 02:41:00" in said(REWRITTEN)
    assert "NAT" not in said(STAYS)


def test_the_table_counts_several() -> None:
    flow = one(0, 40001, OLD) + one(20, 40002, OLD) + one(40, 40003, OLD) + one(60, 40003, OLD)
    assert "changed its port twice, the last time from 40002 to 40003" in said(flow)


def test_the_table_names_another_address() -> None:
    flow = one(0, 40001, OLD) + one(30, 40001, OLD, outside="198.51.100.99")
    assert f"its NAT changed its address from {OLD} to 198.51.100.99:40001" in said(flow)
    assert f"its Contact is one refresh behind and names {OLD} still" in said(flow)
    assert "that were asked is broken: " in said(flow)


def test_json_has_it() -> None:
    out = io.StringIO()
    render(report_of(BEHIND), out, ViewOptions())
    (registration,) = json.loads(out.getvalue())["registrations"]
    (move,) = registration["nat"].pop("moves")
    assert registration["nat"] == {"via": INSIDE, "seen_at": NEW, "changes": 1}
    assert (move["from"], move["to"], move["evidence"]["frame"]) == (OLD, NEW, 3)
    assert (move["behind"], move["first_behind"]["frame"], move["caught_up"]["frame"]) == (1, 3, 5)
    assert (move["both_bound"]["frame"], round(move["both_until"] - START / SECOND)) == (6, 90)
