"""`sipcheck storm` over many files: the tables made by an executor, the analysis on a Dask DataFrame of them.

Its workers make the columns that count; those of all transactions are then looked at together, so they have to fit into
the memory of the one machine that asks: docs/cluster.md says how much that is.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from analyzer.cluster.door import ClusterError, ClusterUsage, Door
from analyzer.cluster.executor import dask_executor
from analyzer.cluster.stop import stoppable
from analyzer.cluster.tabulate import tabulated
from analyzer.cluster.work_directory import WorkDirectory
from analyzer.memory import memory
from analyzer.run.report import Report, Summary
from analyzer.scratch import temporary_folder
from analyzer.storm.analysis import storms
from analyzer.storm.values import StormReport

ANALYSIS = 400
"""Octets of memory that the analysis takes for a transaction (docs/cluster.md)."""


class Found(NamedTuple):
    """The storms of many files; what was read, as a report without rows; the tables, which are gone where no folder
    was given for them."""

    storms: StormReport
    report: Report
    spool: WorkDirectory


def storms_of(
    files: Sequence[str | os.PathLike[str]],
    *,
    scheduler: Door | str | None = None,
    jobs: int | None = None,
    spool: str | os.PathLike[str] | None = None,
    heard: Callable[[], None] = lambda: None,
    **options: Any,
) -> Found:
    """The storms in capture files, read by the workers of a Dask scheduler, or by `jobs` processes of this machine.

    The tables stay in the folder `spool`, which must be new or empty; without one they are made in a temporary folder,
    which other machines do not see. `options` are those of `cluster.tabulated`. Raises SourceError where no file can be
    read, ClusterError for all that lacks to have workers, OSError where the folder cannot be written; KeyboardInterrupt
    for a signal that came before anything was read, and for a second one. The first one ends the reading, after which
    `heard` is called, and what was read is reported (`report.interrupted`).
    """
    if any(os.fspath(one) == "-" for one in files):
        raise ClusterUsage("standard input cannot be read by several processes: name files")
    with stoppable(heard) as stop:
        with _folder(spool) as folder, dask_executor(scheduler, jobs) as executor:
            try:
                made = tabulated(files, folder, executor, stop=stop, **options)
            except ValueError as error:
                raise ClusterUsage(str(error)) from error
            _check_memory(made.rows["transactions"], spool)
            with executor.computing():
                found = storms(made.frame("transactions"))
        return Found(found, _report(made, options.get("aor", ""), interrupted=stop.asked), made)


def _check_memory(transactions: int, spool: str | os.PathLike[str] | None) -> None:
    """An analysis that cannot end well is not begun: who is out of memory is killed without a word."""
    needed = transactions * ANALYSIS
    if needed > memory():
        kept = "" if spool is None else f"; the tables are in {os.fspath(spool)}"
        raise ClusterError(
            f"the analysis of {transactions:,} transactions takes some {needed >> 30:,} GiB of memory in this process, "
            f"and there are {memory() >> 30:,}: ask from a larger machine{kept}"
        )


def _report(spool: WorkDirectory, aor: str, *, interrupted: bool) -> Report:
    """What reading counted, as views take it."""
    tally = spool.tally
    summary = Summary(
        messages=tally.messages,
        register_requests=tally.requests,
        transactions=spool.rows["transactions"],
        retransmissions=tally.retransmissions,
        keepalives=sum(source.keepalives for source in tally.sources),
        registrations=spool.rows["registrations"],
    )
    return Report(
        sources=list(tally.sources),
        summary=summary,
        transactions=[],
        registrations=[],
        digests=[],
        findings=[],
        outcomes={},
        aor=aor,
        interrupted=interrupted,
    )


@contextmanager
def _folder(spool: str | os.PathLike[str] | None) -> Iterator[Path]:
    if spool is not None:
        yield Path(spool)
        return
    with temporary_folder() as folder:
        yield folder
