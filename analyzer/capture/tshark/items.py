"""What tshark let through, to the items that the native reader gives.

tshark says where SIP is; what it is worth is judged by the code that reads everything else. A UDP packet that lies
whole in its frame is read again from the frame, at the place of the innermost IP header that tshark found. Of what
tshark put together, decrypted or unpacked, its octets are taken: messages as they are from UDP, SCTP and WebSocket, and
from TCP and TLS as pieces for our own framing, since tshark gives a message whose first line came in two segments as
two pieces.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Generator, Iterator

from dpkt.ip import IP_PROTO_ICMP, IP_PROTO_ICMP6, IP_PROTO_UDP

from analyzer.capture import icmp, ip, udp
from analyzer.capture.addresses import endpoint
from analyzer.capture.links import IPV4, IPV6
from analyzer.capture.record import Record
from analyzer.capture.tshark.dissection import Seen
from analyzer.evidence import Endpoint, Fidelity, Item, NetworkError, RawMessage
from analyzer.sip.framing import Framed, StreamFramer
from analyzer.sip.sniff import kind, looks_like_start, start

MAX_CONNECTIONS = 1 << 15
"""Connections that are remembered; the one that was silent longest is evicted first."""

_FIN, _RST = 1, 4
_NOWHERE = (b"\0\0\0\0", b"\0\0\0\0")


class _Connection:
    """Both directions between two sockets, until they ended."""

    __slots__ = ("ended", "framers", "last", "messages", "number", "transport")

    def __init__(self, number: int) -> None:
        self.number = number
        self.framers: dict[Endpoint, StreamFramer] = {}
        self.last: dict[Endpoint, tuple[Record, Endpoint]] = {}
        self.ended: set[Endpoint | None] = set()
        self.messages = 0
        self.transport = "TCP"


class Items:
    """The items of one capture. `take` packets in their order, `finish` once.

    `opened` are the ends, by ascending name, of connections whose TLS held SIP, as many as are remembered.
    """

    def __init__(self) -> None:
        self._open: OrderedDict[tuple[Endpoint, Endpoint], _Connection] = OrderedDict()
        self._count = 0
        self.opened: set[tuple[Endpoint, Endpoint]] = set()

    def take(self, seen: Seen, record: Record) -> Iterator[Item]:
        """The items of a packet that is `record` in its file."""
        if "icmp" in seen.protocols or "icmpv6" in seen.protocols:
            yield from _aborts(seen, record)
        elif "exported_pdu" in seen.protocols:
            yield from _exported(seen, record)
        elif _transport(seen) == "tcp":
            yield from self._tcp(seen, record)
        else:
            whole = _again(seen, record)
            if whole is None:
                yield from _messages(seen, record)
            elif (item := udp.datagram(whole, record)) is not None:
                yield item

    def finish(self) -> Iterator[Item]:
        """The capture ends: what streams still hold."""
        for connection in self._open.values():
            yield from _finish(connection)
        self._open.clear()

    def _tcp(self, seen: Seen, record: Record) -> Iterator[Item]:
        head = seen.raw["tcp"][-1][0]
        if len(head) < 14:
            return
        source, destination = _ends(seen, head)
        pieces = [octets for octets, _ in seen.raw.get("sip", ())]
        transport = _stream_transport(seen.protocols)
        connection = yield from self._connection(source, destination, again=bool(pieces))
        if pieces:
            connection.transport = transport
            if "tls" in seen.protocols and len(self.opened) < MAX_CONNECTIONS:
                self.opened.add(_pair(source, destination))
        if transport.startswith("WS"):
            items = _of_websocket(connection, pieces, seen, record, source, destination)
        else:
            items = _framed(connection, pieces, record, source, destination)
        yield from items
        if head[13] & (_FIN | _RST):
            yield from self._closed(connection, record, source, destination, head[13])

    def _connection(
        self, source: Endpoint, destination: Endpoint, *, again: bool
    ) -> Generator[Item, None, _Connection]:
        """The connection between two sockets; `again` says that the source speaks, so that its end was another's."""
        key = _pair(source, destination)
        connection = self._open.pop(key, None)
        if connection is not None and again and source in connection.ended:
            yield from _finish(connection)
            connection = None
        if connection is None:
            self._count += 1
            connection = _Connection(self._count)
            if len(self._open) >= MAX_CONNECTIONS:
                yield from _finish(self._open.popitem(last=False)[1])
        self._open[key] = connection
        return connection

    def _closed(
        self, connection: _Connection, record: Record, source: Endpoint, destination: Endpoint, flags: int
    ) -> Iterator[Item]:
        """FIN ends one direction, RST both; each is told once, and only of connections that carried SIP."""
        reset = bool(flags & _RST)
        yield from _finish(connection, None if reset else source)
        mark = None if reset else source
        if mark not in connection.ended and connection.messages:
            connection.ended.add(mark)
            reason = "reset" if reset else "closed"
            ends = (source, destination)
            transport, number = connection.transport, connection.number
            yield NetworkError(record.time, record.place, *ends, transport, reason, stream=number)  # type: ignore[arg-type]
        connection.ended.add(mark)
        if reset or {source, destination} <= connection.ended:  # what comes next between them is another connection
            self._open.pop(_pair(source, destination), None)


