"""One direction of a TCP connection: sequence numbers to octets in order, octets to messages."""

from __future__ import annotations

import re
from typing import NamedTuple

from analyzer.capture.pcapng_options import SAID_OF_TLS
from analyzer.capture.pieces import Pieces
from analyzer.capture.record import Record
from analyzer.capture.websocket import Upgrade, WebSocketFramer, upgrades
from analyzer.capture.websocket_frames import begins
from analyzer.evidence import Endpoint, Fidelity, Item, NetworkError, RawMessage
from analyzer.sip.framing import Framed, StreamFramer
from analyzer.sip.transports import SECURED

LOOK = 1 << 16
"""Octets within which a stream must show SIP to be read on."""

MAX_WAITING = 1 << 20
"""Octets that may wait behind a hole."""

MAX_PIECES = 1024
"""Pieces that may wait behind a hole."""

_TAIL = 4096  # delivered octets that are kept at least, to compare repeated segments with
_TLS = re.compile(rb"[\x14-\x17]\x03[\x00-\x04]")
_FOREIGN = re.compile(rb"HTTP/1|RTSP/|SSH-|[A-Z]{3,16} [^\r\n]{0,2048} (?:HTTP|RTSP)/1")
_NAME = re.compile(rb"(?:HTTP|RTSP)/1\.\d \d{3}|SSH-|[A-Z]{3,16}")
_SEQUENCE = 1 << 32


class Mark(NamedTuple):
    """The packet that brought some octets; `reassembled` where it was put together from fragments."""

    record: Record
    reassembled: bool


