"""Several processes on one capture (`--jobs`): each reads all of it and analyzes its shard (`shard.py`).

Reading is cheap beside analyzing, and what holds a registration together is known only when it was read, so every
worker walks over all records and takes up its own messages; of the others it notes what they say of time and of
servers. No message travels between processes, only what was found: the parts of one report (`partial.py`).

Workers are forks: they have the secrets and the rules without these being copied through a pipe, where secrets must not
go. A worker that dies is missed at once, because its end of the pipe closes. A worker whose parent died ends at once,
whatever it is at: a thread of it watches for that, and of the pipe it keeps no end but its own, so it cannot wait for
ever either to have something read.

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
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from analyzer.escape import Told
from analyzer.interruption import SIGNALS, TOLD, Interrupted, Listener, diverted, unheard
from analyzer.run.partial_result import PartialResult
from analyzer.run.shard import Shard

_LOOK = 0.1  # seconds between two looks at how far the workers are
_WATCH = 1.0  # seconds between two looks at who the parent is, where the pipe to it has still another end

Progress = Callable[[int, int | None], None]
Run = Callable[[Shard | None, Progress | None], PartialResult]
"""Analyzes one share (None: all of it), tells how far the reading is, and gives the part."""


class WorkerDied(Told):
    """A worker ended without its part; the text says how."""


def can_fork() -> bool:
    """Whether workers can be had here."""
    return "fork" in multiprocessing.get_all_start_methods()


def divided(run: Run, jobs: int, progress: Progress | None = None) -> list[PartialResult]:
    """Have `jobs` workers analyze a shard each; their parts, in order.

    Raises `Inseparable` where the capture cannot be shared out, `WorkerDied` where one of them does not come back. What
    a worker raises otherwise (SourceError) is raised here. Ctrl-C has each hand over the part of what it had read.
    """
    context = multiprocessing.get_context("fork")
    crew: list[_Worker] = []
    try:
        for number in range(jobs):
            receiving, sending = context.Pipe(duplex=False)
            process = context.Process(
                target=_work,
                args=(run, Shard(number, jobs), sending, [receiving, *(one.connection for one in crew)]),
                daemon=True,
            )
            with unheard(*SIGNALS, TOLD):
                process.start()
                crew.append(_Worker(process, receiving))
            sending.close()
        return _gather(crew, progress)
    finally:
        with unheard():
            for worker in crew:
                worker.end()


class _Worker:
    """A process, the way to hear from it, and what was heard."""

    def __init__(self, process: BaseProcess, connection: Connection) -> None:
        self.process = process
        self.connection = connection
        self.partial: PartialResult | None = None
        self.position = 0
        self.total: int | None = None

    def hear(self) -> None:
        """Take in one message of the worker."""
        try:
            said = self.connection.recv()
        except EOFError:
            self.process.join()
            raise WorkerDied(_death(self.process.exitcode)) from None
        if isinstance(said, PartialResult):
            self.partial = said
        elif isinstance(said, BaseException):
            raise said
        else:
            self.position, self.total = said

    def tell(self) -> None:
        """Have it hand over what it has."""
        if self.process.pid is not None and self.process.is_alive():
            os.kill(self.process.pid, TOLD)

    def end(self) -> None:
        """Make sure that the process is gone."""
        self.process.kill()
        self.process.join()
        self.connection.close()


def _gather(crew: Sequence[_Worker], progress: Progress | None) -> list[PartialResult]:
    """Take in what all of them say. A message must not be left half taken: signals do not interrupt that."""
    told: list[int] = []

    def tell(number: int) -> None:
        if told:
            raise Interrupted(number)
        told.append(number)
        for worker in crew:
            worker.tell()

    with diverted(tell):
        while waiting := {worker.connection: worker for worker in crew if worker.partial is None}:
            try:
                for ready in wait(list(waiting), _LOOK):
                    waiting[ready].hear()  # type: ignore[index]
            except WorkerDied:
                if told:  # before it had anything to hand over
                    raise Interrupted(told[0]) from None
                raise
            if progress is not None:
                progress(min(worker.position for worker in crew), crew[0].total)
        partials = [worker.partial for worker in crew if worker.partial is not None]
        partials[0].interrupted = partials[0].interrupted or bool(told)
    return partials


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


def _work(run: Run, shard: Shard, connection: Connection, others: Sequence[Connection]) -> None:
    """What a worker does: its shard, and one answer at the end."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.signal(TOLD, Listener())
    for other in others:
        other.close()
    threading.Thread(target=_end_with_parent, name="watching the parent", daemon=True).start()

    def tell(position: int, total: int | None) -> None:
        connection.send((position, total))

    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [*SIGNALS, TOLD])
        partial: PartialResult | BaseException = run(shard, tell)
    except (Exception, KeyboardInterrupt) as error:
        partial = _portable(error)
    signal.signal(TOLD, signal.SIG_IGN)
    gc.disable()  # or it would look through all of the part again and again while it is packed
    with suppress(OSError):  # the parent is gone: nobody asks any more, and there is nobody to tell
        connection.send(partial)
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
