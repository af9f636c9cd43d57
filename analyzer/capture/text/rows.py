"""Lines of a text log near its messages: what is far from `SIP/2.0` is passed over by the block, and counted alone.

A log is mostly something else. While no message is open, the lines that hold no SIP and stand more than `reach` octets
before the next `SIP/2.0` are never looked at one by one. (Every message has it: in its start line, or in Via, RFC 3261
7.1, 7.2, 20.42.)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import chain
from typing import BinaryIO, NamedTuple

from analyzer.capture.text.carrier_kinds import COLLAPSED, MARK
from analyzer.capture.text.carriers import NO_BODY, NONE, Carriers, with_collapsed
from analyzer.capture.text.grammar import Banner
from analyzer.capture.text.guessing import around, found
from analyzer.capture.text.lines import CHUNK, LIMIT, chunks_of, lines_of
from analyzer.capture.text.trials import Reads
from analyzer.capture.text.whole import Block, block_at
from analyzer.capture.text.wraps import Wrap

_HEADER = re.compile(rb"[A-Za-z][\w.!%*+`'~-]{0,60}[ \t]*:|[ \t]")
"""A header, or the rest of one that is folded (RFC 3261 7.3.1)."""


class Row(NamedTuple):
    """One line: `number` is that of the line in the file, `returns` whether a carriage return ended it, `stamp` what a
    carrier (syslog, Docker) dated it with, `seams` at how many places it was joined."""

    number: int
    text: bytes
    returns: bool = False
    stamp: bytes = b""
    seams: int = 0


def beginning(chunks: Iterator[bytes]) -> bytes:
    """The first octets of a log: a whole line at least, where it is one that is kept."""
    head = bytearray(newest := next(chunks, b""))
    while b"\n" not in newest and len(head) < LIMIT and (newest := next(chunks, b"")):
        head += newest  # a pipe may give it octet by octet
    return bytes(head)


class Rows:
    """Iterate it once. `idle` is True while no message is open: then text far from messages is passed over. `cut` is
    the width at which lines were cut, or 0. `count` is the number of lines read or passed, those `before` the stream's
    included; `carriers` are those that are known; `blocks` says that plain messages are wanted in one piece."""

    def __init__(
        self,
        stream: BinaryIO,
        on_cut: Callable[[int], None],
        reach: int,
        recognised: Callable[[bytes], bool],
        *,
        as_it_is: bool = False,
        before: int = 0,
        carriers: Carriers | None = None,
        reads: Reads | None = None,
        opens: Callable[[bytes], Banner | None] | None = None,
        blocks: bool = False,
    ) -> None:
        self._stream = stream
        self._opens = opens
        self._reads = reads
        self._on_cut = on_cut
        self._reach = reach
        self._recognised = recognised
        self._as_it_is = as_it_is
        self._known = carriers
        self.carriers: Carriers = NONE
        self.cut = 0
        self.idle = True
        self.takes_blocks = blocks
        self.count = before

    def __iter__(self) -> Iterator[Row | Block]:
        chunks = chunks_of(self._stream)
        head = beginning(chunks)
        known = self._known
        self.carriers = (
            found(head, self._recognised, as_it_is=self._as_it_is, reads=self._reads, opens=self._opens)
            if known is None
            else known
        )
        if MARK in head:
            near = around(head)
            if known is None:
                self.carriers = with_collapsed(self.carriers, near)
            if self.carriers.joiner is None:
                from analyzer.capture.text.cuts import cut_at

                self.cut = cut_at(self.carriers.bare(near))
        if self.carriers.joiner is not None:
            yield from self._joined(lines_of(chain((head,), chunks), self._on_cut))
            return
        self.takes_blocks = self.takes_blocks and not self.carriers and not self.cut
        rest, skipping = b"", False
        for chunk in chain((head,), chunks):
            if skipping:
                chunk = chunk.partition(b"\n")[2]
                if not chunk:
                    continue
                skipping = False
            rest += chunk
            used = yield from self._complete(rest)
            rest = rest[used:] if used else rest
            if len(rest) > LIMIT + CHUNK and b"\n" not in rest:
                yield from self._line(rest)
                rest, skipping = b"", True
        yield from self._last(rest.rstrip(b"\0"))

    def _joined(self, lines: Iterator[bytes]) -> Iterator[Row]:
        """The lines of a text that was broken to a width, or is kept in records, which is short: each is looked at."""
        assert self.carriers.joiner is not None
        joiner = self.carriers.joiner
        if isinstance(joiner, Wrap) and self._opens is not None:
            joiner = joiner.opening(self._opens)
        for count, whole in joiner.joined(lines):
            if whole is not None:
                rows = self._line(whole)
                yield from (row._replace(seams=count - 1) for row in rows) if count > 1 else rows
                self.count -= 1
            self.count += count

    def _last(self, held: bytes) -> Iterator[Row | Block]:
        """The lines of which no more comes."""
        if held:
            held += b"" if held.endswith(b"\n") else b"\n"
            used = yield from self._complete(held)
            self.count += held.count(b"\n", used)

    def _complete(self, held: bytes) -> Generator[Row | Block, None, int]:
        """The lines of `held` that are whole; returns how many of its octets were used."""
        place, stop, mark = 0, held.rfind(b"\n") + 1, -2
        while place < stop:
            if self.idle and not self.carriers.hides:
                if mark != -1 and mark < place:
                    mark = held.find(MARK, place)
                near = (len(held) if mark == -1 else mark) - self._reach
                if near > place and (begin := held.rfind(b"\n", place, min(near, stop)) + 1) > place:
                    self.count += held.count(b"\n", place, begin)
                    place = begin
                    continue
                if mark == -1:
                    return place
            end = held.find(b"\n", place)
            if self.idle and self.takes_blocks and end < mark < (following := held.find(b"\n", end + 1)):
                found = block_at(held, place, end, following, stop)
                if found is not None:
                    place, block = found
                    self.count += 1 + len(block.lines)
                    yield block._replace(number=self.count - len(block.lines) + 1)
                    continue
            yield from self._line(held[place:end])
            place = end + 1
        return place

    def _line(self, physical: bytes) -> Iterable[Row]:
        self.count += 1
        number = self.count
        if len(physical) > LIMIT:
            self._on_cut(number)
            physical = physical[:LIMIT]
        if self.carriers:
            for text, stamp in self.carriers.lines(physical):
                yield Row(number, text.rstrip(b"\r"), text.endswith(b"\r"), stamp)
        elif physical.endswith(b"\r"):
            yield Row(number, physical.rstrip(b"\r"), True)
        else:
            yield Row(number, physical)


class CarriedLines:
    """The lines of a log that reads each of them: number in the file, text, and the stamp of its carrier. `carriers` is
    what was taken off, and may be known; `own` are codes of what the reader undoes by itself; `before` is the number
    of lines before those of the stream; `reads` and `opens` are as for `found`. `ends` says that a text without any
    empty line is given back those behind headers."""

    def __init__(
        self,
        stream: BinaryIO,
        on_cut: Callable[[int], None],
        recognised: Callable[[bytes], bool],
        *,
        before: int = 0,
        carriers: Carriers | None = None,
        own: tuple[str, ...] = (),
        reads: Reads | None = None,
        opens: Callable[[bytes], Banner | None] | None = None,
        ends: bool = False,
    ) -> None:
        chunks = chunks_of(stream)
        head = beginning(chunks)
        # What an empty line behind each is, and a mail's quoting, these readers know by themselves.
        taken = ("repaired-spacing", *own)
        if carriers is None:
            carriers = found(head, recognised, as_it_is=True, taken=taken, reads=reads, opens=opens)
            if ends and MARK in head:
                carriers = with_collapsed(carriers, around(head))
        self._ends = ends and COLLAPSED in carriers.all
        self.carriers = carriers
        self._before = before
        self._lines = lines_of(chain((head,), chunks), lambda number: on_cut(before + number))

    def __iter__(self) -> Iterator[tuple[int, bytes, bytes]]:
        lines = (
            (number, text, stamp)
            for number, physical in self.carriers.numbered(self._lines, self._before)
            for text, stamp in self.carriers.lines(physical)
        )
        return _with_ends(lines) if self._ends else lines


def _with_ends(lines: Iterator[tuple[int, bytes, bytes]]) -> Iterator[tuple[int, bytes, bytes]]:
    """Lines with the empty one that ends the headers (RFC 3261 7.5) behind each last header that says that no body
    follows (20.14)."""
    last: tuple[int, bytes, bytes] | None = None
    for line in lines:
        if last is not None and line[1].strip() and not _HEADER.match(line[1]):
            yield last[0], b"", last[2]
        yield line
        last = line if NO_BODY.match(line[1]) else None
    if last is not None:
        yield last[0], b"", last[2]
