"""What tens of thousands of hostile requests cost a registrar: hashes, nonces, clients and octets are counted."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import pytest

import analyzer.register.digest.arithmetic as arithmetic
import replay.authenticator as replay_side
from analyzer.evidence import Endpoint
from analyzer.register.digest.arithmetic import Algorithm
from analyzer.register.digest.input import DigestInput
from analyzer.register.digest.secrets import Secrets
from analyzer.sip.message import parse_bytes
from replay.authenticator import LONGEST_CNONCE, LONGEST_REALM, MOST_HASHED_REALMS, Authenticator, Checker, DigestPolicy
from replay.captured_registrar import Scenario
from replay.conversation import MOST_MESSAGES, Conversation
from replay.known_clients import MOST_CLIENTS, MOST_ROUNDS, Client, Clients, Room
from replay.location_service import MOST_BINDINGS, MOST_CONTACTS
from replay.machine import SECOND
from replay.registrar import Registrar, RegistrarPolicy
from replay.registrar_app import notes_of
from replay.registrar_events import Verified
from replay.server_transaction import MOST_TRANSACTIONS
from replay.uas import MOST_IGNORED, StopCondition, UserAgentServer
from tests.replay.registrar_stage import (
    HERE,
    PHONE,
    SECRETS,
    START,
    Desk,
    desk,
    flow,
    request,
    sent,
    tokens,
)

USERS = 20_000
HASHES = 3
"""MD5, SHA-256, SHA-512-256 (RFC 8760 2.1)."""
RESPONSE = "0" * 32


def many() -> Secrets:
    """A file of many users, of which nothing was asked yet."""
    return Secrets.of({f"u{number}": "pw" for number in range(USERS)})


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """How often a user name was hashed, by realm."""
    calls: Counter[str] = Counter()
    real = arithmetic.user_hash

    def counting(algorithm: Algorithm, username: str, realm: str) -> str:
        calls[realm] += 1
        return real(algorithm, username, realm) if username.startswith("probe") else RESPONSE

    monkeypatch.setattr(arithmetic, "user_hash", counting)
    yield calls


def signed(realm: str, name: str = "f" * 32, **more: str) -> str:
    values = {"username": name, "realm": realm, "nonce": "n", "uri": "sip:x", "response": RESPONSE, **more}
    return "Authorization: Digest " + ", ".join(f'{key}="{value}"' for key, value in values.items())


def hidden(realm: str) -> str:
    return signed(realm) + ", userhash=true"


CAPTURED = flow((request(), b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@b>\r\nTo: <sip:a@b>\r\n\r\n"))


@pytest.mark.parametrize("captured", [False, True], ids=["plain", "captured"])
def test_another_realm_in_each_request_hashes_the_users_so_often(captured: bool, hashed: Counter[str]) -> None:
    """RFC 7616 3.4.4: who hides his name makes the server hash all of them for his realm."""
    asked = Desk(Scenario(CAPTURED, many(), tokens())) if captured else desk(many())
    for number in range(300):
        client = Client(1, "sip:alice@example.com", PHONE)
        host = f"r{number}.example"
        asked.ask(request(uri=f"sip:{host}", extra=[hidden(host)]), client=client)
        (verified,) = [one for one in asked.reply.events if isinstance(one, Verified)]
        assert verified.verdict is not None and verified.verdict.verdict.value == "unknown"
        if number >= MOST_HASHED_REALMS:
            assert "this is one more" in verified.verdict.reason
    assert len(hashed) <= MOST_HASHED_REALMS
    assert sum(hashed.values()) <= MOST_HASHED_REALMS * HASHES * USERS


def test_the_first_realms_are_served_for_ever(hashed: Counter[str]) -> None:
    checker = Checker(many())
    for realm in ("own.example", *(f"r{number}" for number in range(500)), "own.example"):
        verdict = checker.verdict(DigestInput("f" * 32, realm, "n", "sip:x", RESPONSE, userhash=True))
    assert "this is one more" not in verdict.reason and hashed["own.example"] <= HASHES * USERS


def test_a_long_realm_is_not_hashed(hashed: Counter[str]) -> None:
    digest = DigestInput("f" * 32, "r" * (LONGEST_REALM + 1), "n", "sip:x", RESPONSE, userhash=True)
    assert "this is one more" in Checker(many()).verdict(digest).reason
    assert not hashed


def test_a_name_that_is_known_is_never_hashed(hashed: Counter[str]) -> None:
    checker = Checker(many())
    for number in range(100):
        checker.verdict(DigestInput("u7", f"r{number}", "n", "sip:x", RESPONSE, userhash=True))
    assert not hashed


def test_wrong_passwords_are_diagnosed_within_the_budget_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another user, nonce and response in each request: no answer can be remembered, and still the trials end."""
    asked = desk(many(), digest=DigestPolicy(realm="lab"))
    authenticator = asked.user.authenticator  # type: ignore[attr-defined]
    diagnoser = authenticator._checker._diagnoser
    diagnoser.total = 3_000
    chance = random.Random(1)
    spent = []
    for number in range(120):
        header = signed("lab", f"u{number}", nonce=f"n{number}", response=f"{chance.getrandbits(128):032x}")
        assert asked.ask(request(extra=[header], cseq=number + 1)).status == 403
        spent.append(diagnoser.trials)
    steps = [after - before for before, after in pairwise(spent)]
    assert max(steps) <= diagnoser.budget
    assert spent[-1] <= diagnoser.total + diagnoser.budget, "and what was found before is all that is tried then"


