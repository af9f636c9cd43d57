"""How a run is asked to end: SIGINT (Ctrl-C), SIGTERM (`timeout`, a service manager) and SIGHUP (the terminal is gone).

A signal is an `Interrupted`, which is a KeyboardInterrupt: what Ctrl-C ends, the others end, too.
Nothing here makes a process listen. As a library we leave signals to the program that we are in, where Ctrl-C raises
KeyboardInterrupt in any case; the command puts a `Listener` in their place (`cli/signals.py`), a worker process one of
its own (`run/forks.py`). What is done here is to have them wait, or go elsewhere, for a while: only those that such a
listener or Python itself would raise, and only in the main thread, where Python handles signals.

An exception can be raised anywhere, so also in what must not stop half way: a report that is being put together, a
message that is being taken from a pipe, a file that takes the place of another. Those are done `unheard`, `late` or
`diverted`.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""What asks for an end."""
TOLD = getattr(signal, "SIGUSR1", signal.SIGINT)
"""How a process tells its workers to end; a terminal sends it to nobody."""


Handler = Callable[[int, FrameType | None], Any] | int | None
"""What `signal.getsignal` gives."""


class Interrupted(KeyboardInterrupt):
    """A signal asks for an end. `number` says which."""

    def __init__(self, number: int = signal.SIGINT) -> None:
        super().__init__(number)
        self.number = number


class Listener:
    """A signal handler that raises `Interrupted`."""

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """A signal came."""
        del frame
        if self.is_news(number):
            raise Interrupted(number)

    def is_news(self, number: int) -> bool:
        """Whether a signal counts; called once for each."""
        del number
        return True


class _Diversion(Listener):
    """A listener for a while, in the place of another."""

    def __init__(self, listener: Handler, receiver: Callable[[int], None]) -> None:
        self._listener = listener
        self.receiver = receiver

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """A signal came."""
        del frame
        if self.is_news(number):
            self.receiver(number)

    def is_news(self, number: int) -> bool:
        """The listener says that: it hears the others, too."""
        return not isinstance(self._listener, Listener) or self._listener.is_news(number)

    def back(self, number: int) -> None:
        """Give up a signal: to whoever listened before."""
        if not isinstance(self._listener, _Diversion):
            raise Interrupted(number)
        self._listener.receiver(number)


@contextmanager
def diverted(receiver: Callable[[int], None], always: Sequence[int] = ()) -> Iterator[dict[int, _Diversion]]:
    """While this is entered, `receiver` gets the number of each signal that would be raised otherwise; `always` those,
    unless they are ignored."""
    before = {number: signal.getsignal(number) for number in (*SIGNALS, TOLD)}
    diversions = {
        number: _Diversion(handler, receiver)
        for number, handler in before.items()
        if _raises(handler) or (number in always and handler is not signal.SIG_IGN)
    }
    try:
        for number, diversion in diversions.items():
            signal.signal(number, diversion)
    except ValueError:  # not in the main thread, which is the one that hears signals
        diversions = {}
    try:
        yield diversions
    finally:
        for number in diversions:
            signal.signal(number, before[number])


def _raises(handler: Handler) -> bool:
    return isinstance(handler, Listener) or handler is signal.default_int_handler


@contextmanager
def unheard(*blocked: int) -> Iterator[None]:
    """Have signals wait until the end of what must not stop half way. Those that are `blocked` do not even reach a
    process that is made meanwhile, which could not yet say that it was interrupted."""
    noted: list[int] = []
    diversions: dict[int, _Diversion] = {}
    try:
        with diverted(noted.append) as diversions:
            before = signal.pthread_sigmask(signal.SIG_BLOCK, blocked) if blocked else None
            try:
                yield
            finally:
                if before is not None:
                    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    finally:
        if noted:
            diversions[noted[-1]].back(noted[-1])


@contextmanager
def late(interrupted: bool = False) -> Iterator[list[int]]:
    """While a report is put together from what was read: a signal comes too late to end the reading, and is noted in
    the list that this gives. Where that was `interrupted` already, or one was noted, the next ends it at once."""
    noted: list[int] = []

    def receive(number: int) -> None:
        if interrupted or noted:
            raise Interrupted(number)
        noted.append(number)

    with diverted(receive):
        yield noted
