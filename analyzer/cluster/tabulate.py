"""From one machine to many: capture files read in parallel, joined by key, one table over all of them.

What does the end of a file cut? An exchange (the request here, its answer or its copies in the next file), an attempt
(the challenge here, the answer to it there), a registration (refreshed in every file), and, where it lies in more than
one packet, a message. So tables of files cannot simply be put together: every row near an end would be wrong, and with
ten thousand phones that register at once every end is in the midst of things. The rule:

1. Nothing is joined within a file. Each file is read to rows, one a message of a REGISTER, with the octets of the
   message and its place in time (`read.py`); a large one by several tasks, each of which takes a share of it.
2. A row goes to the bucket that the hash of its address-of-record names. Request, copies, answers, attempts, bindings
   and the registration (which is of one registrar and one client, told by instance, contact and Call-ID) have the
   address-of-record in common, so a bucket has all of them, whichever files and workers they came from.
3. Each bucket is joined by the code that joins a single capture, over the rows of all files in the order of time
   (`join.py`). A boundary between files is invisible there: it is no place where anything is decided.
4. What a bucket must know of others is sent to all: network errors, the first response on each way (where none is seen,
   silence proves nothing), the time at which the run ended.
5. A message in several packets (TCP, IP fragments) is put together before. A file that has such, or stands beside one
   that has, is read again together with the files beside it in time, and gives its own messages alone: those that its
   own packets complete. A message over more than two ends of files is lost.

Every task writes files under a name of its own and renames them when they are whole; it depends on nothing but its
arguments and the files of the step before. So it may run twice, or die half way and be run elsewhere, and the result is
the same octet for octet.

What differs from one process: no findings and no digests; files without clock are joined with less certainty (faults
say so); two clients whose requests share a Call-ID but not an address-of-record are in two buckets, so a CSeq counter
that they share is not followed (that is the rules', not the tables').
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from os import fspath
from pathlib import Path
from typing import Any, Protocol, TypeVar

from analyzer.cluster.join import MADE, Joining, join_bucket, part_path, placed, write_plan
from analyzer.cluster.read import Capture, Reading, read_capture, rows_path, shares_for
from analyzer.cluster.size import size_of
from analyzer.cluster.stop import Stop, stoppable
from analyzer.cluster.trim import of_shares, trimmed
from analyzer.cluster.work_directory import Tally, WorkDirectory
from analyzer.defect import SourceError
from analyzer.evidence import SECOND

T = TypeVar("T")
R = TypeVar("R")
MIB = 1 << 20
BUCKET = 128 * MIB
"""Octets of captures for one bucket, where nobody says how much memory a worker has."""
SMALLEST_BUCKET, LARGEST_BUCKET, MOST_BUCKETS = 16 * MIB, 256 * MIB, 2048
MEMORY = 12
"""Octets of memory that joining takes for an octet of captures of SIP alone (docs/cluster.md)."""
_TRIES, _PAUSE = 20, 0.05
"""How often it is tried to remove a folder while somebody may write into it, and the seconds between."""
OWN = 0o700
"""The mode of folders with what was on the wire."""
LEAD = 35 * SECOND
"""Files this close in time may hold pieces of one message: fragments are given up after 30 s (RFC 791 3.2)."""


class Executor(Protocol):
    """Who runs the tasks of a step: `cluster_crew.DaskExecutor`, or `LocalExecutor`. `memory` is what one task may
    take, 0 where that is not known."""

    workers: int
    memory: int

    def check(self, folder: Path) -> None:
        """Make sure, before anything is read, that all of them can do it and write into the folder."""
        ...

    def run(self, task: Callable[[T], R], told: Sequence[T]) -> list[R]:
        """Run a task for each of `told`, in any order and anywhere; the results in theirs."""
        ...

    def computing(self) -> AbstractContextManager[object]:
        """While this is entered, Dask DataFrames are computed by this executor."""
        ...


class LocalExecutor:
    """This process runs all tasks, one after the other."""

    workers = 1
    memory = 0

    def check(self, folder: Path) -> None:
        """Who made the folder can write into it."""

    def run(self, task: Callable[[T], R], told: Sequence[T]) -> list[R]:
        """Run a task for each of `told`."""
        return [task(one) for one in told]

    def computing(self) -> AbstractContextManager[object]:
        """Dask's threads in this process do it."""
        return nullcontext()


def tabulated(
    files: Sequence[str | os.PathLike[str]],
    spool: str | os.PathLike[str],
    executor: Executor | None = None,
    *,
    buckets: int | None = None,
    shares: int | None = None,
    aor: str = "",
    stop: Stop | None = None,
    **options: Any,
) -> WorkDirectory:
    """Read all files into the tables of a folder, which must be new or empty and seen by all workers under its name.

    `aor` takes one address-of-record alone; `options` are those of `analyzer.capture.opener.open_sources` (`kind`,
    `dialect`, `engine`, `tls_keylog`). `buckets`, and `shares` of each file, are counted out where nothing is said.
    One process reads files in the order given where they have the same times, and so does this. A file that cannot be
    read is told in `faults`, and the rest is analysed; where none can be read, that of the first is a SourceError.
    ValueError for a folder that holds something. Where it fails, nothing stays in the folder. All that is written is
    for the user alone who asks, so workers must be that user's.

    A first signal (`stop`, which is made here where none is given) ends the reading, and the tables are of what was
    read so far (`trim.py`); where nothing was, and for a second one, KeyboardInterrupt is raised.
    """
    if stop is None:
        with stoppable() as stop:
            return tabulated(files, spool, executor, buckets=buckets, shares=shares, aor=aor, stop=stop, **options)
    executor = LocalExecutor() if executor is None else executor
    names = list(dict.fromkeys(fspath(one) for one in files))
    made = not os.path.isdir(spool)
    folder = _prepared(Path(spool))
    try:
        executor.check(folder)
        octets = [size_of(name) for name in names]
        count = buckets or buckets_for(sum(octets), executor.workers, executor.memory)
        told = [
            Reading(
                name,
                os.path.abspath(name),
                number,
                fspath(folder),
                count,
                options,
                shares=shares or shares_for(octets[number], sum(octets), executor.workers),
                aor=aor,
            )
            for number, name in enumerate(names)
        ]
        stop.begin(folder)
        return _joined(executor, folder, _read(executor, told, stop), count, stop)
    except BaseException:
        _withdraw(folder)
        if made:
            with suppress(OSError):
                folder.rmdir()
        raise


