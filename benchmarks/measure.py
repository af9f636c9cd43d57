"""What a command takes: wall and processor time, and the peak memory of it and all its children.

Time and the memory of a command without children are the kernel's own numbers (wait4). Children are added up by looking
at them every few hundredths of a second, and more rarely the longer they run, for a look walks over all processes of
the machine and takes time from what is measured. That can miss a short peak and counts a page shared by two of them
twice. The same look tells a program's own memory from the pages of files that it has mapped: the latter count as
resident, and the kernel takes them back whenever it likes.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
_LAUNCHER = Path(__file__).with_name("launch.py")
_LOOK_EVERY = 0.05
_LOOK_AGAIN = 1 / 40
"""The next look comes after so much of the time that has passed, or after `_LOOK_EVERY` if that is more."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: exit status (negative: the signal), seconds, bytes; `own` is memory without mapped files, as sampled."""

    status: int
    wall: float
    user: float
    system: float
    peak: int
    own: int

    @property
    def cpu(self) -> float:
        """Processor seconds, user and system."""
        return self.user + self.system


def run(command: Sequence[str], folder: Path, limit: float = 3600) -> Measured:
    """Run a command with its output in `folder` (files `stdout` and `stderr`); after `limit` seconds it is killed.

    OSError: there is no such program.
    """
    result = folder / "measured"
    result.unlink(missing_ok=True)
    words = [str(result), str(folder / "stdout"), str(folder / "stderr"), *command]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    launch = [sys.executable, "-S", str(_LAUNCHER), *words]
    with subprocess.Popen(launch, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as launcher:
        peak, own = _watch(launcher, time.monotonic() + limit)
        said = launcher.stderr.read() if launcher.stderr else ""
    if not result.exists():
        raise OSError(said.strip().rpartition("\n")[2])
    status, wall, user, system, resident = result.read_text(encoding="ascii").split()
    return Measured(int(status), float(wall), float(user), float(system), max(peak, int(resident) * 1024), own)


def _watch(launcher: subprocess.Popen[str], deadline: float) -> tuple[int, int]:
    """Wait for the end, or bring it about; the largest sums seen, in bytes: resident, and without mapped files."""
    process, begun = psutil.Process(launcher.pid), time.monotonic()
    peak = own = 0
    while True:
        children = _children(process)
        seen = [_memory(child) for child in children]
        peak = max(peak, sum(resident for resident, _ in seen))
        own = max(own, sum(resident - shared for resident, shared in seen))
        try:
            launcher.wait(max(_LOOK_EVERY, (time.monotonic() - begun) * _LOOK_AGAIN))
            return peak, own
        except subprocess.TimeoutExpired:
            if time.monotonic() > deadline:
                _kill(children)


def _kill(children: Sequence[psutil.Process]) -> None:
    for child in children:
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _memory(process: psutil.Process) -> tuple[int, int]:
    """Resident and shared bytes; a process that has ended has none."""
    try:
        memory = process.memory_info()
    except psutil.Error:
        return 0, 0
    return memory.rss, getattr(memory, "shared", 0)
