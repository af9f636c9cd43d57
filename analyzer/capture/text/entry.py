"""One printed message, from its banner to its end.

Its text may hold anything, also a copy of the log's own framing; so no line ends a message by its looks alone where the
sender or the logger counted its octets:

    announced   the banner says how many octets follow, and they are there
    fitting     Content-Length fits the body (with CR LF or LF line ends, because the log lost them)
    cut         framing (a banner, a line of the log, a closing line) stands where more was to come
    open        the log ends

What is counted goes first: framing inside of what is still to come is a candidate, and content if the count fits at a
later line which framing, an empty line or the end of the log follows. Where it never fits, the count was wrong
(somebody edited the text, or the sender lied), and the candidate was the end; the lines after it are read again, from
a budget that keeps the whole linear (`patient`). Of a body whose lines were joined (`wraps.py`) the count may be wrong
by the line ends that stood there: the candidate is content as well if the count then fits.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from analyzer.capture.text.grammar import START, Banner, Grammar
from analyzer.capture.text.measure import MAX_TRUSTED, Tally
from analyzer.capture.text.payload import CRLF
from analyzer.capture.text.rows import Row

MAX_ROWS, MAX_OCTETS = 4096, 1 << 18
"""A message without any end is closed here."""
_ONCE = re.compile(rb"(call-id|i|cseq|from|f|to|t)[ \t]*:", re.IGNORECASE)
"""Headers that a message has once (RFC 3261 8.1.1)."""
_TYPE = re.compile(rb"(?:content-type|c)[ \t]*:", re.IGNORECASE)


class Rank(enum.IntEnum):
    """How well the end of a message is supported."""

    ANNOUNCED = 0
    FITTING = 1
    CUT = 2
    OPEN = 3
    NOTHING = 4


def merged(last: Row, first: Row) -> Row:
    """The line of which one packet has the beginning, the next one the end."""
    return last._replace(text=last.text + first.text, returns=first.returns or (last.returns and not first.text))


class Close(NamedTuple):
    """The end of an entry: of its rows `end` belong to the message, and `taken` are used up."""

    rank: Rank
    end: int
    taken: int


class Entry:
    """An entry being read. `push` takes rows until it answers with the `Close`."""

    def __init__(
        self, grammar: Grammar, banner: Banner, row: Row, *, patient: bool, frames: Callable[[bytes], bool]
    ) -> None:
        self.grammar = grammar
        self._frames = frames
        self.banner = banner
        self.opener = row
        self.rows: list[Row] = []
        self.own: list[Row] = []
        self.interrupted = 0
        self.cut_rows: set[int] = set()
        """Numbers of rows that were cut at the width of the text."""
        self.is_block = False
        self.breaks = 0  # empty lines behind a piece, of which one is the printer's where nothing marks a packet's end
        self.is_marked = False
        self._patient = patient
        self._joint: Row | None = None
        self._tally = Tally()
        self._is_typed = False
        self._is_returned = False
        self._octets = 0
        self._folded: Close | None = None
        self._indent = b""
        self._best: Close | None = None
        self._near: Close | None = None
        self._loose: Close | None = None
        self._waiting: Close | None = None
        self._size = banner.size if banner.size and banner.size <= MAX_TRUSTED else None

    @property
    def started(self) -> bool:
        """Whether the start line was seen."""
        return bool(self.own)

    @property
    def is_windows(self) -> bool:
        """Whether carriage returns are those of the file, and none of the message's."""
        return self.opener.returns and not self.grammar.dotted

    def resumed(self) -> Entry:
        """The same message, to be gone on with in another packet: its last line is not ended yet."""
        again = Entry(self.grammar, self.banner, self.opener, patient=self._patient, frames=self._frames)
        again.cut_rows = self.cut_rows
        is_ended = self.breaks > (not self.is_marked)
        for row in self.own if is_ended else self.own[:-1]:
            again._add(row)
        again._joint = self.own[-1]._replace(text=b"", returns=False) if is_ended else self.own[-1]
        return again

    def push(self, row: Row) -> Close | None:
        """Take a row; the end of the entry, once it is known."""
        self.rows.append(row)
        self._octets += len(row.text)
        if len(self.own) == 1 and self._is_start_again(row.text):
            self.own[0] = row._replace(text=self.own[0].text)
            return None
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            if (not row.text.strip() and self._tally.body) or self._frames(row.text):
                return waiting
        if self._near is not None and self._best is not None and (not row.text.strip() or self._frames(row.text)):
            self._loose = self._near
        if self.is_block:
            return self._in_block(row)
        inner = self._inner(row)
        if self._joint is not None:
            joint, self._joint = self._joint, None
            return self._add(merged(joint, inner or row))
        if not self.own:
            return self._before(row, inner)
        if inner is None and not self._frames(row.text):
            self.interrupted += not self.grammar.explained
            return self._too_long()
        if self._is_framing(row, inner):
            candidate = Close(Rank.CUT, len(self.own), len(self.rows) - 1)
            self._best = self._best or candidate
            if inner is None or not self._expects_more():
                return self._best
        return self._add(inner or row)

    def _is_start_again(self, text: bytes) -> bool:
        """Whether a line has the start line that is there already, because the line over the message shows it: behind
        what this printer puts before it, where a width broke that line at the start line."""
        start = self.own[0].text
        if text == start:
            return bool(self.banner.rest)
        return self.grammar.start is not None and text.endswith(start) and self.grammar.start(text) == start

    def _inner(self, row: Row) -> Row | None:
        """A row as a line of this message, if it is one: without what begins each line of the entry."""
        lead = self.banner.lead
        if lead:
            if not row.text.startswith(lead.rstrip()):
                return None
            row = row._replace(text=row.text[len(lead) :])
        if self._indent:
            if row.text.startswith(self._indent):
                row = row._replace(text=row.text[len(self._indent) :])
            elif row.text.strip(b" \t"):
                return None
            else:
                row = row._replace(text=b"")
        inner = self.grammar.inner(self.banner, row)
        if self.grammar.dotted and self.opener.returns and inner is not None and inner.text == row.text:
            return inner._replace(returns=False)
        return inner

    def _before(self, row: Row, inner: Row | None) -> Close | None:
        """A row between banner and message."""
        text = row.text if inner is None else inner.text
        if self.grammar.block is not None and self.grammar.block(self.banner, row.text):
            self.is_block = True
            self.own.append(row)
            return None
        if START.match(text):
            return self._add(inner or row)
        if self.grammar.indented and text[:1] in (b" ", b"\t") and START.match(bare := text.lstrip(b" \t")):
            self._indent = text[: len(text) - len(bare)]
            return self._add((inner or row)._replace(text=bare))
        if self.grammar.start is not None and (start := self.grammar.start(text)) is not None:
            if self.grammar.opens(row.text) is not None:  # a banner that quotes the start line, of another entry
                return Close(Rank.NOTHING, 0, len(self.rows) - 1)
            return self._add((inner or row)._replace(text=start))
        again = Close(Rank.NOTHING, 0, len(self.rows) - 1)
        if len(self.rows) > self.grammar.before:
            return again
        refined = self.grammar.refine(self.banner, row.text)
        if refined is None:
            return again
        if refined is not self.banner:
            self.banner = refined
            self._size = refined.size if refined.size and refined.size <= MAX_TRUSTED else None
        return None

    def _in_block(self, row: Row) -> Close | None:
        if self.grammar.in_block is not None and self.grammar.in_block(row.text):
            self.own.append(row)
            return self._too_long()
        return Close(Rank.FITTING, len(self.own), len(self.rows) - 1)

    def _is_framing(self, row: Row, inner: Row | None) -> bool:
        """Whether the row could open or close something; in a log that puts an empty line before, only behind one."""
        if inner is not None and inner.text != row.text and not self.grammar.prefixed:
            return False  # it is printed as the lines of a message are
        if self._best is not None and inner is not None:
            return False
        if not self._tally.body and row.text[:1] in (b" ", b"\t") and self.own[-1].text:
            if self._folded is None and self._frames(row.text):
                self._folded = Close(Rank.CUT, len(self.own), len(self.rows) - 1)
            return False  # the header goes on (RFC 3261 7.3.1), unless all headers come again
        if self.grammar.spaced and self.own[-1].text and not self._tally.body:
            return False
        return self._frames(row.text)

    def _expects_more(self) -> bool:
        """Whether what was counted lets more lines come, framing among them, and there is patience to see."""
        if not self._patient:
            return False
        if self._size is not None and self._tally.least <= self._size:
            return True
        return self._tally.body and self._tally.length is not None and self._tally.short()

    def _add(self, row: Row) -> Close | None:
        returns = row.returns and not self.is_windows
        if not row.text and self._is_returned and not returns and not self._tally.body:
            return Close(Rank.CUT, len(self.own), len(self.rows))  # the empty line is the log's: headers were to come
        self.own.append(row)
        self._is_returned = self._is_returned or returns
        eol = 1 if self._is_returned and not returns else 2
        tally = self._tally
        was_body = tally.body
        tally.add(row.text, eol, row.seams)
        if not was_body and not tally.body:
            if self._folded is not None and (again := _ONCE.match(row.text)) and self._has(again[1], len(self.own) - 1):
                return self._folded
            self._is_typed = self._is_typed or bool(row.text[:1] in b"cC" and _TYPE.match(row.text))
        return self._counted(eol) or self._too_long()

    def _counted(self, eol: int) -> Close | None:
        """Whether what was announced, or else Content-Length, is there."""
        tally, here = self._tally, Close(Rank.FITTING, len(self.own), len(self.rows))
        if self._size is not None:
            if tally.measures(self._size, eol) or self._measures_bare(self._size):
                return self._sure(here._replace(rank=Rank.ANNOUNCED))
            if tally.least > self._size + 1:
                self._size = None  # more is there than was announced: it is not what is printed
                if self._best is not None:
                    return self._loose or self._best
        if not tally.body:
            return None
        if tally.length is None:
            if self._is_typed or self._size is not None:
                return None
            return here
        if tally.fits():
            if self._size is None:
                return self._sure(here)
            if self._best is None or self._best.rank is not Rank.FITTING:
                self._best = here if self._best is None else self._best
                return None if self._patient else self._best
        self._near = here if tally.seams and tally.may_fit() else None
        if self._size is None and self._best is not None and tally.over:
            return self._loose or self._best
        return None

    def _has(self, name: bytes, end: int) -> bool:
        """Whether a header of this name is among the first `end` lines."""
        return any((found := _ONCE.match(row.text)) and found[1].lower() == name.lower() for row in self.own[1:end])

    def _measures_bare(self, size: int) -> bool:
        """Whether the text lost the carriage returns of a message of `size` octets that ended lines in LF alone."""
        tally = self._tally
        return not self._is_returned and tally.measures_bare(size) and bool(tally.lines or tally.least >= size)

    def _sure(self, close: Close) -> Close | None:
        """An end that fits; where framing stands inside, or the headers do not end, what follows has to agree."""
        if self._tally.body and (self._best is None or self._best.rank is not Rank.CUT):
            return close
        self._waiting = close
        return None

    def _too_long(self) -> Close | None:
        if len(self.rows) < MAX_ROWS and self._octets < MAX_OCTETS:
            return None
        return self.finish()

    def ends(self, rows: Sequence[Row], texts: Sequence[bytes]) -> list[bytes] | None:
        """The line ends of its rows as printed; None where the text lost them."""
        if self.is_block or self.is_windows or len(texts) != len(rows) or not any(row.returns for row in rows):
            return None
        return [CRLF if row.returns else b"\n" for row in rows]

    def finish(self) -> Close:
        """The end of the entry at the end of the log."""
        if not self.own:
            return Close(Rank.NOTHING, 0, len(self.rows))
        if self.is_block:
            return Close(Rank.FITTING, len(self.own), len(self.rows))
        loose = (self._near or self._loose) if self._best is not None and self._size is None else None
        return self._waiting or loose or self._best or Close(Rank.OPEN, len(self.own), len(self.rows))
