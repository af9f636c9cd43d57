"""What a list proves of contacts that it does not name: nothing, of a registrar that lists what it was asked for."""

from __future__ import annotations

import pytest

from tests.register.watch import Watched, watch

_BOB = "> REGISTER sip:example.com\nContact: <sip:bob@192.0.2.10>\n"
_OTHER = "src=192.0.2.77:5060 > REGISTER sip:example.com\nCall-ID: other\nContact: <sip:bob@192.0.2.77>\n"
_THIRD = "src=192.0.2.78:5060 > REGISTER sip:example.com\nCall-ID: third\nContact: <sip:bob@192.0.2.78>\n"
_QUERY = "src=192.0.2.79:5060 > REGISTER sip:example.com\nCall-ID: query\n-Contact\n-Expires\n"


def contact(*hosts: int) -> str:
    return "Contact: " + ", ".join(f"<sip:bob@192.0.2.{host}>;expires=600" for host in hosts) + "\n"


def states(watched: Watched) -> list[tuple[str, str]]:
    """State and cause of the last stretch of each client."""
    stretches = [one.reach.current for one in watched.registrations]
    return [(one.state, one.cause) for one in stretches if one is not None]


def test_an_unknown_registrar_that_lists_the_request_alone_proves_nothing() -> None:
    assert states(watch(f"{_BOB}< 200\n{_OTHER}< 200\n{contact(77)}")) == [
        ("unknown", "not listed"),
        ("bound", "registered"),
    ]


@pytest.mark.parametrize("server", ["Asterisk PBX 22.10.1", "kamailio (5.6.3 (x86_64/linux))", "OpenSIPS (3.4.2)"])
def test_a_program_that_is_known_to_list_all_proves_it(server: str) -> None:
    flow = f"{_BOB}< 200\n{_OTHER}< 200\nServer: {server}\n{contact(77)}"
    assert states(watch(flow))[0] == ("unbound", "taken away")


def test_who_has_listed_another_one_lists_all() -> None:
    flow = f"{_BOB}< 200\n{_OTHER}< 200\n{contact(10, 77)}{_THIRD}< 200\n{contact(78)}"
    assert states(watch(flow)) == [("unbound", "taken away"), ("unbound", "taken away"), ("bound", "registered")]


def test_a_query_is_answered_with_what_there_is() -> None:
    flow = f"{_BOB}< 200\n{contact(10)}{_QUERY}< 200\n-Contact\n"
    assert states(watch(flow))[0] == ("unbound", "taken away")


def test_a_query_that_lists_what_an_answer_left_out_shows_what_such_answers_are_worth() -> None:
    """As ejabberd: a 2xx lists the request's contact, a query all of them."""
    shown = f"{_BOB}< 200\n{contact(10)}{_OTHER}< 200\n{contact(77)}{_QUERY}< 200\n{contact(10, 77)}"
    later = f"{_THIRD}< 200\n{contact(78)}"
    watched = watch(shown + later)
    table = watched.reconstructor.bindings.known(watched.registrations[0].registrar, "sip:bob@example.com")
    assert [(one.contact, one.certainty) for one in table] == [
        ("sip:bob@192.0.2.78", "present"),
        ("sip:bob@192.0.2.10", "maybe"),
        ("sip:bob@192.0.2.77", "maybe"),
    ]


def test_what_a_request_takes_away_itself_is_gone() -> None:
    flow = f"{_BOB}< 200\n{_OTHER}Contact: <sip:bob@192.0.2.10>;expires=0\n< 200\n{contact(77)}"
    assert states(watch(flow))[0] == ("unbound", "taken away")


def test_a_star_takes_all_away() -> None:
    star = "src=192.0.2.77:5060 > REGISTER sip:example.com\nCall-ID: other\nContact: *\nExpires: 0\n"
    assert states(watch(f"{_BOB}< 200\n{star}< 200\n-Contact\n"))[0] == ("unbound", "removed by another")


def test_one_registrar_has_one_set_whatever_domain_the_request_names() -> None:
    other = _OTHER.replace("sip:example.com", "sip:198.51.100.1")
    flow = f"{_BOB}< 200\n{other}< 200\nServer: Asterisk PBX 22\n{contact(77)}"
    assert states(watch(flow))[0] == ("unbound", "taken away")


def test_time_that_is_left_is_no_new_grant() -> None:
    asked = f"{_BOB}Expires: 600\n"
    left = "Contact: <sip:bob@192.0.2.10>;expires=570\n"
    watched = watch(f"{asked}< 200\n{contact(10)}@30 {asked}< 200\n{left}@60 {asked}< 200\n{contact(10)}@90 .")
    assert (watched.registration.refreshes, watched.registration.not_renewed) == (2, 1)
    assert [event.kind for event in watched.events if event.kind != "renewal"] == ["added", "kept", "refreshed"]


@pytest.mark.parametrize(("granted", "at"), [(600, 30), (300, 30), (599, 1)])
def test_an_end_that_moves_is_a_grant(granted: int, at: int) -> None:
    """Also a shorter one than was asked for, and one within the second."""
    asked = f"{_BOB}Expires: 600\n"
    watched = watch(f"{asked}< 200\n{contact(10)}@{at} {asked}< 200\nContact: <sip:bob@192.0.2.10>;expires={granted}\n")
    assert watched.registration.not_renewed == 0


def test_a_refusal_that_lists_the_contact_has_bound_it() -> None:
    watched = watch(f"{_BOB}Expires: 300\n< 420\n{contact(10)}@100 .")
    assert states(watched) == [("bound", "registered")]
    assert (watched.registration.bound_by_refusal, watched.registration.outcome) == (420, "rejected")


@pytest.mark.parametrize("answer", ["< 420\n-Contact\n", f"< 503\n{contact(77)}", f"< 302\n{contact(10)}"])
def test_a_refusal_that_does_not_binds_nothing(answer: str) -> None:
    """It lists nothing, another one's contact, or where to go instead."""
    watched = watch(f"{_BOB}{answer}@100 .")
    assert states(watched) == [] and not watched.registration.bound_by_refusal
