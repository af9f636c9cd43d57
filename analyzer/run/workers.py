"""Several processes on one capture (`--jobs`): each reads all of it and analyzes its shard (`shard.py`).

Reading is cheap beside analyzing, and what holds a registration together is known only when it was read, so every
worker walks over all records and takes up its own messages; of the others it notes what they say of time and of
servers. No message travels between processes, only what was found: the parts of one report (`partial.py`).

How workers begin and end is in `forks.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing.connection import wait

from analyzer.interruption import Interrupted, diverted
from analyzer.run.forks import Fork, Say, WorkerDied, can_fork, forked
from analyzer.run.partial_result import PartialResult
from analyzer.run.shard import Shard

_LOOK = 0.1  # seconds between two looks at how far the workers are

Progress = Callable[[int, int | None], None]
Run = Callable[[Shard | None, Progress | None], PartialResult]
"""Analyzes one share (None: all of it), tells how far the reading is, and gives the part."""


def divided(run: Run, jobs: int, progress: Progress | None = None) -> list[PartialResult]:
    """Have `jobs` workers analyze a shard each; their parts, in order.

    Raises `Inseparable` where the capture cannot be shared out, `WorkerDied` where one of them does not come back. What
    a worker raises otherwise (SourceError) is raised here. Ctrl-C has each hand over the part of what it had read.
    """
    with forked([partial(_analyzed, run, Shard(number, jobs)) for number in range(jobs)]) as crew:
        return _gather(crew, progress)


def _analyzed(run: Run, shard: Shard, say: Say) -> PartialResult:
    """A worker's part; it says how far it is."""
    return run(shard, lambda position, total: say((position, total)))


def _gather(crew: Sequence[Fork], progress: Progress | None) -> list[PartialResult]:
    """Take in what all of them say. A message must not be left half taken: signals do not interrupt that."""
    told: list[int] = []
    positions: dict[Fork, tuple[int, int | None]] = dict.fromkeys(crew, (0, None))

    def tell(number: int) -> None:
        if told:
            raise Interrupted(number)
        told.append(number)
        for worker in crew:
            worker.tell()

    with diverted(tell):
        while waiting := {worker.connection: worker for worker in crew if not worker.is_done}:
            try:
                for ready in wait(list(waiting), _LOOK):
                    worker = waiting[ready]  # type: ignore[index]
                    positions[worker] = worker.hear() or positions[worker]
            except WorkerDied:
                if told:  # before it had anything to hand over
                    raise Interrupted(told[0]) from None
                raise
            if progress is not None:
                progress(min(position for position, _ in positions.values()), positions[crew[0]][1])
        partials: list[PartialResult] = [worker.found for worker in crew]
        partials[0].interrupted = partials[0].interrupted or bool(told)
    return partials


__all__ = ["Progress", "Run", "WorkerDied", "can_fork", "divided"]