def test_nonces_are_remembered_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_side, "MOST_NONCES", 500)
    asked = desk(SECRETS, digest=DigestPolicy(realm="lab"))
    for number in range(20_000):
        assert asked.ask(request(cseq=number + 1)).status == 401
    authenticator = asked.user.authenticator  # type: ignore[attr-defined]
    assert isinstance(authenticator, Authenticator)
    assert len(authenticator._nonces) == 500 and authenticator._nonces.evicted == 19_500


def test_a_cnonce_that_would_be_remembered_at_length_is_refused() -> None:
    asked = desk(SECRETS, digest=DigestPolicy(realm="lab"))
    for length, status in ((LONGEST_CNONCE, 403), (LONGEST_CNONCE + 1, 400)):
        header = signed("lab", "alice", cnonce="c" * length) + ", qop=auth, nc=00000001"
        assert asked.ask(request(extra=[header])).status == status


def test_bindings_end_at_their_limit_and_come_back_with_time() -> None:
    registrar = Registrar(Secrets(), RegistrarPolicy(server=""), tokens())
    asked = Desk(registrar)
    registrar.bindings.limit = 2_000
    statuses: Counter[int] = Counter()
    for number in range(10_000):
        octets = request(user=f"u{number}", call_id=f"c{number}", contact=f"<sip:u@192.0.2.1:{number + 1}>")
        statuses[asked.ask(octets).status] += 1
    assert statuses == {200: 2_000, 503: 8_000} and len(registrar.bindings) == 2_000 <= MOST_BINDINGS
    crowd = ", ".join(f"<sip:u@192.0.2.1:{port}>" for port in range(1, 1500))
    assert asked.ask(request(user="u1", call_id="crowd", contact=crowd)).status == 503 and MOST_CONTACTS < 1500
    asked.now += 7_201 * SECOND
    assert asked.ask(request(user="late", call_id="late")).status == 200


def hostile(number: int) -> bytes:
    """Another user, call, branch, contact, host and method in each request."""
    chance = random.Random(number)
    return request(
        chance.choice(("REGISTER", "REGISTER", "OPTIONS", "INVITE", "X" * 40)),
        user=f"u{number}",
        call_id=f"c{number}",
        branch=f"z9hG4bK{number}",
        contact=f"<sip:u{number}@192.0.2.{number % 250}:{number % 60_000 + 1}>",
        uri=f"sip:h{number}.example",
        extra=[hidden(f"h{number}.example")] if number % 3 == 0 else [],
    )


def test_tens_of_thousands_of_hostile_requests_leave_a_registrar_of_bounded_size(hashed: Counter[str]) -> None:
    secrets = Secrets.of({f"u{number}": "pw" for number in range(0, 20_000, 40)})
    user = Registrar(secrets, RegistrarPolicy(server=""), tokens())
    server = UserAgentServer(user, Conversation(limit=0), StopCondition())
    server.bound(HERE, "UDP", 0)
    count = 20_000
    for number in range(count):
        source = Endpoint(f"198.51.{number % 250}.{number % 240}", number % 60_000 + 1)
        assert sent(server.receive(hostile(number), source, START + number))
        server.receive(b"garbage!!!", source, START + number)
    assert server.transactions == MOST_TRANSACTIONS and server.evicted == count - MOST_TRANSACTIONS
    assert len(server.clients.listed()) == MOST_CLIENTS and server.clients.evicted == count - MOST_CLIENTS
    assert server.ignored == count and server.conversation.unjudged > MOST_MESSAGES - count
    assert sum(hashed.values()) <= MOST_HASHED_REALMS * HASHES * len(secrets)
    assert len(user.bindings) == 0, "nobody of them knew a password"
    notes = "\n".join(notes_of(server))
    for said in (f"{count} messages were left alone", f"{count - MOST_CLIENTS} clients", f"{server.evicted} transact"):
        assert said in notes
    assert count > MOST_IGNORED


def test_what_is_listed_of_all_clients_is_bounded_in_octets() -> None:
    clients = Clients()
    asked = parse_bytes(request())
    first = clients.of(asked, PHONE)
    first.room.left = 5_000
    for number in range(40):
        one = clients.of(parse_bytes(request(call_id=f"c{number}", user=f"u{number}")), PHONE)
        assert one.room is first.room
        one.replied(one.begin(asked), None, 0)
    listed = sum(len(one.rounds) for one in clients.listed())
    assert listed == 10 and sum(one.more for one in clients.listed()) == 30
    assert first.room.left <= 0 and listed < MOST_ROUNDS


def test_a_request_that_is_not_listed_costs_no_room() -> None:
    client = Client(1, "sip:a@b", PHONE, room=Room(10**9))
    asked = parse_bytes(request())
    for _ in range(MOST_ROUNDS + 500):
        client.replied(client.begin(asked), None, 0)
    assert client.more == 500
    assert client.room.left == 10**9 - sum(one.weight for one in client.rounds)
