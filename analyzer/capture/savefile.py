"""SIP messages as a capture file: what was read from anywhere, as Wireshark and sipcheck itself read it.

Each message becomes a packet of raw IP: UDP, or TCP where it came over a stream, one segment after the other with
sequence numbers that fit, in a frame of WebSocket where it came in one. Headers are made anew, so what was fragmented,
tunnelled or encrypted is plain here, and a log has packets. What a source does not say is filled in by a rule: a host
that is no address gets one of the networks for documentation (RFC 5737, RFC 3849), a port the default of SIP (RFC 3261
19.1.2), a message without time stands a millisecond after the one before (or, at the beginning, before the first one
that has a time); one that lies between two times, at the earlier one.

Classic pcap does not say that a stream was within TLS. Where that is wanted, the capture is a pcapng with a second
interface, whose description says so: to other programs its packets are plain SIP over TCP as well.

The identification of IPv4 is kept, since it tells a packet that was captured twice from a retransmission; what a log
prints is numbered, for a log prints nothing twice.
"""

from __future__ import annotations

import ipaddress
import struct
import sys
from collections.abc import Iterator
from typing import BinaryIO

import dpkt

from analyzer.capture import pcapng_blocks as blocks
from analyzer.capture import pcapng_options
from analyzer.evidence import PROHIBITED, SECOND, Endpoint, Fidelity, NetworkError, RawMessage, between
from analyzer.sip.transports import SECURED, SIP_PORT, STREAMS

_LINKTYPE_RAW = 101
_SNAPLEN = 262144
_MOST_UDP = 65507 - 20  # the header of IPv6 is 20 octets longer than that of IPv4
_SEGMENT = 32768
_STEP = SECOND // 1000
_MOST_EARLY = 1000
"""Messages without a time that wait for the first one with one."""
_WRAP = 2**32
_WEBSOCKETS = ("WS", "WSS")
_ASKS = b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: sip\r\n\r\n"
_AGREES = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Protocol: sip\r\n\r\n"
)
_TEXT_FRAME = 0x81
_LOST = 1000
"""Octets of a stream that are left out where some were lost."""
_CODES = {"network": 0, "host": 1, "protocol": 2, "port": 3}
_CODES_SIX = {"network": 0, "host": 3, "port": 4}
_RecordHeader = dpkt.pcap.LEPktHdr if sys.byteorder == "little" else dpkt.pcap.PktHdr  # as the file's header is

_CLOCK = blocks.option(blocks.TIME_RESOLUTION, blocks.NANOSECONDS)
_BEGIN = blocks.section() + blocks.interface(_LINKTYPE_RAW, _SNAPLEN, _CLOCK)
_WITHIN_TLS = blocks.interface(
    _LINKTYPE_RAW, _SNAPLEN, blocks.option(blocks.DESCRIPTION, pcapng_options.SECURED) + _CLOCK
)
"""The head of a pcapng, and its second interface, for what was within TLS."""

_Way = tuple[Endpoint, Endpoint]


