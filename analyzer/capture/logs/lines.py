"""Physical lines of a text log, in bounded memory.

Lines are counted as an editor counts them: a line feed ends a line, and nothing else does (CR LF and the CR CR LF of
a pseudo-terminal are one line end). A line longer than `LIMIT` is cut, so that a file without line feeds is harmless.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO

LIMIT = 1 << 20
"""Longest line kept, in octets."""

CHUNK = 1 << 16


def physical_lines(stream: BinaryIO, on_cut: Callable[[int], None], limit: int = LIMIT) -> Iterator[bytes]:
    """The lines of `stream` without their line feed; `on_cut(number)` is told the lines that were cut at `limit`."""
    read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
    number, rest, skipping = 0, b"", False
    while chunk := read(CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if skipping:
                skipping = False
                continue
            number += 1
            if len(line) > limit:
                on_cut(number)
            yield line[:limit]
        if skipping:
            rest = b""
        elif len(rest) > limit:
            number += 1
            on_cut(number)
            yield rest[:limit]
            rest, skipping = b"", True
    if rest and not skipping:
        yield rest.rstrip(b"\0")
