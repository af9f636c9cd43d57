"""The stage of a crowd: a registrar in a process with few descriptors, and many peers that do not behave.

held("tcp", descriptors=256)     a registrar that runs; `.finish()` interrupts it and gives what it said
crowd_of(350)                    lets this process have so many sockets, or skips by name
RUDE                             ways to be a bad peer, each a function of a connected socket
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import resource
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.replay.registrar_stage import request
from tests.replay.tls_front import TlsKeys
from tests.shared import ROOT

STRICT = {"PYTHONASYNCIODEBUG": "1", "PYTHONDEVMODE": "1", "PYTHONWARNINGS": "error"}
"""What makes an interpreter tell of everything that was left undone."""
_SLOW_TURN = re.compile(r"Executing <.* took [\d.]+ seconds")
"""What asyncio's debug mode says of a turn that took 0.1 s on a busy machine: a clock's word, nobody's fault."""
_OWN = re.compile(
    r"sipcheck: |listening on |client \d+  |left alone: |ended: |(error|warning|note|info)  "
    r"|a connection (was cut off: |ended )|the door was shut"
)
_SECONDS = 20.0


@dataclass
class Held:
    """A registrar that runs, as a process of its own. `errors` is the file of its standard error."""

    address: tuple[str, int]
    process: subprocess.Popen[bytes]
    errors: Path
    keys: TlsKeys | None = None

    def connect(self, *, tls: bool | None = None) -> socket.socket:
        """A connection, with a handshake where the registrar wants one and the test does not say otherwise."""
        made = socket.create_connection(self.address, _SECONDS)
        if self.keys is not None and tls is not False:
            try:
                return self.context().wrap_socket(made, server_hostname="localhost")
            except OSError:
                made.close()
                raise
        return made

    def context(self) -> ssl.SSLContext:
        """What a phone believes."""
        assert self.keys is not None
        return ssl.create_default_context(cafile=str(self.keys.authority))

    def registers(self, user: str) -> bool:
        """Whether a well-behaved phone is served now."""
        with self.connect() as phone:
            return answered(phone, user)

    def finish(self) -> tuple[dict[str, Any], list[str]]:
        """Interrupt it; the result, and each line of standard error but those that tell of the clock alone."""
        self.process.send_signal(signal.SIGINT)
        stdout, _ = self.process.communicate(timeout=60)
        lines = self.errors.read_text(errors="replace").splitlines()
        return json.loads(stdout), [line for line in lines if not _SLOW_TURN.fullmatch(line)]


def answered(phone: socket.socket, user: str) -> bool:
    """Whether a REGISTER over this connection gets 200."""
    phone.settimeout(_SECONDS)
    phone.sendall(register(user))
    return phone.recv(65536).startswith(b"SIP/2.0 200 ")


def register(user: str) -> bytes:
    """A request over a stream."""
    return request(user=user, call_id=user, via=f"SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK{os.urandom(6).hex()}")


def crowd_of(count: int) -> None:
    """Let this process have `count` sockets; skips by name where the system does not allow it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + 200
    if hard not in (resource.RLIM_INFINITY,) and hard < wanted:
        pytest.skip(f"{os.environ.get('PYTEST_CURRENT_TEST')} needs {wanted} file descriptors, {hard} are allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


@contextlib.contextmanager
def held(
    transport: str, folder: Path, keys: TlsKeys | None = None, *, descriptors: int = 256, words: Sequence[str] = ()
) -> Iterator[Held]:
    """A registrar over `tcp` or `tls` (which needs `keys`) in a process with so many descriptors; everything that
    Python can complain of is an error or is written."""
    command = [sys.executable, "-m", "analyzer", "replay", "registrar", "--listen", "127.0.0.1:0", "--count", "0"]
    command += ["--transport", transport, "--format", "json", "--timeout", "120", *words]
    if keys is not None:
        command += ["--certificate", str(keys.certificate), "--key", str(keys.key)]
    errors = folder / "stderr"
    with (
        errors.open("wb") as stderr,
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=stderr,
            cwd=ROOT,
            env={**os.environ, **STRICT},
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors)),
        ) as process,
    ):
        try:
            yield Held(_listening(process, errors), process, errors, keys)
        finally:
            if process.poll() is None:
                process.kill()


def _listening(process: subprocess.Popen[bytes], errors: Path) -> tuple[str, int]:
    over = threading.Event()
    for _ in range(int(_SECONDS / 0.05)):
        found = re.search(r"listening on (\S+):(\d+) over", errors.read_text())
        if found:
            return found[1], int(found[2])
        assert process.poll() is None, errors.read_text()
        over.wait(0.05)
    raise AssertionError(f"it does not listen: {errors.read_text()}")


def strange_lines(lines: Sequence[str]) -> list[str]:
    """Lines that are none of the tool's own."""
    return [line for line in lines if not _OWN.match(line)]


# Bad peers.


def reset(one: socket.socket) -> None:
    """Close with RST: what the other side sends now meets an error."""
    with contextlib.suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    one.close()


def _cut(one: socket.socket, chance: random.Random) -> None:
    octets = register("cut")
    one.sendall(octets[: chance.randrange(1, len(octets))])


def _whole(one: socket.socket, chance: random.Random) -> None:
    one.sendall(register(f"u{chance.randrange(5)}") * chance.randrange(1, 4))


def _garbage(one: socket.socket, chance: random.Random) -> None:
    one.sendall(chance.randbytes(chance.randrange(1, 3000)))


def _read(one: socket.socket, chance: random.Random) -> None:
    _whole(one, chance)
    one.settimeout(chance.uniform(0.0, 0.05) or 0.01)
    one.recv(chance.randrange(1, 400))


def _half_closed(one: socket.socket, chance: random.Random) -> None:
    _whole(one, chance)
    one.shutdown(socket.SHUT_WR)


def _nothing(one: socket.socket, chance: random.Random) -> None:
    del one, chance


RUDE: tuple[Callable[[socket.socket, random.Random], None], ...] = (
    _nothing,
    _cut,
    _whole,
    _garbage,
    _read,
    _half_closed,
)
"""What a peer does before it goes."""


def be_rude(to: Held, chance: random.Random) -> None:
    """One peer, from its connection to its end, whatever comes of it."""
    with contextlib.suppress(OSError):
        one = socket.create_connection(to.address, _SECONDS)
        try:
            if to.keys is not None and chance.random() < 0.7:
                one.settimeout(_SECONDS)
                one = to.context().wrap_socket(one, server_hostname="localhost")
            with contextlib.suppress(OSError):
                chance.choice(RUDE)(one, chance)
        finally:
            (reset if chance.random() < 0.5 else socket.socket.close)(one)
