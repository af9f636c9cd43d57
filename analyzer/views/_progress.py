"""A progress bar on standard error, only on a terminal and only for work longer than a second (CONTRACT)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

Advance = Callable[[int, int | None], None]
_PATIENCE = 1.0


@contextmanager
def progress_bar(wanted: bool | None) -> Iterator[Advance | None]:
    """Give a callback that takes (octets read, octets in all or None); None where nobody wants to see it."""
    if wanted is False or (wanted is None and not sys.stderr.isatty()):
        yield None
        return
    started = monotonic()
    shown: list[object] = []

    def advance(position: int, total: int | None) -> None:
        if not shown and monotonic() - started < _PATIENCE:
            return
        if not shown:
            shown.append(_bar(total))
        progress, task = shown[0]  # type: ignore[misc]
        progress.update(task, completed=position)

    try:
        yield advance
    finally:
        if shown:
            shown[0][0].stop()  # type: ignore[index]


def _bar(total: int | None) -> tuple[object, object]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=Console(stderr=True), transient=True)
    task = progress.add_task("reading", total=total)
    progress.start()
    return progress, task
