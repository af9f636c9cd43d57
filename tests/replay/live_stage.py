"""Live clients in the tests: a network namespace with a veth pair inside, and a registrar process to register with."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.replay.serve_here import Given
from tests.shared import ROOT
from tests.tools import require_tool

CONF = Path(__file__).parent / "conf"
ADDRESS = "10.9.7.1"
_PATIENCE = 20.0


@contextmanager
def namespace(name: str) -> Iterator[list[str]]:
    """A namespace with one address; what goes before a command to run it there. Skips where none can be made."""
    ip = require_tool("ip")
    if os.geteuid() != 0:
        pytest.skip(f"{os.environ.get('PYTEST_CURRENT_TEST')} needs root, to make a network namespace")
    made = _run([ip, "netns", "add", name])
    if made.returncode != 0:
        pytest.skip(f"no network namespace can be made here: {made.stderr.strip()}")
    try:
        for words in (
            f"-n {name} link set lo up",
            f"link add va0 netns {name} type veth peer name va1 netns {name}",
            f"-n {name} addr add {ADDRESS}/24 dev va0",
            f"-n {name} link set va0 up",
            f"-n {name} link set va1 up",
        ):
            done = _run([ip, *words.split()])
            if done.returncode != 0:
                pytest.skip(f"no veth pair can be made here: {done.stderr.strip()}")
        yield [ip, "netns", "exec", name]
    finally:
        _run([ip, "netns", "del", name])


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)


class Served:
    """A registrar process. `lines` are those that it has printed."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []
        self._rest = b""

    def until(self, kind: str, seconds: float = _PATIENCE) -> dict[str, Any]:
        """The next line of a kind."""
        end = time.monotonic() + seconds
        assert self.process.stdout is not None
        seen = 0
        while True:
            for line in self.lines[seen:]:
                seen += 1
                if line["kind"] == kind:
                    return line
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                pytest.fail(f"no {kind} in {seconds} s, but {self.lines[-9:]}")
            octets = os.read(self.process.stdout.fileno(), 65536)
            if not octets:
                pytest.fail(f"the registrar ended without {kind}: {self.lines[-9:]}")
            *whole, self._rest = (self._rest + octets).split(b"\n")
            self.lines += [json.loads(line) for line in whole]

    def result(self) -> dict[str, Any]:
        """What it says in the end."""
        return self.until("result")

    def statuses(self) -> list[int]:
        """What it answered."""
        return [line["status"] for line in self.lines if line["kind"] == "replied"]

    def kinds(self, kind: str, key: str) -> list[Any]:
        """One value of each line of a kind."""
        return [line[key] for line in self.lines if line["kind"] == kind]


@contextmanager
def served(given: Given, within: Sequence[str] = ()) -> Iterator[Served]:
    """A registrar that is ready."""
    command = [*within, sys.executable, "-m", "tests.replay.serve_here", json.dumps(given)]
    with _process(command, stdout=subprocess.PIPE) as process:
        yield Served(process)


@contextmanager
def client(command: Sequence[str], home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A client that runs until the test has seen enough."""
    with open(home / "client.log", "wb") as log, _process(command, stdout=log, cwd=home, home=home) as process:
        yield process


@contextmanager
def _process(
    command: Sequence[str], stdout: Any, cwd: Path = ROOT, home: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **({"HOME": str(home)} if home is not None else {})}
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=subprocess.STDOUT if home is not None else None,
        cwd=cwd,
        env=environment,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)  # a phone would wait for its removal to be answered
        process.wait(5)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def configured(name: str, home: Path, **values: str) -> Path:
    """A client's configuration, copied into `home` with its words in capitals between @ replaced."""
    folder = home / name
    shutil.copytree(CONF / name, folder)
    for file in folder.rglob("*"):
        if file.is_file():
            text = file.read_text()
            for word, value in {"ADDRESS": ADDRESS, **values}.items():
                text = text.replace(f"@{word}@", value)
            file.write_text(text)
    return folder
