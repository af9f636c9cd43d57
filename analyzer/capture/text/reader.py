"""Reads a log of printed messages by the grammar of its dialect: rows to entries, entries to messages, stamps to times.

What a text does not tell is not made up. An end without an address is taken from the topmost Via where that says where
the sender listens (RFC 3261 18.1.1, 18.2.1: sent-by, received, RFC 3581: rport), and the source says so; any other end
is called by the name of the program.
"""

from __future__ import annotations

import io
import re
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from typing import BinaryIO

from analyzer.capture.text.carrier_kinds import COLLAPSED, uncoloured
from analyzer.capture.text.carriers import Carriers, is_trimmed
from analyzer.capture.text.checks import checks
from analyzer.capture.text.clock import Clock, Moment
from analyzer.capture.text.entry import Close, Entry, Rank
from analyzer.capture.text.grammar import START, Banner, Grammar
from analyzer.capture.text.payload import Printed
from analyzer.capture.text.pieces import Pieces, goes_on
from analyzer.capture.text.rows import Row, Rows
from analyzer.capture.text.stamps import parse_date, parse_stamp
from analyzer.capture.text.switches import Held, Waiting
from analyzer.capture.text.told_ends import VIA, both_ends
from analyzer.capture.text.trials import Score, score_of
from analyzer.capture.text.whole import Block, is_framed, is_plain
from analyzer.capture.text.written import uncovered
from analyzer.defect import Defect
from analyzer.evidence import Endpoint, Fidelity, LogLines, RawMessage, Source
from analyzer.sip.transports import STREAMS

EARNED, SAVINGS = 1, 5_000
"""Lines that may be read again per line read, and at most saved up: keeps the whole linear."""
_NO_STAMP = "The text prints no time with a message: nothing can be said about times."
_HEADER = re.compile(rb"[A-Za-z][\w.!%*+`'~-]{0,60}[ \t]*:")
_KNOWN = re.compile(rb";[\w-]|(?:from|to|call-id|cseq|contact|max-forwards|content-length)[ \t]*:", re.IGNORECASE)
_COVERS = frozenset((b"\x1b", b"[", b"{", b"<", b"`", b"~"))
"""How what stands before a whole text begins."""


