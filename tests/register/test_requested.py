"""What a REGISTER asks for, read in one place for reader, registrar and replay (RFC 3261 10.2, 10.3;
docs/rules/traps.md T-EXP)."""

from __future__ import annotations

import typing

import pytest

from analyzer.register.attempt import SUCCESSFUL_OUTCOMES, Outcome
from analyzer.register.requested import (
    MALFORMED_EXPIRES,
    Purpose,
    expiry_in,
    header_expiry,
    purpose_of,
    requested_contacts,
    requested_expiry,
)
from analyzer.sip.address import Address
from analyzer.sip.message import Message, parse_bytes
from replay.contacts import requested_bindings
from replay.outcome import outcome_word
from replay.registrar import asked_interval
from tests.register.watch import watch
from tests.shared import ROOT

BOB = "<sip:bob@h>"


def request(*contacts: str, expires: str | None = None) -> Message:
    rows = [f"Contact: {contact}\r\n" for contact in contacts]
    header = "" if expires is None else f"Expires: {expires}\r\n"
    return parse_bytes(f"REGISTER sip:h SIP/2.0\r\n{''.join(rows)}{header}\r\n".encode())


@pytest.mark.parametrize(
    ("contact", "header", "seconds", "as_registrar"),
    [
        (f"{BOB};expires=0", 60, 0, 0),
        (f"{BOB};expires=60", 0, 60, 60),
        (BOB, 60, 60, 60),
        (BOB, None, None, None),
        (f"{BOB};expires=soon", 60, 60, 3600),  # 20.10: a registrar takes it for 3600
        (f"{BOB};expires=soon", None, None, 3600),
        (f"{BOB};expires", 60, 60, 3600),
        ("<sip:bob@h;expires=60>", None, None, None),  # that is the URI's parameter (T-TAG)
        (f"{BOB};expires=99999999999", None, 2**32 - 1, 2**32 - 1),
    ],
)
def test_parameter_then_header_then_nothing(
    contact: str, header: int | None, seconds: int | None, as_registrar: int | None
) -> None:
    address = Address.parse(contact)
    assert requested_expiry(address, header) == seconds
    assert requested_expiry(address, header, malformed=MALFORMED_EXPIRES) == as_registrar


@pytest.mark.parametrize("parameter", ["", ";expires=0", ";expires=60", ";expires=soon", ";expires"])
@pytest.mark.parametrize("header", [None, "0", "90", "x"])
def test_a_contact_in_its_message(parameter: str, header: str | None) -> None:
    """The header is read only where it decides: a 2xx mostly leaves nothing to it."""
    message = request(BOB + parameter, expires=header)
    (contact,) = message.contacts
    found = expiry_in(message, contact)
    assert ("expires" in vars(message)) == (contact.expires is None)
    assert found == requested_expiry(contact, message.expires)


@pytest.mark.parametrize(
    ("expires", "seconds", "as_registrar"), [("60", 60, 60), ("0", 0, 0), (None, None, None), ("x", None, 3600)]
)
def test_the_header(expires: str | None, seconds: int | None, as_registrar: int | None) -> None:
    asked = request(BOB, expires=expires)
    assert header_expiry(asked) == seconds
    assert header_expiry(asked, malformed=MALFORMED_EXPIRES) == as_registrar
    assert asked_interval(asked.contacts[0], asked) == as_registrar


