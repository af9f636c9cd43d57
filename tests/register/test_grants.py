"""What a 2xx grants, requests that were overtaken, and contacts that were refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from analyzer.evidence import Endpoint, Evidence, Frame
from analyzer.register.grants import grants, is_plain_grant
from analyzer.register.refusals import MOST_REFUSED, Refusals
from analyzer.sip.address import Address
from analyzer.sip.message import Message, parse_bytes
from tests.register.watch import watch

_PLACE = Endpoint("198.51.100.1", 5060)
_AOR = "sip:bob@example.com"


def _message(start: str, *headers: str) -> Message:
    return parse_bytes("\r\n".join([start, *headers, "", ""]).encode())


def _request(*headers: str) -> Message:
    return _message("REGISTER sip:h SIP/2.0", *headers)


def _answer(*headers: str) -> Message:
    return _message("SIP/2.0 200 OK", *headers)


@pytest.mark.parametrize(
    ("asked", "listed", "plain"),
    [
        (("Contact: <sip:b@h>", "Expires: 60"), ("Contact: <sip:b@h>;expires=60",), True),
        (("Contact: <sip:b@h>;expires=60",), ("Contact: <sip:b@h>;expires=30",), True),
        (("Contact: <sip:b@h>", "Expires: 60"), ("Contact: <sip:b@h>;expires=61",), False),
        (("Contact: <sip:b@h>", "Expires: 60"), ("Contact: <sip:b@h>;expires=0",), False),
        (("Contact: <sip:b@h>", "Expires: 0"), ("Contact: <sip:b@h>;expires=0",), False),
        (("Contact: <sip:b@h>",), ("Contact: <sip:b@h>;expires=60",), False),
        (("Contact: <sip:b@h>", "Expires: 60"), ("Contact: <sip:b@h>", "Expires: 60"), False),
        (("Contact: <sip:b@h>", "Expires: 60"), ("Contact: <sip:b@H>;expires=60",), False),
        (("Contact: <sip:b@h>", "Expires: 60"), (), False),
        (("Contact: <sip:b@h>, <sip:b@i>", "Expires: 60"), ("Contact: <sip:b@h>;expires=60",), False),
        (("Contact: *", "Expires: 0"), (), False),
        (("Expires: 60",), (), False),
    ],
)
def test_what_is_a_plain_grant(asked: tuple[str, ...], listed: tuple[str, ...], plain: bool) -> None:
    assert is_plain_grant(_request(*asked), _answer(*listed)) is plain


def test_of_each_contact_what_was_asked_and_granted() -> None:
    request = _request("Contact: <sip:b@h>;expires=60, <sip:b@i>, <sip:b@j>;expires=0, *", "Expires: 90")
    found = grants(request, _answer("Contact: <sip:b@H>;expires=30, <sip:c@i>;expires=9, <sip:b@j>", "Expires: 8"))
    assert found is not None
    assert [(one.requested, one.granted) for one in found] == [(60, 30), (90, None), (0, 8)]
    assert [one.listed is not None for one in found] == [True, False, True]


def test_what_cannot_be_read_or_is_too_much_is_not_compared() -> None:
    assert grants(_request("Contact: <sip:b@>"), _answer("Contact: <sip:b@h>")) is None
    assert grants(_request("Contact: <sip:b@h>;expires=x"), _answer("Contact: <sip:b@h>")) is not None
    many = "Contact: " + ", ".join(f"<sip:b@h{n}>" for n in range(101))
    assert grants(_request(many), _answer(many)) is None


def test_a_bulk_contact_is_many_contacts() -> None:
    assert grants(_request("Contact: <sip:192.0.2.1;bnc>;expires=0"), _answer("Contact: <sip:a@h>")) == []


# Requests that were overtaken

_AT = "> REGISTER sip:example.com\n"


@pytest.mark.parametrize(
    ("second", "overtaken"),
    [
        ("CSeq: 8", True),
        ("CSeq: 9", True),
        ("CSeq: 10", False),
        ("CSeq: 8\nCall-ID: other", False),
        ("CSeq: 8\nContact: <sip:b@elsewhere>", False),
        ("CSeq: 8\n-Contact", False),
        ("CSeq: 8\nContact: *\nExpires: 0", True),
    ],
)
def test_which_request_was_overtaken(second: str, overtaken: bool) -> None:
    one, two = watch(f"{_AT}CSeq: 9\n< 200\n@60 {_AT}{second}\n< 200").transactions
    assert one.overtaken is None
    assert (two.overtaken is not None) is overtaken
    if two.overtaken is not None:
        assert (two.overtaken.cseq, two.overtaken.sent) == (9, one.first)
        assert two.overtaken.evidence == one.evidence


def test_a_challenge_is_not_looked_at_and_a_refusal_is() -> None:
    for status, noted in (("401", False), ("500", True)):
        assert (watch(f"{_AT}CSeq: 9\n< 200\n@60 {_AT}CSeq: 8\n< {status}").transactions[1].overtaken is not None) is (
            noted
        )


# Contacts that were refused


def _refused(flow: str) -> Refusals:
    return watch(flow).reconstructor.reached.refusals


def _contact(text: str) -> Address:
    return Address.parse(text)


@pytest.mark.parametrize(
    ("flow", "known"),
    [
        (f"{_AT}< 500", True),
        (f"{_AT}< 603 Decline", True),
        (f"{_AT}< 302 Moved", False),
        (f"{_AT}< 401", False),
        (f"{_AT}< 200", False),
        (f"{_AT}Expires: 0\n< 500", False),
        (f"{_AT}< 500\n@2 {_AT}< 200", False),
        (f"{_AT}< 500\n@2 {_AT}", False),
        (f"{_AT}< 500\n@2 {_AT}Contact: <sip:other@h>\n< 200", True),
        (f"{_AT}< 200\n@2 {_AT}< 500", True),
    ],
)
def test_what_counts_as_refused(flow: str, known: bool) -> None:
    found = _refused(flow).of(_PLACE, _AOR, _contact("<sip:bob@192.0.2.10:5060>"))
    assert (found is not None) is known


def test_refusals_are_bounded() -> None:
    contacts = ", ".join(f"<sip:b@h{n}>" for n in range(3 * MOST_REFUSED))
    refusals = _refused(f"{_AT}Contact: {contacts}\n< 500")
    found = [refusals.of(_PLACE, _AOR, _contact(f"<sip:b@h{n}>")) for n in range(3 * MOST_REFUSED)]
    assert sum(one is not None for one in found) == MOST_REFUSED
    kept = found[0]
    assert kept is not None
    assert (kept.status, kept.requested) == (500, 3600)
    assert kept.evidence == Evidence(Frame("flow", 2), kept.time)


# Tags that are seen at once


@given(some.text(alphabet='<>";= \tagTAG:sip@h1', max_size=30))
def test_what_is_plainly_tagged_has_a_tag(value: str) -> None:
    message = _answer(f"To: {value}")
    if message.is_plainly_tagged("to"):
        assert message.to is not None
        assert "tag" in message.to.params


def test_common_tags_are_seen_at_once() -> None:
    for value in ("<sip:b@h>;tag=1", '"Bob" <sip:b@h>;tag=1', "Bob <sip:b@h;x=1>;tag=1;y=2"):
        assert _answer(f"To: {value}").is_plainly_tagged("to")
    for value in ("<sip:b@h>", "sip:b@h;tag=1", "<sip:b@h>;x=1;tag=1", "<sip:b@h;tag=1>", '"a>;tag=1" <sip:b@h>'):
        assert not _answer(f"To: {value}").is_plainly_tagged("to")
