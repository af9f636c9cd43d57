"""SIGINT, SIGTERM and SIGHUP while a replay speaks: what was bound is removed, the result is shown, the code tells."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.child import ENVIRONMENT, command, ended
from tests.replay.peers import answer_to, scripted_peer
from tests.replay.playing import sample
from tests.replay.test_registrar_cli import served

NUMBERS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
every_signal = pytest.mark.parametrize("number", NUMBERS)
FLOW = str(sample("clean-registration"))


@contextmanager
def client(target: str, *words: str, ignored: int = 0) -> Iterator[subprocess.Popen[bytes]]:
    """`replay client`, at a speed that makes it wait for ever before the second request."""
    words = ("replay", "client", FLOW, "--target", target, "--format", "json", *words)

    def prepare() -> None:
        if ignored:
            signal.signal(ignored, signal.SIG_IGN)

    given = ENVIRONMENT | {"SIPCHECK_PASSWORD": "secret"}
    with subprocess.Popen(
        command(*words), env=given, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=prepare,
    ) as child:  # fmt: skip
        try:
            yield child
        finally:
            child.kill()


@every_signal
def test_bindings_are_removed(number: signal.Signals) -> None:
    with scripted_peer(lambda request: [answer_to(request, 200)]) as peer:
        with client(peer.target, "--speed", "0.000001") as child:
            assert peer.wait_for(1, 60)
            child.send_signal(number)
            code, stdout, stderr = ended(child)
        assert (code, stderr) == (128 + number, b"")
        assert json.loads(stdout)["interrupted"] is True
        assert b"\r\nExpires: 0\r\n" in peer.received[-1] or b"expires=0" in peer.received[-1]


@every_signal
def test_a_second_one_leaves_them(number: signal.Signals) -> None:
    """The registrar has fallen silent: whoever does not want to wait for it says so again."""

    def once(request: bytes) -> list[bytes]:
        return [answer_to(request, 200)] if len(peer.received) == 1 else []

    with scripted_peer(once) as peer, client(peer.target, "--speed", "0.000001") as child:
        assert peer.wait_for(1, 60)
        child.send_signal(signal.SIGTERM if number != signal.SIGTERM else signal.SIGINT)
        assert peer.wait_for(2, 60)  # the removal
        child.send_signal(number)
        code, stdout, _ = ended(child)
    assert code == 128 + number
    assert json.loads(stdout)["interrupted"] is True


@every_signal
def test_one_that_is_ignored(number: signal.Signals) -> None:
    with (
        scripted_peer(lambda request: [answer_to(request, 200)]) as peer,
        client(peer.target, "--speed", "0.000001", ignored=number) as child,
    ):
        assert peer.wait_for(1, 60)
        child.send_signal(number)
        other = signal.SIGTERM if number != signal.SIGTERM else signal.SIGINT
        child.send_signal(other)
        assert ended(child)[0] == 128 + other


@every_signal
def test_many_users(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "users.csv").write_text("username,realm,password\nu1,,a\nu2,,b\n", encoding="ascii")
    with (
        scripted_peer(lambda request: [answer_to(request, 200)]) as peer,
        client(peer.target, "--users", str(tmp_path / "users.csv"), "--speed", "0.000001") as child,
    ):
        assert peer.wait_for(2, 60)
        child.send_signal(number)
        code, stdout, _ = ended(child)
    assert code == 128 + number
    assert json.loads(stdout)["interrupted"] is True


@every_signal
def test_a_registrar_tells_what_happened(number: signal.Signals) -> None:
    with served("--format", "json") as (_, process):
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert json.loads(stdout)["ended"] == "stopped"
    assert "Traceback" not in stderr


def test_as_a_library_it_takes_ctrl_c_alone() -> None:
    """Another program's SIGTERM is its own, and its Ctrl-C is back afterwards."""
    script = """
import signal, sys
from analyzer.evidence import Endpoint
from replay.registrar_app import ServingOptions, serve
mine = lambda number, frame: None
signal.signal(signal.SIGTERM, mine)
def ready(local):
    assert signal.getsignal(signal.SIGTERM) is mine
    signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGINT)
result = serve(ServingOptions(Endpoint("127.0.0.1", 0)), lambda event: None, ready)
assert result.ended == "stopped" and result.report.interrupted
assert signal.getsignal(signal.SIGTERM) is mine
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
"""
    done = subprocess.run([sys.executable, "-c", script], env=ENVIRONMENT, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
