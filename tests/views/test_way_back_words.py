"""What is said of a phone that gave up: which way its answers went, and nothing of a password that it has."""

from __future__ import annotations

import pytest

from analyzer.run.pipeline import analyze
from tests.shared import shared
from tests.views.reports import drawn, report_of

_GUESS = "no password set in the phone"
_TRY = "@{at} src=198.51.100.7:{port} > REGISTER sip:example.com\nVia: SIP/2.0/UDP {via}{rport};branch=z9hG4bK{at}\n"
_LOGIN = "> REGISTER sip:example.com\n< 401\n> REGISTER sip:example.com\nAuthorization: {bob secret}\n< 200\n"


def unheard(to: str, *, via: str = "192.168.1.5:5060", rport: str = "", copies: int = 6, status: int = 401) -> str:
    """A request whose answers go to `to` and are not heard."""
    flow = _TRY.format(at=0, port=43712, via=via, rport=rport) + f"@0.01 dst={to} < {status}\n"
    return flow + "".join(f"@{at + 0.6} > again\n@{at + 0.61} < again\n" for at in range(copies))


def said(flow: str, tail: float = 60) -> str:
    """The table on a flow, in one line of words."""
    return " ".join(drawn(report_of(flow, tail=tail)).split())


@pytest.mark.parametrize(
    ("flow", "words"),
    [
        (
            unheard("198.51.100.7:5060"),
            "the 401 goes to port 5060 of its NAT 198.51.100.7; "
            "the phone sends from port 43712 and does not ask for rport",
        ),
        (
            unheard("198.51.100.7:5060", via="198.51.100.7:5060"),
            "the 401 goes to port 5060 of 198.51.100.7; the phone sends from port 43712 and does not ask for rport",
        ),
        (
            unheard("198.51.100.7:5060", rport=";rport"),
            "the 401 goes to port 5060 of its NAT 198.51.100.7; the phone sends from port 43712",
        ),
        (unheard("192.168.1.5:5060"), "the 401 goes to 192.168.1.5:5060, but the phone sends from 198.51.100.7:43712"),
        (unheard("198.51.100.7:43712"), "and the phone repeats its request as if it did not hear it"),
    ],
)
def test_which_way_the_answers_go(flow: str, words: str) -> None:
    text = said(flow)
    assert words in text
    assert _GUESS not in text


def test_the_way_is_told_while_it_is_still_open() -> None:
    text = said(unheard("198.51.100.7:5060"), tail=1)
    assert "does not ask for rport" in text
    assert "still open" in text or "open" in text


def test_a_registration_that_the_phone_does_not_know_of() -> None:
    text = said(unheard("198.51.100.7:5060", status=200), tail=5)
    assert "1 client, registered" in text
    assert "the 200 goes to port 5060 of its NAT 198.51.100.7" in text


def test_a_challenge_that_nobody_answered_may_lack_a_password() -> None:
    assert _GUESS in said("> REGISTER sip:example.com\n< 401\n")


@pytest.mark.parametrize(
    "flow",
    [
        _LOGIN + "@60 > REGISTER sip:example.com\nExpires: 0\n< 401\n",
        _LOGIN + "@600 > REGISTER sip:example.com\nCall-ID: other\nContact: <sip:bob@192.0.2.10:9999>\n< 401\n",
    ],
)
def test_who_has_answered_a_challenge_has_a_password(flow: str) -> None:
    text = said(flow, tail=100)
    assert "did not answer the challenge; it answered one at frame 3" in text
    assert _GUESS not in text


def test_who_answers_one_later_has_a_password_too() -> None:
    """The same phone under a registration of its own: another registrar of the same address-of-record."""
    flow = "> REGISTER sip:example.com\n< 401\n"
    later = f"@60 dst=198.51.100.2:5060 {_LOGIN}".replace("\n> REGISTER", "\ndst=198.51.100.2:5060 > REGISTER")
    text = said(flow + later, tail=100)
    assert "it answered one of 198.51.100.2:5060 at frame 5" in text
    assert _GUESS not in text


def test_another_user_and_another_phone_prove_nothing() -> None:
    eve = "From: <sip:eve@x>;tag=e\nTo: <sip:eve@x>\nCall-ID: eve\nContact: <sip:eve@192.0.2.20>\n"
    other = (
        f"@60 src=192.0.2.20:5060 > REGISTER sip:example.com\n{eve}< 401\n"
        f"src=192.0.2.20:5060 > REGISTER sip:example.com\n{eve}Authorization: {{eve x}}\n< 200\n"
    )
    assert _GUESS in said("> REGISTER sip:example.com\n< 401\n" + other, tail=100)


def test_many_phones_behind_one_kind_of_nat_are_one_line() -> None:
    flow = ""
    for number in range(5):
        user = f"To: <sip:u{number}@x>\nFrom: <sip:u{number}@x>;tag=t\nCall-ID: c{number}\n"
        at = 10 * number
        flow += _TRY.format(at=at, port=43000 + number, via=f"192.168.1.{number + 5}:5060", rport="") + user
        flow += f"@{at}.01 dst=198.51.100.7:5060 < 401\n@{at}.6 > again\n@{at}.61 < again\n@{at + 2} > again\n"
    assert "+4" in said(flow)


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("nat-answer-to-sent-by-port", "port 52780 of its NAT 198.51.100.29; the phone sends from port 60437"),
        ("unregister-challenge-ignored", "did not answer the challenge; it answered one at frame 3"),
    ],
)
def test_reports_from_the_field(case: str, words: str) -> None:
    report = analyze(str(shared("cases", "reports", case, "input.pcap")))
    text = " ".join(drawn(report).split())
    assert words in text
    assert _GUESS not in text
