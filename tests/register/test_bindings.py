"""The binding timeline (docs/rules/reconstruction.md 7, T-EXP, T-STAR, T-URI, T-MULTIREG, T-CLOCK)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzer.evidence import SECOND
from analyzer.judge.flowtext import START
from analyzer.register.binding import Binding
from analyzer.register.contacts import Contacts, same_contact
from analyzer.sip.address import parse_addresses
from tests.register.watch import Watched, put, raw_messages, shifted, start, watch

ONE = "> REGISTER sip:a\n"
BOB = "sip:bob@192.0.2.10:5060"
DESK, SOFT = "sip:bob@10.0.0.1", "sip:bob@10.0.0.2"
SECOND_PHONE = "src=192.0.2.11:5060 > REGISTER sip:a\nCall-ID: soft\nUser-Agent: soft\n"


def table(watched: Watched) -> dict[str, Binding]:
    """The entries of the first registrar and address-of-record by contact."""
    first = watched.registrations[0]
    return {entry.contact: entry for entry in watched.reconstructor.bindings.known(first.registrar, first.aor)}


def seconds(time: int | None) -> float:
    """Seconds since the flow began."""
    assert time is not None
    return (time - START) / SECOND


def test_added_then_refreshed() -> None:
    watched = watch(f"@1 {ONE}@2 < 200\n@1800 {ONE}@1801 < 200")
    assert watched.kinds == [("added", BOB), ("renewal", BOB), ("refreshed", BOB)]
    entry = table(watched)[BOB]
    assert (seconds(entry.start), seconds(entry.learned), seconds(entry.end)) == (1, 1801, 5401)
    assert (entry.granted, entry.requested, entry.certainty, entry.registration) == (3600, 3600, "present", 1)
    assert watched.registration.bindings == (entry,)
    assert watched.registration.granted == 3600


def test_a_binding_starts_with_the_first_copy_of_its_request() -> None:
    entry = table(watch(f"@1 {ONE}@1.5 > again\n@2 < 200"))[BOB]
    assert (seconds(entry.start), seconds(entry.end)) == (1, 3602)


def test_the_registrar_may_shorten() -> None:
    short = f"{ONE}< 200\nContact: <{BOB}>;expires=60\n"
    watched = watch(f"@1 {ONE}< 200\n@100 {short}")
    entry = table(watched)[BOB]
    assert (entry.granted, entry.requested, round(seconds(entry.end))) == (60, 3600, 160)


@pytest.mark.parametrize(
    ("answer", "granted", "certainty"),
    [
        (f"Contact: <{BOB}>;expires=90\nExpires: 50", 90, "present"),
        (f"Contact: <{BOB}>\nExpires: 50", 50, "present"),
        (f"Contact: <{BOB}>", None, "maybe"),
        (f"Contact: <{BOB};expires=90>\nExpires: 50", 50, "present"),  # a URI parameter is none of the contact
        (f"Contact: <{BOB}>;expires=soon\nExpires: 50", 50, "present"),
        (f"m: <{BOB}>;EXPIRES=90", 90, "present"),
    ],
)
def test_what_is_granted(answer: str, granted: int | None, certainty: str) -> None:
    (entry,) = table(watch(f"{ONE}< 200\n-Contact\n{answer}")).values()
    assert (entry.granted, entry.certainty) == (granted, certainty)


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (f"{ONE}Expires: 0\n", ""),
        (f"{ONE}Contact: <{BOB}>;expires=0\n", ""),
        (f"{ONE}Contact: *\nExpires: 0\n", ""),
        (f"{ONE}Expires: 0\n", f"Contact: <{BOB}>;expires=0\n"),
        (f"{ONE}", "-Contact\n"),  # not listed is absent, whatever was asked
        (f"{ONE}-Contact\n", ""),  # a fetch shows it too
    ],
)
def test_removed(request_: str, answer: str) -> None:
    watched = watch(f"{ONE}< 200\n@60 {request_}@61 < 200\n{answer}")
    assert watched.kinds[-1] == ("removed", BOB)
    assert table(watched) == {}
    gone = watched.events[-1].binding
    assert (gone.certainty, seconds(gone.end)) == ("absent", 61)


def test_a_binding_that_ran_out_ended_then() -> None:
    short = f"{ONE}< 200\nContact: <{BOB}>;expires=60\n"
    gone = watch(f"@0 {short}@100 {ONE}-Contact\n< 200").events[-1]
    assert gone.kind == "removed"
    assert round(seconds(gone.binding.end)) == 60


@pytest.mark.parametrize("status", [401, 403, 423, 500])
def test_a_failure_changes_nothing(status: int) -> None:
    watched = watch(f"{ONE}< 200\n@60 {ONE}Expires: 0\n< {status}")
    assert table(watched)[BOB].certainty == "present"


def test_an_answer_that_was_not_seen_makes_the_asked_contacts_uncertain() -> None:
    two = f"Contact: <{DESK}>, <{SOFT}>\n"
    watched = watch(f"{ONE}{two}< 200\n@60 {ONE}Contact: <{DESK}>\n", tail=60)
    assert {contact: entry.certainty for contact, entry in table(watched).items()} == {DESK: "maybe", SOFT: "present"}


def test_a_list_makes_an_uncertain_contact_certain_again() -> None:
    """Another phone's answer lists what is left of it."""
    silent = f"@0 {ONE}Contact: <{DESK}>\n< 200\n@60 {ONE}Contact: <{DESK}>\n"
    flow = f"{silent}@200 {SECOND_PHONE}Contact: <{SOFT}>\n@201 < 200\n"
    entry = table(watch(flow + f"Contact: <{DESK}>;expires=3000, <{SOFT}>;expires=3600"))[DESK]
    assert (entry.certainty, seconds(entry.end)) == ("present", 3201)


