"""Forks of this process that do a part of its work (`--jobs`), and never outlive it.

Workers are forks: they have all that is in memory, the secrets too, without its being copied through a pipe, where
secrets must not go. Only what they found comes back. A worker that dies is missed at once, because its end of the pipe
closes. A worker whose parent died ends at once, whatever it is at: a thread of it watches for that, and of the pipe it
keeps no end but its own, so it cannot wait for ever either to have something read.

The parent alone hears signals, and tells its workers: so it is the same whether a terminal signalled the whole group,
or somebody the parent alone.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

from analyzer.escape import Told
from analyzer.interruption import SIGNALS, TOLD, Listener, unheard

_WATCH = 1.0  # seconds between two looks at who the parent is, where the pipe to it has still another end

Say = Callable[[object], None]
Work = Callable[[Say], Any]
"""What a fork does: it may say something on the way, and gives what it found."""
_Found = TypeVar("_Found")


class WorkerDied(Told):
    """A worker ended without its part; the text says how."""

    @property
    def note(self) -> str:
        """What a report says of it, when one process has read all."""
        return f"a worker process {self}, so the capture was read again by one process alone"


def can_fork() -> bool:
    """Whether workers can be had here: not where the system has no forks, nor in a process that may have no children,
    as those of a `multiprocessing.Pool` may not."""
    return "fork" in multiprocessing.get_all_start_methods() and not multiprocessing.current_process().daemon


class Fork:
    """A process, the way to hear from it, and what it `found` when it is done."""

    def __init__(self, process: BaseProcess, connection: Connection) -> None:
        self.process = process
        self.connection = connection
        self.is_done = False
        self.found: Any = None

    def hear(self) -> Any:
        """What it says next; None where that it is done. Raises what it raised, and `WorkerDied`."""
        try:
            self.is_done, said = self.connection.recv()
        except (EOFError, OSError):  # the latter where it died while it said something
            self.process.join()
            raise WorkerDied(_death(self.process.exitcode)) from None
        if not self.is_done:
            return said
        if isinstance(said, BaseException):
            raise said
        self.found = said
        return None

    def tell(self) -> None:
        """Have it hand over what it has."""
        if self.process.pid is not None and self.process.is_alive():
            os.kill(self.process.pid, TOLD)

    def end(self) -> None:
        """Make sure that the process is gone."""
        self.process.kill()
        self.process.join()
        self.connection.close()


@contextmanager
def forked(works: Sequence[Work]) -> Iterator[list[Fork]]:
    """A fork for each of these; all are gone when this is left. Raises `WorkerDied`."""
    crew: list[Fork] = []
    try:
        for work in works:
            _start(work, crew)
        yield crew
    finally:
        with unheard():
            for one in crew:
                one.end()


def spread(works: Sequence[Callable[[], _Found]]) -> list[_Found]:
    """Do all of these, the first in this process and each of the others in a fork of its own; what they give, in
    order. What a fork changes in memory is lost, unless that is shared. Raises what one of them raises, the first in
    order, and `WorkerDied`."""
    with forked([partial(_in_silence, work) for work in works[1:]]) as crew:
        found = [works[0]()]
        for one in crew:
            while not one.is_done:
                one.hear()
            found.append(one.found)
    return found


def _in_silence(work: Callable[[], _Found], say: Say) -> _Found:
    del say
    return work()


def _start(work: Work, crew: list[Fork]) -> None:
    context = multiprocessing.get_context("fork")
    try:
        receiving, sending = context.Pipe(duplex=False)
        others = [receiving, *(one.connection for one in crew)]
        process = context.Process(target=_work, args=(work, sending, others), daemon=True)
        with unheard(*SIGNALS, TOLD):
            process.start()
            crew.append(Fork(process, receiving))
        sending.close()
    except OSError as error:
        raise WorkerDied(f"could not be started ({error.strerror})") from error


def _death(code: int | None) -> str:
    if code is not None and code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


def _portable(error: BaseException) -> BaseException:
    """An error that a pipe can carry; many a class of exception cannot be made again from what it was made of."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__} in a worker: {error}")
    return error


def _work(work: Work, connection: Connection, others: Sequence[Connection]) -> None:
    """What a fork does: its work, and one answer at the end."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.signal(TOLD, Listener())
    for other in others:
        other.close()
    threading.Thread(target=_end_with_parent, name="watching the parent", daemon=True).start()
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [*SIGNALS, TOLD])
        found = work(lambda said: connection.send((False, said)))
    except (Exception, KeyboardInterrupt) as error:
        found = _portable(error)
    signal.signal(TOLD, signal.SIG_IGN)
    gc.disable()  # or it would look through all of the part again and again while it is packed
    with suppress(OSError):  # the parent is gone: nobody asks any more, and there is nobody to tell
        connection.send((True, found))
        connection.close()
    os._exit(0)  # nothing of the parent's is this process' to flush or to clean up


def _end_with_parent() -> None:
    """Wait for the parent to die, of whatever. Its end of a pipe closes then, unless another process has it, too: one
    that a program which has us as a library forked at the same time."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    while parent.is_alive() and os.getppid() == parent.pid:
        parent.join(_WATCH)
    os._exit(1)


__all__ = ["Fork", "WorkerDied", "can_fork", "forked", "spread"]
