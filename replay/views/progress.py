"""How a long replay stands, on standard error, on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from analyzer.views.drawing.progress import bar_console
from replay.load import Pace, Tally


@contextmanager
def watched(users: int, pace: Pace) -> Iterator[Callable[[Tally], None] | None]:
    """A bar that the yielded function moves; None where nobody would see it."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    total = int(pace.duration * pace.rate) if pace.duration else users
    with Progress(*columns, console=bar_console(), transient=True) as bars:
        task = bars.add_task("", total=total)

        def move(tally: Tally) -> None:
            failed = tally.ended - tally.same
            said = f"{tally.begun - tally.ended} under way, {failed} otherwise, {tally.retransmissions} sent again"
            bars.update(task, completed=tally.ended, description=said)

        yield move