def test_another_phones_answer_lists_what_is_left() -> None:
    """Its remaining time is no grant of its own: nothing happened to it."""
    flow = f"@0 {ONE}Contact: <{DESK}>\n@1 < 200\n@600 {SECOND_PHONE}Contact: <{SOFT}>\n@601 < 200\n"
    watched = watch(flow + f"Contact: <{DESK}>;expires=3000, <{SOFT}>;expires=3600")
    assert watched.kinds == [("added", DESK), ("added", SOFT)]
    desk = table(watched)[DESK]
    assert (desk.granted, seconds(desk.learned), seconds(desk.end), desk.registration) == (3600, 1, 3601, 1)
    assert table(watched)[SOFT].registration == 2


def test_another_phone_may_remove_all() -> None:
    flow = f"{ONE}Contact: <{DESK}>\n< 200\n@60 {SECOND_PHONE}Contact: *\nExpires: 0\n< 200"
    assert watch(flow).kinds[-1] == ("removed", DESK)


def test_a_stranger_in_the_first_list_has_no_registration() -> None:
    """The capture began in the middle (docs/rules/traps.md T-MID)."""
    watched = watch(f"{ONE}< 200\nContact: <{BOB}>;expires=3600, <{SOFT}>;expires=17")
    assert (table(watched)[SOFT].registration, table(watched)[SOFT].granted) == (None, 17)
    assert [entry.contact for entry in watched.registration.bindings] == [BOB]


def test_the_first_request_that_names_a_binding_renews_it() -> None:
    """The challenged request is the first try; its retry is the same attempt."""
    watched = watch(f"{ONE}< 200\n@1800 {ONE}< 401\n{ONE}Authorization: {{bob secret}}\n< 200")
    assert [kind for kind, _ in watched.kinds] == ["added", "renewal", "refreshed"]
    assert seconds(watched.events[1].transaction.first) == 1800


def test_a_removal_is_no_renewal() -> None:
    watched = watch(f"{ONE}< 200\n@1800 {ONE}Expires: 0\n< 200")
    assert [kind for kind, _ in watched.kinds] == ["added", "removed"]


def test_each_registrar_has_its_timeline() -> None:
    """docs/rules/traps.md T-MULTIREG: a removal here says nothing of there."""
    there = "dst=198.51.100.2:5060 > REGISTER sip:a\n"
    watched = watch(f"{ONE}< 200\n{there}< 200\n{there}Expires: 0\n< 200")
    assert table(watched)[BOB].certainty == "present"
    second = watched.registrations[1]
    assert watched.reconstructor.bindings.known(second.registrar, second.aor) == []


def test_a_cut_list_is_no_list() -> None:
    first, answer, again, last = raw_messages(f"{ONE}< 200\n@60 {ONE}-Contact\n< 200")
    watched = watch([first, answer, again, replace(last, missing=100)])
    assert table(watched)[BOB].certainty == "present"


def test_two_contacts_of_one_answer_end_together() -> None:
    watched = watch(f"{ONE}Contact: <{DESK}>, <{SOFT}>\n< 200", tail=20_000)
    assert sorted(watched.kinds) == [("added", DESK), ("added", SOFT)]


def test_a_contact_that_is_listed_twice_is_one() -> None:
    both = f"{ONE}< 200\nContact: <{BOB}>;expires=60, <{BOB}>;expires=50\n"
    watched = watch(f"{both}@30 {both}")
    assert watched.kinds.count(("refreshed", BOB)) == 1


