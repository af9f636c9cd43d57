"""What is asked of the rows of each message at once."""

from __future__ import annotations

import pytest

from analyzer.sip.message import Message, parse_bytes


def _message(*lines: str, body: str = "") -> Message:
    head = ["REGISTER sip:h SIP/2.0", "Via: SIP/2.0/UDP h;branch=z9hG4bKa", "Max-Forwards: 70", *lines]
    return parse_bytes(("\r\n".join(head) + "\r\n\r\n" + body).encode())


@pytest.mark.parametrize(
    ("line", "plain"),
    [
        ("Contact: <sip:b@h>", True),
        ("Expires: 3600", True),
        ("Subject: a, b", True),
        ("Contact: <sip:b@h>, <sip:c@h>", False),
        ("Contact:", False),
        ("Via: SIP/2.0/UDP p;branch=z9hG4bKb", False),
        ("Expires: 1234567890", False),
        ("Expires: x", False),
        ("Max-Forwards: 70", False),
        ("no header", False),
    ],
)
def test_plain_rows(line: str, plain: bool) -> None:
    assert _message(line).has_plain_rows is plain


def test_a_body_is_not_plain() -> None:
    assert not _message("Content-Length: 1", body="x").has_plain_rows
    assert _message(body="x").has_body
    assert not _message().has_body


def test_without_max_forwards_or_via_it_is_not_plain() -> None:
    assert not parse_bytes(b"REGISTER sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n\r\n").has_plain_rows
    assert not parse_bytes(b"REGISTER sip:h SIP/2.0\r\nMax-Forwards: 70\r\n\r\n").has_plain_rows


@pytest.mark.parametrize(
    ("value", "number"), [("70", True), ("007", True), ("7000", False), ("-1", False), ("", False), ("\u0661", False)]
)
def test_numbers(value: str, number: bool) -> None:
    message = _message(f"Expires: {value}")
    assert message.has_number("expires", 3) is number
    assert message.has_number("min-expires", 3), "what is not there is not wrong"


@pytest.mark.parametrize(
    ("lines", "a_list"),
    [((), False), (("m: <sip:b@h>",), False), (("m: a", "m: b, c"), True), (("m: a", "m:"), True), (("m: a,",), True)],
)
def test_lists(lines: tuple[str, ...], a_list: bool) -> None:
    assert _message(*lines).has_list("contact") is a_list


def test_says_is_octet_for_octet() -> None:
    message = _message("Expires: 060")
    assert message.says("max-forwards", b"70")
    assert not message.says("expires", b"60")
    assert not message.says("date", b"")


def test_lines_of_another_message() -> None:
    one = _message("From: <sip:b@h>;tag=1", "To: <sip:b@h>")
    assert one.has_lines_of(_message("To: <sip:b@h>", "From: <sip:b@h>;tag=1"), "from", "to")
    assert not one.has_lines_of(_message("From: <sip:b@h>;tag=12", "To: <sip:b@h>"), "from", "to")
    assert not one.has_lines_of(_message("From: <sip:b@h>", "To: <sip:b@h>"), "from", "to"), "To has it, From has not"
    assert not one.has_lines_of(_message("From: <sip:b@h>;tag=1"), "from", "to")
    one.fold()
    assert one.has_lines_of(_message("To: <sip:b@h>"), "to")


@pytest.mark.parametrize(
    ("value", "proper"),
    [("a", True), ("a@h", True), ("(x)<y>[z]{w}", True), ("a b", False), ("a@b@c", False), ("a@", False), ("", False)],
)
def test_call_id(value: str, proper: bool) -> None:
    message = _message(f"Call-ID: {value}")
    assert message.has_proper_call_id is proper
    assert message.call_id == value
    assert any(defect.code == "bad-call-id" for defect in message.all_defects()) is not proper
    assert _message().has_proper_call_id
