"""Physical lines of a text log, in bounded memory.

Lines are counted as an editor counts them: a line feed ends a line, and nothing else does (CR LF and the CR CR LF of
a pseudo-terminal are one line end). A line longer than `LIMIT` is cut, so that a file without line feeds is harmless.
A log in UTF-16 with its byte order mark (what `>` writes in Windows PowerShell) is turned into UTF-8.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from itertools import chain
from typing import BinaryIO

LIMIT = 1 << 20
"""Longest line kept, in octets."""

CHUNK = 1 << 16
_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def as_utf8(head: bytes) -> bytes:
    """The beginning of a log, in UTF-8 if it is in UTF-16 with a byte order mark."""
    return b"".join(_transcoded(iter((head,)))) if head.startswith(_MARKS) else head


def _transcoded(chunks: Iterator[bytes]) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder("utf-16")("surrogatepass")
    for chunk in chunks:
        yield decoder.decode(chunk).encode("utf-8", "surrogatepass")


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
    first = read(CHUNK)
    if len(first) == 1:
        first += read(CHUNK)
    chunks = chain((first,) if first else (), iter(lambda: read(CHUNK), b""))
    return _transcoded(chunks) if first.startswith(_MARKS) else chunks


def physical_lines(stream: BinaryIO, on_cut: Callable[[int], None], limit: int = LIMIT) -> Iterator[bytes]:
    """The lines of `stream` without their line feed; `on_cut(number)` is told the lines that were cut at `limit`."""
    number, rest, skipping = 0, b"", False
    for chunk in _chunks(stream):
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
