"""What a replay says before and after it sends: the plan, other addresses, strange realms, an end of the input."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from analyzer.evidence import Endpoint
from analyzer.register.digest.secrets import Secrets
from replay.agent import Mapping
from replay.load import Pace
from replay.net.links import LinkError
from replay.net.play import ConnectionOptions, play, play_many
from replay.record import Result
from replay.session import ReplayMode
from tests.replay.memory import MemoryRegistrar, header
from tests.replay.peers import Kamailio, Space, kamailio_server, password
from tests.replay.playing import sample
from tests.replay.said import CLEAN, flow_of
from tests.replay.scripted import answer_to, scripted_peer
from tests.replay.test_replay_cli import TWICE, run

HURRY = ReplayMode(speed=0)
BOB = Secrets.of({"bob": "secret"})
CHALLENGED = 'WWW-Authenticate: Digest realm="{}", nonce="n1", qop="auth"'


# A plan is printed first when a target is not loopback.


def test_the_plan_comes_first_within_an_enclosed_namespace_too(space: Space, tmp_path: Path) -> None:
    users = tmp_path / "users.csv"
    users.write_text(f"carol,,{password('carol')}\n")
    with kamailio_server(space=space, hosts=(space.near,)) as server:
        words = [sys.executable, "-m", "analyzer", "replay", "client", TWICE, "--credentials", str(users)]
        done = space.run(*words, "--speed", "0", "--target", f"{space.near}:{server.port}", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert "this is what would be" in done.stderr and f"sending to {space.near}" in done.stderr
    assert json.loads(done.stdout)["outcome"]["same"]


def test_no_plan_comes_first_on_loopback(kamailio: Kamailio) -> None:
    done = run("client", TWICE, "--target", kamailio.target, "--speed", "0", "--map", "carol@=p1@")
    assert b"this is what would be" not in done.stderr


# A name with several addresses.


def unused(kind: socket.SocketKind) -> int:
    """A port that is nobody's on ::1 and 127.0.0.1."""
    with socket.socket(socket.AF_INET6, kind) as six, socket.socket(socket.AF_INET, kind) as four:
        six.bind(("::1", 0))
        four.bind(("127.0.0.1", six.getsockname()[1]))
        return int(six.getsockname()[1])


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_the_next_address_is_tried_where_the_first_refuses(transport: str, tmp_path: Path) -> None:
    registrar = MemoryRegistrar()
    flow = flow_of(CLEAN, tmp_path)
    with scripted_peer(registrar, transport="udp" if transport == "udp" else "tcp") as peer:
        four = Endpoint(*peer.address)
        course = ConnectionOptions(Endpoint("::1", four.port), transport.upper(), mode=HURRY, others=(four,))
        result = play(flow, BOB, course, lambda event: None)
    assert result.outcome.same and result.target.startswith(str(four))
    assert result.notes[-1] == f"[::1]:{four.port} was tried first: connection refused."
    assert all(b"[::1]" not in request and b"127.0.0.1" in request for request in registrar.requests)
    assert [parse.count(b"SIP/2.0/" + transport.upper().encode()) for parse in registrar.requests] == [1, 1, 1]


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_many_users_go_to_the_next_address_too(transport: str, tmp_path: Path) -> None:
    flow = flow_of("> REGISTER sip:example.com\n< 200", tmp_path)
    with scripted_peer(
        lambda request: [answer_to(request, 200)], transport="udp" if transport == "UDP" else "tcp"
    ) as peer:
        four = Endpoint(*peer.address)
        course = ConnectionOptions(Endpoint("::1", four.port), transport, mode=HURRY, others=(four,))
        load = play_many(flow, BOB, course, ["a", "b", "c"], Pace(rate=1000))
    assert (load.tally.begun, load.tally.same, load.peer) == (3, 3, four)
    assert load.notes == [f"[::1]:{four.port} was tried first: connection refused."]


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_where_all_refuse_the_last_word_counts(transport: str, tmp_path: Path) -> None:
    port = unused(socket.SOCK_DGRAM if transport == "UDP" else socket.SOCK_STREAM)
    flow = flow_of(CLEAN, tmp_path)
    course = ConnectionOptions(Endpoint("::1", port), transport, mode=HURRY, others=(Endpoint("127.0.0.1", port),))
    if transport == "TCP":
        with pytest.raises(LinkError, match="connection refused"):
            play(flow, BOB, course, lambda event: None)
        return
    result = play(flow, BOB, course, lambda event: None)
    assert result.target.startswith("127.0.0.1") and result.rows[0].result is not None
    assert result.rows[0].result.tries[-1].error == "connection refused"


