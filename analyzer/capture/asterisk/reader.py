"""Asterisk logs: what both readers, chan_sip and res_pjsip, share. Either understands the banners of both.

A log may hold both kinds of blocks; which reader claims it is decided by the first banner in its head. A log with
Asterisk's line prefix, or with its notices, and no banner is claimed by the chan_sip reader, so that the user learns
that it holds no SIP, and what its notices say. Between messages they are witnesses: each goes with the response that it
is about (`pairing.py`), or stands for itself.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

from analyzer.capture.asterisk.assembler import Aside, Assembled, Assembler
from analyzer.capture.asterisk.banners import Kind, match_banner
from analyzer.capture.asterisk.blocks import Block, Close, Rank
from analyzer.capture.asterisk.grammar import GRAMMAR
from analyzer.capture.asterisk.held import Held, OwnWords, nonce_second
from analyzer.capture.asterisk.notice_marks import may_be_notice
from analyzer.capture.asterisk.switches import Waiting
from analyzer.capture.text.carriers import NONE, Carriers
from analyzer.capture.text.clock import NO_STAMPS, Clock, Moment
from analyzer.capture.text.lines import as_utf8
from analyzer.capture.text.payload import CRLF, Printed
from analyzer.capture.text.rows import CarriedLines
from analyzer.capture.text.stamps import parse_date, stamp_shape
from analyzer.capture.text.trials import Score, score_of
from analyzer.capture.text.wrappers import Line, unwrap
from analyzer.defect import Defect
from analyzer.evidence import SECOND, Endpoint, Fidelity, LogLines, RawMessage, Source

if TYPE_CHECKING:
    from analyzer.capture.asterisk.notices import Notices, Said
    from analyzer.capture.asterisk.pairing import Pairing

LOCAL = Endpoint("asterisk", 0)
"""The server's own address: Asterisk does not print it."""

UNFINISHED = (Rank.CUT, Rank.OPEN)
_SURE = (Rank.PROOF, Rank.COUNTED)
_VERBOSE = b"-- "
"""What the console puts before a line that the server is chatty about."""

OWN_WORDS = "The log has no time stamps: what is told of times, the server's own Date headers and nonces say."

