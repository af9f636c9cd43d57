"""The packets of a capture that carry chosen messages, as they were captured: octets, link types, times.

A message has the place of the packet that completed it. What else it took to carry it belongs to the evidence: the
other fragments of an IP packet, and of a stream the segments since the message before it on the same way (which may
hold the end of that one: a segment is not cut). So the records are read once more: first for what the chosen packets
are fragments of, then to be written.

One link type, and times throughout, make a classic pcap with nanoseconds; anything else a pcapng with an interface for
each that packets came from. A packet without time stays one, or takes the time of the one before it where an interface
beside the first one demands it.
"""

from __future__ import annotations

import struct
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from typing import BinaryIO, NamedTuple

from dpkt.ip import IP_PROTO_TCP

from analyzer.capture import ip, links, pcapng_options, tunnels
from analyzer.capture import pcapng_blocks as blocks
from analyzer.capture.addresses import endpoint
from analyzer.capture.fragments import TIMEOUT
from analyzer.capture.opener import Reading
from analyzer.capture.packets import MAX_DEPTH
from analyzer.capture.pcap_layouts import MAX_PACKET
from analyzer.capture.record import Record
from analyzer.evidence import SECOND, Endpoint, Fidelity, Frame, Item, RawMessage

_MOST_WAYS = 1 << 16
_Way = tuple[str, Endpoint, Endpoint]
_Ident = tuple[str, bytes, bytes, int, int | None]


class Chosen:
    """What is wanted. Every message of a reading is shown to `see`, in its order."""

    def __init__(self) -> None:
        self.messages = 0
        self.frames: dict[str, set[int]] = defaultdict(set)
        self._put_together: dict[str, set[int]] = defaultdict(set)
        self._spans: dict[_Way, list[tuple[int, int]]] = defaultdict(list)
        self._last: OrderedDict[tuple[Endpoint, Endpoint, int], Frame] = OrderedDict()
        self._idents: dict[_Ident, list[int | None]] = defaultdict(list)
        self._links = links.table()

    def see(self, message: Item, *, wanted: bool) -> None:
        """A message, and whether its packets are wanted; or what the network says."""
        place = message.place
        if not isinstance(place, Frame):
            return
        if not isinstance(message, RawMessage):
            if wanted and message.reason != "gap":
                self.frames[place.source].add(place.number)
            return
        way = (message.source, message.destination, message.stream)
        if wanted:
            self.messages += 1
            self.frames[place.source].add(place.number)
            if message.fidelity is Fidelity.REASSEMBLED:
                self._put_together[place.source].add(place.number)
                if message.stream:
                    self._span(self._last.get(way), place, way[:2])
        if message.stream:
            self._last[way] = place
            if len(self._last) > _MOST_WAYS:
                self._last.popitem(last=False)

    def _span(self, before: Frame | None, place: Frame, ends: tuple[Endpoint, Endpoint]) -> None:
        """The segments of a message lie between two frames, which may be of two files."""
        if before is None or before.source == place.source:
            self._spans[(place.source, *ends)].append((0 if before is None else before.number, place.number))
            return
        self._spans[(before.source, *ends)].append((before.number, 1 << 62))
        self._spans[(place.source, *ends)].append((0, place.number))

    def learn(self, record: Record) -> None:
        """Look of which packets the chosen ones are fragments."""
        if record.number in self._put_together.get(record.source.name, ()):
            packet = self._outermost(record)
            if packet is not None and packet.fragment:
                self._idents[_ident(record, packet)].append(record.time)

    def has(self, record: Record) -> bool:
        """Whether a record is wanted; when all were learned."""
        if record.number in self.frames.get(record.source.name, ()):
            return True
        if not self._idents and not self._spans:
            return False
        packet = self._outermost(record)
        if packet is None:
            return False
        if packet.fragment:
            times = self._idents.get(_ident(record, packet), ())
            return any(one is None or record.time is None or abs(one - record.time) <= TIMEOUT for one in times)
        return self._is_in_span(record, packet)

    def _outermost(self, record: Record) -> ip.Packet | None:
        """The first fragment or transport packet from the outside."""
        decode = self._links.get(record.linktype)
        if decode is None:
            return None
        ethertype, at = decode(record.octets)
        octets = record.octets
        for _ in range(MAX_DEPTH):
            packet = ip.parse(octets, ethertype, at)
            if packet is None or packet.fragment:
                return packet
            inner = tunnels.inner(packet)
            if inner is None:
                return packet
            ethertype, octets, at = inner
        return None

    def _is_in_span(self, record: Record, packet: ip.Packet) -> bool:
        body = packet.body
        if packet.protocol != IP_PROTO_TCP or len(body) <= 20 or len(body) <= (body[12] >> 4) * 4:
            return False
        sport, dport = struct.unpack_from("!HH", body)
        way = (record.source.name, endpoint(packet.source, sport), endpoint(packet.destination, dport))
        return any(first <= record.number <= last for first, last in self._spans.get(way, ()))


