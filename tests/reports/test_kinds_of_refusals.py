"""Kinds of refusals and silence that public reports tell of: what the table says of each, and what it must not say
because the same flow refutes it (the form of `test_kinds.py`)."""

from __future__ import annotations

import pytest

from tests.reports.test_kinds import Kind, table

_R = "> REGISTER sip:example.com\n"
_A = "Authorization: {bob secret}\n"
_WRONG = "Authorization: {bob nonsense!7}\n"
_ALICE = f"{_R}From: <sip:alice@example.com>;tag=a\nTo: <sip:alice@example.com>\n"
_COPIES = "".join(f"@{{0}}{at} > again\n" for at in (1, 2, 4, 8))
_TWO = "dst=198.51.100.2:5060 "


def _challenge(nonce: str, server: str = "", header: str = "WWW-Authenticate") -> str:
    status = 401 if header.startswith("W") else 407
    return f'{server}< {status}\n-WWW-Authenticate\n{header}: Digest realm="example.com", nonce="{nonce}", qop="auth"\n'


_STALE = '< 401\nWWW-Authenticate: Digest realm="example.com", nonce="n{}c3", qop="auth", stale={}\n'
_INT = '< 401\nWWW-Authenticate: Digest realm="example.com", nonce="f3a1", qop="auth,auth-int"\n'
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
    "a domain that the registrar does not have": Kind(
        "src=192.0.2.20:5060 > REGISTER sip:198.51.100.1\nCall-ID: eve\nFrom: <sip:eve@198.51.100.1>;tag=e\n"
        "To: <sip:eve@198.51.100.1>\n< 404\n"
        f"{_R}< 401\n{_R}{_A}< 200\n@60 .",
        (
            "the registrar does not know this user; it registers as a user of 198.51.100.1, and whom the registrar "
            "lets in is a user of example.com",
            "asks 1 other; the former register as users of 198.51.100.1, the latter of example.com",
        ),
        ("1 others",),
    ),
    "an unknown user of the right domain": Kind(
        "src=192.0.2.20:5060 > REGISTER sip:example.com\nCall-ID: eve\nFrom: <sip:eve@example.com>;tag=e\n"
        f"To: <sip:eve@example.com>\n< 404\n{_R}< 401\n{_R}{_A}< 200\n@60 .",
        ("the registrar does not know this user",),
        ("registers as a user of",),
    ),
    "each new nonce is stale": Kind(
        _R
        + "".join(_STALE.format(number, "true" if number else "false") + _R + _A for number in range(6))
        + "< 401\n@60 .",
        ("The registrar calls each new nonce stale", "let the registrar know its own nonces again"),
        ("add stale=true", "another password on file", "WRONG"),
    ),
    "the answer comes from the private address of the server": Kind(
        f"{_R}src=10.0.0.5:5060 < 401\n@0.5 > again\n< again\n@1.5 > again\n< again\n@3.5 > again\n< again\n@60 .",
        (
            "the 401 comes from 10.0.0.5:5060, not from 198.51.100.1:5060 that was asked, and is not heard",
            "let the NAT of the server translate its answers",
        ),
        ("no password set", "15 rules"),
    ),
    "an ALG that rewrites the Via of answers": Kind(
        f"{_R}Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKa\n"
        "< 401\nVia: SIP/2.0/UDP 203.0.113.7:5060;branch=z9hG4bKa\n"
        "@0.5 > again\n< again\n@1.5 > again\n< again\n@3.5 > again\n< again\n@60 .",
        ("the 401 names 203.0.113.7:5060 in its Via, the request 192.0.2.10:5060", "SIP ALG of the router"),
        ("no password set",),
    ),
    "answers whose requests are missing": Kind(
        f"{_R}< 401\n{_R}{_A}< 200\n@1800 {_R}< 401\n{_R}{_A}< 200\n@1900 .",
        ("only 4 answers to such, whose requests are missing: 200 twice, 401 twice",),
        ("answers to one",),
        (1, 3, 5, 7),
    ),
    "a challenge without a nonce": Kind(
        f'{_R}< 401\nWWW-Authenticate: Digest realm="h"\n@60 {_R}< 401\nWWW-Authenticate: Digest realm="h"\n@150 .',
        ("gave up", "Asks for credentials, and does not say for what", "explains 2 failed attempts"),
        ("no password set", "was lost"),
    ),
    "NTLM alone": Kind(
        f'{_R}< 401\nWWW-Authenticate: NTLM realm="h"\n@60 {_R}< 401\nWWW-Authenticate: NTLM realm="h"\n@150 .',
        ("asks with NTLM alone, and SIP has Digest", "explains 2 failed attempts"),
        ("no password set", "No rule is broken"),
    ),
    "an extension is demanded": Kind(
        f"{_R}< 421 Extension Required\nRequire: path\n@60 .",
        ("the registrar demands an extension that the phone does not offer; it demands path",),
    ),
    "a retry under another Call-ID": Kind(
        f"{_R}Call-ID: a\n< 401\n{_R}Call-ID: b\nCSeq: 1\n{_A}< 401\n@60 .",
        ("right for the password given, but refused: The retry has another Call-ID", "explains 1 failed attempt"),
        ("another password or realm on file",),
    ),
    "a retry with the same CSeq": Kind(
        f"{_R}CSeq: 1\n< 401\n{_R}CSeq: 1\n{_A}< 401\n@10 {_R}CSeq: 2\n< 401\n{_R}CSeq: 2\n{_A}< 401\n@60 .",
        ("right for the password given, but refused: The retry with credentials reuses its CSeq",),
        ("another password or realm on file", "contradicts", "as the registrar has them"),
    ),
    "an answer to the challenge a minute late": Kind(
        f"{_R}{_STALE.format(0, 'false')}@70 {_R}{_A}{_STALE.format(1, 'true')}"
        f"@140 {_R}{_A}{_STALE.format(2, 'true')}@190 .",
        ("the phone answers a challenge after 69 s, and the registrar calls its nonce stale then",),
        ("again and again; ", "calls each new nonce stale"),
    ),
    "silence to the credentials alone": Kind(
        f"{_R}< 401\n{_R}{_A}{_COPIES.format(0)}@60 .",
        ("198.51.100.1 answered this phone's request without credentials, and not the one with them",),
        ("no answer came from 198.51.100.1", "answers nobody"),
    ),
    "qop=auth-int that is not taken": Kind(
        f"{_R}{_INT}{_R}Authorization: {{bob secret qop=auth-int}}\n{_INT.replace('f3a1', 'c7d2')}@60 .",
        ("right for the password given", "it is computed with qop=auth-int: see whether the registrar takes qop=auth"),
        ("WRONG",),
    ),
    "another name for authentication": Kind(
        f"{_R}< 401\n{_R}Authorization: {{Bob-Office secret}}\n< 403\n@60 .",
        ("authenticates as 'Bob-Office', and registers 'bob'", "could not be judged"),
        ("WRONG",),
    ),
    "another name for authentication, and the right password": Kind(
        f"{_ALICE}< 401\n{_ALICE}{_A}< 403 Forbidden auth ID\n@60 .",
        (
            "the response is right for the password given",
            "it authenticates as 'bob', and registers 'alice'",
            'the registrar says "Forbidden auth ID"',
        ),
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