@pytest.mark.parametrize(
    ("contacts", "expires", "purpose"),
    [
        ((), None, "query"),
        ((), "0", "query"),
        (("*",), "0", "removal"),
        (("*",), "60", "removal"),  # malformed, but nothing that binds
        ((BOB,), "0", "removal"),
        ((BOB,), None, "registration"),
        ((f"{BOB};expires=0", "<sip:c@h>"), "0", "removal"),
        ((f"{BOB};expires=0", "<sip:c@h>"), None, "registration"),
        ((f"{BOB};expires=60",), "0", "registration"),
    ],
)
def test_purpose_is_one_for_attempt_and_replay(contacts: tuple[str, ...], expires: str | None, purpose: str) -> None:
    asked = request(*contacts, expires=expires)
    assert purpose_of(asked) == purpose_of(asked, malformed=MALFORMED_EXPIRES) == purpose
    rows = "".join(f"Contact: {contact}\n" for contact in contacts) or "-Contact\n"
    header = "-Expires\n" if expires is None else f"Expires: {expires}\n"
    ((outcome, _, _),) = watch(f"> REGISTER sip:h\n{rows}{header}< 200").attempts
    assert outcome_word(asked, 200) == f"{outcome} (200)"
    assert outcome in SUCCESSFUL_OUTCOMES


def test_a_malformed_expiry_is_for_a_registrar_no_removal() -> None:
    asked = request(f"{BOB};expires=soon", expires="0")
    assert purpose_of(asked) == "removal"
    assert purpose_of(asked, malformed=MALFORMED_EXPIRES) == "registration"


def test_requested_contacts() -> None:
    """Those that are removed, stars and bulk contacts (RFC 6140 5.2) are not among them."""
    asked = request(f"{BOB};expires=0", "<sip:c@h>, <sip:d@h;bnc>", "*", "<sip:e@h>;expires=60")
    assert [contact.uri.user for contact in requested_contacts(asked) if contact.uri] == ["c", "e"]
    assert requested_contacts(request(BOB, expires="0")) == []


def test_requested_bindings_of_rows_that_are_no_message_yet() -> None:
    rows = [f"{BOB};expires=0, <sip:c@h>", "<sip:d@h>;expires=60"]
    assert list(requested_bindings(rows, None)) == [
        ("sip:bob@h", ""),
        ("sip:c@h", " <sip:c@h>"),
        ("sip:d@h", "<sip:d@h>;expires=60"),
    ]
    for zero in ("0", " 0", "00"):
        assert [raw for _, raw in requested_bindings(rows, zero)] == ["", "", "<sip:d@h>;expires=60"]
    assert list(requested_bindings(["*"], "0")) == [("*", "")]


@pytest.mark.parametrize(
    ("asked", "listed", "outcome"),
    [
        ("<sip:bob@h>", "<sip:bob@203.0.113.7:40001>;expires=60", "registered"),  # rewritten by a box on the way
        ("<sip:bob@h>", "<sip:eve@h>;expires=60", "rejected"),
        ("<sip:bob@h>", "<sip:bob@h>;expires=0", "rejected"),
        ("<sip:h>", "<sip:i>;expires=60", "registered"),  # no user part, so nothing to be known again by
        ("<sip:x@h;line=1>", "<sip:y@i;line=1>;expires=60", "registered"),  # known again by its token
        ("<sip:x@h;line=1>", "<sip:y@i;line=2>;expires=60", "rejected"),
    ],
)
def test_a_success_that_lists_another_contact_alone_is_none(asked: str, listed: str, outcome: str) -> None:
    flow = f"> REGISTER sip:h\nContact: {asked}\n< 200\n-Contact\nContact: {listed}\n"
    assert watch(flow).attempts == [(outcome, 200, 1)]


def test_successful_outcomes_are_outcomes_and_each_purpose_has_one() -> None:
    assert set(typing.get_args(Outcome)) > SUCCESSFUL_OUTCOMES
    assert len(SUCCESSFUL_OUTCOMES) == len(typing.get_args(Purpose))


def test_the_successful_outcomes_are_listed_once() -> None:
    """A module that lists two of them beside each other has a list of its own."""
    found = [
        path.name
        for folder in ("analyzer", "replay")
        for path in (ROOT / folder).rglob("*.py")
        if any(
            sum(f'"{outcome}"' in line for outcome in SUCCESSFUL_OUTCOMES) == len(SUCCESSFUL_OUTCOMES)
            and "frozenset" not in line
            and "Literal" not in line
            for line in path.read_text().splitlines()
        )
    ]
    assert found == ["outcome.py"]  # the word for each purpose