def test_lapsed_once_twice_its_time_has_passed() -> None:
    short = f"@0 {ONE}< 200\nContact: <{BOB}>;expires=60\n"
    alive = "> OPTIONS sip:a\nCall-ID: o\n"
    assert watch(f"{short}@170 {alive}").kinds == [("added", BOB)]
    assert watch(f"{short}@190 {alive}").kinds == [("added", BOB), ("lapsed", BOB)]
    assert watch(short, tail=600).kinds == [("added", BOB)]  # its phone was not heard any more


def test_a_refreshed_binding_is_watched_once() -> None:
    short = "".join(f"@{at} {ONE}< 200\nContact: <{BOB}>;expires=60\n" for at in range(0, 600, 30))
    watched = start()
    put(watched, raw_messages(short))
    assert len(watched.reconstructor.lapses) == 1
    put(watched, raw_messages("@1000 > OPTIONS sip:a\nCall-ID: o"))
    assert watched.kinds[-1] == ("lapsed", BOB)
    assert not watched.reconstructor.lapses


def test_a_clock_that_steps_back_makes_all_uncertain() -> None:
    """docs/rules/reconstruction.md 7 step 7: ends before and after the step cannot be compared."""
    first, answer, later, last = raw_messages(f"@4000 {ONE}< 200\n@4600 {ONE}< 200")
    watched = watch([first, answer, *shifted([later], -3600 * SECOND)])
    assert "renewal" not in [kind for kind, _ in watched.kinds]
    assert table(watched)[BOB].certainty == "maybe"
    watched = watch([first, answer, *shifted([later, last], -3600 * SECOND)])
    assert table(watched)[BOB].certainty == "present"


def test_messages_out_of_order_by_less_than_a_second_are_no_step() -> None:
    first, answer, later = raw_messages(f"{ONE}< 200\n> OPTIONS sip:a\nCall-ID: o")
    watched = watch([first, answer, *shifted([later], -SECOND // 2)])
    assert table(watched)[BOB].certainty == "present"


INSTANCE = ';+sip.instance="<urn:uuid:1>"'


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ("<sip:bob@h>", "<sip:bob@H>", True),
        ("<sip:bob@h>", "<sip:Bob@h>", False),
        ("<sip:bob@h>", "<sips:bob@h>", False),
        ("<sip:bob@h>", "<sip:bob@h:5060>", False),  # missing is not the default
        ("<sip:bob@h;x=1>", "<sip:bob@h>", True),
        ("<sip:bob@h;x=1>", "<sip:bob@h;x=2>", False),
        ("<sip:bob@h;transport=tcp>", "<sip:bob@h>", False),
        ("<sip:bob@h;user=phone>", "<sip:bob@h>", False),
        ("<sip:b%6fb@h>", "<sip:bob@h>", True),
        ("<sip:bob@h>;q=0.5", '"Bob" <sip:bob@h>;expires=7', True),
        (f"<sip:bob@h>{INSTANCE}", f"<sip:bob@other>{INSTANCE}", False),  # another contact of the same phone
        (f"<sip:bob@h>{INSTANCE};reg-id=1", f"<sip:bob@other>{INSTANCE};reg-id=1", True),
        (f"<sip:bob@h>{INSTANCE};reg-id=1", f"<sip:bob@h>{INSTANCE}", True),  # the registrar knows no flows
        (f"<sip:bob@h>{INSTANCE};reg-id=1", f"<sip:bob@h>{INSTANCE};reg-id=2", False),
        (f"<sip:bob@h>{INSTANCE}", "<sip:bob@h>", True),
        ("<tel:+1>", "<tel:+1>", True),
        ("<tel:+1>", "<tel:+2>", False),
        ("*", "<sip:bob@h>", False),
    ],
)
@pytest.mark.parametrize("crowd", [0, 9], ids=["alone", "in a crowd"])
def test_which_contacts_are_one(one: str, two: str, same: bool, crowd: int) -> None:
    others = [f"<sip:other{number}@h>" for number in range(crowd)]
    known = parse_addresses(", ".join([*others, one]))
    wanted = parse_addresses(two)[0]
    assert same_contact(known[-1], wanted) is same
    assert Contacts(known).find(wanted) == (crowd if same else None)


def test_comparison_is_no_equivalence() -> None:
    """So there is no key: `x=1` equals nothing-said equals `x=2`."""
    one, none, two = parse_addresses("<sip:bob@h;x=1>, <sip:bob@h>, <sip:bob@h;x=2>")
    assert (same_contact(one, none), same_contact(none, two), same_contact(one, two)) == (True, True, False)