class Stream:
    """Octets of one direction, counted from 0 at the first one after the SYN (or the first one seen).

    `transport` is `TCP` or `WS`; `messages` counts SIP messages; `encrypted` says that TLS was met, `foreign` that the
    stream is not SIP, `other` then what it is instead (`HTTP/1.1 400`, `TLS`). `upgrade` is what both directions share
    where they are a WebSocket.
    """

    __slots__ = ("_acked", "_base", "_fin", "_framer", "_last", "_next", "_number", "_segments", "_tail", "_upgrade",
                 "_waiting", "destination", "encrypted", "foreign", "messages", "other", "source",
                 "transport")  # fmt: skip

    def __init__(self, number: int, source: Endpoint, destination: Endpoint, upgrade: Upgrade) -> None:
        self.source = source
        self.destination = destination
        self.messages = 0
        self.encrypted = False
        self.foreign = False
        self.other = ""
        self.transport = "TCP"
        self._number = number
        self._upgrade = upgrade
        self._base: int | None = None  # sequence number of octet 0
        self._next = 0  # offset of the octet that is due
        self._waiting: Pieces | None = None
        self._framer: StreamFramer | WebSocketFramer | None = None
        self._tail = bytearray()
        self._acked = 0  # octets that the peer has acknowledged while some waited, or before they came
        self._fin: int | None = None  # offset of the end
        self._last: Mark | None = None  # the packet that brought what was delivered last
        self._segments = 0

    def carried(self, record: Record) -> str:
        """The transport: within TLS, where that was taken off before a record of the stream was written."""
        source = record.source
        if record.interface not in source.secured:
            return self.transport
        if SAID_OF_TLS not in source.quality:
            source.quality.append(SAID_OF_TLS)
        return SECURED.get(self.transport, self.transport)

    @property
    def is_begun(self) -> bool:
        """Whether anything of this direction was seen."""
        return self._base is not None

    @property
    def has_octets(self) -> bool:
        """Whether it carried data."""
        return self._next > 0 or self._waiting is not None or self.encrypted or self.foreign

    def synchronise(self, sequence: int) -> None:
        """A SYN: octet 0 has this sequence number."""
        if self._base is None:
            self._base = sequence % _SEQUENCE

    def fits(self, sequence: int) -> bool:
        """Whether a SYN before `sequence` may belong to this stream: nothing was seen, or it is a repetition."""
        return self._base is None or (self._base - sequence) % _SEQUENCE == 0

    def _offset(self, sequence: int) -> int:
        """Offset of a sequence number: the one nearest to what is due, since the numbers wrap (RFC 9293 3.4)."""
        if self._base is None:
            self._base = sequence % _SEQUENCE
        ahead = (sequence - self._base - self._next) % _SEQUENCE
        return self._next + (ahead - _SEQUENCE if ahead >= _SEQUENCE // 2 else ahead)

    def take(self, sequence: int, octets: bytes, missing: int, mark: Mark) -> list[Item]:
        """Octets that arrived; the capture cut off `missing` more behind them."""
        if self.foreign or self.encrypted:
            mark.record.source.other += self.foreign
            return []
        start = self._offset(sequence)
        self._segments += 1
        if start > self._next:
            return self._wait(start, octets, mark)
        seen = self._next - start
        if seen and len(octets) > 1:  # one octet below what is due is a keep-alive probe (RFC 9293 3.8.4)
            self._compare(start, octets[:seen], mark.record)
        items = self._deliver(octets[seen:], mark) if len(octets) > seen else []
        if missing and not self.foreign:
            items += self._lose(start + len(octets) + missing - self._next, mark)
        items += self._drain(mark)
        if self._acked:
            items += self._give_up(self._acked)
        if self._fin is not None and self._next >= self._fin:
            items += self.finish()
        return items

    def acknowledged(self, sequence: int, record: Record) -> list[Item]:
        """The peer has everything before `sequence`: what is missing there will not come any more.

        The first such word is only noted, since a capture may put a response before what it answers; and it is told
        that something seems to be missing.
        """
        if self._base is None or (self._waiting is None and (self._framer is None or self._fin is not None)):
            return []
        acked = self._offset(sequence)
        if self._waiting is None:
            if acked <= self._next or acked <= self._acked:
                return []
            self._acked = acked
            return self._gap(record)
        items = self._give_up(min(acked, self._acked))
        self._acked = max(self._acked, acked)
        return items

    def close(self, sequence: int) -> list[Item]:
        """A FIN behind the octet before `sequence`: the stream ends there, now or when the rest has come."""
        if self._base is not None and not self.foreign and not self.encrypted:
            self._fin = self._offset(sequence)
            if self._next < self._fin:
                return []
        return self.finish()

    def finish(self) -> list[Item]:
        """Nothing more comes: give up all holes and end the message under way."""
        if self._framer is None and self._waiting is None:
            return []
        items = self._give_up(None)
        if self._framer is not None and self._last is not None:
            items += [self._datagram(message, self._last, self._next) for message in self._framer.finish()]
            self._tell(self._last.record)
        return items

    def _give_up(self, until: int | None) -> list[Item]:
        """Go over the holes that end at or before `until` (None: all of them)."""
        items: list[Item] = []
        while self._waiting is not None and (piece := self._waiting.first()) is not None:
            if until is not None and piece.start > until:
                break
            items += self._lose(piece.start - self._next, _mark(piece.mark))
            items += self._drain(None)
        return items

    def _gap(self, record: Record) -> list[Item]:
        """That the capture lost octets on their way to the peer, if the stream carries messages."""
        if not self.messages:
            return []
        ends = self.destination, self.source
        return [NetworkError(record.time, record.place, *ends, self.carried(record), "gap", stream=self._number)]

    def _lose(self, missing: int, mark: Mark) -> list[Item]:
        """Go over octets that the capture does not have."""
        if missing <= 0:
            return []
        record = mark.record
        start = self._next
        self._next += missing
        self._tail.clear()
        if self._framer is None:
            return []
        lost = self._gap(record)
        if self.messages or not self._framer.idle:
            record.source.defect("tcp-gap", f"{missing} octets of a TCP stream were not captured", record.place)
        items = [self._datagram(message, self._last or mark, start) for message in self._framer.gap(missing)]
        self._tell(record)
        return [*items, *lost]

    def _wait(self, start: int, octets: bytes, mark: Mark) -> list[Item]:
        """Keep octets that are early; where too much waits, give up the first hole."""
        if self._waiting is None:
            self._waiting = Pieces()
        waiting = self._waiting
        if waiting.add(start, octets, mark):
            _conflict(mark.record)
        first = waiting.first()
        full = waiting.held > MAX_WAITING or len(waiting) > MAX_PIECES
        return self._give_up(first.start if full and first is not None else self._acked)

    def _compare(self, start: int, octets: bytes, record: Record) -> None:
        """Look whether a repeated segment says what it said before, as far as that is still known."""
        known = self._next - len(self._tail)
        if start < known:
            octets = octets[known - start :]
            start = known
        at = start - known
        if octets != self._tail[at : at + len(octets)]:
            _conflict(record)

    def _drain(self, mark: Mark | None) -> list[Item]:
        """Deliver what waits and is due now; the packet of `mark` completed it, else each piece stands for itself."""
        items: list[Item] = []
        waiting = self._waiting
        while waiting is not None and (piece := waiting.first()) is not None and piece.start <= self._next:
            waiting.pop()
            seen = self._next - piece.start
            if seen and piece.octets:
                self._compare(piece.start, piece.octets[:seen], _mark(piece.mark).record)
            if seen < len(piece.octets):
                items += self._deliver(piece.octets[seen:], mark or _mark(piece.mark))
        return items

    def _deliver(self, octets: bytes, mark: Mark) -> list[Item]:
        """Octets in order."""
        if self._framer is None:
            self.encrypted = bool(_TLS.match(octets))
            foreign = bool(_FOREIGN.match(octets))
            self.transport = "WS" if foreign and upgrades(octets) else "TCP"
            self.foreign = foreign and self.transport == "TCP"
            if self.encrypted or self.foreign:
                self.other = "TLS" if self.encrypted else _named(octets)
                return self._forget(mark.record)
            self._framer = WebSocketFramer(self._upgrade) if self.transport == "WS" else StreamFramer()
        if self.transport == "TCP" and not self._framer.messages and begins(octets):  # the head was not captured
            self._framer, self.transport = WebSocketFramer(self._upgrade, headless=True), "WS"
        start = self._next
        self._last = mark
        self._next += len(octets)
        self._tail += octets
        if len(self._tail) > _TAIL + _TAIL // 4:  # not at each segment: some have one octet
            del self._tail[:-_TAIL]
        idle = self._framer.keepalives
        framed = self._framer.feed(octets)
        if self._framer.keepalives > idle:
            mark.record.source.keepalives += self._framer.keepalives - idle
            mark.record.source.kept.note((self.source, self.destination, self._number), mark.record.time)
        self._tell(mark.record)
        if not self._framer.messages and self._framer.skipped > LOOK:
            self.foreign = True
            return self._forget(mark.record)
        return [self._datagram(message, mark, start) for message in framed]

    def _tell(self, record: Record) -> None:
        """Tell of compressed messages, whether they could be read or not."""
        if isinstance(self._framer, WebSocketFramer):
            self._framer.tell(record)

    def _datagram(self, message: Framed, mark: Mark, start: int) -> Item:
        record = mark.record
        record.source.messages += 1
        self.messages += 1
        whole = message.first >= start and not mark.reassembled
        return RawMessage(
            payload=message.octets,
            time=record.time,
            place=record.place,
            source=self.source,
            destination=self.destination,
            transport=self.carried(record),
            fidelity=Fidelity.WIRE if whole else Fidelity.REASSEMBLED,
            missing=message.missing,
            stream=self._number,
            defects=message.defects,
        )

    def _forget(self, record: Record) -> list[Item]:
        """Stop reading this stream."""
        record.source.other += self._segments if self.foreign else 0
        if isinstance(self._framer, WebSocketFramer):
            self._framer.finish()
        self._framer, self._waiting = None, None
        self._tail.clear()
        return []


def _named(octets: bytes) -> str:
    """What a protocol that is no SIP calls itself: `HTTP/1.1 400`, `SSH-`, `GET`."""
    found = _NAME.match(octets)
    return found[0].decode("ascii") if found else ""


def _mark(mark: object) -> Mark:
    assert isinstance(mark, Mark)
    return mark


def _conflict(record: Record) -> None:
    text = "TCP segments overlap and differ; what came first is kept"
    record.source.defect("overlapping-segments", text, record.place)
