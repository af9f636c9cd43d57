"""A client whose registrar leaves at a bad moment, or that has hardly a descriptor: one line, and never a traceback."""

from __future__ import annotations

import contextlib
import os
import random
import re
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.replay.crowds import STRICT, reset, strange_lines
from tests.replay.playing import sample
from tests.replay.scripted import answer_to
from tests.replay.tls_front import TlsKeys
from tests.shared import ROOT

FLOW = str(sample("cseq-not-raised"))
SLOW_TURN = re.compile(r"Executing <.* took [\d.]+ seconds")


class RudeRegistrar:
    """Accepts, does something by chance, and goes. `met` counts connections."""

    def __init__(self, seed: int, context: ssl.SSLContext | None) -> None:
        self.chance = random.Random(seed)
        self.context = context
        self.met = 0
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.listening.settimeout(0.05)
        self.over = threading.Event()

    def run(self) -> None:
        """Until it is over."""
        while not self.over.is_set():
            with contextlib.suppress(OSError):
                one, _ = self.listening.accept()
                self.met += 1
                self._meet(one)

    def _meet(self, one: socket.socket) -> None:
        one.settimeout(2)
        try:
            if self.context is not None and self.chance.random() < 0.8:
                one = self.context.wrap_socket(one, server_side=True)
            for _ in range(self.chance.randrange(4)):
                answer = answer_to(one.recv(65536), self.chance.choice((200, 401, 500)))
                one.sendall(self.chance.choice((answer, answer[: len(answer) // 2], b"\0garbage\r\n\r\n" * 9)))
        finally:
            (reset if self.chance.random() < 0.5 else socket.socket.close)(one)


@contextlib.contextmanager
def rude_registrar(seed: int, keys: TlsKeys | None) -> Iterator[RudeRegistrar]:
    context = None
    if keys is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(keys.certificate, keys.key)
    peer = RudeRegistrar(seed, context)
    thread = threading.Thread(target=peer.run)
    thread.start()
    try:
        yield peer
    finally:
        peer.over.set()
        thread.join()
        peer.listening.close()


def client_words(peer: socket.socket, users: Path, keys: TlsKeys | None) -> list[str]:
    host, port = peer.getsockname()
    words = ["replay", "client", FLOW, "--target", f"{host}:{port}", "--speed", "0", "--users", str(users)]
    words += ["--transport", "tls" if keys else "tcp", "--rate", "200"]
    return words + (["--tls-ca", str(keys.authority)] if keys else [])


@pytest.fixture
def users(tmp_path: Path) -> Path:
    path = tmp_path / "users.csv"
    path.write_text("".join(f"u{number},,pw\n" for number in range(40)))
    return path


@pytest.mark.parametrize("transport", ["tcp", "tls"])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_registrar_that_leaves_at_random_leaves_no_traceback(
    transport: str, seed: int, tls_keys: TlsKeys, users: Path
) -> None:
    keys = tls_keys if transport == "tls" else None
    with rude_registrar(seed, keys) as peer:
        command = [sys.executable, "-m", "analyzer", *client_words(peer.listening, users, keys)]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=120, cwd=ROOT, env={**os.environ, **STRICT}, check=False
        )
    lines = [line for line in done.stderr.splitlines() if not SLOW_TURN.fullmatch(line)]
    assert peer.met > 0 and done.returncode in (0, 1, 3)
    assert strange_lines(lines) == [] and len(lines) < 5, done.stderr
    assert (done.returncode == 3) == (not done.stdout), "a result, or why there is none"


FEW = """
import os, resource, sys
import replay.net.play, replay.views.load, replay.views.progress, analyzer.run.pipeline
from analyzer.cli import main
left = len(os.listdir("/dev/fd")) - 1 + int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_NOFILE, (left, left))
main()
"""


@pytest.mark.parametrize("left", [1, 2, 3, 5])
@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_a_client_with_hardly_a_descriptor_says_so_in_one_line(
    transport: str, left: int, tls_keys: TlsKeys, users: Path
) -> None:
    keys = tls_keys if transport == "tls" else None
    with rude_registrar(left, keys) as peer:
        command = [sys.executable, "-c", FEW, str(left), *client_words(peer.listening, users, keys)]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=120, cwd=ROOT, env={**os.environ, **STRICT}, check=False
        )
    lines = [line for line in done.stderr.splitlines() if not SLOW_TURN.fullmatch(line)]
    assert strange_lines(lines) == [] and len(lines) <= 1, done.stderr
    if left < 4:
        assert done.returncode == 3 and "too many open files" in lines[0].lower()


REGISTRAR = FEW.replace("replay.net.play, replay.views.load, replay.views.progress", "replay.registrar_app")


@pytest.mark.parametrize("left", [1, 2, 3, 5])
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_registrar_with_hardly_a_descriptor_says_so_in_one_line(transport: str, left: int) -> None:
    words = ["replay", "registrar", "--listen", "127.0.0.1:0", "--transport", transport, "--timeout", "0.2"]
    command = [sys.executable, "-c", REGISTRAR, str(left), *words]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, cwd=ROOT, env={**os.environ, **STRICT}, check=False
    )
    lines = [line for line in done.stderr.splitlines() if not SLOW_TURN.fullmatch(line)]
    assert strange_lines(lines) == [], done.stderr
    if left < 4:
        assert done.returncode == 3 and len(lines) == 1 and "too many open files" in lines[0].lower()
