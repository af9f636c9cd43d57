"""Records to datagrams: the hot path.

Captures are mostly RTP, so the common packet (an IPv4 header without options or an IPv6 header without extensions,
whole, UDP) is judged from fixed offsets: its first payload octet rules SIP out before any object is built. Everything
unusual goes the slow way: options, fragments, tunnels, TCP, ICMP. Both ways tell SIP by content with the same function.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from dpkt.ip import IP_PROTO_ICMP, IP_PROTO_ICMP6, IP_PROTO_TCP, IP_PROTO_UDP

from analyzer.capture import hep, icmp, ip, links, tunnels, udp, udp_tunnels, unopened
from analyzer.capture.addresses import endpoint
from analyzer.capture.fragments import Reassembler
from analyzer.capture.handshakes import Handshakes
from analyzer.capture.record import Record
from analyzer.capture.speakers import Speakers
from analyzer.capture.tally import Tally
from analyzer.capture.tcp import Connections
from analyzer.defect import TORN, Defect
from analyzer.evidence import Fidelity, Frame, Item, RawMessage, Source
from analyzer.sip.sniff import FIRST_OCTETS, Kind, kind

if TYPE_CHECKING:
    from analyzer.capture.sightings import Sightings

MAX_DEPTH = 8
"""Tunnels inside tunnels that are unwrapped."""

# From the total length on: it, identification, addresses; then the ports and the length of UDP.
_V4_UDP = struct.Struct(">HH6x4s4sHHH").unpack_from
_V6_UDP = struct.Struct(">H2x16s16sHHH").unpack_from
_new = tuple.__new__
_TUNNEL_PORTS = udp_tunnels.PORTS
_LOOKED_AT = bytes(1 if octet else tunnel for octet, tunnel in zip(FIRST_OCTETS, udp_tunnels.FIRST, strict=True))
"""Per first octet of a payload: 1 where it may be SIP or hold it (HEP 1 and 2 begin as tunnels may), 2 where GENEVE's
protocol type must agree, for DTLS begins so too."""
_GENEVE = udp_tunnels.GENEVE_KINDS


def fast_udp(frame: bytes, ethertype: int, at: int) -> int:
    """Offset of the first payload octet of a common UDP packet whose IP header is at `at`; 0 for any other packet."""
    if ethertype == links.IPV4:
        body = at + 28
        # Version 4, five words of header; UDP; neither more fragments nor an offset.
        if len(frame) > body and frame[at] == 0x45 and frame[at + 9] == IP_PROTO_UDP:
            return 0 if frame[at + 6] & 0x3F or frame[at + 7] else body
    elif ethertype == links.IPV6:
        body = at + 48
        if len(frame) > body and frame[at] >> 4 == 6 and frame[at + 6] == IP_PROTO_UDP:
            return body
    return 0


_TORN = Defect(TORN, "the packet came in fragments, and not all of them are in the capture")


class PacketReader:
    """Reads the records of one capture, which may lie in several sources, in their order; `copies` counts the packets
    that another interface had shown before."""

    def __init__(self) -> None:
        self.copies = 0
        self._links = links.table()
        self._fragments = Reassembler()
        self._tallies: dict[int, Tally] = {}
        self._speakers = Speakers()
        self._handshakes = Handshakes()
        self._connections = Connections(self._tally)
        self._sightings: Sightings | None = None

    def _tally(self, source: Source) -> Tally:
        tally = self._tallies.get(id(source))
        if tally is None:
            tally = self._tallies[id(source)] = Tally(source, speakers=self._speakers, handshakes=self._handshakes)
        return tally

    def items(self, records: Iterable[Record]) -> Iterator[Item]:
        """The SIP messages and the ends of exchanges that the records hold; the tallies are told at the end."""
        decoders = self._links
        firsts = _LOOKED_AT
        untold = self._fragments.untold
        for record in records:
            source, number, _, time, linktype, length, frame, _ = record
            source.frames = number
            if time != source.last:
                source.note_time(time)
            if length > len(frame):
                self._tally(source).note_cut(record)
            decode = decoders.get(linktype)
            if decode is None:
                self._tally(source).links[linktype] += 1
                continue
            ethertype, at = decode(frame)
            body = fast_udp(frame, ethertype, at)
            if source.interfaces > 1 and (not body or firsts[frame[body]]) and self._is_copy(record, ethertype, at):
                continue
            if untold:
                yield from self._heads(time)
            if not body:
                yield from self._slow(record, ethertype, at)
            elif (first := firsts[frame[body]]) and (first == 1 or frame[body + 2 : body + 4] in _GENEVE):
                yield from self._udp(record, ethertype, at, body)
            else:
                source.other += 1
                if not source.messages and frame[body] >> 6 != unopened.MEDIA:
                    self._note_other(source, frame[body - 8 :])
        yield from self.finish()

    def finish(self) -> Iterator[Item]:
        """End of all records: give out what streams still hold, report what stayed open."""
        yield from self._heads(None, all_of_them=True)
        yield from self._heard(self._connections.finish())
        self._fragments.finish()
        for tally in self._tallies.values():
            tally.tell()
        self._tallies.clear()

    def _udp(self, record: Record, ethertype: int, at: int, body: int) -> Sequence[Item]:
        """A plain UDP packet, unless its ports or lengths send it the slow way."""
        source, number, offset, time, _, _, frame, _ = record
        if ethertype == links.IPV4:
            total, ident, sender, receiver, sport, dport, length = _V4_UDP(frame, at + 2)
            ip_end = at + total
        else:
            total, sender, receiver, sport, dport, length = _V6_UDP(frame, at + 4)
            ip_end, ident = at + 40 + total, None
        end = body - 8 + length
        payload = frame[body:end]
        if end != ip_end or length < 8 or sport in _TUNNEL_PORTS or dport in _TUNNEL_PORTS:
            return self._slow(record, ethertype, at)
        if payload[:1] in hep.FIRST and hep.version(payload):
            return self._slow(record, ethertype, at)
        missing = length - 8 - len(payload)
        what = kind(payload, cut=missing > 0)
        if what is not Kind.SIP:
            if (
                what is not Kind.STUN
                and payload
                and udp_tunnels.FIRST[payload[0]]
                and udp_tunnels.inner(frame[body - 8 : end], missing)
            ):
                return self._slow(record, ethertype, at)
            self._note_short(record, missing, at)
            udp.count(source, what)
            if what is not Kind.OTHER:
                udp.note_kept(source, (endpoint(sender, sport), endpoint(receiver, dport)), time, payload)
            elif not source.messages:
                self._note_other(source, frame[body - 8 :])
            return ()
        if missing:
            self._note_short(record, missing, at)
        source.messages += 1
        place = _new(Frame, (source.name, number, offset))
        ends = endpoint(sender, sport), endpoint(receiver, dport)
        self._speakers.heard(*ends, payload)
        return (RawMessage(payload, time, place, *ends, "UDP", Fidelity.WIRE, missing, ident),)

    def _slow(self, record: Record, ethertype: int, at: int) -> Sequence[Item]:
        """Any packet that is not plain UDP: unwrap it layer by layer."""
        frame = record.octets
        for depth in range(MAX_DEPTH):
            packet = ip.parse(frame, ethertype, at)
            if packet is not None and not depth:
                self._note_short(record, packet.missing, at)
            if packet is None:
                if not record.source.messages:
                    self._tally(record.source).note_unopened(unopened.of_ethertype(ethertype))
                return ()
            if packet.fragment:
                packet = self._fragments.add(packet, record)
                if packet is None or self._is_whole_copy(record, packet):
                    return ()
            inner = tunnels.inner(packet)
            if inner is None:
                return self._heard(self._transport(packet, record))
            ethertype, frame, at = inner
        record.source.defect("deep-tunnel", f"more than {MAX_DEPTH} packets inside each other", record.place)
        return ()

    def _heads(self, now: int | None, *, all_of_them: bool = False) -> list[Item]:
        """Messages of which the first fragments alone are there."""
        items: list[Item] = []
        for packet, record in self._fragments.heads(now, all_of_them=all_of_them):
            item = udp.datagram(packet, record)
            if item is not None:
                items.append(replace(item, defects=(*item.defects, _TORN)))
        return list(self._heard(items))

    def _heard(self, items: Sequence[Item]) -> Sequence[Item]:
        for item in items:
            self._speakers.hear(item)
        return items

    def _transport(self, packet: ip.Packet, record: Record) -> Sequence[Item]:
        if packet.protocol == IP_PROTO_UDP:
            item = udp.datagram(packet, record)
            if item is None and not record.source.messages:
                self._note_other(record.source, packet.body)
            return () if item is None else (item,)
        if packet.protocol == IP_PROTO_TCP:
            return self._connections.segment(packet, record)
        if packet.protocol in (IP_PROTO_ICMP, IP_PROTO_ICMP6):
            abort = icmp.abort(packet, record)
            return () if abort is None else (abort,)
        if not record.source.messages:
            self._tally(record.source).note_unopened(unopened.of_protocol(packet.protocol))
        return ()

    def _note_short(self, record: Record, missing: int, at: int) -> None:
        """A packet that may lack octets, as its header at `at` says; its record may say so too."""
        if missing > 0 and record.length <= len(record.octets):
            self._tally(record.source).note_short(missing, at)

    def _is_copy(self, record: Record, ethertype: int, at: int) -> bool:
        """Whether another interface of the source showed the packet, which is counted."""
        again = self._seen().again(record, ethertype, at)
        self._note_copy(record, again)
        return again

    def _note_copy(self, record: Record, again: bool) -> None:
        self._tally(record.source).copies += again
        self.copies += again

    def _is_whole_copy(self, record: Record, packet: ip.Packet) -> bool:
        """The same of a packet that was put together."""
        again = packet.reassembled and record.source.interfaces > 1 and self._seen().whole_again(record, packet)
        self._note_copy(record, again)
        return again

    def _seen(self) -> Sightings:
        if self._sightings is None:
            from analyzer.capture.sightings import Sightings  # late: few captures have several interfaces

            self._sightings = Sightings()
        return self._sightings

    def _note_other(self, source: Source, body: bytes) -> None:
        """A UDP packet (its header included) that is no SIP, where none was met yet."""
        if len(body) >= 8:
            ports = body[0] << 8 | body[1], body[2] << 8 | body[3]
            self._tally(source).note_unopened(unopened.of_udp(ports, body[8:]))