class SaveFile:
    """A capture that is being written to `out`; it does not close it, and is whole after `finish`. `written` counts
    messages, `cut` those of them whose end does not fit into a UDP datagram and was left out. It is of no `dialect`.
    `tells_tls`: as pcapng, in which is told what was within TLS. Of what is not `timed`, no message has a time: these
    stay without, which is pcapng as well."""

    dialect = None

    def __init__(self, out: BinaryIO, *, tells_tls: bool = False, timed: bool = True) -> None:
        self._is_pcapng = tells_tls or not timed
        if self._is_pcapng:
            out.write(_BEGIN + _WITHIN_TLS * tells_tls)
        else:
            dpkt.pcap.Writer(out, snaplen=_SNAPLEN, linktype=_LINKTYPE_RAW, nano=True)  # the file's header
        self._out = out
        self._timed = timed
        self._time: int | None = None
        self._early: list[RawMessage] = []
        self._number = 0
        self._hosts: dict[str, int] = {}
        self._sent: dict[_Way, int] = {}
        self.written = 0
        self.cut = 0

    def add(self, message: RawMessage) -> None:
        """Write one message. OSError where that cannot be done. Those before the first one with a time wait for it."""
        bounds = between(message.place)
        time = message.time if bounds is None else max(bounds.earliest, (self._time or 0) + _STEP)
        time = time if time is not None and time >= 0 else None
        if time is None and self._time is None and len(self._early) < _MOST_EARLY and self._timed:
            self._early.append(message)
            return
        self._before(time)
        self._time = time if time is not None else (self._time or 0) + _STEP
        self._write(message, self._time)

    def add_error(self, error: NetworkError) -> None:
        """Write what ended an exchange: an ICMP error with what it quotes, the end of a connection; where octets of a
        stream were lost, a segment of which nothing was captured, for what comes behind it may be nothing that is
        written. OSError where that cannot be done."""
        there = (error.source, error.destination)
        self._before(error.time)
        self._time = error.time if error.time is not None and error.time >= 0 else (self._time or 0) + _STEP
        if error.reason == "gap":
            back = (error.destination, error.source)
            lost = self._packet(self._segment(back, b"", dpkt.tcp.TH_ACK), self._ways(*back), missing=_LOST)
            self._record(lost, self._time, error.transport, _LOST)
            self._sent[back] = (self._sent.get(back, 1) + _LOST) % _WRAP
            return
        if error.reason == "icmp":
            self._record(self._icmp(error), self._time, error.transport)
            return
        flags = dpkt.tcp.TH_RST if error.reason == "reset" else dpkt.tcp.TH_FIN
        segment = self._segment(there, b"", flags | dpkt.tcp.TH_ACK)
        self._record(self._packet(segment, self._ways(*there)), self._time, error.transport)
        if error.reason == "closed":
            self._sent[there] = (self._sent.get(there, 1) + 1) % _WRAP  # a FIN has a number of its own

    def _icmp(self, error: NetworkError) -> bytes:
        """The error, from its sender (or whom the packet was for) to whom had sent that, and what it quotes (RFC 792,
        RFC 4443 3)."""
        ways = self._ways(error.source, error.destination)
        six = len(ways[0]) == 16
        if error.transport == "UDP":
            ports = _port(error.source), _port(error.destination)
            inner: dpkt.Packet = dpkt.udp.UDP(
                sport=ports[0], dport=ports[1], ulen=8 + len(error.quoted), data=error.quoted
            )
        else:
            inner = self._segment((error.source, error.destination), error.quoted, dpkt.tcp.TH_ACK)
        number, code = _icmp_numbers(error.text, six=six)
        body = bytes((number, code)) + bytes(6) + self._packet(inner, ways)
        protocol = dpkt.ip.IP_PROTO_ICMP6 if six else dpkt.ip.IP_PROTO_ICMP
        back = self._address(error.sender, six) if error.sender else ways[1], ways[0]
        begin = back[0] + back[1] + struct.pack(">II", len(body), protocol) if six else b""  # RFC 4443 2.3
        body = body[:2] + dpkt.in_cksum(begin + body).to_bytes(2, "big") + body[4:]
        if six:
            return bytes(dpkt.ip6.IP6(src=back[0], dst=back[1], nxt=protocol, plen=len(body), hlim=64, data=body))
        return bytes(dpkt.ip.IP(src=back[0], dst=back[1], p=protocol, ttl=64, data=body, len=20 + len(body)))

    def finish(self) -> None:
        """Write what waits for a time that did not come."""
        self._before(None)

    def _before(self, time: int | None) -> None:
        """Write those that came before the first time: just before it, a millisecond each."""
        early, self._early = self._early, []
        start = max(0, time - len(early) * _STEP) if time is not None else _STEP
        for count, message in enumerate(early):
            self._time = start + count * _STEP
            self._write(message, self._time)

    def _write(self, message: RawMessage, time: int) -> None:
        for packet, missing in self._packets(message):
            self._record(packet, time, message.transport, missing)
        self.written += 1

    def _record(self, packet: bytes, time: int, transport: str, missing: int = 0) -> None:
        if self._is_pcapng:
            within, length = int(transport in SECURED.values()), len(packet) + missing
            is_simple = not (self._timed or within or missing)
            self._out.write(blocks.simple(packet, length) if is_simple else blocks.packet(within, time, packet, length))
            return
        seconds, nanoseconds = divmod(time, SECOND)
        head = _RecordHeader(
            tv_sec=min(seconds, 2**32 - 1), tv_usec=nanoseconds, caplen=len(packet), len=len(packet) + missing
        )
        self._out.write(bytes(head) + packet)  # dpkt's own way takes a float as time, and knows of no cut

    def _ways(self, source: Endpoint, destination: Endpoint) -> tuple[bytes, bytes]:
        six = ":" in source.host or ":" in destination.host
        return self._address(source.host, six), self._address(destination.host, six)

    def _packets(self, message: RawMessage) -> Iterator[tuple[bytes, int]]:
        """The packets of a message, each with the octets that are missing behind it."""
        ways = self._ways(message.source, message.destination)
        if message.transport in STREAMS:
            *first, last = self._segments(message)
            yield from ((self._packet(segment, self._ways(*there), message), 0) for there, segment in first)
            there, segment = last
            # a frame of WebSocket says its length itself
            missing = 0 if message.transport in _WEBSOCKETS else min(message.missing, _SEGMENT)
            yield self._packet(segment, self._ways(*there), message, missing=missing), missing
            self._sent[there] = (self._sent[there] + missing) % _WRAP
            return
        payload = message.payload[:_MOST_UDP]
        self.cut += len(payload) < len(message.payload)
        ports = _port(message.source), _port(message.destination)
        length = min(
            8 + len(payload) + message.missing, _MOST_UDP + 8
        )  # as it was sent: so a reader sees that it was cut
        datagram = dpkt.udp.UDP(sport=ports[0], dport=ports[1], ulen=length, data=payload)
        yield self._packet(datagram, ways, message), message.missing

    def _segments(self, message: RawMessage) -> Iterator[tuple[_Way, dpkt.tcp.TCP]]:
        there = message.source, message.destination
        payload = message.payload
        if message.transport in _WEBSOCKETS:
            yield from self._upgrade(there)
            payload = _frame(payload)
        yield from self._sent_parts(there, payload)

    def _sent_parts(self, there: _Way, payload: bytes) -> Iterator[tuple[_Way, dpkt.tcp.TCP]]:
        for start in range(0, len(payload), _SEGMENT):
            part = payload[start : start + _SEGMENT]
            yield there, self._segment(there, part, dpkt.tcp.TH_ACK | dpkt.tcp.TH_PUSH)
            self._sent[there] = (self._sent.get(there, 1) + len(part)) % _WRAP

    def _upgrade(self, there: _Way) -> Iterator[tuple[_Way, dpkt.tcp.TCP]]:
        """The change to WebSocket, before the first message of a connection (RFC 6455 4, RFC 7118 4)."""
        back = there[1], there[0]
        if there not in self._sent and back not in self._sent:
            yield from self._sent_parts(there, _ASKS)
            yield from self._sent_parts(back, _AGREES)

    def _segment(self, there: _Way, part: bytes, flags: int) -> dpkt.tcp.TCP:
        source, destination = there
        return dpkt.tcp.TCP(
            sport=_port(source),
            dport=_port(destination),
            seq=self._sent.get(there, 1),
            ack=self._sent.get((destination, source), 1),
            flags=flags,
            win=65535,
            data=part,
        )

    def _packet(
        self, payload: dpkt.Packet, ways: tuple[bytes, bytes], message: RawMessage | None = None, missing: int = 0
    ) -> bytes:
        protocol = dpkt.ip.IP_PROTO_UDP if isinstance(payload, dpkt.udp.UDP) else dpkt.ip.IP_PROTO_TCP
        length = payload.ulen if protocol == dpkt.ip.IP_PROTO_UDP else len(payload) + missing
        if len(ways[0]) == 16:
            return bytes(dpkt.ip6.IP6(src=ways[0], dst=ways[1], nxt=protocol, plen=length, hlim=64, data=payload))
        mark = message.ip_id or 0 if message is not None else 0
        if message is not None and message.fidelity is Fidelity.TEXT_LOG:
            self._number = mark = self._number % 65535 + 1
        packet = dpkt.ip.IP(src=ways[0], dst=ways[1], p=protocol, id=mark, ttl=64, data=payload)
        octets = bytes(packet)  # which makes the sums, over what is there
        if packet.len == 20 + length:
            return octets
        packet.len = min(20 + length, 65535)
        packet.sum = dpkt.in_cksum(octets[:2] + packet.len.to_bytes(2, "big") + octets[4:10] + b"\0\0" + octets[12:20])
        return bytes(packet)

    def _address(self, host: str, six: bool) -> bytes:
        """The octets of an address; of a name, those of one for documentation, the same for the same name."""
        try:
            address = ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            number = self._hosts.setdefault(host, len(self._hosts) % 253 + 1)
            address = ipaddress.ip_address(f"2001:db8::{number:x}" if six else f"192.0.2.{number}")
        if six and address.version == 4:
            address = ipaddress.ip_address(f"::ffff:{address}")  # RFC 4291 2.5.5.2
        return address.packed


def _frame(payload: bytes) -> bytes:
    """A WebSocket message of one frame, without a mask (RFC 6455 5.2)."""
    length = len(payload)
    if length < 126:
        return bytes((_TEXT_FRAME, length)) + payload
    if length < 1 << 16:
        return struct.pack(">BBH", _TEXT_FRAME, 126, length) + payload
    return struct.pack(">BBQ", _TEXT_FRAME, 127, length) + payload


def _icmp_numbers(text: str, *, six: bool) -> tuple[int, int]:
    """Type and code of an ICMP error, from what its reader calls it (`icmp.reason`)."""
    what = text.removesuffix(" unreachable")
    if text == PROHIBITED:
        return (1, 1) if six else (3, 13)
    if text == "packet too big":
        return (2, 0) if six else (3, 4)
    if text in ("time exceeded", "parameter problem"):
        at = ("time exceeded", "parameter problem").index(text)
        return (3 + at, 0) if six else (11 + at, 0)
    return (1, _CODES_SIX.get(what, 2)) if six else (3, _CODES.get(what, 5))


def _port(endpoint: Endpoint) -> int:
    return endpoint.port if 0 < endpoint.port < 65536 else SIP_PORT
