"""The way out: the standard streams, which may be closed, full, gone, or a terminal that obeys what it is sent."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from types import TracebackType
from typing import TextIO

DEFAULT_WIDTH = 100
"""Columns where nobody says how many there are."""
WIDEST = 500
"""Columns that are drawn, whatever `COLUMNS` or a terminal says: what fills a line costs what the line is long."""


def columns_of(stream: TextIO) -> int:
    """The columns for a page on `stream`: what `COLUMNS` says, or the terminal, where that is a number that will do."""
    try:
        columns = int(os.environ.get("COLUMNS", ""))
    except ValueError:
        columns = 0
    if columns <= 0:
        with suppress(OSError):  # no terminal; a stream in memory has no number either
            columns = os.get_terminal_size(stream.fileno()).columns
    return min(columns, WIDEST) if columns > 0 else DEFAULT_WIDTH


def prepare() -> None:
    """Make the standard streams fit to be written to, whatever they were started with."""
    # In this order: what was closed (`<&-`, `>&-`) gets its own number back, and no file that is read gets it.
    if sys.stdin is None:
        sys.stdin = open(os.devnull)  # noqa: SIM115
    if sys.stdout is None:  # nobody wants to hear
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    sys.excepthook = tell_crash


def tell(text: str) -> None:
    """One harmless line on standard error; a standard error that cannot be written is no further error."""
    from analyzer.escape import visible

    try:
        sys.stderr.write(f"{visible(text)}\n")
        sys.stderr.flush()
    except OSError:
        discard(sys.stderr)


def discard(stream: TextIO) -> None:
    """Let what the stream still holds go nowhere, so that the interpreter's last flush can neither fail nor wait."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with suppress(OSError):  # a stream in memory has no number, and can neither fail nor wait
        os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def tell_crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """The traceback of a fault of ours, for `sys.excepthook`: its last line may quote the wire."""
    import traceback

    for line in "".join(traceback.format_exception(kind, error, trace)).splitlines():
        tell(line)
