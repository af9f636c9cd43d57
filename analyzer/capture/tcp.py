"""TCP: segments to streams, streams to SIP messages (RFC 9293 3.4, 3.10).

Each direction of a connection is a stream whose octet 0 follows the SYN, or, where the capture began later, is the
first octet seen. Segments that are early wait; those that repeat are dropped, and compared while the octets are still
at hand. A hole is given up when the peer acknowledged octets behind it (then they will not be sent again: the capture
missed them), when too much waits behind it, or at the end. A stream that shows no SIP within its first octets is not
looked at any more, so that web and media traffic costs a lookup per packet.

A message belongs to the frame that completed it, as Wireshark shows it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Literal, NamedTuple

from dpkt import UnpackError
from dpkt.tcp import TCP, TH_ACK, TH_FIN, TH_RST, TH_SYN

from analyzer.capture.addresses import endpoint
from analyzer.capture.handshakes import Handshakes, alert_of, is_protected
from analyzer.capture.ip import Packet
from analyzer.capture.record import Record
from analyzer.capture.stream import Mark, Stream
from analyzer.capture.tally import Tally
from analyzer.capture.websocket import Upgrade, WebSockets
from analyzer.evidence import Endpoint, Item, NetworkError, Source

MAX_CONNECTIONS = 1 << 15
"""Connections that are remembered; the one that was silent longest is evicted first."""


class _Key(NamedTuple):
    low: tuple[bytes, int]
    high: tuple[bytes, int]


class _Connection:
    """Both directions between two sockets, from one SYN to the next. `is_shaken`: the handshake of its TLS went well,
    or its failure was told."""

    __slots__ = ("ended", "is_shaken", "number", "streams")

    def __init__(self, number: int, low: Endpoint, high: Endpoint, upgrade: Upgrade) -> None:
        self.number = number
        self.streams = (Stream(number, low, high, upgrade), Stream(number, high, low, upgrade))
        self.ended: set[str] = set()
        self.is_shaken = False

    @property
    def sip(self) -> bool:
        """Whether either direction carried a message."""
        return any(stream.messages for stream in self.streams)


class Connections:
    """All connections of a capture. `segment` takes packets in capture order, `finish` once."""

    def __init__(self, tally: Callable[[Source], Tally]) -> None:
        self._tally = tally
        self._open: OrderedDict[_Key, _Connection] = OrderedDict()
        self._count = 0
        self._websockets = WebSockets(tally)

    def segment(self, packet: Packet, record: Record) -> list[Item]:
        """Take a TCP packet; the messages that it completes, and the end of the connection if it says so."""
        try:
            segment = TCP(packet.body)
        except UnpackError:
            if not packet.missing:
                record.source.defect("bad-tcp-header", "a TCP header cannot be read", record.place)
            return []
        items: list[Item] = []
        source, destination = (packet.source, segment.sport), (packet.destination, segment.dport)
        up = source <= destination
        key = _Key(source, destination) if up else _Key(destination, source)
        connection = self._find(key, segment, up, items)
        stream, back = connection.streams if up else connection.streams[::-1]
        if segment.flags & TH_SYN:
            _opens(self._tally(record.source).handshakes, stream, is_answer=bool(segment.flags & TH_ACK))
            stream.synchronise(segment.seq + 1)
        elif segment.flags & TH_ACK:
            items += back.acknowledged(segment.ack, record)
        start = segment.seq + 1 if segment.flags & TH_SYN else segment.seq
        missing = max(0, packet.missing - max(0, segment.off * 4 - len(packet.body)))
        if segment.data or missing:
            items += stream.take(start, segment.data, missing, Mark(record, packet.reassembled))
            if stream.encrypted:
                ends = sorted((stream.source, stream.destination), key=_server_last)
                self._tally(record.source).note_tls(*ends)
                if not (connection.sip or connection.is_shaken):
                    _shakes(self._tally(record.source).handshakes, connection, stream, ends, segment.data)
        if segment.flags & (TH_FIN | TH_RST):
            _breaks(self._tally(record.source).handshakes, connection, stream, back, segment.flags)
            items += (
                _finish(connection) if segment.flags & TH_RST else stream.close(start + len(segment.data) + missing)
            )
            items += _ended(connection, stream, segment.flags, record)
        return items

    def _find(self, key: _Key, segment: TCP, up: bool, items: list[Item]) -> _Connection:
        """The connection of a segment; a SYN that does not fit the one known begins another (RFC 9293 3.6.1)."""
        connection = self._open.pop(key, None)
        again = connection is not None and segment.flags & TH_SYN
        if connection is not None and again and not connection.streams[0 if up else 1].fits(segment.seq + 1):
            items += _finish(connection)
            connection = None
        if connection is None:
            self._count += 1
            connection = _Connection(self._count, endpoint(*key.low), endpoint(*key.high), Upgrade(self._websockets))
            if len(self._open) >= MAX_CONNECTIONS:
                items += _finish(self._open.popitem(last=False)[1])
        self._open[key] = connection
        return connection

    def finish(self) -> list[Item]:
        """The capture ends: what the streams still hold."""
        items: list[Item] = []
        for connection in self._open.values():
            items += _finish(connection)
        self._open.clear()
        return items


def _shakes(told: Handshakes, connection: _Connection, stream: Stream, ends: list[Endpoint], octets: bytes) -> None:
    """A segment of encrypted data, or of what comes before that; `ends` are the client's and the server's."""
    alert = alert_of(octets)
    if alert is not None:
        told.broken(ends[0], ends[1], stream.source, alert)
    connection.is_shaken = alert is not None or is_protected(octets)


def _opens(told: Handshakes, stream: Stream, *, is_answer: bool) -> None:
    if is_answer:
        told.answered(stream.source)
    else:
        told.asked(stream.source, stream.destination)


def _breaks(told: Handshakes, connection: _Connection, stream: Stream, back: Stream, flags: int) -> None:
    """A connection ends: was it refused at once, or in the middle of the handshake of TLS?"""
    if flags & TH_RST and not stream.is_begun and back.is_begun and not back.has_octets:
        told.refused(back.source, stream.source)
    elif not (connection.is_shaken or connection.sip) and (stream.encrypted and back.encrypted):
        connection.is_shaken = True
        ends = sorted((stream.source, stream.destination), key=_server_last)
        told.broken(ends[0], ends[1], stream.source, None)


def _ended(connection: _Connection, stream: Stream, flags: int, record: Record) -> list[Item]:
    """FIN ends one direction, RST both; each is told once, and only of connections that carried SIP."""
    reason: Literal["reset", "closed"] = "reset" if flags & TH_RST else "closed"
    mark = "" if flags & TH_RST else str(stream.source)
    if mark in connection.ended or not connection.sip:
        return []
    connection.ended.add(mark)
    place, ends = record.place, (stream.source, stream.destination)
    number, other = connection.number, stream.other
    return [NetworkError(record.time, place, *ends, stream.carried(record), reason, other, stream=number)]


def _finish(connection: _Connection) -> list[Item]:
    return [item for stream in connection.streams for item in stream.finish()]


def _server_last(end: Endpoint) -> int:
    """Sort key that puts the lower port, most likely the server's, last."""
    return -end.port
