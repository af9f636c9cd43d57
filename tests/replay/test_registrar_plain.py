"""The eight steps of RFC 3261 10.3, in their order, by the answers that they give."""

from __future__ import annotations

from typing import Any

import pytest

from replay.machine import SECOND
from replay.registrar import Registrar, RegistrarPolicy
from tests.replay.registrar_stage import EPOCH, SECRETS, START, desk, request, tokens


def test_a_registration_is_granted_and_listed() -> None:
    answer = desk().ask(request(contact="<sip:alice@192.0.2.10>;q=0.5", expires="600"))
    assert answer.status == 200
    assert [contact.raw for contact in answer.contacts] == ["<sip:alice@192.0.2.10>;q=0.5;expires=600"]
    assert answer.date == (START + EPOCH) // SECOND
    assert answer.to is not None and answer.to.tag


def test_all_bindings_are_listed_with_what_is_left_of_them() -> None:
    asked = desk()
    asked.ask(request(cseq=1, contact="<sip:alice@192.0.2.10>", expires="600"))
    asked.now += 100 * SECOND
    answer = asked.ask(request(cseq=2, contact="<sip:alice@192.0.2.11>;expires=300"))
    assert [contact.expires for contact in answer.contacts] == [500, 300]
    answer = asked.ask(request(cseq=3, contact=None))
    assert [contact.expires for contact in answer.contacts] == [500, 300], "a query (10.2.3) changes nothing"


def test_nobody_bound_is_an_empty_list() -> None:
    answer = desk().ask(request(contact=None))
    assert answer.status == 200 and answer.contacts == []


# Steps 1, 2, 5.


def test_step_1_a_domain_that_is_not_served() -> None:
    asked = desk(domains=frozenset(("example.com",)))
    assert asked.ask(request(uri="sip:example.net")).status == 404
    assert asked.ask(request(uri="sip:EXAMPLE.com")).status == 200


@pytest.mark.parametrize(("uri", "status"), [("tel:+123", 416), ("http://x", 416), ("sips:example.com", 200)])
def test_step_1_a_scheme_that_is_not_served(uri: str, status: int) -> None:
    assert desk().ask(request(uri=uri)).status == status


def test_step_2_required_extensions_are_not_supported() -> None:
    answer = desk().ask(request(extra=["Require: path, gruu", "Require: x"]))
    assert answer.status == 420 and answer.first("unsupported") == "path, gruu, x"
    assert desk().ask(request("OPTIONS", extra=["Require: x"])).status == 420


def test_step_2_comes_before_step_3() -> None:
    assert desk(SECRETS).ask(request(extra=["Require: path"])).status == 420
    assert desk(SECRETS).ask(request()).status == 401


@pytest.mark.parametrize(
    ("to", "status"),
    [
        ("<tel:+123>", 404),
        ("<sip:alice@example.net>", 404),
        ("<sip:alice@Example.COM:5060;x>", 200),
        ("<garbage>", 404),
    ],
)
def test_step_5_the_address_of_record(to: str, status: int) -> None:
    assert desk(domains=frozenset(("example.com",))).ask(request(to=to)).status == status


# Step 6.


@pytest.mark.parametrize(
    ("contact", "expires", "extra"),
    [("*", None, []), ("*", "3600", []), ("*", "x", []), ("*", "0", ["Contact: <sip:alice@192.0.2.10>"])],
)
def test_step_6_a_star_that_is_wrong_removes_nothing(contact: str, expires: str | None, extra: list[str]) -> None:
    asked = desk()
    asked.ask(request(cseq=1))
    assert asked.ask(request(cseq=2, contact=contact, expires=expires, extra=extra)).status == 400
    assert len(asked.ask(request(cseq=3, contact=None)).contacts) == 1


def test_step_6_a_star_removes_all() -> None:
    asked = desk()
    asked.ask(request(cseq=1, contact="<sip:a@h>, <sip:b@h>"))
    answer = asked.ask(request(cseq=2, contact="*", expires="0"))
    assert answer.status == 200 and answer.contacts == []


def test_step_6_a_star_that_was_overtaken_fails() -> None:
    asked = desk()
    asked.ask(request(cseq=5))
    assert asked.ask(request(cseq=5, contact="*", expires="0")).status == 500
    assert asked.ask(request(cseq=1, call_id="new", contact="*", expires="0")).status == 200


# Step 7.