def _pair(one: Endpoint, other: Endpoint) -> tuple[Endpoint, Endpoint]:
    return (one, other) if one <= other else (other, one)


def _transport(seen: Seen) -> str:
    """The innermost transport: `tcp`, `udp`, `sctp`, or empty."""
    return next((name for name in reversed(seen.protocols) if name in ("tcp", "udp", "sctp") and name in seen.raw), "")


def _aborts(seen: Seen, record: Record) -> Iterator[Item]:
    """The end of an exchange that an ICMP error tells; what it quotes is no message."""
    for name, of_ip, protocol in (("icmp", "ip", IP_PROTO_ICMP), ("icmpv6", "ipv6", IP_PROTO_ICMP6)):
        for octets, _ in seen.raw.get(name, ())[-1:]:
            own = (head for head, _ in reversed(seen.raw.get(of_ip, ())) if head[:12] != octets[8:20])  # not the quoted
            ends = _addresses(next(own, b""))
            item = icmp.abort(ip.Packet(protocol, *ends, octets), record)
            if item is not None:
                yield item


def _addresses(head: bytes) -> tuple[bytes, bytes]:
    """The addresses in a header of IP."""
    if head[:1] and head[0] >> 4 == 4:
        return head[12:16], head[16:20]
    return (head[8:24], head[24:40]) if len(head) >= 40 else _NOWHERE


def _again(seen: Seen, record: Record) -> ip.Packet | None:
    """The innermost IP packet, read from the frame, where it lies whole in there and carries the UDP that holds SIP."""
    version, at, head = _innermost(seen)
    if not head or record.octets[at : at + len(head)] != head:
        return None
    packet = ip.parse(record.octets, version, at)
    if packet is None or packet.fragment or packet.protocol != IP_PROTO_UDP:
        return None
    return packet if all(octets in packet.body for octets, _ in seen.raw.get("sip", ())) else None


def _innermost(seen: Seen) -> tuple[int, int, bytes]:
    """Version (as ethertype), offset and octets of the innermost IP header; no octets where there is none."""
    for name in reversed(seen.protocols):
        if name in ("ip", "ipv6") and name in seen.raw:
            octets, at = seen.raw[name][-1]
            return (IPV4 if name == "ip" else IPV6), at, octets
    return 0, 0, b""


def _ends(seen: Seen, head: bytes) -> tuple[Endpoint, Endpoint]:
    """Source and destination, from the innermost IP header and the first four octets of a transport header."""
    version, _, octets = _innermost(seen)
    at, size = (12, 4) if version == IPV4 else (8, 16)
    addresses = octets[at : at + size], octets[at + size : at + 2 * size]
    if len(addresses[1]) != size:
        addresses = _NOWHERE
    ports = struct.unpack("!HH", head[:4]) if len(head) >= 4 else (0, 0)
    return endpoint(addresses[0], ports[0]), endpoint(addresses[1], ports[1])


