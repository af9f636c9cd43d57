"""One printed message, from its banner to its end.

Where a printed message ends is the whole difficulty. Its text may hold anything, also a copy of the log's own framing
(a MESSAGE body with `<------------->` and a forged banner), and the log may be cut or mixed with other lines. So no
line ends a block by its looks alone; each line that could is a candidate, judged by what the sender and the logger
counted independently:

    proof       PJSIP: the announced octets are there. Sent by chan_sip: Content-Length fits the body (with CR LF or LF
                line ends, because the log lost them). Received: that, and `--- (n headers m lines) ---` fits
    counted     that count line fits, Content-Length does not (the sender lied, or the logger collapsed blanks)
    cut         no closing line so far; another block or log entry begins here
    fitting     Content-Length fits, the count line is missing or does not
    bare        a closing line, and nothing that fits

Proof ends the block at once. Otherwise the block goes on for as long as Content-Length or a few dozen lines allow, then
the best candidate wins, the first among equals, and the lines after it are read again (`Close.taken`). The time stays
linear because the assembler grants such re-reading from a budget that real lines earn.

A block's own lines are those wrapped like its first one; lines of other log entries in between are `foreign`. Both
readings are measured, since a body may hold what looks like a log prefix.
"""

from __future__ import annotations

import enum
import re
from dataclasses import replace
from typing import NamedTuple

from analyzer.capture.asterisk.banners import Banner, Kind, is_trailer, match_banner, match_count
from analyzer.capture.text.clock import Moment
from analyzer.capture.text.measure import Tally
from analyzer.capture.text.wrappers import Line

MAX_LINES, MAX_OCTETS = 4096, 1 << 18
"""A block without any end is closed here."""
PATIENCE, FAR = 40, 1000
"""Lines read beyond a candidate: while Content-Length gives no reason to doubt it, and while it does."""

_FRAMING = b"<-` \t>"
_HEADER = re.compile(rb"[A-Za-z][\w.-]{0,39}[ \t]*:|[ \t]+[<;,\w]")


class Rank(enum.IntEnum):
    """How well a candidate is supported; lower is better."""

    PROOF = 0
    COUNTED = 1
    CUT = 2
    FITTING = 3
    BARE = 4
    OPEN = 5


class Close(NamedTuple):
    """The end of a block: `end` and `taken` count its lines that belong to the message, and that are used up.

    `foreign` says that lines that look like log entries belong to the message; `counted` is what the count line says.
    """

    rank: Rank
    end: int
    taken: int
    foreign: bool = False
    counted: tuple[int, int] | None = None