_MARK = re.compile(
    rb"<--- (?:SIP read from|(?:Reliably )?Transmitting|Received SIP)|(?:Retransmitting #\d+|Transmitting) \("
)
_CAPTURES = (b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d", b"\x0a\x0d\x0d\x0a")


def first_kind(head: bytes) -> Kind | None:
    """The kind of the first banner in `head`; None if there is no banner, or if `head` is no text log."""
    head = as_utf8(head)
    mark = _MARK.search(head)
    # What stands behind the first banner, a sender wrote: it must not be able to hide the log.
    if mark is None or not _is_text(head[: mark.end()]):
        return None
    return next((banner.kind for line in _lines(head) if (banner := match_banner(line.text))), None)


def has_prefix(head: bytes) -> bool:
    """Whether `head` has lines with Asterisk's prefix (`[Nov 20 11:53:45] VERBOSE[18974] chan_sip.c: `), or notices."""
    head = as_utf8(head)
    if not _is_text(head):
        return False
    if b".c" in head and any(
        line.entry and line.stamp and (line.whole or b".c:" in line.raw[:160]) for line in _lines(head)
    ):
        return True
    if not may_be_notice(head):
        return False
    from analyzer.capture.asterisk.notices import is_in  # late, here and below: a log of messages needs no notices

    return is_in(head)


def is_known(head: bytes) -> bool:
    """Whether `head` is that of an Asterisk log as it stands."""
    return first_kind(head) is not None or has_prefix(head)


def _is_text(head: bytes) -> bool:
    start = head[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith(_CAPTURES) or start.startswith((b"<!doctype", b"<html", b"<?xml")):
        return False
    sample = head[:4096]
    odd = len(sample) - len(sample.translate(None, bytes([*range(7), *range(14, 27), *range(28, 32)])))
    return odd * 50 <= len(sample)


def _lines(head: bytes) -> Iterator[Line]:
    for number, physical in enumerate(head.split(b"\n"), 1):
        yield from unwrap(number, physical, lambda code, text: None, match_banner)


class Reader:
    """One pass over one log. `now` (seconds since the epoch) bounds the year of a log without Date headers; `carriers`
    are those of its lines, where they are known."""

    def __init__(self, source: Source, now: float, carriers: Carriers | None = None) -> None:
        self._source = source
        self._now = now
        self._known = carriers
        self._clock = Clock(now)
        self._assembler = Assembler()
        self._waiting = Waiting(self._clock, lambda: self._clock.announce(source))
        self._own_words = OwnWords()
        self._shape = b""
        self._interrupted = self._cut = 0
        self._notices: Notices | None = None
        self._pairing: Pairing | None = None
        self._seen_message = False
        self._carriers: Carriers = NONE

    def read(self, stream: BinaryIO) -> Iterator[RawMessage]:
        """The messages of the log, in its order, and what it says beside them. Ctrl-C is passed on after what was read
        and still waits for the clock: it belongs to the report of what was read so far."""
        while True:
            try:
                yield from self._closed(stream)
            except KeyboardInterrupt:
                yield from self._rest()
                self._report()
                raise
            for one in self._assembler.finish():
                yield from self._take(one)
            yield from self._rest()
            if not self._source.goes_on():
                break
        self._report()

    def _rest(self) -> Iterator[RawMessage]:
        """What still waits when there is no more to read, for the time being."""
        for said in self._notices.rest() if self._notices is not None else ():
            self._say(said)
        for said in self._pairing.rest() if self._pairing is not None else ():
            self._alone(said)
        yield from self._waiting.finish()

    def _closed(self, stream: BinaryIO) -> Iterator[RawMessage]:
        """The messages that are known to be whole."""
        lines = CarriedLines(
            stream,
            self._cut_line,
            is_known,
            before=self._source.frames,
            carriers=self._carriers or self._known,
            reads=self._reads,
            opens=GRAMMAR.opens,
            ends=True,
        )
        self._carriers = lines.carriers
        for number, physical, stamp in lines:
            self._source.frames = number
            complain, inside = self._complain(number), self._assembler.inside
            for line in unwrap(number, physical, complain, match_banner, inside=inside, shape=self._shape):
                stamped = line if line.stamp or not stamp else line._replace(stamp=stamp)
                for one in self._assembler.feed(line, self._moment(stamped)):
                    yield from self._take(one)

    def _reads(self, text: bytes, carriers: Carriers) -> Score:
        """What can be read of a text without its carriers."""
        return score_of(Reader(Source("head", "log"), self._now, carriers).read(io.BytesIO(text)))

    def _take(self, one: Assembled) -> Iterator[RawMessage]:
        """A block that ended, or a line beside the blocks."""
        if isinstance(one, Aside):
            self._note(one.line, one.moment)
            return
        block, close = one
        yield from self._emit(block, close)
        if block.interrupted and not close.foreign and close.rank in _SURE:  # other lines in between, by all counts
            for line, moment in zip(block.items[: close.end], block.moments, strict=False):
                if line.entry and not block.own(line) and may_be_notice(line.text):
                    self._note(line, moment)

    def _note(self, line: Line, moment: Moment | None) -> None:
        """Take what may be a notice. Beside messages it has to be an entry: what stands bare may be anybody's text."""
        if self._seen_message and not line.entry and not line.text.lstrip().startswith(_VERBOSE):
            return
        if self._notices is None:
            from analyzer.capture.asterisk.notices import Notices

            hear = None if self._source.hear is None else self._hear
            self._notices = Notices(self._source.name, hear=hear)
        for said in self._notices.see(line, moment):
            self._say(said)

    def _hear(self, line: Line, moment: Moment | None) -> None:
        """Hand the line of a notice over; its time is known when the messages around it have theirs."""
        from analyzer.capture.asterisk.notices import worded

        found = worded(line.text, entry=line.entry)
        if self._source.hear is not None and found is not None:
            when = partial(self._clock.time, moment if line.stamp else None)
            self._source.hear(line.number, found.match.string, when)

    def _say(self, said: Said) -> None:
        """A notice: with the response that it is about, or by itself."""
        if self._pairing is None:
            from analyzer.capture.asterisk.pairing import Pairing

            self._pairing = Pairing(self._waiting.waiting)
        for alone in self._pairing.notice(said):
            self._alone(alone)

    def _alone(self, said: Said) -> None:
        """A notice that goes with no response: behind the latest message, if there was one."""
        last = self._waiting.last
        if last is not None:
            from analyzer.capture.asterisk.pairing import tie

            tie(last, said, alone=True)

    def _moment(self, line: Line) -> Moment | None:
        moment = self._clock.see(line.stamp)
        if line.stamp and moment is not None:
            self._waiting.stamp(line.number, moment)
        if moment is None and not self._shape and self._clock.unknown:
            self._shape = stamp_shape(self._clock.unknown)
        return moment

    def _complain(self, number: int) -> Callable[[str, str], None]:
        return lambda code, text: self._source.defect(code, text, LogLines(self._source.name, number, number))

    def _cut_line(self, number: int) -> None:
        self._complain(number)("long-line", "a line is longer than this tool keeps; the rest of it was skipped")

    def _emit(self, block: Block, close: Close) -> Iterator[RawMessage]:
        rows = block.rows(close)
        printed = _printed(block, rows)
        if self._is_noise(printed):
            return
        self._seen_message = True
        raw_message = self._datagram(
            block, close, printed, [line.number for text, line in rows[printed.skipped :] if text]
        )
        held = Held(raw_message, block.moment, block.fresh and block.moment is not None)
        self._tell_time(held, block, printed, raw_message.payload)
        for alone in self._pairing.message(held) if self._pairing is not None else ():
            self._alone(alone)
        yield from self._waiting.add(held)

    def _tell_time(self, held: Held, block: Block, printed: Printed, payload: bytes) -> None:
        """Note what a message says of its own time: a Date header, and the nonce of a challenge."""
        value, sent = printed.date(), not block.banner.received
        date = parse_date(value) if value else None
        told = self._own_words.told(payload, date) if sent else None
        second = date if date is not None else told
        if second is not None and block.moment is not None:
            by = "the nonces of its challenges" if date is None else "Date headers"
            held.sure = self._clock.vote(block.moment, second, sent=sent, fresh=block.fresh, by=by)
        if not held.fresh:
            held.told = told
            held.floor = None if sent or payload.startswith(b"SIP/2.0 ") else nonce_second(payload)

    def _datagram(self, block: Block, close: Close, printed: Printed, content: list[int]) -> RawMessage:
        """The message of a block, whose lines are those in `content`; its time is not yet known."""
        banner = block.banner
        payload = printed.exactly(banner.size) if banner.size else printed.octets()
        missing, defects = _checks(block, close, printed, payload)
        self._interrupted += close.rank not in UNFINISHED and _foreign_inside(block, close)
        self._cut += bool(missing)
        return RawMessage(
            payload,
            None,
            LogLines(self._source.name, content[0], content[-1]),
            banner.peer if banner.received else LOCAL,
            LOCAL if banner.received else banner.peer,
            banner.transport or printed.transport() or "UDP",
            Fidelity.TEXT_LOG,
            missing=missing,
            resend=banner.resend,
            defects=(*self._carriers.defects, *defects),
        )

    def _is_noise(self, printed: Printed) -> bool:
        """Count and skip keep-alives (docs/rules/reconstruction.md 1 item 3) and other things that are no SIP
        message."""
        head = printed.head
        if not any(text.strip(b"\0\r\t ") for text in head):
            self._source.keepalives += 1
            return True
        if len(head) == 1 and b"SIP/2.0" not in head[0]:
            text = head[0].strip(b"\0\r\t ")
            if len(text) <= 8 and b":" not in text:
                self._source.keepalives += 1
            else:
                self._source.other += 1
            return True
        return False

    def _report(self) -> None:
        quality, dating = self._source.quality, self._waiting.dating
        self._clock.report(self._source)
        if not self._clock.has_stamps and dating.first is not None:
            self._source.note_time(dating.first)
            self._source.note_time(dating.last)
            self._source.zone = "UTC, from Date headers"
            quality[:] = [OWN_WORDS if text == NO_STAMPS else text for text in quality]
        if dating.narrow:
            self._source.resolution = max(self._source.resolution, SECOND)
        if self._notices is not None:
            self._notices.tell(self._source, self._clock)
        if not self._seen_message:
            from analyzer.capture.asterisk.notices import trace_hint

            self._source.title = "Asterisk log"
            self._source.hint = self._source.hint or trace_hint()
        else:
            self._source.hint = ""
            quality.extend(f"The lines were {one.says}." for one in self._carriers.all)
        if self._interrupted:
            quality.append(f"{_messages(self._interrupted)} other log lines in between; those were left out.")
        if dating.between:
            quality.append(
                f"{_messages(dating.between)} no time stamp of {'its' if dating.between == 1 else 'their'} own: "
                f"{'its' if dating.between == 1 else 'their'} time is known only to lie between two stamps."
            )
        if self._cut:
            quality.append(f"{_messages(self._cut)} lost a part in the log.")


def _messages(count: int) -> str:
    return "1 message has" if count == 1 else f"{count} messages have"


def _foreign_inside(block: Block, close: Close) -> bool:
    return (
        bool(block.interrupted) and not close.foreign and not all(block.own(line) for line in block.items[: close.end])
    )


def _printed(block: Block, rows: list[tuple[bytes, Line]]) -> Printed:
    base = block.line.returns
    texts = [text for text, _ in rows]
    known = any(line.returns > base for _, line in rows)
    ends = [CRLF if line.returns > base else b"\n" for _, line in rows] if known else None
    return Printed(texts, ends)


def _checks(block: Block, close: Close, printed: Printed, payload: bytes) -> tuple[int, tuple[Defect, ...]]:
    """(octets missing at the end, defects): what sender and logger counted, against what is printed; and what the log
    says of the text that it was made of."""
    defects = [*block.banner.defects]
    missing = 0
    if block.banner.size is not None:
        missing = max(block.banner.size - len(payload), 0)
        if close.rank is not Rank.PROOF:
            text = f"the log announces {block.banner.size} octets and prints {len(payload)}"
            defects.append(Defect("byte-count", text))
    else:
        missing = _missing(close, printed, payload, defects)
    if close.rank is Rank.OPEN:
        defects.append(Defect("cut-at-end", "the log ends before the message does"))
    elif close.rank is Rank.CUT:
        defects.append(Defect("cut-short", "the message is not closed in the log before the next entry"))
    return max(missing, block.banner.missing), tuple(defects)


def _missing(close: Close, printed: Printed, payload: bytes, defects: list[Defect]) -> int:
    counted = close.counted
    lacking = 0
    if counted is not None and counted[0] != len(printed.head) and not (counted[0] == 64 <= len(printed.head)):
        text = f"the log counts {counted[0]} headers and prints {len(printed.head)}"
        defects.append(Defect("header-count", text))
        lacking = max(counted[0] - len(printed.head), 0)
    length = printed.content_length()
    if not printed.has_end_of_headers:
        return max(lacking, int(close.rank in UNFINISHED))
    if close.rank in (Rank.PROOF, Rank.COUNTED):
        return lacking
    short = (length or 0) - (len(payload) - payload.find(CRLF + CRLF) - 4)
    return max(lacking, short, int(close.rank in UNFINISHED and length is None))