def _messages(seen: Seen, record: Record) -> Iterator[Item]:
    """SIP in UDP that was put together or unpacked, in SCTP, or in something that tshark alone knows."""
    wrapper = _transport(seen)
    transport = "TLS" if "dtls" in seen.protocols else wrapper.upper()
    source, destination = _ends(seen, seen.raw[wrapper][-1][0] if wrapper else b"")
    version, _, octets = _innermost(seen)
    for payload, _ in seen.raw.get("sip", ()):
        if udp.count(record.source, kind(payload)):
            yield RawMessage(
                payload, record.time, record.place, source, destination, transport, _fidelity(payload, record),
                ip_id=octets[4] << 8 | octets[5] if version == IPV4 and len(octets) > 5 else None,
            )  # fmt: skip


def _fidelity(payload: bytes, record: Record) -> Fidelity:
    return Fidelity.WIRE if payload in record.octets else Fidelity.REASSEMBLED


def _stream_transport(protocols: tuple[str, ...]) -> str:
    secure = "tls" in protocols
    if "websocket" in protocols:
        return "WSS" if secure else "WS"
    return "TLS" if secure else "TCP"


def _of_websocket(
    connection: _Connection, pieces: list[bytes], seen: Seen, record: Record, source: Endpoint, destination: Endpoint
) -> Iterator[Item]:
    """Each WebSocket message is one SIP message (RFC 7118 4.2)."""
    fidelity = Fidelity.REASSEMBLED if seen.segmented else Fidelity.WIRE
    for payload in pieces:
        if udp.count(record.source, kind(payload)):
            connection.messages += 1
            yield RawMessage(
                payload, record.time, record.place, source, destination, connection.transport, fidelity,
                stream=connection.number,
            )  # fmt: skip


def _framed(
    connection: _Connection, pieces: list[bytes], record: Record, source: Endpoint, destination: Endpoint
) -> Iterator[Item]:
    """A piece with a start line begins a message, whatever the one before lacks; any other goes on with it."""
    framer = connection.framers.get(source)
    if pieces and framer is None:
        framer = connection.framers[source] = StreamFramer()
    for piece in pieces:
        assert framer is not None
        if not framer.idle and looks_like_start(piece, start(piece)):
            yield from _finish(connection, source)
        connection.last[source] = (record, destination)
        for message in framer.feed(piece):
            yield _datagram(connection, message, source)


def _finish(connection: _Connection, only: Endpoint | None = None) -> Iterator[Item]:
    """End the messages under way, of one direction or of both."""
    for source, framer in connection.framers.items():
        if only in (None, source):
            for message in framer.finish():
                yield _datagram(connection, message, source)


def _datagram(connection: _Connection, message: Framed, source: Endpoint) -> RawMessage:
    record, destination = connection.last[source]
    record.source.messages += 1
    connection.messages += 1
    return RawMessage(
        message.octets,
        record.time,
        record.place,
        source,
        destination,
        connection.transport,
        _fidelity(message.octets, record),
        message.missing,
        stream=connection.number,
        defects=message.defects,
    )


# Tags of an exported PDU (Wireshark's exported_pdu_tlvs.h).
_ADDRESSES = {20: 0, 21: 1, 22: 0, 23: 1}
_PORTS = {25: 0, 26: 1}
_PORT_KIND = 24
_TRANSPORTS = {1: "SCTP", 2: "TCP", 3: "UDP"}


def _exported(seen: Seen, record: Record) -> Iterator[Item]:
    """SIP that Wireshark exported without what it lay in; tags say what that was."""
    addresses, ports, transport = list(_NOWHERE), [0, 0], ""
    for tag, value in _tags(seen.raw.get("exported_pdu", [(b"", 0)])[0][0]):
        if tag in _ADDRESSES and len(value) in (4, 16):
            addresses[_ADDRESSES[tag]] = value
        elif tag in _PORTS:
            ports[_PORTS[tag]] = int.from_bytes(value, "big") & 0xFFFF
        elif tag == _PORT_KIND:
            transport = _TRANSPORTS.get(int.from_bytes(value, "big"), "")
    for payload, _ in seen.raw.get("sip", ()):
        if udp.count(record.source, kind(payload)):
            ends = endpoint(addresses[0], ports[0]), endpoint(addresses[1], ports[1])
            yield RawMessage(payload, record.time, record.place, *ends, transport, Fidelity.REASSEMBLED)


def _tags(octets: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(octets):
        tag, size = struct.unpack_from("!HH", octets, at)
        yield tag, octets[at + 4 : at + 4 + size]
        at += 4 + size
