"""Status codes, challenges and credentials belong together in one way for all (RFC 3261 22)."""

from __future__ import annotations

import re

import pytest

from analyzer.judge.flowtext import CLIENT
from analyzer.register.challenges import STRONG
from analyzer.register.digest.arithmetic import ALGORITHMS
from analyzer.register.digest_ledger import accepted
from analyzer.sip.auth_headers import ANSWERED_IN, CHALLENGED_IN, CHALLENGES, CREDENTIALS, REFUSED_IN
from analyzer.sip.headers import COMPACT, canonical, spellings
from analyzer.sip.message import parse_bytes
from replay.authenticator import ALGORITHMS as OFFERED
from replay.message_editor import spelled
from tests.register.watch import watch
from tests.shared import ROOT


def test_401_and_407() -> None:
    """22.2, 22.3: the registrar's header and the proxy's."""
    assert ANSWERED_IN == {"www-authenticate": "authorization", "proxy-authenticate": "proxy-authorization"}
    assert CHALLENGED_IN == {401: "www-authenticate", 407: "proxy-authenticate"}
    assert REFUSED_IN == {401: "authorization", 407: "proxy-authorization"}


@pytest.mark.parametrize("header", CREDENTIALS)
@pytest.mark.parametrize(
    ("status", "said"),
    [(200, True), (423, True), (403, False), (500, None), (404, None), (0, None)],
)
def test_what_a_response_says_of_any_credentials(header: str, status: int, said: bool | None) -> None:
    assert accepted(header, status) is said


def test_each_challenge_refuses_its_own_credentials_alone() -> None:
    said = {(header, status): accepted(header, status) for header in CREDENTIALS for status in CHALLENGED_IN}
    assert [pair for pair, one in said.items() if one is False] == [(REFUSED_IN[s], s) for s in (401, 407)]
    assert set(said.values()) == {False, None}


@pytest.mark.parametrize("header", [*CREDENTIALS, *CHALLENGES])
def test_a_message_has_what_its_rows_say(header: str) -> None:
    message = parse_bytes(f'REGISTER sip:h SIP/2.0\r\n{spelled(header)}: Digest realm="x"\r\n\r\n'.encode())
    values = message.credentials if header in CREDENTIALS else message.challenges
    assert [value.header for value in values] == [header]
    assert message.has_credentials is (header in CREDENTIALS)
    assert message.has_challenge is (header in CHALLENGES)


@pytest.mark.parametrize("status", CHALLENGED_IN)
def test_a_transaction_is_challenged_by_these(status: int) -> None:
    watched = watch(f"> REGISTER sip:a\n< {status}")
    assert watched.only.challenged and watched.only.destination.host != CLIENT.host
    assert not watch("> REGISTER sip:a\n< 403").only.challenged


def test_weak_and_strong_algorithms_are_those_of_the_table() -> None:
    assert {"sha-256", "sha-256-sess", "sha-512-256", "sha-512-256-sess"} == STRONG  # RFC 8760 2.1
    assert OFFERED == ("MD5", "MD5-sess", "SHA-256", "SHA-256-sess", "SHA-512-256", "SHA-512-256-sess")
    assert {token.lower() for token in OFFERED} == {token for token, one in ALGORITHMS.items() if not one.aka}


def test_spellings_find_a_header_by_both_its_names() -> None:
    found = re.compile(f"(?:{spellings('via', 'call-id', 'cseq')})", re.IGNORECASE)
    assert [name for name in ("Via", "v", "I", "CALL-ID", "CSeq") if not found.fullmatch(name)] == []
    assert [name for name in ("t", "To", "c", "call id", "vi") if found.fullmatch(name)] == []
    for short, long in COMPACT.items():
        assert canonical(short) == long and re.fullmatch(spellings(long), short)


def test_the_headers_of_the_digest_are_named_once() -> None:
    """A module that names both headers of a pair has a pair of its own."""
    pairs = [CREDENTIALS, CHALLENGES]
    homes = {
        path.relative_to(ROOT).as_posix()
        for folder in ("analyzer", "replay")
        for path in (ROOT / folder).rglob("*.py")
        if any(all(f'"{name}"' in path.read_text() for name in pair) for pair in pairs)
    }
    # layout asks for both in the hot path; the comparison lists every header that is held against another.
    assert homes == {"analyzer/sip/auth_headers.py", "analyzer/sip/layout.py", "replay/compare.py"}
