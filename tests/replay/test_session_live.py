"""The client session at a real Kamailio, over the plainest I/O boundary there is: one UDP socket and a loop."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from analyzer.evidence import Endpoint
from analyzer.register.digest.secrets import Secrets
from analyzer.run.pipeline import analyze
from analyzer.sip.timers import Timers
from replay.machine import SECOND, Command, Send
from replay.session import ClientSession, ReplayMode
from tests.replay import peers
from tests.replay.peers import Kamailio
from tests.replay.said import agent_of, steps_in
from tests.replay.test_rewrite import cited_rules
from tests.shared import RULES_JSON

QUICK = Timers(t1=SECOND // 10, t2=SECOND // 2, t4=SECOND // 5)
HURRY = ReplayMode(speed=0)
R = "> REGISTER sip:lab.invalid"


def flow(user: str, *, expires: int = 300, password: str = "") -> str:
    """Register, refresh, remove, as a phone of `user` once did."""
    names = f"From: <sip:{user}@lab.invalid>;tag=f\nTo: <sip:{user}@lab.invalid>\nContact: <sip:{user}@192.0.2.10>"
    said = f"{R}\n{names}\nExpires: {expires}"
    authorized = f"{said}\nAuthorization: {{{user} {password or peers.password(user)}}}"
    challenge = '< 401\nWWW-Authenticate: Digest realm="lab.invalid", nonce="then", qop="auth"'
    return f"{said}\n{challenge}\n{authorized}\n< 200\n@60 {authorized}\n< 200"


def drive(session: ClientSession, phone: socket.socket, patience: float = 20.0) -> ClientSession:
    """Carry out what a machine wants until it is done."""
    end = time.monotonic() + patience
    _carry(session.start(time.monotonic_ns()), phone)
    peer = Endpoint(*phone.getpeername()[:2])
    while not session.done and time.monotonic() < end:
        now = time.monotonic_ns()
        wait = 1.0 if session.deadline is None else max(0.0, (session.deadline - now) / SECOND)
        phone.settimeout(min(wait, 1.0) or 0.0001)
        try:
            octets = phone.recv(65535)
        except TimeoutError:
            _carry(session.wake(time.monotonic_ns()), phone)
        except ConnectionRefusedError:
            _carry(session.failed("connection refused", time.monotonic_ns()), phone)
        else:
            _carry(session.receive(octets, peer, time.monotonic_ns()), phone)
    return session


def _carry(commands: Iterable[Command], phone: socket.socket) -> None:
    for command in commands:
        if isinstance(command, Send):
            try:
                phone.send(command.octets)
            except ConnectionRefusedError:  # the error of an earlier datagram; it comes again with the next
                continue


def said(
    text: str,
    user: str,
    address: tuple[str, int],
    folder: Path,
    mode: ReplayMode = HURRY,
    *,
    timers: Timers = QUICK,
    passwords: dict[str, str] | None = None,
) -> ClientSession:
    """Replay a flow of `user` at an address."""
    with socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.connect(address)
        local = Endpoint(*phone.getsockname()[:2])
        secrets = Secrets.of({user: peers.password(user)} if passwords is None else passwords)
        agent = agent_of(secrets, username=user, local=local)
        return drive(ClientSession(steps_in(text, folder), agent, timers, mode), phone)


def statuses(session: ClientSession) -> list[int]:
    assert session.done
    return [result.status for result in session.results]


@pytest.mark.parametrize("user", ["alice", "bob"])
def test_register_refresh_remove(user: str, kamailio: Kamailio, tmp_path: Path) -> None:
    session = said(flow(user), user, kamailio.address, tmp_path)
    assert statuses(session) == [401, 200, 200]
    assert [one.status for one in session.removal] == [200] and kamailio.bindings(user) == []


def test_bindings_are_kept_if_asked(kamailio: Kamailio, tmp_path: Path) -> None:
    session = said(flow("keeper"), "keeper", kamailio.address, tmp_path, ReplayMode(speed=0, keep=True))
    assert session.removal == [] and kamailio.bindings("keeper") == [f"sip:keeper@{session.agent.local}"]


def test_over_ipv6(kamailio: Kamailio, tmp_path: Path) -> None:
    if kamailio.address6 is None:
        pytest.skip("no IPv6 on loopback")
    assert statuses(said(flow("six"), "six", kamailio.address6, tmp_path)) == [401, 200, 200]
    assert kamailio.bindings("six") == []


@pytest.mark.parametrize(
    ("user", "passwords", "status"),
    [("nobody1", {"nobody1": "x"}, 404), ("wrong", {"wrong": "not its password"}, 403), ("none", {"other": "x"}, 401)],
)
def test_refusals_are_outcomes(
    user: str, passwords: dict[str, str], status: int, kamailio: Kamailio, tmp_path: Path
) -> None:
    session = said(flow(user).split("@60")[0], user, kamailio.address, tmp_path, passwords=passwords)
    assert statuses(session)[-1] == status and session.removal == []
    assert kamailio.bindings(user) == []


def test_too_brief_is_raised(kamailio: Kamailio, tmp_path: Path) -> None:
    session = said(flow("brief", expires=5), "brief", kamailio.address, tmp_path)
    assert statuses(session) == [401, 200, 200]
    assert [one.status for one in session.results[1].tries] == [423, 200]
    assert session.agent.min_expires == 20


@pytest.mark.parametrize(
    "define",
    ["WITH_NC", "WITH_OTN", "WITH_SHA256", "WITH_NOQOP", "WITH_PROXY", "WITH_DELAY", "WITH_OPEN"],
)
def test_every_kind_of_registrar(define: str, tmp_path: Path) -> None:
    with peers.kamailio_server(define) as server, peers.capture(tmp_path / "lo.pcap", f"port {server.port}") as path:
        session = said(flow("alice"), "alice", server.address, tmp_path)
        bound = server.bindings("alice")
    assert statuses(session)[-1] == 200 and bound == []
    assert [one.status for one in session.removal][-1:] == [200]
    report = analyze([path], secrets=Secrets.of({"alice": "alicepw"}))
    assert {finding.rule for finding in report.findings} & cited_rules() == set()
    assert {registration.outcome for registration in report.registrations} == {"removed"}


def test_a_nonce_that_grew_old_is_replaced(tmp_path: Path) -> None:
    with peers.kamailio_server("NONCE_EXPIRE=1") as server:
        session = said(flow("alice"), "alice", server.address, tmp_path, ReplayMode(speed=60 / 2.5))
    assert [one.status for one in session.results[2].tries] == [401, 200]


@pytest.mark.parametrize(
    ("user", "rules"),
    [
        ("requests-lost", (peers.drop("request", 1, 3, 5),)),
        ("answers-lost", (peers.drop("response", 1, 2, 4),)),
        ("doubled", (peers.duplicate("request", 3), peers.duplicate("response", 2))),
        ("slow", (peers.delay("response", 0.25),)),
        ("reordered", (peers.reorder("response", 1),)),
        ("another-port", (peers.spoof(1, 2),)),
    ],
)
def test_a_bad_line_ends_well(user: str, rules: tuple[peers.Rule, ...], kamailio: Kamailio, tmp_path: Path) -> None:
    with peers.lossy_relay(kamailio.address, *rules) as relay:
        session = said(flow(user), user, relay.address, tmp_path)
    assert statuses(session) == [401, 200, 200]
    assert [one.status for one in session.removal][-1] == 200 and kamailio.bindings(user) == []


def test_a_peer_that_tries_for_ever_is_given_up(kamailio: Kamailio, tmp_path: Path) -> None:
    timers = Timers(t1=SECOND // 50, t2=SECOND // 10, t4=SECOND // 50)
    with peers.lossy_relay(kamailio.address, peers.forever_trying(0.002)) as relay:
        session = said(flow("trying").split("< 401")[0], "trying", relay.address, tmp_path, timers=timers)
    (one,) = session.results[0].tries
    assert one.ending == "timeout" and 0 < len(one.provisional) <= 32


def test_a_server_that_is_killed_is_an_error_and_comes_back(tmp_path: Path) -> None:
    with peers.kamailio_server() as server:
        server.kill()
        session = said(flow("alice"), "alice", server.address, tmp_path)
        assert {one.ending for result in session.results for one in result.tries} <= {"error", "timeout"}
        assert statuses(session) == [0, 0, 0]
        server.start()
        assert statuses(said(flow("alice"), "alice", server.address, tmp_path)) == [401, 200, 200]


def test_rules_of_the_repairs_are_known() -> None:
    """The intersection above is none because nothing is broken, not because the names differ."""
    known = {rule["id"] for rule in json.loads(RULES_JSON.read_text())}
    assert cited_rules() <= known