def _read(executor: Executor, told: Sequence[Reading], stop: Stop) -> list[Capture]:
    """The rows of all files, written; those of woven ones with the files beside them, unless an end is asked for."""
    captures = _by_file(executor, told)
    stop.give_up(unless=any(one.items for one in captures))
    if not captures or all(one.unreadable for one in captures):
        raise (captures[0].unreadable if captures else None) or SourceError("no file", "was given")
    again = [told[number]._replace(beside=beside) for number, beside in _spanning(captures)]
    for task, capture in zip(again, _by_file(executor, again), strict=True):
        if not capture.cut:
            captures[task.number] = capture
    return captures


def _by_file(executor: Executor, told: Sequence[Reading]) -> list[Capture]:
    """What was read of each file."""
    results = iter(executor.run(read_capture, [share for task in told for share in task.shared_out()]))
    files = [[next(results) for _ in range(task.shares)] for task in told]
    return [of_shares(shares) for shares in files]


def _joined(executor: Executor, folder: Path, captures: Sequence[Capture], buckets: int, stop: Stop) -> WorkDirectory:
    told = trimmed(folder, [one for one in captures if not one.unreadable])
    readable = told.captures
    write_plan(folder, placed(readable), max((one.span[1] for one in readable if one.span), default=None))
    made = executor.run(join_bucket, [Joining(bucket, buckets, fspath(folder)) for bucket in range(buckets)])
    _clear(folder)
    return WorkDirectory(
        folder,
        {name: sum(one.rows[name] for one in made) for name in MADE},
        tuple(fault for one in captures for fault in one.faults),
        Tally(
            sources=tuple(one.source for one in readable if one.source),
            unreadable=tuple(str(one.unreadable) for one in captures if one.unreadable),
            messages=sum(one.messages for one in readable),
            requests=sum(one.requests for one in made),
            retransmissions=sum(one.retransmissions for one in made),
        ),
        stop.asked,
        told.until,
        told.untold,
        stop.asked and bool(_spanning(readable)),
    )


def buckets_for(octets: int, workers: int, memory: int = 0) -> int:
    """How many buckets: as few as fit into the memory of a worker, and no fewer than workers."""
    each = min(LARGEST_BUCKET, max(SMALLEST_BUCKET, memory * 2 // (3 * MEMORY))) if memory else BUCKET
    return min(MOST_BUCKETS, max(workers, -(-octets // each), 1))


def _prepared(folder: Path) -> Path:
    """The folder, with those in it that are to be filled. What is made here is its owner's alone (0700), whatever the
    umask; a folder that was there stays as it is."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=OWN, exist_ok=True)
    if any(folder.iterdir()):
        raise ValueError(f"{folder} holds something already: give a new or empty folder")
    for path in _subfolders(folder):
        path.mkdir(mode=OWN)
    return folder.resolve()


def _subfolders(folder: Path) -> list[Path]:
    return [path.parent for path in (rows_path(folder, ""), *(part_path(folder, name, 0) for name in MADE))]


def _withdraw(folder: Path) -> None:
    """Leave nothing in a folder that was empty before: neither half of the tables, nor what was on the wire."""
    for path in _subfolders(folder):
        _remove(path)
    (folder / "plan.json").unlink(missing_ok=True)


def _remove(path: Path) -> None:
    """Remove a folder, into which a worker that ends may still write."""
    for _ in range(_TRIES):
        shutil.rmtree(path, ignore_errors=True)
        if not path.exists():
            return
        time.sleep(_PAUSE)


def _clear(folder: Path) -> None:
    """The rows were for joining: they hold what was on the wire, and nobody asked to keep that. What a worker that
    died was about to write goes, too."""
    _remove(folder / "rows")
    for path in folder.glob("*.parquet/.*"):
        path.unlink(missing_ok=True)
    (folder / "plan.json").unlink()


def _spanning(captures: Sequence[Capture]) -> list[tuple[int, tuple[str, ...]]]:
    """The numbers of the files to be read again, each with those beside it in time (rule 5)."""
    again = []
    for number, one in enumerate(captures):
        beside = [other for other in captures if other is not one and _near(one, other)]
        if beside and (one.spans_packets or any(other.spans_packets for other in beside)):
            again.append((number, tuple(other.name for other in beside)))
    return again


def _near(one: Capture, other: Capture) -> bool:
    mine, its = one.span, other.span
    return mine is not None and its is not None and mine[0] - LEAD <= its[1] and its[0] <= mine[1] + LEAD


__all__ = ["Executor", "LocalExecutor", "WorkDirectory", "tabulated"]
