"""How a run over many files is asked to end before its time: by a file that all who read can see.

A signal comes to the process that asks; who reads may be another process, on another machine, and knows nothing of it.
So the first signal, if reading has begun, leaves a file in the folder of the run. Who reads looks for it a few times a
second, and then tells how far reading got. The second signal ends everything at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from analyzer.interruption import Interrupted, diverted

LOOK = 0.25
"""Seconds between two looks for the file."""


class Interruptible(Protocol):
    """A reading (`analyzer.capture.opener.Reading`)."""

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt where more is read."""
        ...


def _sign(folder: str | Path) -> Path:
    return Path(folder, "rows", "stop")


class Stop:
    """What the process that asks has heard: `asked` once a signal came after reading began; `heard` is called then."""

    def __init__(self, heard: Callable[[], None] = lambda: None) -> None:
        self.asked = False
        self._heard = heard
        self._number = 0
        self._folder: Path | None = None

    def begin(self, folder: Path) -> None:
        """From now on there is something to report of an interrupted run: reading goes to this folder."""
        self._folder = folder

    def receive(self, number: int) -> None:
        """A signal came."""
        if self.asked or self._folder is None:
            raise Interrupted(number)
        self.asked = True
        self._number = number
        with suppress(OSError):  # reading is over, and its rows are gone
            _sign(self._folder).touch(mode=0o600)
        self._heard()

    def give_up(self, *, unless: bool) -> None:
        """Raise the signal that came, `unless` there is something to report."""
        if self.asked and not unless:
            raise Interrupted(self._number)


@contextmanager
def stoppable(heard: Callable[[], None] = lambda: None) -> Iterator[Stop]:
    """While this is entered, a signal asks for an end; `heard` is called when the first did."""
    stop = Stop(heard)
    with diverted(stop.receive):
        yield stop


@contextmanager
def heeding(folder: str | Path, reading: Interruptible) -> Iterator[threading.Event]:
    """For who reads: the event is set when an end was asked for, and the reading is interrupted where it waits."""
    asked, done = threading.Event(), threading.Event()
    sign = _sign(folder)

    def look() -> None:
        while not sign.exists():
            if done.wait(LOOK):
                return
        asked.set()
        reading.interrupt()

    if sign.exists():
        asked.set()
    watcher = threading.Thread(target=look, name="sipcheck-stop", daemon=True)
    watcher.start()
    try:
        yield asked
    finally:
        done.set()
        watcher.join()
