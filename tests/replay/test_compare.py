"""An answer then against the answer now, and what a flow came to."""

from __future__ import annotations

import pytest

from analyzer.sip.message import Message, parse_bytes
from replay.compare import differences
from replay.outcome import outcome_word

REQUEST = b"REGISTER sip:a SIP/2.0\r\n%s\r\n"


def answer(status: str, *rows: str) -> Message:
    common = [
        "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1",
        "From: <sip:a@b>;tag=1",
        "To: <sip:a@b>;tag=2",
        "CSeq: 1 REGISTER",
    ]
    return parse_bytes("\r\n".join([f"SIP/2.0 {status}", *common, "Call-ID: x", *rows, "", ""]).encode())


CHALLENGE = 'WWW-Authenticate: Digest realm="a", nonce="1", qop="auth"'


def test_equal_after_what_must_differ() -> None:
    then = answer("401 Unauthorized", CHALLENGE, "Date: Mon, 01 Jan 2024 00:00:00 GMT")
    now = parse_bytes(
        b"SIP/2.0 401 Unauthorized\r\nVia: SIP/2.0/TCP 127.0.0.1:9;rport=4;branch=z9hG4bKx\r\nf: <sip:b@c>;tag=9\r\n"
        b't: <sip:b@c>;tag=zz\r\nCSeq: 77 REGISTER\r\ni: other\r\nwww-authenticate: Digest  nonce="2", realm="a",'
        b' qop="auth"\r\nDate: Tue, 02 Jan 2024 00:00:00 GMT\r\nl: 0\r\n\r\n'
    )
    assert differences(then, now) == []


@pytest.mark.parametrize(
    ("then", "now", "told"),
    [
        (("401 Unauthorized", CHALLENGE), ("200 OK",), ["answer: 200 OK now, 401 Unauthorized then"]),
        (("200 OK",), ("200 Fine",), ['reason phrase: "Fine" now, "OK" then']),
        (("401 U", CHALLENGE), ("401 U", CHALLENGE.replace('"a"', '"b"')), ['realm: "b" now, "a" then']),
        (("401 U", CHALLENGE), ("401 U", CHALLENGE + ", algorithm=SHA-256"), ['algorithm: "SHA-256" now, none then']),
        (("401 U", CHALLENGE), ("401 U", CHALLENGE.replace(', qop="auth"', "")), ['qop: none now, "auth" then']),
        (("401 U", CHALLENGE), ("401 U", CHALLENGE + ", stale=true"), ['stale: "true" now, none then']),
        (("200 OK", "Contact: <sip:a@x>;expires=60"), ("200 OK", "Contact: <sip:b@y>;expires=60"), []),
        (
            ("200 OK", "Contact: <sip:a@x>;expires=60"),
            ("200 OK", "Contact: <sip:b@y>;expires=90, <sip:c@y>;expires=60"),
            ['granted: "60 s, 90 s" now, "60 s" then'],
        ),
        (
            ("200 OK", "Contact: <sip:a@x>"),
            ("200 OK", "Contact: <sip:a@x>", "Expires: 5"),
            ['granted: "5 s" now, "no expiry" then'],
        ),
        (("423 Brief", "Min-Expires: 60"), ("423 Brief", "Min-Expires: 90"), ['Min-Expires: "90" now, "60" then']),
        (("503 No", "Retry-After: 6"), ("503 No",), ['Retry-After: none now, "6" then']),
        (("200 OK", "Server: a"), ("200 OK", "Server: b"), ['Server: "b" now, "a" then']),
        (("200 OK", "Service-Route: <sip:p>"), ("200 OK",), ['Service-Route: none now, "<sip:p>" then']),
        (("200 OK",), ("200 OK", "Supported: path"), ['Supported: "path" now, none then']),
        (("200 OK", "Supported: a"), ("200 OK", "k: b"), ['Supported: "b" now, "a" then']),
    ],
)
def test_differences(then: tuple[str, ...], now: tuple[str, ...], told: list[str]) -> None:
    assert differences(answer(*then), answer(*now)) == told


def test_the_weightiest_comes_first() -> None:
    then = answer("401 U", CHALLENGE, "Server: a", "Allow: X")
    now = answer("401 V", CHALLENGE.replace('"a"', '"b"'), "Server: b", "Allow: Y")
    told = [line.partition(":")[0] for line in differences(then, now)]
    assert told == ["reason phrase", "realm", "Allow", "Server"]


def test_silence() -> None:
    assert differences(None, None) == []
    assert differences(answer("200 OK"), None) == ["answer: nothing now, 200 OK then"]
    assert differences(None, answer("200 OK")) == ["answer: 200 OK now, nothing then"]


def test_a_missing_to_tag_is_told() -> None:
    untagged = parse_bytes(answer("200 OK").raw.replace(b";tag=2", b""))
    assert differences(answer("200 OK"), untagged) == ['To tag: none now, "yes" then']


@pytest.mark.parametrize(
    ("rows", "status", "word"),
    [
        (b"Contact: <sip:a@b>\r\n", 200, "registered (200)"),
        (b"Contact: <sip:a@b>\r\nExpires: 0\r\n", 200, "removed (200)"),
        (b"Contact: <sip:a@b>;expires=0\r\nExpires: 60\r\n", 200, "removed (200)"),
        (b"Contact: <sip:a@b>;expires=0, <sip:c@b>\r\n", 202, "registered (202)"),
        (b"Contact: *\r\nExpires: 0\r\n", 200, "removed (200)"),
        (b"", 200, "fetched (200)"),
        (b"Contact: <sip:a@b>\r\n", 403, "refused (403)"),
        (b"Contact: <sip:a@b>\r\n", 0, "no answer"),
    ],
)
def test_outcomes(rows: bytes, status: int, word: str) -> None:
    assert outcome_word(parse_bytes(REQUEST % rows), status) == word
