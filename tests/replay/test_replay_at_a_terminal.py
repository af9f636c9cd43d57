"""`sipcheck replay client` with somebody at the keyboard: what is said while it waits, and Ctrl-C at each moment."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.replay.peers import Kamailio
from tests.replay.playing import sample

TWICE = str(sample("cseq-not-raised"))
PATIENCE = 30.0


class Terminal:
    """A replay at a pseudo-terminal. `shown` is all that was written there."""

    def __init__(self, process: subprocess.Popen[bytes], end: int) -> None:
        self.process = process
        self.end = end
        self.shown = b""

    def until(self, text: bytes) -> None:
        """Read until `text` has been shown."""
        end = time.monotonic() + PATIENCE
        while text not in self.shown and time.monotonic() < end:
            with suppress(BlockingIOError, OSError):
                self.shown += os.read(self.end, 4096)
            time.sleep(0.02)
        assert text in self.shown, self.shown


@contextmanager
def terminal(kamailio: Kamailio, user: str, *words: str) -> Iterator[Terminal]:
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    command = [sys.executable, "-m", "analyzer", "replay", "client", TWICE, "--target", kamailio.target]
    command += ["--map", f"carol@={user}@", *words]
    given = {**os.environ, "SIPCHECK_PASSWORD": f"{user}pw"}
    with subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, env=given) as process:
        os.close(theirs)
        try:
            yield Terminal(process, ours)
        finally:
            process.kill()
            os.close(ours)


def test_ctrl_c_at_the_question_ends_it(kamailio: Kamailio) -> None:
    user = "t1"
    with terminal(kamailio, user, "--step") as seen:
        seen.until(b"Enter sends the next registration")
        seen.process.send_signal(signal.SIGINT)
        stdout, _ = seen.process.communicate(timeout=PATIENCE)
    assert seen.process.returncode == 130
    assert b"were removed (200)" in stdout and kamailio.bindings(user) == []


def test_enter_goes_on(kamailio: Kamailio) -> None:
    with terminal(kamailio, "t3", "--step") as seen:
        seen.until(b"Enter sends the next registration")
        os.write(seen.end, b"\n")
        stdout, _ = seen.process.communicate(timeout=PATIENCE)
    assert seen.process.returncode == 0, stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_long_wait_is_told_and_can_be_ended(kamailio: Kamailio, number: signal.Signals) -> None:
    user = f"t4{int(number)}"
    with terminal(kamailio, user, "--speed", "0.001") as seen:
        seen.until(b"the next request goes in")
        seen.process.send_signal(number)
        seen.until(b"removing the bindings (Ctrl-C leaves them)")
        seen.process.communicate(timeout=PATIENCE)
    assert seen.process.returncode == 128 + number and kamailio.bindings(user) == []
