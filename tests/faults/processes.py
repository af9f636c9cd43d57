"""Processes that somebody else started: who they are, how far they have read, whether they are gone."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import psutil

PATIENCE = 60.0
"""Seconds after which what is waited for will not come."""


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for what will certainly come."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.01)


def family(pid: int) -> list[psutil.Process]:
    """All that a process started, and those that these did."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def running(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Those that are still at work. Who is dead and not yet buried by its new parent is not."""
    found = []
    for one in processes:
        try:
            if one.is_running() and one.status() != psutil.STATUS_ZOMBIE:
                found.append(one)
        except psutil.NoSuchProcess:
            continue
    return found


def until_gone(processes: Sequence[psutil.Process]) -> None:
    """Fail where one of them stays."""
    until(lambda: not running(processes), f"they stay: {running(processes)}")


def position(pid: int, path: Path) -> int:
    """How far a process has read a file that it has open; -1 where it has not opened it."""
    try:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            if os.path.realpath(entry) == str(path):
                first = Path(f"/proc/{pid}/fdinfo/{entry.name}").read_text(encoding="ascii").splitlines()[0]
                return int(first.split()[1])
    except OSError:
        pass
    return -1
