"""A progress bar on standard error, only on a terminal and only for work longer than a second (docs/interface.md 1)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from analyzer.views.drawing.output import columns_of

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

Advance = Callable[[int, int | None], None]
_PATIENCE = 1.0
_LINES = 24


@contextmanager
def progress_bar(wanted: bool | None) -> Iterator[Advance | None]:
    """Give a callback that takes (octets read, octets in all or None); None where nobody wants to see it."""
    if wanted is False or (wanted is None and not sys.stderr.isatty()):
        yield None
        return
    started = monotonic()
    shown: list[tuple[Progress, TaskID]] = []

    def advance(position: int, total: int | None) -> None:
        if not shown:
            if monotonic() - started < _PATIENCE:
                return
            shown.append(_bar(total))
        progress, task = shown[0]
        progress.update(task, completed=position)

    try:
        yield advance
    finally:
        for progress, _ in shown:
            progress.stop()


def bar_console() -> Console:
    """Where a bar is drawn. Width and height are given, so `rich` reads neither `COLUMNS` nor `LINES`, and no number
    that somebody put there ends or burdens the run."""
    from rich.console import Console

    return Console(stderr=True, width=columns_of(sys.stderr), height=_LINES)


def _bar(total: int | None) -> tuple[Progress, TaskID]:
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=bar_console(), transient=True)
    task = progress.add_task("reading", total=total)
    progress.start()
    return progress, task