def _ident(record: Record, packet: ip.Packet) -> _Ident:
    protocol = packet.protocol if len(packet.source) == 4 else -1  # IPv6: the later fragments do not say it
    return record.source.name, packet.source, packet.destination, protocol, packet.ident


class Excerpt(NamedTuple):
    """What was written: `packets`; `untimed` those of them that had no time and were given one; its `form`."""

    packets: int
    untimed: int
    form: str


def write_excerpt(reading: Callable[[], Reading], chosen: Chosen, out: BinaryIO) -> Excerpt:
    """Write the packets of the chosen messages, in time order; `reading` opens the captures anew."""
    kinds: set[int] = set()
    is_plain = True
    with reading() as opened:
        for record in opened.records():
            kinds.add(record.linktype)
            is_plain = is_plain and record.time is not None and len(record.octets) <= MAX_PACKET
            is_plain = is_plain and not record.source.secured
            chosen.learn(record)
    is_plain = is_plain and len(kinds) == 1
    with reading() as opened:
        write: _Pcap | _Pcapng = _Pcap(out, kinds.pop()) if is_plain else _Pcapng(out)
        for record in opened.records():
            if chosen.has(record):
                write.add(record)
    return Excerpt(write.packets, write.untimed, "pcap" if is_plain else "pcapng")


class _Pcap:
    """Classic pcap, little-endian, with nanoseconds."""

    untimed = 0

    def __init__(self, out: BinaryIO, linktype: int) -> None:
        self._out = out
        self.packets = 0
        out.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, MAX_PACKET, linktype))

    def add(self, record: Record) -> None:
        """Write one."""
        seconds, nanoseconds = divmod(record.time or 0, SECOND)
        self._out.write(struct.pack("<IIII", seconds, nanoseconds, len(record.octets), record.length) + record.octets)
        self.packets += 1


class _Pcapng:
    """pcapng with nanoseconds; an interface is described when its first packet comes."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._interfaces: dict[tuple[str, int, int], int] = {}
        self._time = 0
        self.packets = self.untimed = 0
        out.write(blocks.section())

    def add(self, record: Record) -> None:
        """Write one."""
        key = (record.source.name, record.interface, record.linktype)
        number = self._interfaces.get(key)
        if number is None:
            number = self._interfaces[key] = len(self._interfaces)
            options = blocks.option(blocks.TIME_RESOLUTION, blocks.NANOSECONDS)
            if record.interface in record.source.secured:
                options += blocks.option(blocks.DESCRIPTION, pcapng_options.SECURED)
            self._out.write(blocks.interface(record.linktype, 0, options))
        self.packets += 1
        if record.time is None and not number and len(record.octets) == record.length:
            self._out.write(blocks.simple(record.octets, record.length))
            return
        self.untimed += record.time is None
        self._time = self._time if record.time is None else record.time
        self._out.write(blocks.packet(number, self._time, record.octets, record.length))
