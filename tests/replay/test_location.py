"""The location service: bindings with their ends, updates that come whole or not at all (RFC 3261 10.3 steps 6, 7)."""

from __future__ import annotations

import pytest

from analyzer.sip.address import Address
from replay.contacts import rewritten
from replay.location_service import MOST_CONTACTS, Bindings, Change, Full, OutOfOrder
from replay.machine import SECOND
from tests.replay.registrar_stage import START as NOW

AOR = "sip:alice@example.com"
A, B, C = (Address.parse(f"<sip:alice@192.0.2.{number}>") for number in (1, 2, 3))


def texts(bindings: Bindings, now: int = NOW) -> list[str]:
    return [one.contact.raw for one in bindings.of(AOR, now)]


def bound(*contacts: Address, call_id: str = "c", cseq: int = 1) -> Bindings:
    table = Bindings()
    table.update(AOR, [Change(contact, 60) for contact in contacts], call_id, cseq, NOW)
    return table


def test_contacts_are_added_in_order_and_expire() -> None:
    table = bound(A, B)
    table.update(AOR, [Change(C, 10)], "c", 2, NOW)
    assert texts(table) == [A.raw, B.raw, C.raw] and len(table) == 3
    assert texts(table, NOW + 10 * SECOND) == [A.raw, B.raw]
    assert texts(table, NOW + 60 * SECOND) == [] and len(table) == 0


def test_a_renewed_contact_keeps_its_place() -> None:
    table = bound(A, B)
    table.update(AOR, [Change(A, 100)], "c", 2, NOW)
    assert [(one.contact, one.left(NOW)) for one in table.of(AOR, NOW)] == [(A, 100), (B, 60)]


@pytest.mark.parametrize(("later", "left"), [(0, 60), (1, 60), (SECOND - 1, 60), (SECOND, 59), (59 * SECOND + 1, 1)])
def test_seconds_left_are_rounded_up(later: int, left: int) -> None:
    assert bound(A).of(AOR, NOW)[0].left(NOW + later) == left


def test_zero_removes() -> None:
    table = bound(A, B)
    table.update(AOR, [Change(A, 0)], "c", 2, NOW)
    assert texts(table) == [B.raw]
    table.update(AOR, [Change(C, 0)], "c", 3, NOW)
    assert texts(table) == [B.raw], "what is not bound is removed by nobody"


@pytest.mark.parametrize("cseq", [0, 1])
def test_a_cseq_that_is_not_higher_changes_nothing(cseq: int) -> None:
    table = bound(A, B)
    with pytest.raises(OutOfOrder):
        table.update(AOR, [Change(C, 60), Change(A, 99)], "c", cseq, NOW)
    assert texts(table) == [A.raw, B.raw], "atomic: the new contact was not added either"


def test_another_call_id_is_not_compared() -> None:
    table = bound(A, cseq=100)
    table.update(AOR, [Change(A, 99)], "other", 1, NOW)
    assert table.of(AOR, NOW)[0].left(NOW) == 99
    table.update(AOR, [Change(A, 0)], "third", 1, NOW)
    assert texts(table) == []


def test_star_removes_all_or_nothing() -> None:
    table = bound(A)
    table.update(AOR, [Change(B, 60)], "other", 5, NOW)
    with pytest.raises(OutOfOrder):
        table.remove_all(AOR, "other", 5, NOW)
    assert texts(table) == [A.raw, B.raw]
    table.remove_all(AOR, "other", 6, NOW)
    assert texts(table) == []


def test_the_same_contact_twice_in_one_request_is_one_binding() -> None:
    table = Bindings()
    table.update(AOR, [Change(A, 60), Change(Address.parse("<sip:alice@192.0.2.1>;q=0.1"), 70)], "c", 1, NOW)
    assert [(one.contact.q, one.left(NOW)) for one in table.of(AOR, NOW)] == [(0.1, 70)]
    table.update(AOR, [Change(C, 60), Change(C, 0)], "c", 2, NOW)
    assert len(table) == 1


def test_contacts_are_compared_as_uris_and_by_instance() -> None:
    table = bound(Address.parse("<sip:%61lice@HOST;x=1>"))
    table.update(AOR, [Change(Address.parse("<sip:alice@host>"), 9)], "c", 2, NOW)
    assert len(table) == 1
    one, two, three = (
        Address.parse(f'<sip:a@h:{port}>;+sip.instance="<urn:uuid:{uuid}>"{reg}')
        for port, uuid, reg in ((1, "X", ";reg-id=1"), (2, "x", ";reg-id=1"), (2, "x", ";reg-id=2"))
    )
    table = bound(one)
    table.update(AOR, [Change(two, 9)], "c", 2, NOW)
    assert texts(table) == [two.raw], "the phone has moved"
    table.update(AOR, [Change(three, 9)], "c", 3, NOW)
    assert len(table) == 2


@pytest.mark.parametrize(
    ("raw", "written"),
    [
        ("<sip:a@h>", "<sip:a@h>;expires=9"),
        ("sip:a@h;q=0.1;Expires=3", "<sip:a@h>;q=0.1;Expires=9"),
        ('<sip:a@h>;expires=60;+sip.instance="<urn:uuid:x>"', '<sip:a@h>;expires=9;+sip.instance="<urn:uuid:x>"'),
        ('"<A>; expires=1" <sip:a@h;expires=5>;flag', '"<A>; expires=1" <sip:a@h;expires=5>;flag;expires=9'),
        (" Al <sip:a@h> ; expires = 1;expires=2", "Al <sip:a@h>;expires=9"),
        ("*", "*"),
    ],
)
def test_an_address_is_rewritten_in_its_parameters_alone(raw: str, written: str) -> None:
    assert rewritten(Address.parse(raw), {"expires": "9"}) == written


def test_contacts_of_one_user_and_of_all_are_bounded() -> None:
    many = [Change(Address.parse(f"<sip:a@h:{port}>"), 60) for port in range(1, 3000)]
    table = Bindings(limit=40)
    with pytest.raises(Full):
        table.update(AOR, many, "c", 1, NOW)
    table.update(AOR, many[:MOST_CONTACTS], "c", 1, NOW)
    with pytest.raises(Full):
        table.update(AOR, many[MOST_CONTACTS : MOST_CONTACTS + 1], "c", 2, NOW)
    table.update(AOR, many[:3], "c", 3, NOW)
    with pytest.raises(Full):
        table.update("sip:bob@example.com", many[:20], "d", 1, NOW)
    assert len(table) == MOST_CONTACTS
    table.update("sip:bob@example.com", many[:20], "d", 1, NOW + 61 * SECOND)
    assert len(table) == 20, "what had expired made room"
