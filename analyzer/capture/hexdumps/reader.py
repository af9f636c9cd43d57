"""Reads a text of hex dumps: each dump is a packet that goes the way of those of a capture, or a payload.

The octets are those of the wire; which packets stand in the text, and what was made of it on its way, nobody knows. So
a message has the place and the worth of one of a log. Times are those that are printed above a dump, put on UTC as
those of other logs.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from analyzer.capture.hexdumps import packets
from analyzer.capture.hexdumps.dumps import Dump, Dumps
from analyzer.capture.packets import PacketReader
from analyzer.capture.record import Record
from analyzer.capture.text.carriers import NONE, Carriers
from analyzer.capture.text.clock import Clock, Moment
from analyzer.capture.text.grammar import Banner
from analyzer.capture.text.payload import CRLF, Printed
from analyzer.capture.text.rows import CarriedLines
from analyzer.capture.text.stamps import parse_date
from analyzer.capture.text.switches import Held, Waiting
from analyzer.capture.text.told_ends import both_ends
from analyzer.capture.text.wraps import WRAPS, Wrap
from analyzer.defect import Defect
from analyzer.evidence import Endpoint, Fidelity, Frame, Item, LogLines, RawMessage, Source

DIFFERS = "repaired-hex"
GAP = "hex-gap"
NO_TIMES = "The text prints no time with a message: nothing can be said about times."
_LATEST = 4096
"""Packets of which is remembered what is printed above them."""


def is_known(head: bytes) -> bool:
    """Whether a SIP message is in one of the dumps of a text."""
    lines = ((number, line.rstrip(b"\r"), b"") for number, line in enumerate(head.split(b"\n"), 1))
    return any(b"SIP/2.0" in octets for dump in Dumps(lines) for octets in _ways(dump))


def _ways(dump: Dump) -> Iterator[bytes]:
    """The octets of a dump, and those that it has if it is one of words."""
    yield bytes(dump.octets)
    if dump.pairs and not dump.agrees:
        yield packets.swapped(bytes(dump.octets))


class _Above:
    """What is printed above a packet, and what is wrong with its dump."""

    __slots__ = ("defects", "moment")

    def __init__(self, moment: Moment | None, defects: tuple[Defect, ...]) -> None:
        self.moment = moment
        self.defects = defects


class Reader:
    """One pass over one text. `now` (seconds since the epoch) bounds the year of stamps that have none."""

    def __init__(self, source: Source, now: float) -> None:
        self._source = source
        self._clock = Clock(now)
        self._waiting = Waiting(self._clock, lambda: self._clock.announce(source))
        self._carriers: Carriers = NONE
        self._packets = Source(source.name)
        self._above: OrderedDict[int, _Above] = OrderedDict()
        self._bare: deque[tuple[RawMessage, Moment | None]] = deque()
        self._last: tuple[Endpoint, Endpoint] | None = None
        self._last_moment: Moment | None = None
        self._read = self._stampless = self._inferred = self._gaps = self._differing = self._lost = 0

    def read(self, stream: BinaryIO) -> Iterator[Item]:
        """The messages of the text, in its order. Ctrl-C is passed on after what was read and still waits for the
        clock."""
        while True:
            try:
                yield from self._items(stream)
            except KeyboardInterrupt:
                yield from self._waiting.finish()
                self._report()
                raise
            yield from self._waiting.finish()
            if not self._source.goes_on():
                break
        self._report()

    def _items(self, stream: BinaryIO) -> Iterator[Item]:
        lines = CarriedLines(
            stream,
            self._cut_line,
            is_known,
            before=self._source.frames,
            carriers=self._carriers or None,
            own=("wraps",),
        )
        self._carriers = lines.carriers
        for item in PacketReader().items(self._records(self._numbered(lines))):
            yield from self._payloads()
            place = item.place
            assert isinstance(place, Frame)
            above = self._above.get(place.number)
            item.place = LogLines(self._source.name, place.offset, place.number)
            if not isinstance(item, RawMessage):
                yield item  # its time has to be that of messages, which are not known yet
                continue
            item.fidelity = Fidelity.TEXT_LOG
            if above is not None:
                item.defects += above.defects
            yield from self._give(item, None if above is None else above.moment)
        yield from self._payloads()

    def _numbered(self, lines: Iterable[tuple[int, bytes, bytes]]) -> Iterator[tuple[int, bytes, bytes]]:
        for number, text, stamp in lines:
            self._source.frames = number
            yield number, text.rstrip(b"\r"), stamp

    def _records(self, lines: Iterable[tuple[int, bytes, bytes]]) -> Iterator[Record]:
        """The dumps that are packets; payloads are put aside. A record is numbered by its last line, and its offset is
        its first."""
        for dump in Dumps(lines):
            moment = self._moment(dump)
            octets, linktype = self._told(dump)
            if linktype is None:
                self._take_payload(dump, octets, moment)
                continue
            if dump.title.section and not dump.title.section.startswith((b"Frame", b"Packet")):
                continue  # put together from packets that are here as well
            self._last = packets.ends_of(octets, linktype)
            self._above[dump.last] = _Above(moment, self._defects(dump))
            if len(self._above) > _LATEST:
                self._above.popitem(last=False)
            yield Record(self._packets, dump.last, dump.first, None, linktype, len(octets), octets)

    def _moment(self, dump: Dump) -> Moment | None:
        """The time above a dump; that of the frame before, for a part of it."""
        stamp = dump.title.stamp or dump.title.carried
        if stamp:
            self._last_moment = self._clock.see(stamp)
        elif not dump.title.section:
            self._last_moment = None
        return self._last_moment

    def _told(self, dump: Dump) -> tuple[bytes, int | None]:
        """The octets of a dump, in the order in which they went, and the link type if they are a packet."""
        ways = list(_ways(dump))
        if dump.base and not dump.goes_on:
            return next((one for one in ways if packets.payload_in(one)), ways[0]), None
        for octets in filter(packets.is_message, ways):
            return octets, None
        for octets in ways:
            linktype = packets.linktype_of(octets)
            if linktype is not None:
                return octets, linktype
        return next((one for one in ways if packets.payload_in(one)), ways[0]), None

    def _defects(self, dump: Dump) -> tuple[Defect, ...]:
        """What is wrong with a dump."""
        found: list[Defect] = []
        if dump.gap is not None:
            self._gaps += 1
            found.append(Defect(GAP, f"rows of the dump are lost from its octet {dump.gap} on: it is read up to there"))
        if dump.differing:
            self._differing += 1
            rows = "1 row" if dump.differing == 1 else f"{dump.differing} rows"
            found.append(Defect(DIFFERS, f"in {rows} of the dump digits and characters disagree: the digits are read"))
        if dump.wrapped:
            found.append(Defect(Wrap.code, f"the lines were {WRAPS}"))
        return tuple(found)

    def _take_payload(self, dump: Dump, octets: bytes, moment: Moment | None) -> None:
        """Put the messages of a payload aside; a part of a packet that was taken apart is one only where it was not to
        be read before."""
        section = dump.title.section
        if section and not section.startswith((b"Frame", b"Packet", b"Decrypted")):
            return
        payload = octets if packets.is_message(octets) and not dump.base else packets.payload_in(octets)
        if dump.goes_on and packets.is_message(octets):
            payload = octets
        if not payload:
            return
        ends = self._last if section.startswith(b"Decrypted") else None
        defects = self._defects(dump)
        parts = list(packets.messages_in(payload))
        for at, part in parts:
            message = self._message(dump, part, ends, is_last=at == parts[-1][0])
            message.defects = defects
            self._bare.append((message, moment))

    def _message(
        self, dump: Dump, payload: bytes, ends: tuple[Endpoint, Endpoint] | None, *, is_last: bool
    ) -> RawMessage:
        title = dump.title
        source, destination = ends or (title.source, title.destination)
        head, end, body = payload.partition(CRLF + CRLF)
        printed = Printed(head.split(CRLF), None)
        source, destination, is_inferred = both_ends(None, Banner(source, destination), printed.head or [b""])
        self._inferred += is_inferred
        transport = "TLS" if ends else printed.transport() or title.transport or "UDP"
        missing = max((printed.content_length() or 0) - len(body), 0) if end else 1
        if dump.gap is not None and is_last:
            missing = max(missing, 1)
        place = LogLines(self._source.name, dump.first, dump.last)
        return RawMessage(
            payload, None, place, source, destination, transport, Fidelity.TEXT_LOG, missing=missing if is_last else 0
        )

    def _payloads(self) -> Iterator[RawMessage]:
        """What was put aside."""
        while self._bare:
            yield from self._give(*self._bare.popleft())

    def _give(self, message: RawMessage, moment: Moment | None) -> Iterator[RawMessage]:
        """Hand on a message when its time is known."""
        message.defects = (*self._carriers.defects, *message.defects)
        self._read += 1
        self._lost += bool(message.missing)
        self._stampless += moment is None
        printed = Printed(message.payload.partition(CRLF + CRLF)[0].split(CRLF), None)
        sure = None
        if moment is not None and (value := printed.date()) and (date := parse_date(value)) is not None:
            sure = self._clock.vote(moment, date, sent=False)
        yield from self._waiting.add(Held(message, moment, sure))

    def _cut_line(self, number: int) -> None:
        place = LogLines(self._source.name, number, number)
        self._source.defect("long-line", "a line is longer than this tool keeps; the rest of it was skipped", place)

    def _report(self) -> None:
        source, inner = self._source, self._packets
        source.keepalives += inner.keepalives
        source.other += inner.other
        source.quality.extend(inner.quality)
        for place, defect in inner.defect_list:
            lines = LogLines(source.name, place.offset, place.number) if isinstance(place, Frame) else None
            source.defect(defect.code, defect.text, lines)
        if self._read and self._stampless < self._read:
            self._clock.report(source)
        elif self._read:
            source.quality.append(NO_TIMES)
        if self._inferred:
            source.quality.append(
                f"{_messages(self._inferred)} an end that the text does not print; it is what the topmost Via says."
            )
        if self._gaps:
            source.quality.append(f"{_dumps(self._gaps)} rows that are lost: what stands behind them is left out.")
        if self._differing:
            source.quality.append(f"{_dumps(self._differing)} digits that the characters beside them contradict.")
        if self._lost:
            source.quality.append(f"{_messages(self._lost)} lost a part in the log.")
        if self._read:
            source.quality.extend(f"The lines were {one.says}." for one in self._carriers.all)


def _messages(count: int) -> str:
    return "1 message has" if count == 1 else f"{count} messages have"


def _dumps(count: int) -> str:
    return "1 dump has" if count == 1 else f"{count} dumps have"