class Reader:
    """One pass over one log. `recognised` is the dialect's `looks_like`; `others` are grammars of which the log has
    messages too; `now` (seconds since the epoch) bounds the year of a log without Date headers."""

    def __init__(
        self,
        grammar: Grammar,
        source: Source,
        recognised: Callable[[bytes], bool],
        now: float | None = None,
        others: Sequence[Grammar] = (),
        carriers: Carriers | None = None,
    ) -> None:
        self._grammars = tuple(one.fresh() for one in (grammar, *others))
        self._grammar = self._grammars[0]
        self._source = source
        self._clock = Clock(time.time() if now is None else now)
        self._waiting = Waiting(self._clock, lambda: self._clock.announce(source), may_turn=True)
        self._recognised = recognised
        self._carriers = carriers
        self._entry: Entry | None = None
        self._again: deque[Row] = deque()
        self._pieces = Pieces()
        self._stream: Entry | None = None
        self._late: tuple[Entry, Close] | None = None
        self._credit = SAVINGS
        self._rows: Rows | None = None
        self._is_coloured = any(one.coloured for one in self._grammars)
        self._inferred = self._interrupted = self._cut = self._stampless = self._read = self._early = self._narrow = (
            self._alone
        ) = 0
        self._starts = False
        self._is_early = False
        self._width = 0

    def read(self, stream: BinaryIO) -> Iterator[RawMessage]:
        """The messages of the log, in its order. Ctrl-C is passed on after what was read and still waits for the clock:
        it belongs to the report of what was read so far."""
        while True:
            try:
                yield from self._closed(stream)
            except KeyboardInterrupt:
                yield from self._waiting.finish()
                self._report()
                raise
            yield from self._rest()
            if not self._source.goes_on():
                break
        self._report()

    def _rest(self) -> Iterator[RawMessage]:
        """What still waits when there is no more to read, for the time being."""
        while self._entry is not None:
            yield from self._done(self._entry, self._entry.finish())
            yield from self._drain()
        yield from self._told_late(None)
        yield from self._unfinished(self._pieces.rest())
        yield from self._waiting.finish()

    def _closed(self, stream: BinaryIO) -> Iterator[RawMessage]:
        reach = max(one.reach for one in self._grammars)
        prefixed = any(one.prefixed for one in self._grammars)  # nothing else stands before its lines then
        known = self._carriers if self._rows is None else self._rows.carriers
        rows = self._rows = Rows(
            stream,
            self._cut_line,
            reach,
            self._recognised,
            as_it_is=prefixed,
            before=self._source.frames,
            carriers=known,
            reads=self._reads,
            opens=lambda text: self._opens(text)[1],
            blocks=True,
        )
        for row in rows:
            self._source.frames = rows.count
            if isinstance(row, Block):
                yield from self._take(row)
                yield from self._drain()
                rows.idle = self._entry is None and (self._grammar.more is None or not self._pieces.waits)
                continue
            self._width = rows.cut
            if COLLAPSED in rows.carriers.all and any(one.spaced for one in self._grammars):
                self._grammars = tuple(replace(one, spaced=False) for one in self._grammars)
            self._credit = min(self._credit + EARNED, SAVINGS)
            if b"\x1b" in row.text and self._is_coloured:
                row = row._replace(text=uncoloured(row.text))
            yield from self._feed(row)
            yield from self._drain()
            rows.idle = self._entry is None and (self._grammar.more is None or not self._pieces.waits)
        self._source.frames = rows.count

    def _take(self, block: Block) -> Iterator[RawMessage]:
        """A message in one piece: as an entry that was read to its end where the grammar has nothing to say to its
        lines, else line by line."""
        opener = Row(block.number - 1, block.opener, block.is_returned)
        rows = [Row(number, text, block.returns) for number, text in enumerate(block.lines, block.number)]
        self._credit = min(self._credit + EARNED * (1 + len(rows)), SAVINGS)
        grammar, banner = self._opens(block.opener)
        is_shown = b"\x1b" in block.opener and self._is_coloured
        if banner is None or is_shown or not is_plain(grammar, banner, block) or is_framed(self._grammars, block.lines):
            for row in (opener, *rows):
                yield from self._feed(row)
                yield from self._drain()
            return
        yield from self._begun(banner)
        entry = Entry(grammar, banner, opener, patient=True, frames=self._frames)
        entry.rows = entry.own = rows
        yield from self._done(
            entry, Close(Rank.FITTING if banner.size is None else Rank.ANNOUNCED, len(rows), len(rows))
        )

    def _reads(self, text: bytes, carriers: Carriers) -> Score:
        """What can be read of a text without its carriers."""
        first, *others = self._grammars
        again = Reader(first, Source("head", "log"), self._recognised, others=others, carriers=carriers)
        return score_of(again.read(io.BytesIO(text)))

    def _drain(self) -> Iterator[RawMessage]:
        """Read again what entries gave back."""
        while self._again:
            yield from self._feed(self._again.popleft())

    def _feed(self, row: Row) -> Iterator[RawMessage]:
        entry = self._entry
        if entry is None:
            grammar, banner = self._opens(row.text)
            if banner is None and row.text[:1] in _COVERS and (bare := uncovered(row.text)) != row.text:
                row = row._replace(text=bare)
                grammar, banner = self._opens(bare)
            if banner is None and not self._goes_on_bare(row):
                yield from self._next_in_stream(row)
            if banner is None:
                self._look_behind(row.text)
                return
            yield from self._begun(banner)
            entry = self._entry = Entry(grammar, banner, row, patient=self._credit > 0, frames=self._frames)
            if not banner.rest:
                return
            row = row._replace(text=banner.rest)
        elif entry.banner.key and not entry.rows and not entry.own:
            entry = self._entry = yield from self._resumed(entry, row)
        if self._width and len(row.text) == self._width:
            entry.cut_rows.add(row.number)
        if (close := entry.push(row)) is not None:
            yield from self._done(entry, close)

    def _begun(self, banner: Banner) -> Iterator[RawMessage]:
        """What a banner puts an end to."""
        self._stream, self._is_early = None, False
        yield from self._told_late(None)
        yield from self._unfinished(self._pieces.others(banner))

    def _look_behind(self, text: bytes) -> None:
        """The first line behind a message that ended at an empty line: whether more of its headers stand there; and
        whether a message begins that nothing announced."""
        if self._starts:
            self._alone += _KNOWN.match(text) is not None or VIA.match(text) is not None
        self._starts = b"SIP/2.0" in text and START.match(text) is not None
        if self._is_early and text:
            self._is_early = False
            self._early += bool(_KNOWN.match(text))

    def _goes_on_bare(self, row: Row) -> bool:
        """Whether the message that was printed last goes on in a line of its own making."""
        tells = self._grammar.more
        if tells is None or (text := tells(row.text)) is None or (held := self._pieces.last()) is None:
            return False
        self._entry = held.resumed()
        self._entry.push(row._replace(text=text))
        return True

    def _opens(self, text: bytes) -> tuple[Grammar, Banner | None]:
        """The banner that a line is, and the grammar by which it is one."""
        for grammar in self._grammars:
            if (banner := grammar.opens(text)) is not None:
                return grammar, banner
        return self._grammar, None

    def _frames(self, text: bytes) -> bool:
        """Whether a line is framing, in any of the grammars."""
        return any(one.frames(text) for one in self._grammars)

    def _next_in_stream(self, row: Row) -> Iterator[RawMessage]:
        """A packet of a stream may hold several messages; some programs say behind a message where it went."""
        if self._late is not None and (after := self._late[0].grammar.after) is not None and (peer := after(row.text)):
            yield from self._told_late(peer)
        self._pieces.between(row, any(one.end is not None and bool(one.end(row.text)) for one in self._grammars))
        if self._stream is None:
            return
        before = self._stream
        entry = Entry(before.grammar, before.banner, before.opener, patient=self._credit > 0, frames=self._frames)
        inner = entry.grammar.inner(entry.banner, row)
        if inner is not None and START.match(inner.text):
            self._entry = entry
            yield from self._feed(row)

    def _resumed(self, entry: Entry, row: Row) -> Generator[RawMessage, None, Entry]:
        """The message that goes on in this packet, whose first line is `row`; or what begins here, and the message that
        should have gone on is given out as it is."""
        held = self._pieces.taken(entry.banner.key)
        inner = entry.grammar.inner(entry.banner, row)
        if not held or (inner is not None and goes_on(entry.banner, inner)):
            return held[0].resumed() if held else entry
        yield from self._unfinished(held)
        return entry

    def _told_late(self, peer: Endpoint | None) -> Iterator[RawMessage]:
        """Hand out the message that waited for the line that says where it went."""
        if self._late is not None:
            (entry, close), self._late = self._late, None
            if peer is not None and entry.banner.destination is None:
                entry.banner = entry.banner._replace(destination=peer)
            yield from self._emit(entry, close)

    def _unfinished(self, entries: list[Entry]) -> Iterator[RawMessage]:
        for entry in entries:
            yield from self._emit(entry, Close(Rank.CUT, len(entry.own), 0))

    def _done(self, entry: Entry, close: Close) -> Iterator[RawMessage]:
        """Hand out an entry that ended; what it did not use is read again."""
        self._entry = None
        back = entry.rows[close.taken :]
        self._credit -= len(back)
        self._again.extendleft(reversed(back))
        if close.rank is Rank.NOTHING:
            self._pass(entry, close)
        elif close.rank in (Rank.CUT, Rank.OPEN) and entry.banner.key:
            yield from self._unfinished(self._pieces.hold(entry, close))
        else:
            self._stream = entry if entry.banner.key and entry.banner.transport in STREAMS else None
            if entry.grammar.after is not None and entry.banner.received is False:
                self._late = entry, close
            else:
                yield from self._emit(entry, close)

    def _pass(self, entry: Entry, close: Close) -> None:
        """Count what is no SIP message (docs/rules/reconstruction.md 1 item 3)."""
        if entry.grammar.loose:
            return
        between = entry.rows[: close.taken]
        if between and not entry.banner.rest and not any(row.text.strip(b"\0. ") for row in between):
            self._source.keepalives += 1
        else:
            self._source.other += 1

    def _cut_line(self, number: int) -> None:
        place = LogLines(self._source.name, number, number)
        self._source.defect("long-line", "a line is longer than this tool keeps; the rest of it was skipped", place)

    def _emit(self, entry: Entry, close: Close) -> Iterator[RawMessage]:
        grammar, banner = entry.grammar, entry.banner
        rows = entry.own[: close.end]
        fixed, is_cut = "", False
        texts = [row.text for row in rows]
        if entry.cut_rows and not entry.is_block:
            from analyzer.capture.text import cuts  # late: few texts are cut

            texts = cuts.whole(texts, frozenset(at for at, row in enumerate(rows) if row.number in entry.cut_rows))
        if entry.is_block and grammar.whole is not None:
            texts = grammar.whole(texts)
        if grammar.fix is not None:
            fixed, is_cut = grammar.fix(texts)
        if self._rows is not None and is_trimmed(texts, self._rows.carriers.all):
            texts = [*texts, b""]
        printed = Printed(texts, entry.ends(rows, texts))
        if not any(map(_HEADER.match, printed.head[1:])) or not START.match(printed.head[0]):
            self._source.other += 1  # a start line that somebody mentions is no message
            return
        moment = self._moment(entry)
        sure = None
        if moment is not None and (value := printed.date()) and (date := parse_date(value)) is not None:
            sent = grammar.server and banner.received is False
            sure = self._clock.vote(moment, date, sent=sent)
        message = self._message(entry, close, printed)
        if fixed:
            message.defects += (Defect("repaired-text", fixed),)
            message.missing = max(message.missing, int(is_cut))
        self._read += 1
        self._is_early = printed.has_end_of_headers and printed.content_length() is None
        self._stampless += moment is None
        yield from self._waiting.add(Held(message, moment, sure))

    def _moment(self, entry: Entry) -> Moment | None:
        """The time that the banner prints, or the carrier where it knows the day and the banner does not."""
        stamp, carried = entry.banner.stamp, entry.opener.stamp
        if carried:
            parsed = parse_stamp(stamp) if stamp else None
            if (parsed is None or not parsed.month) and parse_stamp(carried) is not None:
                stamp = carried
        return self._clock.see(stamp) if stamp else None

    def _message(self, entry: Entry, close: Close, printed: Printed) -> RawMessage:
        banner = entry.banner
        payload = printed.exactly(banner.size) if close.rank is Rank.ANNOUNCED and banner.size else printed.octets()
        missing, defects = checks(entry, close, printed, payload)
        self._interrupted += bool(entry.interrupted)
        self._narrow += bool(entry.cut_rows)
        self._cut += bool(missing)
        source, destination, is_inferred = both_ends(entry.grammar, banner, printed.head)
        self._inferred += is_inferred
        rows = entry.own[: close.end]
        last = next((row.number for row in reversed(rows) if row.text), rows[-1].number)
        carriers = () if self._rows is None else self._rows.carriers.defects
        return RawMessage(
            payload,
            None,
            LogLines(self._source.name, rows[0].number, last),
            source,
            destination,
            banner.transport or printed.transport() or "UDP",
            Fidelity.TEXT_LOG,
            missing=missing,
            resend=banner.resend,
            defects=(*carriers, *defects),
        )

    def _report(self) -> None:
        quality = self._source.quality
        if not self._read:
            self._source.hint = self._grammar.hint
        if self._read and self._stampless < self._read:
            self._clock.report(self._source)
            if self._stampless:
                quality.append(f"{_messages(self._stampless)} no time in the text.")
        elif self._read:
            quality.append(_NO_STAMP)
        if self._inferred:
            quality.append(
                f"{_messages(self._inferred)} an end that the text does not print; it is what the topmost Via says."
            )
        if self._interrupted:
            quality.append(f"{_messages(self._interrupted)} other log lines in between; those were left out.")
        if self._narrow:
            quality.append(f"The lines are cut at {self._width} characters: what stood behind is lost, and not judged.")
        if self._cut:
            quality.append(f"{_messages(self._cut)} lost a part in the log.")
        if self._alone and self._grammar.start is None and not (self._grammar.explained or self._grammar.echoes):
            quality.append(
                f"{_messages(self._alone)} no line of the log above: left out, but read with --dialect bare."
            )
        if self._early:
            early = f"{_messages(self._early)} more headers behind an empty line"
            quality.append(f"{early}: this looks like copied text, which --dialect flow-text mends.")
        if self._rows is not None and self._read:
            quality.extend(f"The lines were {one.says}." for one in self._rows.carriers.all)


def _messages(count: int) -> str:
    return "1 message has" if count == 1 else f"{count} messages have"
