"""Blocks out of lines: who opens one, which line goes to which, and reading again what a block gave back.

Two wrappings matter. In a logger file one entry (a line with `VERBOSE[thread] file.c:`) holds a whole block whose other
lines are bare, so a banner counts only at the beginning of an entry, and what looks like one further down is
content. Where every line carries the thread, blocks of several threads may be mixed line by line; each thread has its
own open block then.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from analyzer.capture.asterisk.banners import Banner, match_banner
from analyzer.capture.asterisk.blocks import Block, Close
from analyzer.capture.asterisk.notice_marks import may_be_notice
from analyzer.capture.text.clock import Moment
from analyzer.capture.text.wrappers import Line

EARNED, SAVINGS = 1, 5_000
"""Lines that may be read again per line read, and at most saved up: keeps the whole linear."""
MAX_LANES = 64


class Aside(NamedTuple):
    """A line that belongs to no block, and may be a notice."""

    line: Line
    moment: Moment | None


Assembled = tuple[Block, Close] | Aside


class Assembler:
    """`feed` lines in, blocks come out with their `Close`, and lines beside them that may be notices; `finish` gives
    those that were open at the end."""

    def __init__(self) -> None:
        self._lanes: dict[bytes, Block] = {}
        self._current: Block | None = None
        self._credit = SAVINGS
        self._blank_entry = False
        self._entry_used = False

    @property
    def inside(self) -> bool:
        """Whether a block is open whose end its wrapper does not tell."""
        return self._current is not None and not self._current.line.whole

    def feed(self, line: Line, moment: Moment | None) -> Sequence[Assembled]:
        """The blocks that `line` ends, in order."""
        if self._credit < SAVINGS:
            self._credit += EARNED
        block = self._addressee(line)
        if block is None:
            return (Aside(line, moment),) if self._open(line, moment) else ()
        close = self._push(block, line, moment)
        return () if close is None else list(self._again(block, close))

    def _again(self, block: Block, close: Close) -> Iterator[Assembled]:
        """Hand out a block that ended, and read again what it gave back."""
        queue: deque[tuple[Line, Moment | None]] = deque()
        yield self._closed(block, close, queue)
        while queue:
            line, moment = queue.popleft()
            following = self._addressee(line)
            if following is None:
                if self._open(line, moment):
                    yield Aside(line, moment)
            elif end := self._push(following, line, moment):
                yield self._closed(following, end, queue)

    def _push(self, block: Block, line: Line, moment: Moment | None) -> Close | None:
        block.moments.append(moment)
        return block.push(line)

    def _closed(self, block: Block, close: Close, queue: deque[tuple[Line, Moment | None]]) -> tuple[Block, Close]:
        self._forget(block)
        back = list(zip(block.items[close.taken :], block.moments[close.taken :], strict=True))
        self._credit -= len(back)
        queue.extendleft(reversed(back))
        return block, close

    def _forget(self, block: Block) -> None:
        if self._current is block:
            self._current = None
        if self._lanes.get(block.thread) is block:
            del self._lanes[block.thread]
        self._entry_used = block.in_entry

    def _addressee(self, line: Line) -> Block | None:
        """The open block that `line` goes to."""
        current = self._current
        if not line.entry or not self._lanes:
            return current
        lane = self._lanes.get(line.thread)
        if lane is not None and (lane.tagged or lane is current or lane.tagged is None):
            return lane
        if current is not None and current.thread and not current.tagged and current.items:
            return current
        return None if any(block.tagged is not False for block in self._lanes.values()) else current

    def _open(self, line: Line, moment: Moment | None) -> bool:
        """Open a block, if the line is a banner; whether it may be a notice instead."""
        banner = match_banner(line.text)
        if line.entry:
            self._entry_used = line.whole and bool(line.text) and banner is None
        if banner is None or self._entry_used:
            self._blank_entry = line.entry and not line.text
            return banner is None and may_be_notice(line.text)
        in_entry = line.entry or self._blank_entry
        self._blank_entry = False
        block = self._block(banner, line, moment, in_entry)
        self._current = block
        if line.entry and (len(self._lanes) < MAX_LANES or line.thread in self._lanes):
            self._lanes[line.thread] = block
        return False

    def _block(self, banner: Banner, line: Line, moment: Moment | None, in_entry: bool) -> Block:
        return Block(banner, line, moment, in_entry=in_entry, patient=self._credit > 0)

    def finish(self) -> Iterator[Assembled]:
        """The blocks still open at the end of the log, and those in what they give back."""
        while self._current is not None or self._lanes:
            block = self._current or next(iter(self._lanes.values()))
            yield from self._again(block, block.finish())