class Block:
    """A block being read. `push` takes lines until it answers with the `Close`."""

    def __init__(self, banner: Banner, line: Line, moment: Moment | None, *, in_entry: bool, patient: bool) -> None:
        self.banner = banner
        self.line = line
        self.moment = moment
        self.fresh = in_entry or bool(line.stamp)
        self.in_entry = in_entry
        self.thread = line.thread
        self._lead = banner.lead or line.lead
        self.tagged: bool | None = None if line.entry else False
        self.stamped: bool | None = None if in_entry else bool(line.stamp)
        self.is_console = not in_entry or line.whole
        self.items: list[Line] = []
        self.moments: list[Moment | None] = []
        self._own = Tally()
        self._all: Tally | None = None
        self._best: Close | None = None
        self._waiting: Close | None = None
        self._patience, self._far = (PATIENCE, FAR) if patient else (0, 0)
        self._octets = 0
        self._returns = False
        self._spaced = self._wide = False
        self.dropped: set[int] = set()
        self.interrupted = 0

    def own(self, line: Line) -> bool:
        """Whether `line` is wrapped as the lines of this block are."""
        if self.tagged:
            return line.entry and line.thread == self.thread
        return not line.entry and (bool(self.stamped) or not line.stamp or line.whole)

    def text(self, line: Line, *, raw: bool = False) -> bytes:
        """The line (or all that its wrapper printed, `raw`) without the block's indentation or quoting.

        A logger file adds no colours, so escape sequences in a message there are the sender's, and stay.
        """
        text = line.raw if raw else line.text if self.is_console else line.coloured
        lead = self._lead
        if not lead or not text.startswith(lead[:1]):
            return text
        if text.startswith(lead):
            return text[len(lead) :]
        return text if text.strip(b" \t>") else b""

    def push(self, line: Line) -> Close | None:
        """Take a line; the end of the block, once it is known."""
        if self._is_usual(line):
            self.items.append(line)
            self._octets += len(line.text)
            self._own.add(line.text if self.is_console else line.coloured, self._ending(line))
            return self._announced() if self.banner.kind is Kind.PJSIP else self._too_long()
        self._settle(line)
        self.items.append(line)
        self._octets += len(line.raw)
        if (waiting := self._waiting) is not None:
            if not self.text(line, raw=True) and len(self.items) == waiting.taken + 1:
                return None  # a listing may have gained a blank line before the count
            self._waiting = None
            if close := self._after_trailer(waiting, line):
                return close
            for index in range(waiting.end, len(self.items) - 1):
                self._measure(index)
        return self._take(line)

    def _is_usual(self, line: Line) -> bool:
        """Nearly all lines: own, not blank, nothing that could be framing, and no doubt about the block so far."""
        text = line.text
        if not self.items or line.entry or self._best or self._waiting or self._all or self._spaced or self._lead:
            return False
        if self.tagged is not False or (line.stamp and not self.stamped and not line.whole):
            return False
        if not text or text[0] in _FRAMING or (text[0] in b"RT" and b"ransmitting " in text):
            return False
        return not self._own.body or self._own.lines > 0

    def _take(self, line: Line) -> Close | None:
        text, own = self.text(line), self.own(line)
        if self._is_end(line, text, own):
            self._keep(Close(Rank.CUT, len(self.items) - 1, len(self.items) - 1))
            if not self._own.body and self.banner.kind is not Kind.READ:
                return self._best  # only what chan_sip received may have a banner among its headers
        if self._best is not None and line.entry and not own and self._is_nearly_there(text):
            return Close(Rank.FITTING, len(self.items) - 1, len(self.items) - 1, self._all is not None)
        if line.entry and self.line.whole:
            return self._best  # the wrapper says for certain that the entry ended
        if own and is_trailer(text, self.banner.kind):
            close = self._at_trailer()
            if close is not None or self._waiting is not None:
                return close
        self._measure(len(self.items) - 1)
        return self._announced() if self.banner.kind is Kind.PJSIP else self._exhausted()

    def _settle(self, line: Line) -> None:
        """The first line after a banner on a log entry shows how the rest is wrapped."""
        if self.tagged is None and (not line.entry or line.thread == self.thread):
            self.tagged = line.entry and match_banner(line.text) is None
        if self.stamped is None and not line.entry:
            self.stamped = bool(line.stamp) and not line.whole

    def _is_end(self, line: Line, text: bytes, own: bool) -> bool:
        """Whether another block or the end of a pasted listing begins here."""
        if self._best is not None:
            return False
        if line.entry and not own:
            return not text or match_banner(text) is not None or line.whole or self._lost_trailer(text)
        return (not self.in_entry and match_banner(line.text) is not None) or text.startswith(b"```")

    def _is_nearly_there(self, text: bytes) -> bool:
        """Whether another block begins where what PJSIP announced is there but for blanks and line ends: lines were
        joined that a width had broken (they count for more than one), and a mail program takes blanks off at ends."""
        if self.banner.kind is not Kind.PJSIP or match_banner(text) is None:
            return False
        seams = self.items[-1].number - self.items[0].number + 1 - len(self.items)
        tally, _ = self._readings()[-1]
        return seams > 0 and abs((self.banner.size or 0) - tally.total) <= tally.lines + seams

    def _lost_trailer(self, text: bytes) -> bool:
        return self.banner.kind is Kind.READ and match_count(text) is not None

    def _measure(self, index: int) -> None:
        line = self.items[index]
        text, own = self.text(line), self.own(line)
        if self._is_spacing(text, index):
            return
        eol = self._ending(line)
        if not own:
            self.interrupted += 1
            if self._all is None:
                self._all = replace(self._own)
        if self._all is not None:
            self._all.add(self.text(line, raw=not own), eol)
        if own:
            self._own.add(text, eol)

    def _ending(self, line: Line) -> int:
        """The same, having learned from this line whether the wrapper still has them."""
        self._returns = self._returns or line.returns > self.line.returns
        return self._eol(line)

    def _eol(self, line: Line) -> int:
        """Octets of the line end on the wire: a line that ended in CR LF has a CR more than the banner has."""
        return 1 if self._returns and line.returns <= self.line.returns else 2

    def _is_spacing(self, text: bytes, index: int) -> bool:
        """Whether this is the blank line that a listing with a blank line after each line has; drops stray ones."""
        own = self._own
        if own.body and not own.lines and own.length is None and self._is_header(text):
            self._spaced = self._spaced or own.head == 1
            for blank in {index - 1, 0} if own.head == 1 else {index - 1}:
                if not self.text(self.items[blank]):
                    self._drop(blank)
            self._wide = False
        if not self._spaced:
            return False
        self._wide = not self._wide and not text
        if self._wide:
            self.dropped.add(index)
        return self._wide

    def _is_header(self, text: bytes) -> bool:
        """Whether a header goes on after a blank line: consoles may put one in, logger files do not."""
        return (self._own.head == 1 or not self.in_entry) and _HEADER.match(text) is not None

    def _drop(self, index: int) -> None:
        for tally, _ in self._readings():
            tally.body = False
            tally.total, tally.least = tally.total - self._eol(self.items[index]), tally.least - 1
        self.dropped.add(index)

    def _readings(self) -> tuple[tuple[Tally, bool], ...]:
        return ((self._own, False),) if self._all is None else ((self._own, False), (self._all, True))

    def _at_trailer(self) -> Close | None:
        end = len(self.items) - 1
        fitting = next((foreign for tally, foreign in self._readings() if tally.fits()), None)
        close = Close(Rank.BARE if fitting is None else Rank.FITTING, end, end + 1, bool(fitting))
        if self.banner.kind is Kind.READ and self._own.head:
            self._waiting = close
            return None
        if fitting is not None:
            return close._replace(rank=Rank.PROOF)
        self._keep(close)
        return None

    def _after_trailer(self, waiting: Close, line: Line) -> Close | None:
        """The line after the trailer of a received message: usually its count."""
        count = match_count(line.text)
        if count is None:
            self._keep(waiting)
            alone = self._own.head == 1 and not self._own.body
            sure = waiting.rank is Rank.FITTING and (self.in_entry and line.entry)
            return self._best if alone or sure else None
        waiting = waiting._replace(taken=len(self.items), counted=count)
        for tally, foreign in self._readings():
            if tally.counted(count):
                fits = tally.fits() or tally.length is None
                waiting = waiting._replace(rank=Rank.PROOF if fits else Rank.COUNTED, foreign=foreign)
                if fits:
                    return waiting
        self._keep(waiting)
        return None

    def _keep(self, close: Close) -> None:
        """Remember the better candidate; in an entry of known extent the last among equals is the true one."""
        if self._best is None or close.rank < self._best.rank + self.line.whole:
            self._best = close

    def _announced(self) -> Close | None:
        """PJSIP: whether the announced octets are there."""
        size, end = self.banner.size or 0, len(self.items)
        for tally, foreign in self._readings():
            bare = not self._returns and self._best is None and tally.measures_bare(size)
            if bare or tally.measures(size, self._eol(self.items[-1])):
                return Close(Rank.PROOF, end, end, foreign)
        if self._own.least > size + 1 or (self._best is not None and not self._far):
            return self._best or Close(Rank.OPEN, end, end)
        return self._too_long()

    def _exhausted(self) -> Close | None:
        if self._best is not None:
            self._patience -= 1
            if self._patience < 0 and not (self._own.short() and self._patience > -self._far):
                return self._best
        return self._too_long()

    def _too_long(self) -> Close | None:
        if len(self.items) < MAX_LINES and self._octets < MAX_OCTETS:
            return None
        return self._best or Close(Rank.OPEN, len(self.items), len(self.items))

    def rows(self, close: Close) -> list[tuple[bytes, Line]]:
        """The lines of the message that `close` ends, without indentation."""
        kept = ((index, line) for index, line in enumerate(self.items[: close.end]) if index not in self.dropped)
        if close.foreign:
            return [(self.text(line, raw=not self.own(line)), line) for _, line in kept]
        return [(self.text(line), line) for _, line in kept if self.own(line)]

    def finish(self) -> Close:
        """The end of the block at the end of the log."""
        if self._waiting is not None:
            self._keep(self._waiting)
        return self._best or Close(Rank.OPEN, len(self.items), len(self.items))
