"""Dask as the executor of a run: a scheduler that somebody started (`door.py`), or workers of this machine
(`guard.py`). These three are the home of `distributed`, which is an extra: `pip install 'sipcheck[cluster]'`.

Dask runs a task again elsewhere when its worker dies, and again all tasks whose results lay on that worker alone. What
it does not do is said here in one line before anything is read: that nobody answers, that a worker has another version
of what the results hang on, that it does not see the folder.
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from analyzer.cluster.door import ClusterError, ClusterUsage, Door
from analyzer.cluster.software import Seen, look, software
from analyzer.interruption import unheard
from analyzer.memory import memory
from analyzer.scratch import temporary_folder

if TYPE_CHECKING:
    from distributed import Client, SpecCluster

T = TypeVar("T")
R = TypeVar("R")
RETRIES = 2
"""How often a task may fail by itself (a file server that does not answer); death of its worker is not counted here."""
CONNECT = 10.0
"""Seconds in which a scheduler must answer."""
FIRST_WORKER = 30.0
"""Seconds in which it must have a worker."""
LOOK, PATIENCE = 15.0, 300.0
"""Seconds between two looks at whether there are workers at all, and how long there may be none: one that died may
come back."""
_FORGIVEN = 20
"""Deaths of workers under one task until the task is to blame: on a cluster machines are taken away every day."""
_AWAY = "the Dask scheduler went away in the midst of it"
_BLOCKED = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
_LOUD = ("distributed", "tornado")


class DaskExecutor:
    """Tasks run on the workers of a Dask client; the client stays its owner's."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.workers = max(1, sum(client.nthreads().values()))
        told = client.scheduler_info()["workers"].values()
        self.memory = min((worker["memory_limit"] // max(1, worker["nthreads"]) for worker in told), default=0)

    def check(self, folder: Path) -> None:
        """Ask each worker what it is and whether it can write into the folder. ClusterError where one does not fit."""
        here = software()
        seen: dict[str, Seen | BaseException] = self._client.run(look, os.fspath(folder), on_error="return")
        for address, one in sorted(seen.items()):
            fault = misfit(one, here)
            if fault:
                raise ClusterError(f"worker {address} {fault}")

    def run(self, task: Callable[[T], R], told: Sequence[T]) -> list[R]:
        """Run a task for each of `told`; the results in their order. Raises what a task raised, ClusterError where
        workers died over and over, or are gone, or the scheduler is."""
        from distributed import CancelledError, KilledWorker
        from distributed.comm.core import CommClosedError

        futures = self._client.map(task, told, pure=False, retries=RETRIES)
        try:
            self._wait(futures)
            results: list[R] = self._client.gather(futures)
        except KilledWorker as error:
            raise ClusterError(
                f"{task.__name__} killed one worker after another (most often for memory): give workers more of it"
            ) from error
        except (CancelledError, CommClosedError) as error:
            raise ClusterError(_AWAY) from error
        finally:
            self._client.cancel([future for future in futures if not future.done()])
        return results

    @contextmanager
    def computing(self) -> Iterator[None]:
        """While this is entered, Dask DataFrames are computed by these workers. ClusterError where they are gone."""
        from distributed import CancelledError, KilledWorker
        from distributed.comm.core import CommClosedError

        try:
            with self._client.as_current():
                yield
        except KilledWorker as error:
            raise ClusterError(
                "reading the tables killed one worker after another: give workers more memory"
            ) from error
        except (CancelledError, CommClosedError) as error:
            raise ClusterError(_AWAY) from error

    def _wait(self, futures: Sequence[Any]) -> None:
        from distributed import wait

        nobody = 0.0
        while futures:
            try:
                with self._client.as_current():
                    wait(futures, timeout=LOOK)
                break
            except TimeoutError:
                nobody = 0.0 if self._client.nthreads() else nobody + LOOK
            if nobody >= PATIENCE:
                raise ClusterError(f"no worker is left for {PATIENCE:.0f} s now")


def misfit(seen: Seen | BaseException, here: Mapping[str, str]) -> str:
    """What is wrong with a worker that answered so, as a sentence without its subject; empty where nothing is."""
    if isinstance(seen, BaseException) and "No module named" in str(seen):
        return f"lacks what is needed ({seen}): install this version of sipcheck there, with the extra cluster"
    if isinstance(seen, BaseException):
        return f"cannot be asked: {type(seen).__name__}: {seen}"
    for name, version in here.items():
        its = seen.software.get(name, "none")
        if its != version:
            return f"has {name} {its}, here it is {version}: install the same there"
    if seen.fault:
        todo = "give --spool a folder that all machines have, and run the workers as the same user"
        return f"cannot write into the folder ({seen.fault}): {todo}"
    return ""


@contextmanager
def dask_executor(scheduler: Door | str | None = None, jobs: int | None = None) -> Iterator[DaskExecutor]:
    """Workers: those of a scheduler, else `jobs` processes of this machine, one a processor where nothing is said. An
    address alone is one without keys. ClusterError where dask is not installed, nobody answers, nobody works there."""
    try:
        import dask
        import distributed
    except ImportError as error:
        raise ClusterUsage("dask is not installed: pip install 'sipcheck[cluster]'") from error
    del dask, distributed
    with _quiet():
        if scheduler is not None:
            with _elsewhere(Door(scheduler) if isinstance(scheduler, str) else scheduler) as client:
                yield DaskExecutor(client)
            return
        from distributed import Client

        with local_cluster(jobs or _processors()) as local, Client(local, set_as_default=False) as client:
            yield DaskExecutor(client)


@contextmanager
def _elsewhere(door: Door) -> Iterator[Client]:
    """A client of a scheduler that somebody started."""
    from distributed import Client

    address, security = door.open()  # a client that could not even begin is loud, and takes 20 s to be gone
    try:
        client = Client(address, security=security, timeout=CONNECT, set_as_default=False)
    except OSError as error:
        refused = ", or it does not take these keys, or we do not take its" if address.startswith("tls:") else ""
        raise ClusterError(f"no Dask scheduler answers at {door.scheduler}{refused}") from error
    with client:
        try:
            client.wait_for_workers(1, timeout=FIRST_WORKER)
        except TimeoutError as error:
            raise ClusterError(f"the Dask scheduler at {door.scheduler} has no workers") from error
        yield client


@contextmanager
def local_cluster(jobs: int) -> Iterator[SpecCluster]:
    """A scheduler and `jobs` workers, a process each. They hear on loopback alone, and only each other."""
    import dask

    try:
        import cryptography
    except ImportError as error:
        raise ClusterUsage("cryptography is not installed: pip install 'sipcheck[cluster]'") from error
    del cryptography
    from multiprocessing import resource_tracker

    from analyzer.cluster.guard import guarded

    settings: dict[str, Any] = {
        "distributed.deploy.lost-worker-timeout": f"{PATIENCE:.0f}s",
        "distributed.scheduler.allowed-failures": _FORGIVEN,
        "logging": dict.fromkeys(_LOUD, "critical"),
    }
    with ExitStack() as stack:
        scratch = os.fspath(stack.enter_context(temporary_folder()))
        stack.enter_context(dask.config.set(settings | {"temporary-directory": scratch}))
        with unheard(*_BLOCKED):  # the first process that is spawned needs this one, whose start unblocks Ctrl-C
            resource_tracker.ensure_running()
        # Half of a cluster cannot be taken down. What a terminal, `timeout` or a
        # service manager sends to all of a group stays blocked in the processes that are made here: they are told.
        with unheard(*_BLOCKED):
            each = memory() // max(1, jobs)
            local = stack.enter_context(guarded(jobs, memory_limit=each, folder=scratch, silence=logging.CRITICAL))
        yield local


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what Dask logs and warns off the terminal: what matters of it is told as an error of ours."""
    import warnings

    known = [
        name for name in logging.root.manager.loggerDict if name.startswith(_LOUD)
    ]  # some have levels of their own
    loggers = [logging.getLogger(name) for name in known]
    before = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"(distributed|dask|tornado)\b")
        try:
            for logger in loggers:
                logger.setLevel(logging.CRITICAL + 1)
            yield
        finally:
            for logger, level in zip(loggers, before, strict=True):
                logger.setLevel(level)


def _processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
