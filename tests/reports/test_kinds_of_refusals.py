"""Kinds of refusals and silence that public reports tell of: what the table says of each, and what it must not say
because the same flow refutes it (the form of `test_kinds.py`)."""

from __future__ import annotations

import pytest

from tests.reports.test_kinds import Kind, table

_R = "> REGISTER sip:example.com\n"
_A = "Authorization: {bob secret}\n"
_WRONG = "Authorization: {bob nonsense!7}\n"
_COPIES = "".join(f"@{{0}}{at} > again\n" for at in (1, 2, 4, 8))
_TWO = "dst=198.51.100.2:5060 "


def _challenge(nonce: str, server: str = "", header: str = "WWW-Authenticate") -> str:
    status = 401 if header.startswith("W") else 407
    return f'{server}< {status}\n-WWW-Authenticate\n{header}: Digest realm="example.com", nonce="{nonce}", qop="auth"\n'


KINDS = {
    "two servers of one name with nonces of their own": Kind(
        f"{_R}{_challenge('aaaa')}{_TWO}{_R}{_A}{_challenge('bbbb', _TWO)}{_R}{_A}{_challenge('cccc')}@60 .",
        (
            "the phone answers 198.51.100.1 with the nonce of 198.51.100.2",
            "A nonce of another server",
            "phone or network",
            "2 responses checked: all right",
        ),
        ("another password on file", "WRONG", "contradicts"),
    ),
    "a failover that tries the nonce that served so far": Kind(
        f"{_R}{_challenge('aaaa')}{_R}{_A}< 200\n@60 {_TWO}{_R}Authorization: {{bob secret nc=00000002}}\n"
        f"{_challenge('bbbb', _TWO)}{_TWO}{_R}{_A}{_TWO}< 200\n@90 .",
        ("2 clients, both registered", "3 responses checked: all right"),
        ("nonce of another server", "the phone answers"),
    ),
    "silence after refusals": Kind(
        f"{_R}< 401\n{_R}{_WRONG}< 403\n@30 {_R}< 401\n{_R}{_WRONG}< 403\n"
        f"@60 {_R}{_COPIES.format(6)}@100 {_R}{_COPIES.format(10)}@180 .",
        (
            "403, then 5 sends in",
            "twice, 4 failures since 02:40:00",
            "answered this phone before (403): it may have banned its address after that",
            "the server has answered on this port",
        ),
        ("4 times since", "whether the server listens"),
    ),
    "silence without a refusal before": Kind(
        f"{_R}< 401\n{_R}{_A}< 200\n@1800 {_R}{_A}@1800.5 > again\n@1801.5 > again\n@1900 .",
        ("198.51.100.1 answered this phone before", "3 sends in"),
        ("banned its address", "(401)"),
    ),
    "100 and nothing after it": Kind(
        f"{_R}< 100\n@4 > again\n< again\n@8 > again\n@12 > again\n@100 .",
        (
            "1 client, without an answer",
            "198.51.100.1 answers 100 and nothing after it",
            "no more than 100 came back",
            "the server has the request",
        ),
        ("no answer came from 198.51.100.1", "whether the server listens", "4320-4-nit-responses · explains"),
    ),
    "credentials in the wrong header": Kind(
        f"{_R}{_challenge('aaaa', header='Proxy-Authenticate')}{_R}{_A}"
        f"{_challenge('bbbb', header='Proxy-Authenticate')}@60 .",
        ("Credentials in the wrong header", "explains 1 failed attempt", "1 response checked: right"),
        ("the password is wrong", "could not be judged"),
    ),
    "another name for authentication": Kind(
        f"{_R}< 401\n{_R}Authorization: {{Bob-Office secret}}\n< 403\n@60 .",
        ("authenticates as 'Bob-Office', and registers 'bob'", "could not be judged"),
        ("WRONG",),
    ),
    "a name with its domain is no other name": Kind(
        f"{_R}< 401\n{_R}Authorization: {{bob@example.com unlike}}\n< 403\n@60 .",
        ("403",),
        ("authenticates as",),
    ),
}


@pytest.mark.parametrize("name", KINDS)
def test_what_is_said(name: str) -> None:
    kind = KINDS[name]
    text = table(kind)
    assert [words for words in kind.says if words not in text] == [], text
    assert [words for words in kind.never if words in text] == [], text
