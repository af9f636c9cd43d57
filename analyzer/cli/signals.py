"""The command hears signals: the first ends the reading, a second one the command, a third one the process.

SIGINT (Ctrl-C), SIGTERM and SIGHUP do the same: they raise `Interrupted` where the command just is. Who reads reports
what was read, whoever made a temporary file takes it away. The exit code is always 128 and the number of the last one.
Whoever started us with a signal ignored (`nohup`, `&` in a script) wants it ignored. A signal before `listen`, while
Python starts, does what it does elsewhere: there is nothing yet to report or to clear away.

- `timeout` signals its child and then the child's process group, so the child twice; a shell and the kernel both tell
  of a terminal that is gone. Two of one signal within a moment are one, until the report is being written.
- What is raised in a destructor is lost, as Python can raise nothing there. It is raised again a moment later.
"""

from __future__ import annotations

import signal
import sys
import time
from types import FrameType
from typing import TYPE_CHECKING

from analyzer.interruption import SIGNALS, Interrupted, Listener

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

_ECHO = 0.1
"""Seconds within which a signal that comes again is the same wish."""
_AGAIN = 0.005
"""Seconds after which a signal that was lost is raised again."""
_ENOUGH = 3
"""Signals after which nobody waits any more for whatever does not end."""


class Door(Listener):
    """What the command has heard: `last` is the number of the last signal, 0 before the first."""

    def __init__(self) -> None:
        self.last = 0
        self._count = 0
        self._heard_at = 0.0

    def is_news(self, number: int) -> bool:
        """Whether this is another wish than the one before."""
        now = time.monotonic()
        if number == self.last and now - self._heard_at < _ECHO:
            return False
        self.last, self._heard_at = number, now
        self._count += 1
        if self._count >= _ENOUGH:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        return True

    def settle(self) -> None:
        """The first wish was obeyed: what comes now is a second one."""
        self._heard_at = 0.0

    def forget(self) -> None:
        """The last signal was heard in vain, and comes again."""
        self._heard_at, self._count = 0.0, self._count - 1


_DOOR = Door()
settle = _DOOR.settle


def code() -> int:
    """The exit code of a command that was interrupted, as a shell reports whom the signal has ended."""
    return 128 + (_DOOR.last or signal.SIGINT)


def heard() -> bool:
    """Whether any signal came."""
    return bool(_DOOR.last)


def listen() -> None:
    """Begin to hear signals; those that are ignored stay so."""
    for number in SIGNALS:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _DOOR)
    if hasattr(signal, "setitimer"):
        sys.unraisablehook = _unraisable


def be_deaf() -> None:
    """All is done: a signal ends what is left of the process."""
    for number in SIGNALS:
        if signal.getsignal(number) is _DOOR:
            signal.signal(number, signal.SIG_DFL)


def _unraisable(lost: UnraisableHookArgs) -> None:
    if not isinstance(lost.exc_value, Interrupted):
        sys.__unraisablehook__(lost)
        return
    number = lost.exc_value.number

    def again(alarm: int, frame: FrameType | None) -> None:
        del alarm, frame
        _DOOR.forget()
        signal.raise_signal(number)

    signal.signal(signal.SIGALRM, again)
    signal.setitimer(signal.ITIMER_REAL, _AGAIN)
