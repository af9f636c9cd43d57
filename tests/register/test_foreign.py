"""What is foreign of another worker's answers is what reading them whole tells, however they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.evidence import Endpoint, Frame, RawMessage
from analyzer.register.bounded import Inseparable
from analyzer.register.foreign import ForeignChallenge, _read_plain, foreign_challenge
from analyzer.sip.message import parse

PLAIN = (
    b"SIP/2.0 401 Unauthorized\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n"
    b"From: <sip:bob@lab.invalid>;tag=1\r\n"
    b"To: <sip:bob@lab.invalid>;tag=2\r\n"
    b"Call-ID: one@192.0.2.1\r\n"
    b"CSeq: 1 REGISTER\r\n"
    b'WWW-Authenticate: Digest realm="lab.invalid", nonce="abc", algorithm=SHA-256, qop="auth"\r\n'
    b"Content-Length: 0\r\n\r\n"
)
CHALLENGE = PLAIN[PLAIN.index(b"WWW-") : PLAIN.index(b"Content-Length")]


def raw_message(payload: bytes) -> RawMessage:
    return RawMessage(payload, 1, Frame("x", 1), Endpoint("192.0.2.9", 5060), Endpoint("192.0.2.1", 5060))


def read_whole(payload: bytes) -> ForeignChallenge | None:
    """By the message parser alone."""
    message = parse(raw_message(payload))
    if not message.is_response or message.status < 200 or not message.has_challenge:
        return None
    return ForeignChallenge(message.raw_message, message.call_id, message.challenges)


def assert_same(payload: bytes) -> None:
    try:
        found = foreign_challenge(raw_message(payload))
    except Inseparable:
        assert b"nextnonce" in payload.lower()
        return
    whole = read_whole(payload)
    if found is not None and not found.challenges:
        found = None  # the word stood somewhere else
    assert found == whole
    assert [one.params for one in (found.challenges if found else ())] == [
        one.params for one in (whole.challenges if whole else ())
    ]


def test_the_common_answer_is_read_by_two_lines() -> None:
    found = _read_plain(raw_message(PLAIN), PLAIN.lower())
    assert found is not None
    assert found.call_id == "one@192.0.2.1"
    assert [(one.realm, one.nonce, one.algorithm) for one in found.challenges] == [("lab.invalid", "abc", "SHA-256")]
    assert_same(PLAIN)


ODD = {
    "two challenges": PLAIN.replace(CHALLENGE, CHALLENGE + CHALLENGE.replace(b"abc", b"def")),
    "two in a row": PLAIN.replace(b'"auth"\r\n', b'"auth", Digest realm="b", nonce="x"\r\n'),
    "folded": PLAIN.replace(b"nonce=", b"\r\n nonce="),
    "folded with a tab": PLAIN.replace(b'"auth"\r\n', b'"auth"\r\n\t, opaque="x"\r\n'),
    "call-id folded": PLAIN.replace(b"one@", b"one\r\n @"),
    "call-id folded behind": PLAIN.replace(b"192.0.2.1\r\nCSeq", b"192.0.2.1\r\n more\r\nCSeq"),
    "short call-id": PLAIN.replace(b"Call-ID", b"i"),
    "short call-id before": PLAIN.replace(b"From:", b"i: other\r\nFrom:"),
    "two call-ids": PLAIN.replace(b"From:", b"Call-ID: other\r\nFrom:"),
    "spelled otherwise": PLAIN.replace(b"Call-ID", b"CALL-id").replace(b"WWW-A", b"www-a"),
    "no call-id": PLAIN.replace(b"Call-ID: one@192.0.2.1\r\n", b""),
    "blank before the colon": PLAIN.replace(b"WWW-Authenticate:", b"WWW-Authenticate :"),
    "no blank behind": PLAIN.replace(b"WWW-Authenticate: ", b"WWW-Authenticate:"),
    "bare line ends": PLAIN.replace(b"\r\n", b"\n"),
    "one bare line end": PLAIN.replace(b"tag=1\r\n", b"tag=1\n"),
    "an empty line of another kind": PLAIN.replace(b"tag=1\r\n", b"tag=1\n\n"),
    "a bare CR": PLAIN.replace(b"tag=1\r\n", b"tag=1\r"),
    "in the body": PLAIN.replace(CHALLENGE, b"") + CHALLENGE,
    "also in the body": PLAIN + CHALLENGE,
    "no end of head": PLAIN[:-2],
    "cut": PLAIN[: PLAIN.index(b"nonce")],
    "leading empty line": b"\r\n" + PLAIN,
    "proxy": PLAIN.replace(b"401", b"407").replace(b"WWW-", b"Proxy-"),
    "of the other kind": PLAIN.replace(b"WWW-", b"Proxy-"),
    "a request": PLAIN.replace(b"SIP/2.0 401 Unauthorized", b"REGISTER sip:x SIP/2.0"),
    "provisional": PLAIN.replace(b"401", b"100"),
    "forbidden": PLAIN.replace(b"401", b"403"),
    "Basic": PLAIN.replace(b"Digest ", b"Basic "),
    "no quotes": PLAIN.replace(b'"', b""),
    "blanks around": PLAIN.replace(b"one@192.0.2.1", b"  one@192.0.2.1\t ").replace(b'"auth"\r', b'"auth"  \r'),
    "not text": PLAIN.replace(b"one@", b"\xff\xfe@").replace(b"abc", b"\xc3\x28"),
    "the word in a value": PLAIN.replace(b"Unauthorized", b"WWW-Authenticate: x"),
    "nextnonce": PLAIN.replace(b"Content", b'Authentication-Info: nextnonce="x"\r\nContent'),
}


@pytest.mark.parametrize("payload", ODD.values(), ids=ODD)
def test_any_other_form_tells_the_same(payload: bytes) -> None:
    assert_same(payload)


@given(st.lists(st.tuples(st.integers(0, len(PLAIN) - 1), st.binary(max_size=3), st.integers(0, 3)), max_size=4))
def test_changed_octets_tell_the_same(edits: list[tuple[int, bytes, int]]) -> None:
    payload = PLAIN
    for place, fresh, gone in edits:
        payload = payload[:place] + fresh + payload[place + gone :]
    assert_same(payload)


@given(st.permutations(PLAIN.split(b"\r\n")[1:-2]), st.lists(st.sampled_from([b"\r\n", b"\n", b"\r\n "]), min_size=8))
def test_lines_in_any_order_tell_the_same(lines: list[bytes], ends: list[bytes]) -> None:
    payload = b"SIP/2.0 401 Unauthorized\r\n" + b"".join(line + end for line, end in zip(lines, ends, strict=False))
    assert_same(payload + b"\r\n")
