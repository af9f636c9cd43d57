"""Captured credentials, replayed for the nonce of now: as right or as wrong as they were."""

from __future__ import annotations

import pytest

from analyzer.register.digest.verdict import judge
from analyzer.sip.auth import Credentials, parse_credentials
from replay.digest_client import DigestClient
from tests.replay.said import secrets_of
from tests.replay.test_digest_client import BODY, PASSWORD, answer, by_hand, challenge, info, read, said, wallet_of

CAPTURED = (
    'Digest username="bob",realm="example.com",  nonce="then", uri="sip:other.example.com", '
    'response="{response}", algorithm=MD5, cnonce="mine", opaque="old", qop=auth, nc=00000007, x=y'
)


def captured(password: str) -> Credentials:
    empty = parse_credentials("authorization", CAPTURED.replace("{response}", "0" * 32))
    return parse_credentials("authorization", CAPTURED.replace("{response}", by_hand(empty, password)))


def answered(digest_client: DigestClient, sent: Credentials) -> str | None:
    params = digest_client.said_again(sent, "REGISTER", BODY)
    return None if params is None else f"{sent.scheme} " + ", ".join(now for _, now in params)


@pytest.mark.parametrize(("password", "verdict"), [(PASSWORD, "match"), ("mistyped", "mismatch")])
def test_captured_credentials_are_as_right_or_wrong_as_they_were(password: str, verdict: str) -> None:
    digest_client = wallet_of()
    digest_client.take(answer(challenge(', qop="auth", opaque="new"')), spoke=False)
    value = answered(digest_client, captured(password))
    assert value is not None
    sent = parse_credentials("authorization", value)
    assert judge(read(sent), secrets_of(bob=PASSWORD)).verdict == verdict
    assert (sent.nonce, sent.opaque) == ("n1", "new")
    kept = {"username", "realm", "uri", "algorithm", "cnonce", "qop", "nc", "x"}
    before = {param.raw for param in captured(password).params if param.name in kept}
    assert {param.raw for param in sent.params if param.name in kept} == before


def test_captured_credentials_take_up_a_nextnonce() -> None:
    digest_client = wallet_of()
    digest_client.take(answer(challenge(', qop="auth"')), spoke=False)
    digest_client.take(info('nextnonce="n9"'), spoke=True)
    value = answered(digest_client, captured(PASSWORD))
    assert value is not None and 'nonce="n9"' in value
    assert judge(read(parse_credentials("authorization", value)), secrets_of(bob=PASSWORD)).verdict == "match"


@pytest.mark.parametrize(("count", "following"), [("00000007", "00000008"), ("7", "00000001"), ("x", "00000001")])
def test_a_count_that_was_said_again_is_spent(count: str, following: str) -> None:
    digest_client = wallet_of()
    digest_client.take(answer(challenge(', qop="auth"')), spoke=False)
    text = captured(PASSWORD).raw.replace("nc=00000007", f"nc={count}")
    assert answered(digest_client, parse_credentials("authorization", text)) is not None
    assert said(digest_client).nc == following


def test_captured_credentials_cannot_be_said_without_a_challenge_or_a_secret() -> None:
    assert answered(wallet_of(), captured(PASSWORD)) is None
    stranger = wallet_of(secrets_of(carol="x"))
    stranger.take(answer(challenge()), spoke=False)
    assert answered(stranger, captured(PASSWORD)) is None
