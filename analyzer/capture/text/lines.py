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
    number, skipping = 0, False
    rest = bytearray()  # of a line that goes on: a pipe may give it octet by octet
    for chunk in _chunks(stream):
        *lines, last = chunk.split(b"\n")
        for end in lines:
            if skipping:
                skipping = False
                continue
            number += 1
            line = bytes(rest) + end if rest else end
            rest.clear()
            if len(line) > limit:
                on_cut(number)
            yield line[:limit]
        if skipping:
            continue
        rest += last
        if len(rest) > limit:
            number += 1
            on_cut(number)
            yield bytes(rest[:limit])
            rest.clear()
            skipping = True
    if rest:
        yield bytes(rest).rstrip(b"\0")