@pytest.mark.parametrize(
    ("param", "header", "granted"),
    [
        (";expires=100", "200", 100),
        ("", "200", 200),
        ("", None, 3600),
        (";expires=99999", None, 7200),
        ("", "4294967295", 7200),
        (";expires=x", "200", 3600),
        ("", "soon", 3600),
        (";expires=60", None, 60),
    ],
)
def test_step_7_which_interval_is_granted(param: str, header: str | None, granted: int) -> None:
    answer = desk().ask(request(contact=f"<sip:alice@192.0.2.10>{param}", expires=header))
    assert [contact.expires for contact in answer.contacts] == [granted]


@pytest.mark.parametrize(
    ("least", "asked_for", "status"),
    [
        (60, "59", 423),
        (60, "60", 200),
        (60, "1", 423),
        (60, "0", 200),
        (7200, "3599", 423),
        (7200, "3600", 200),  # "and smaller than one hour"
    ],
)
def test_step_7_too_brief(least: int, asked_for: str, status: int) -> None:
    answer = desk(min_expires=least).ask(request(expires=asked_for))
    assert answer.status == status
    assert answer.min_expires == (least if status == 423 else None)


def test_step_7_one_contact_that_is_too_brief_keeps_all_from_being_bound() -> None:
    asked = desk()
    assert asked.ask(request(contact="<sip:a@h>;expires=600, <sip:b@h>;expires=5")).status == 423
    assert asked.ask(request(cseq=2, contact=None)).contacts == []


def test_step_7_what_was_overtaken_fails_and_changes_nothing() -> None:
    asked = desk()
    asked.ask(request(cseq=7, expires="600"))
    answer = asked.ask(request(cseq=6, expires="0"))
    assert answer.status == 500 and "CSeq" in answer.reason
    assert len(asked.ask(request(cseq=8, contact=None)).contacts) == 1


@pytest.mark.parametrize("contact", ["<>", "<nothing>", f"<sip:{'a' * 2000}@h>"])
def test_step_7_a_contact_that_cannot_be_bound(contact: str) -> None:
    assert desk().ask(request(contact=contact)).status == 400


def test_step_7_more_contacts_than_there_is_room_for() -> None:
    answer = desk().ask(request(contact=", ".join(f"<sip:a@h:{port}>" for port in range(1, 2000))))
    assert answer.status == 503 and answer.retry_after == 60


# Other methods, and what is no request at all.


@pytest.mark.parametrize(
    ("method", "status"), [("OPTIONS", 200), ("INVITE", 405), ("SUBSCRIBE", 405), ("X", 405), ("CANCEL", 481)]
)
def test_other_methods(method: str, status: int) -> None:
    answer = desk(SECRETS).ask(request(method))
    assert answer.status == status
    assert answer.first("allow") == (None if method == "CANCEL" else "REGISTER, OPTIONS")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"drop": ["From"]}, "Missing From Header Field"),
        ({"drop": ["To"]}, "Missing To Header Field"),
        ({"drop": ["Call-ID"]}, "Missing Call-ID Header Field"),
        ({"drop": ["CSeq"]}, "Missing CSeq Header Field"),
        ({"drop": ["CSeq"], "extra": ["CSeq: x"]}, "CSeq Does Not Fit The Request"),
        ({"drop": ["CSeq"], "extra": ["CSeq: 1 INVITE"]}, "CSeq Does Not Fit The Request"),
        ({"cseq": 2**31}, "CSeq Is Out Of Range"),
        ({"call_id": "c" * 2000}, "A Header Field Is Too Long"),
        ({"to": f"<sip:{'a' * 2000}@b>"}, "A Header Field Is Too Long"),
    ],
)
def test_what_is_malformed_is_told_why(given: dict[str, Any], reason: str) -> None:
    answer = desk().ask(request(**given))
    assert (answer.status, answer.reason) == (400, reason)


def test_another_version() -> None:
    assert desk().ask(request().replace(b" SIP/2.0\r\n", b" SIP/7.0\r\n", 1)).status == 505


def test_every_answer_is_well_formed_and_names_the_server() -> None:
    asked = desk()
    asked.user = Registrar(SECRETS, RegistrarPolicy(server="sipcheck-test"), tokens())
    for octets in (
        request(),
        request("OPTIONS"),
        request("INVITE"),
        request(extra=["Require: x"]),
        request(contact="*"),
    ):
        answer = asked.ask(octets)
        assert answer.first("server") == "sipcheck-test"
        assert answer.all_defects() == [] and answer.first("content-length") == "0"


def test_without_credentials_it_says_so() -> None:
    assert "everybody" in desk().user.note
    assert desk(SECRETS).user.note == ""