def test_a_peer_that_has_answered_is_not_left(tmp_path: Path) -> None:
    """A refusal in mid-flow is an outcome: the other address is no other registrar's business."""
    flow = flow_of(CLEAN, tmp_path)
    with scripted_peer(lambda request: [answer_to(request, 403)]) as peer:
        others = (Endpoint("127.0.0.2", 9),)
        result = play(
            flow, BOB, ConnectionOptions(Endpoint(*peer.address), mode=HURRY, others=others), lambda event: None
        )
    assert result.target.startswith(str(Endpoint(*peer.address))) and result.notes == []


def test_localhost_finds_a_registrar_of_either_family(kamailio: Kamailio) -> None:
    done = run("client", TWICE, "--target", f"localhost:{kamailio.port}", "--speed", "0", "--map", "carol@=p2@")
    assert b"connection refused now" not in done.stdout and b"401 now" in done.stdout


# A realm that nobody expects.


def asked_by(realm: str, folder: Path, text: str = CLEAN, mapping: str = "") -> Result:
    def asking(request: bytes) -> list[bytes]:
        signed = b"Authorization:" in request
        return [answer_to(request, 200) if signed else answer_to(request, 401, CHALLENGED.format(realm))]

    with scripted_peer(asking) as peer:
        maps = Mapping.parse((mapping,)) if mapping else Mapping()
        course = ConnectionOptions(Endpoint(*peer.address), mode=HURRY, mapping=maps)
        return play(flow_of(text, folder), BOB, course, lambda event: None)


@pytest.mark.parametrize(
    ("realm", "mapping", "warned"),
    [
        ("example.com", "", False),
        ("elsewhere.example", "", True),
        ("live.example", "example.com=live.example", False),
        ("example.com", "example.com=live.example", True),
        ("EXAMPLE.com", "", True),
    ],
)
def test_a_digest_for_a_strange_realm_is_told(realm: str, mapping: str, warned: bool, tmp_path: Path) -> None:
    result = asked_by(realm, tmp_path, mapping=mapping)
    assert result.outcome.now.startswith("registered")
    told = [note for note in result.notes if "realm" in note]
    then = "the captured realm is example.com"
    assert told == ([f"Warning: a digest was sent for the realm {realm}; {then}."] if warned else [])


def test_a_realm_that_is_the_domain_is_expected_without_a_captured_challenge(tmp_path: Path) -> None:
    silent = "> REGISTER sip:example.com\n< 200"
    assert not [note for note in asked_by("example.com", tmp_path, silent).notes if "realm" in note]
    (note,) = [note for note in asked_by("other", tmp_path, silent).notes if "realm" in note]
    assert note.endswith("the capture has no challenge.")


def test_strange_realms_of_many_users_are_counted(tmp_path: Path) -> None:
    def asking(request: bytes) -> list[bytes]:
        signed = b"Authorization:" in request
        return [answer_to(request, 200) if signed else answer_to(request, 401, CHALLENGED.format("trap"))]

    users = ["a", "b", "c"]
    with scripted_peer(asking) as peer:
        course = ConnectionOptions(Endpoint(*peer.address), mode=HURRY)
        flow = flow_of(CLEAN, tmp_path)
        load = play_many(flow, Secrets.of(dict.fromkeys(users, "pw")), course, users, Pace(rate=1000))
    assert load.tally.realms == {"trap": 3}


@pytest.mark.parametrize("name", ["bob", "auth-bob", "bob@example.com"])
def test_every_user_registers_his_own_address_of_record(name: str, tmp_path: Path) -> None:
    """The captured digest may name its user otherwise than To does; and so may the credentials of many."""
    registrar = MemoryRegistrar({"u1": "pw", "u2@here": "pw"})
    text = CLEAN.replace("{bob secret}", f"{{{name} secret}}")
    users = Secrets.of({"u1": "pw", "u2@here": "pw"})
    with scripted_peer(registrar) as peer:
        course = ConnectionOptions(Endpoint(*peer.address), mode=ReplayMode(speed=0, keep=True))
        load = play_many(flow_of(text, tmp_path), users, course, ["u1", "u2@here"], Pace(rate=1000))
    assert load.tally.same == 2
    said = {(header(one, "To"), (header(one, "Contact") or "").partition("@")[0]) for one in registrar.requests}
    assert said == {(f"<sip:{user}@example.com>", f"<sip:{user}") for user in ("u1", "u2")}


# Step by step, with nobody at the keyboard.


