"""SIP messages as a capture file: what was read from anywhere, as Wireshark and sipcheck itself read it.

Each message becomes a packet of raw IP: UDP, or TCP where it came over a stream, one segment after the other with
sequence numbers that fit. Headers are made anew, so what was fragmented, tunnelled or encrypted is plain here, and a
log has packets. What a source does not say is filled in by a rule: a host that is no address gets one of the networks
for documentation (RFC 5737, RFC 3849), a port the default of SIP (RFC 3261 19.1.2), a message without time stands a
millisecond after the one before (or, at the beginning, before the first one that has a time); one that lies between two
times, at the earlier one.

The identification of IPv4 is kept, since it tells a packet that was captured twice from a retransmission; what a log
prints is numbered, for a log prints nothing twice.
"""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Iterator
from typing import BinaryIO

import dpkt

from analyzer.evidence import SECOND, Endpoint, Fidelity, RawMessage, between
from analyzer.sip.transports import SIP_PORT, STREAMS

_LINKTYPE_RAW = 101
_SNAPLEN = 262144
_MOST_UDP = 65507 - 20  # the header of IPv6 is 20 octets longer than that of IPv4
_SEGMENT = 32768
_STEP = SECOND // 1000
_MOST_EARLY = 1000
"""Messages without a time that wait for the first one with one."""
_WRAP = 2**32
_RecordHeader = dpkt.pcap.LEPktHdr if sys.byteorder == "little" else dpkt.pcap.PktHdr  # as the file's header is


class SaveFile:
    """A capture that is being written to `out`; it does not close it, and is whole after `finish`. `written` counts
    messages, `cut` those of them whose end does not fit into a UDP datagram and was left out."""

    def __init__(self, out: BinaryIO) -> None:
        dpkt.pcap.Writer(out, snaplen=_SNAPLEN, linktype=_LINKTYPE_RAW, nano=True)  # the file's header
        self._out = out
        self._time: int | None = None
        self._early: list[RawMessage] = []
        self._number = 0
        self._hosts: dict[str, int] = {}
        self._sent: dict[tuple[Endpoint, Endpoint], int] = {}
        self.written = 0
        self.cut = 0

    def add(self, message: RawMessage) -> None:
        """Write one message. OSError where that cannot be done. Those before the first one with a time wait for it."""
        bounds = between(message.place)
        time = message.time if bounds is None else max(bounds.earliest, (self._time or 0) + _STEP)
        time = time if time is not None and time >= 0 else None
        if time is None and self._time is None and len(self._early) < _MOST_EARLY:
            self._early.append(message)
            return
        self._before(time)
        self._time = time if time is not None else (self._time or 0) + _STEP
        self._write(message, self._time)

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
        for packet in self._packets(message):
            seconds, nanoseconds = divmod(time, SECOND)
            head = _RecordHeader(
                tv_sec=min(seconds, 2**32 - 1),
                tv_usec=nanoseconds,
                caplen=len(packet),
                len=len(packet) + message.missing,
            )
            self._out.write(bytes(head) + packet)  # dpkt's own way takes a float as time, and knows of no cut
        self.written += 1

    def _packets(self, message: RawMessage) -> Iterator[bytes]:
        six = ":" in message.source.host or ":" in message.destination.host
        ways = self._address(message.source.host, six), self._address(message.destination.host, six)
        if message.transport in STREAMS:
            for segment in self._segments(message):
                yield self._packet(segment, ways, message)
            return
        payload = message.payload[:_MOST_UDP]
        self.cut += len(payload) < len(message.payload)
        ports = _port(message.source), _port(message.destination)
        length = min(
            8 + len(payload) + message.missing, _MOST_UDP + 8
        )  # as it was sent: so a reader sees that it was cut
        yield self._packet(dpkt.udp.UDP(sport=ports[0], dport=ports[1], ulen=length, data=payload), ways, message)

    def _segments(self, message: RawMessage) -> Iterator[dpkt.tcp.TCP]:
        there, back = (message.source, message.destination), (message.destination, message.source)
        for start in range(0, len(message.payload), _SEGMENT):
            part = message.payload[start : start + _SEGMENT]
            sequence = self._sent.get(there, 1)
            self._sent[there] = (sequence + len(part)) % _WRAP
            yield dpkt.tcp.TCP(
                sport=_port(message.source),
                dport=_port(message.destination),
                seq=sequence,
                ack=self._sent.get(back, 1),
                flags=dpkt.tcp.TH_ACK | dpkt.tcp.TH_PUSH,
                win=65535,
                data=part,
            )

    def _packet(self, payload: dpkt.Packet, ways: tuple[bytes, bytes], message: RawMessage) -> bytes:
        protocol = dpkt.ip.IP_PROTO_UDP if isinstance(payload, dpkt.udp.UDP) else dpkt.ip.IP_PROTO_TCP
        length = payload.ulen if protocol == dpkt.ip.IP_PROTO_UDP else len(payload)
        if len(ways[0]) == 16:
            return bytes(dpkt.ip6.IP6(src=ways[0], dst=ways[1], nxt=protocol, plen=length, hlim=64, data=payload))
        mark = message.ip_id or 0
        if message.fidelity is Fidelity.TEXT_LOG:
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


def _port(endpoint: Endpoint) -> int:
    return endpoint.port if 0 < endpoint.port < 65536 else SIP_PORT
