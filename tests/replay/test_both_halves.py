"""Both machines against each other, in memory, with one clock: the project's client registers with its registrar."""

from __future__ import annotations

from typing import Any

import pytest

from replay.authenticator import DigestPolicy
from replay.registrar import Registrar, RegistrarPolicy
from replay.registrar_events import Finished, Found, Requested, Verified
from replay.session import ReplayMode
from replay.uas import UserAgentServer
from tests.replay.registrar_stage import SECRETS, START, client_of, flow, house, play, request, tokens

CAPTURED = flow((request(cseq=1, expires="600"), b"SIP/2.0 200 OK\r\n\r\n"))
CREDENTIALS = 'Authorization: Digest username="alice", realm="then", nonce="n", uri="sip:example.com", response="r"'
TWICE = flow(
    (request(cseq=1, expires="600"), b"SIP/2.0 200 OK\r\n\r\n"),
    (request(cseq=2, expires="600", extra=[CREDENTIALS]), b"SIP/2.0 200 OK\r\n\r\n"),
)


def guarded(**policy: Any) -> UserAgentServer:
    digest = DigestPolicy(**{"realm": "lab", **policy.pop("digest", {})})
    return house(Registrar(SECRETS, RegistrarPolicy(digest=digest, **policy), tokens()), secrets=SECRETS)


def statuses(server: UserAgentServer) -> list[list[int | None]]:
    return [[one.now for one in client.rounds] for client in server.clients.listed()]


def bound(server: UserAgentServer, now: int = START) -> int:
    assert isinstance(server.user, Registrar)
    return len(server.user.bindings.of("sip:alice@example.com", now))


def test_it_registers_and_removes_what_it_bound() -> None:
    server = house()
    events = play(client_of(CAPTURED), server)
    assert statuses(server) == [[200, 200]] and bound(server) == 0
    assert len([event for event in events if isinstance(event, Finished)]) == 1


def test_it_keeps_what_it_bound() -> None:
    server = house()
    play(client_of(CAPTURED, mode=ReplayMode(speed=0, keep=True)), server)
    assert statuses(server) == [[200]] and bound(server) == 1


@pytest.mark.parametrize("algorithm", ["MD5", "MD5-sess", "SHA-256", "SHA-256-sess"])
@pytest.mark.parametrize("qop", ["auth", ""])
def test_it_answers_every_challenge(algorithm: str, qop: str) -> None:
    server = guarded(digest={"algorithms": (algorithm,), "qop": qop})
    events = play(client_of(TWICE, password="wonder"), server)
    assert statuses(server) == [[401, 200, 200, 200]]
    verdicts = [event.verdict.verdict.value for event in events if isinstance(event, Verified) and event.verdict]
    assert verdicts == ["match"] * 3
    errors = [event.finding.rule for event in events if isinstance(event, Found) and event.finding.severity == "error"]
    assert errors == []


def test_a_nonce_that_grows_old_in_between_is_challenged_as_stale() -> None:
    server = guarded(digest={"lifetime": 1})
    play(client_of(TWICE, password="wonder", mode=ReplayMode(speed=0.2, keep=True)), server)
    assert statuses(server) == [[401, 200, 401, 200]]
    stale = [client.rounds[2].reason for client in server.clients.listed()]
    assert "older than 1 s" in stale[0]


def test_a_wrong_password_is_refused_once() -> None:
    server = guarded()
    play(client_of(CAPTURED, password="wrong"), server)
    assert statuses(server) == [[401, 403]] and bound(server) == 0


def test_an_interval_that_is_too_brief_is_raised() -> None:
    server = guarded(min_expires=1200)
    play(client_of(CAPTURED, password="wonder", mode=ReplayMode(speed=0, keep=True)), server)
    assert statuses(server) == [[401, 423, 200]] and bound(server) == 1


@pytest.mark.parametrize("lost", [{1}, {2}, {1, 2, 3}, {3, 4}, {2, 3, 4, 5, 6}])
def test_what_is_lost_is_said_again_and_answered_the_same(lost: set[int]) -> None:
    server = guarded()
    events = play(client_of(CAPTURED, password="wonder"), server, drop=lambda number: number in lost)
    assert statuses(server) == [[401, 200, 200]] and bound(server) == 0
    assert len([event for event in events if isinstance(event, Requested)]) == 3, "copies make no round of their own"
    report = server.conversation.finish()
    assert report.summary.transactions == 3 and report.registrations[0].outcome == "removed"


def test_a_registrar_that_hears_nothing_keeps_nothing() -> None:
    server = guarded()
    session = client_of(CAPTURED, password="wonder")
    play(session, server, drop=lambda number: True)
    assert session.done and server.clients.count == 0 and server.transactions == 0
