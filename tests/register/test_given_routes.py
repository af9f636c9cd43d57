"""What servers gave and refused is known of the client that it was given to, and of no other; and is bounded."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analyzer.evidence import RawMessage
from analyzer.judge.flowtext import read_flow
from analyzer.register import given, marks
from analyzer.register.bounded import Inseparable, MessageCounter
from analyzer.register.extensions import OPTION_TAGS, demanded_tags
from analyzer.register.given import NO_GUIDANCE, Given, Guidance, route_of
from analyzer.register.subjects import TransactionSubject
from analyzer.sip.message import parse_bytes
from tests.register.watch import Watched, watch

TOLD = "> REGISTER sip:h\n< 200\nService-Route: <sip:a;lr>, <sip:b;lr>\n"
CALL = "> INVITE sip:al@h\nCall-ID: i{}\nCSeq: 1\nRoute: <sip:a;lr>\n< 200\n"


def guidance(watched: Watched, method: str = "INVITE") -> list[Guidance]:
    """What is known of the clients of each transaction of a method."""
    found = [one for one in watched.subjects if isinstance(one, TransactionSubject)]
    return [one.given for one in found if one.transaction.method == method]


def test_a_call_knows_what_its_phone_was_told() -> None:
    (told,) = guidance(watch(TOLD + CALL.format(1)))
    (latest,) = told.latest
    assert latest.service == ("<sip:a;lr>", "<sip:b;lr>")
    assert latest.recorded == ()
    assert latest.server == "198.51.100.1"
    assert (told.former, told.own) == ((), ())


@pytest.mark.parametrize(
    "call",
    [
        CALL.replace("\nRoute", "\nFrom: <sip:al@h>;tag=1\nRoute"),  # another user
        "src=192.0.2.99:5060 " + CALL,  # the same user elsewhere
        CALL.replace("\nRoute", "\nTo: <sip:al@h>;tag=2\nRoute"),  # within a dialog
        CALL.replace("\nRoute: <sip:a;lr>", ""),  # without a route
        CALL.replace(
            "\nRoute", "\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKp\nVia: SIP/2.0/UDP b;branch=z9hG4bKq\nRoute"
        ),
    ],
)
def test_nothing_is_known_of_others_and_of_what_is_no_new_request(call: str) -> None:
    assert guidance(watch(TOLD + call.format(1))) == [NO_GUIDANCE]


def test_what_counts_is_what_was_known_when_it_was_sent() -> None:
    """The phone is told another route while its call rings."""
    flow = (
        TOLD + CALL.format(1).replace("< 200\n", "") + "> REGISTER sip:h\n< 200\nService-Route: <sip:c;lr>\nto=2 < 200"
    )
    (told,) = guidance(watch(flow))
    assert [one.service for one in told.latest] == [("<sip:a;lr>", "<sip:b;lr>")]


def test_a_2xx_replaces_what_was_told_and_a_query_does_not() -> None:
    query = "> REGISTER sip:h\n-Contact\n< 200\n-Contact\n"
    (kept,) = guidance(watch(TOLD + query + CALL.format(1)))
    assert kept.latest[0].service
    (gone,) = guidance(watch(TOLD + "> REGISTER sip:h\n< 200\n" + CALL.format(1)))
    assert gone.latest[0].service == ()
    assert [one.service for one in gone.former] == [("<sip:a;lr>", "<sip:b;lr>")]
    (again,) = guidance(watch(TOLD + "> REGISTER sip:h\n< 200\n" + TOLD + CALL.format(1)))
    assert (again.latest[0].service, again.former) == (("<sip:a;lr>", "<sip:b;lr>"), ())


def test_a_route_of_before_is_the_phones_own() -> None:
    (first, second) = guidance(watch(CALL.format(0) + TOLD + CALL.format(1)))
    assert first == NO_GUIDANCE
    assert second.own == (("<sip:a;lr>",),)
    (told,) = guidance(watch(TOLD.replace("\n< 200", "\nRoute: <sip:a;lr>\n< 200") + CALL.format(1)))
    assert told.own == (("<sip:a;lr>",),)


def test_two_registrations_of_one_phone_are_told_apart() -> None:
    other = TOLD.replace("> REGISTER", "dst=198.51.100.2:5060 > REGISTER").replace("sip:a", "sip:x")
    (told,) = guidance(watch(TOLD + other.replace("sip:h", "sip:k") + CALL.format(1)))
    assert {one.server for one in told.latest} == {"198.51.100.1", "198.51.100.2"}
    assert told.former == ()


def test_a_flow_that_was_granted_is_known_at_the_next_registration() -> None:
    flow = "> REGISTER sip:h\nSupported: outbound\n< 200\nRequire: outbound\n@60 > REGISTER sip:h\n< 200\n"
    first, second = guidance(watch(flow), "REGISTER")
    assert first == NO_GUIDANCE
    assert second.flow is not None


def test_what_a_server_refuses_counts_for_all_its_clients() -> None:
    refused = "> REGISTER sip:h\nRequire: gruu\n< 420\nUnsupported: GRUU\n"
    other = "src=192.0.2.44:5060 > REGISTER sip:h\nTo: <sip:al@h>\nCall-ID: c9\nRequire: gruu\n< 200"
    *_, told = guidance(watch(refused + other), "REGISTER")
    assert [tag for tag, _ in told.refused] == ["gruu"]
    *_, unasked = guidance(watch(refused + other.replace("\nRequire: gruu", "")), "REGISTER")
    assert unasked == NO_GUIDANCE
    *_, elsewhere = guidance(watch(refused + "dst=198.51.100.9:5060 " + other), "REGISTER")
    assert elsewhere == NO_GUIDANCE


def test_several_processes_cannot_share_what_a_server_refuses() -> None:
    watched = watch("> REGISTER sip:h\nRequire: gruu\n< 420\nUnsupported: gruu")
    (subject,) = [one for one in watched.subjects if isinstance(one, TransactionSubject)]
    counter = MessageCounter()
    counter.shared = True
    with pytest.raises(Inseparable, match="refuses extensions"):
        Given(counter).take(subject.transaction, watched.registration)


def test_a_temporary_gruu_is_used_where_it_names_the_phone() -> None:
    contact = '<sip:bob@192.0.2.10>;+sip.instance="<urn:x:1>"'
    gives = f"> REGISTER sip:h\nSupported: gruu\nContact: {contact}\n< 200\n"
    gives += f'Contact: {contact};temp-gruu="sip:t@h;gr";expires=60\n'
    for call, uses in (
        ("Contact: <sip:t@h;gr>", True),
        ("Contact: <sip:bob@192.0.2.10>", False),
        ("Contact: <sip:t@h>", False),
    ):
        watched = watch(f"{gives}> INVITE sip:al@h\nCall-ID: i1\nCSeq: 1\n{call}\n< 200")
        known = watched.reconstructor.surroundings.given
        assert known.uses_temporary(watched.registration) is uses


def test_nothing_is_kept_of_calls_that_are_over() -> None:
    watched = watch(TOLD + "".join(CALL.format(number) for number in range(20)), tail=600)
    assert len(watched.reconstructor.surroundings.given._live) == 0
    assert watched.reconstructor.surroundings._before == {}


def test_of_many_users_the_latest_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(given, "MOST_USERS", 3)
    flow = "".join(
        TOLD.replace("\n< 200", f"\nTo: <sip:u{number}@h>\nFrom: <sip:u{number}@h>;tag=1\nCall-ID: c{number}\n< 200")
        for number in range(5)
    )
    calls = "".join(
        CALL.format(number).replace("\nRoute", f"\nFrom: <sip:u{number}@h>;tag=1\nRoute") for number in (0, 4)
    )
    forgotten, known = guidance(watch(flow + calls))
    assert forgotten == NO_GUIDANCE
    assert known.latest


def test_long_lists_are_cut() -> None:
    many = ", ".join(f"<sip:p{number};lr>" for number in range(500))
    (told,) = guidance(watch(TOLD.replace("<sip:a;lr>, <sip:b;lr>", many) + CALL.format(1)))
    assert len(told.latest[0].service) == 16
    message = parse_bytes(f"REGISTER sip:h SIP/2.0\r\nRoute: {many}\r\n\r\n".encode())
    assert len(route_of(message, "route")) == 16
    assert route_of(message, "service-route") == ()


def test_marks_tell_who_was_given_anything() -> None:
    found = [one for one in watch(TOLD + CALL.format(1)).subjects if isinstance(one, TransactionSubject)]
    register, call = found
    assert register.marks & marks.REGISTRATION and not register.marks & marks.GUIDED
    assert call.marks & marks.GUIDED and not call.marks & marks.REGISTRATION


def test_hostile_values_are_taken_as_they_are() -> None:
    items = [one for one in read_flow(TOLD + CALL.format(1)) if isinstance(one, RawMessage)]
    items[1] = replace(items[1], payload=items[1].payload.replace(b"<sip:a;lr>", b"\xff\x1b[31m<<<,;=,"))
    (told,) = guidance(watch(items))
    assert told.latest


def test_option_tags_are_those_of_the_list() -> None:
    assert {"gruu", "outbound", "path", "100rel", "sec-agree", "gin", "replaces", "timer"} <= OPTION_TAGS
    assert all(tag == tag.lower() and "," not in tag for tag in OPTION_TAGS)
    message = parse_bytes(b"REGISTER sip:h SIP/2.0\r\nRequire: A, b\r\nProxy-Require: c\r\nSupported: d\r\n\r\n")
    assert demanded_tags(message) == {"a", "b", "c"}