@pytest.mark.parametrize("closed", [False, True])
def test_the_end_of_standard_input_stops_it(closed: bool, kamailio: Kamailio, tmp_path: Path) -> None:
    user = f"eof{int(closed)}"
    users = tmp_path / "users.csv"
    users.write_text(f"{user},,{password(user)}\n")
    words = ["client", TWICE, "--target", kamailio.target, "--credentials", str(users), "--map", f"carol@={user}@"]
    command = [sys.executable, "-m", "analyzer", "replay", *words, "--step", "--format", "json"]
    shut = (lambda: os.close(0)) if closed else None
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False, preexec_fn=shut
    )
    result = json.loads(done.stdout)
    assert [step["now"] is not None for step in result["steps"]] == [True, True, False, False]
    assert result["removal"][-1]["status"] == 200 and kamailio.bindings(user) == []
    said = b"sipcheck: standard input has ended: no further registration is sent"
    assert done.stderr.splitlines().count(said) == 1
    assert done.returncode == 1


# A hard stop.


def test_a_second_ctrl_c_says_what_is_left(tmp_path: Path) -> None:
    """The registrar binds, and then hangs: the first Ctrl-C wants the binding removed, the second wants out."""
    registrar = MemoryRegistrar()

    def hanging(request: bytes) -> list[bytes]:
        if len(registrar.requests) >= 2:
            return []
        return registrar(request)

    users = tmp_path / "users.csv"
    users.write_text("carol,,carolpw\n")
    with scripted_peer(hanging) as peer:
        words = ["client", TWICE, "--target", peer.target, "--credentials", str(users), "--speed", "0.001"]
        command = [sys.executable, "-m", "analyzer", "replay", *words]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert peer.wait_for(2)
            time.sleep(0.3)
            process.send_signal(signal.SIGINT)
            assert peer.wait_for(3)
            process.send_signal(signal.SIGINT)
            stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130, stderr
    assert b"were NOT removed" in stdout
    assert re.search(rb"It may have left: sip:carol@127\.0\.0\.1:\d+", stdout)


def test_the_users_of_a_storm_leave_what_they_could_not_remove(tmp_path: Path) -> None:
    flow = flow_of("> REGISTER sip:example.com\n< 200\n@60 > REGISTER sip:example.com\n< 200", tmp_path)

    def bound_and_gone(request: bytes) -> list[bytes]:
        return [] if b"expires=0" in request else [answer_to(request, 200)]

    with scripted_peer(bound_and_gone) as peer:
        course = ConnectionOptions(Endpoint(*peer.address), mode=ReplayMode(speed=1))
        begun = time.monotonic()
        load = play_many(flow, BOB, course, ["a", "b", "c"], Pace(rate=100, duration=0.5))
        took = time.monotonic() - begun
    assert load.tally.not_removed == load.tally.begun > 3
    assert took < 20, "the ceiling is the ceiling, not Timer F after it"


def test_a_storm_at_a_registrar_that_answers_nobody_counts_every_binding(tmp_path: Path) -> None:
    flow = flow_of("> REGISTER sip:example.com\n< 200", tmp_path)
    with scripted_peer(lambda request: []) as peer:
        course = ConnectionOptions(Endpoint(*peer.address), mode=HURRY)
        load = play_many(flow, BOB, course, ["a", "b"], Pace(rate=100, duration=0.2))
    assert load.tally.not_removed == load.tally.begun > 3
    assert load.tally.requests == load.tally.begun


# The files of a scenario.


def test_a_scenario_is_not_left_without_its_users(tmp_path: Path) -> None:
    xml = tmp_path / "s.xml"
    done = run("sipp", TWICE, "-o", str(xml), "--csv", str(tmp_path / "nodir" / "x.csv"))
    assert done.returncode == 3 and b"nodir/x.csv: No such file" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_users_are_not_left_without_their_scenario(tmp_path: Path) -> None:
    csv = tmp_path / "s.csv"
    done = run("sipp", TWICE, "-o", str(tmp_path / "nodir" / "x.xml"), "--csv", str(csv))
    assert done.returncode == 3 and b"nodir/x.xml: No such file" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_files_that_were_there_stay_whole_where_one_cannot_be_written(tmp_path: Path) -> None:
    csv = tmp_path / "s.csv"
    csv.write_text("mine\n")
    done = run("sipp", TWICE, "-o", str(tmp_path), "--csv", str(csv), "--force")
    assert done.returncode == 3 and csv.read_text() == "mine\n"
    assert sample("cseq-not-raised").exists()
