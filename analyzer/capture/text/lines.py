"""Physical lines of a text log, in bounded memory.

Lines are counted as an editor counts them: a line feed ends a line, and nothing else does (CR LF and the CR CR LF of
a pseudo-terminal are one line end). A line longer than `LIMIT` is cut, so that a file without line feeds is harmless.
A log in UTF-16 (what `>` writes in Windows PowerShell, and what is left where its byte order mark was lost) is turned
into UTF-8; where carriage returns alone end the lines, they are the line ends.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from itertools import chain
from typing import BinaryIO

LIMIT = 1 << 20
"""Longest line kept, in octets."""

CHUNK = 1 << 16
_MARKS = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_LOOKED_AT, _SAMPLE = 512, 4096
_TEXT = bytes([*range(8, 14), 27, *range(32, 256)])
_ODDNESS = 3  # of so many octets at even (or odd) places one at least is zero in UTF-16 of anything but CJK


def as_utf8(head: bytes) -> bytes:
    """The beginning of a log as `chunks_of` gives it: in UTF-8 if it is in UTF-16, with line feeds if it has none."""
    coding = _coding(head)
    if coding:
        head = b"".join(_transcoded(iter((head,)), coding))
    head = head.removeprefix(codecs.BOM_UTF8)
    return head.replace(b"\r", b"\n") if _has_no_line_feed(head) else head


def _coding(head: bytes) -> str:
    """The encoding form of UTF-16 that a log is in, by its byte order mark, or by zeros at every other place."""
    for mark, coding in _MARKS:
        if head.startswith(mark):
            return coding
    sample = head[:_LOOKED_AT]
    if len(sample) < 16 or b"\0" not in sample:
        return ""
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    least = len(sample) // 2 // _ODDNESS
    if odd > least and not even:
        return "utf-16-le"
    return "utf-16-be" if even > least and not odd else ""


def is_text(head: bytes) -> bool:
    """Whether a file is text at its beginning: of a hundred octets one at most is a control character that no text has.
    Captures of other programs hold messages too, and more of those than that."""
    sample = as_utf8(head)[:_SAMPLE]
    return 100 * len(sample.translate(None, delete=_TEXT)) <= len(sample) and not sample.startswith(b"PK\3\4")


def is_utf16(head: bytes) -> bool:
    """Whether a text is in UTF-16: the zeros in it are none of a hole then."""
    return bool(_coding(head))


def _has_no_line_feed(head: bytes) -> bool:
    """Whether carriage returns end the lines (classic Mac OS, and what some web pages make of a paste)."""
    return head.count(b"\r") > 1 and b"\n" not in head


def _transcoded(chunks: Iterator[bytes], coding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(coding)("surrogatepass")
    for chunk in chunks:
        yield decoder.decode(chunk).encode("utf-8", "surrogatepass")


def chunks_of(stream: BinaryIO) -> Iterator[bytes]:
    """The octets of a log, some at a time, in UTF-8 and with line feeds at the ends of lines."""
    read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
    first = read(CHUNK)
    while first and len(first) < len(codecs.BOM_UTF8) and (more := read(CHUNK)):
        first += more
    first = first.removeprefix(codecs.BOM_UTF8)
    chunks: Iterator[bytes] = chain((first,) if first else (), iter(lambda: read(CHUNK), b""))
    if coding := _coding(first):
        chunks, first = _transcoded(chunks, coding), b"".join(_transcoded(iter((first,)), coding))
    return (chunk.replace(b"\r", b"\n") for chunk in chunks) if _has_no_line_feed(first) else chunks


def physical_lines(stream: BinaryIO, on_cut: Callable[[int], None], limit: int = LIMIT) -> Iterator[bytes]:
    """The lines of `stream` without their line feed; `on_cut(number)` is told the lines that were cut at `limit`."""
    return lines_of(chunks_of(stream), on_cut, limit)


def lines_of(chunks: Iterator[bytes], on_cut: Callable[[int], None], limit: int = LIMIT) -> Iterator[bytes]:
    """The same of a text that comes some octets at a time."""
    number, skipping = 0, False
    rest = bytearray()  # of a line that goes on: a pipe may give it octet by octet
    for chunk in chunks:
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
