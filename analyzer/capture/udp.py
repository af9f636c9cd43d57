"""UDP: the payload of a packet that came along the slow path (RFC 768)."""

from __future__ import annotations

from analyzer.capture import hep
from analyzer.capture.addresses import endpoint
from analyzer.capture.ip import Packet
from analyzer.capture.record import Record
from analyzer.defect import Defect
from analyzer.evidence import Endpoint, Fidelity, RawMessage, Source
from analyzer.sip.sniff import PING, Kind, kind


def count(source: Source, what: Kind) -> bool:
    """Add a payload to the tally of its source; True where it is SIP."""
    if what == Kind.SIP:
        source.messages += 1
        return True
    if what == Kind.OTHER:
        source.other += 1
    else:
        source.keepalives += 1
    return False


def note_kept(source: Source, way: tuple[Endpoint, Endpoint], time: int | None, payload: bytes) -> None:
    """Keep when a keep-alive went, and by which of the ways that RFC 5626 3.5 and many phones have."""
    source.kept.note((*way, 0), time, crlf=payload == PING)


def datagram(packet: Packet, record: Record) -> RawMessage | None:
    """The SIP message that a UDP packet carries, or None where it carries something else, which is counted."""
    body = packet.body
    if len(body) < 8:
        if not packet.missing:
            record.source.defect("short-udp", "a packet is too short for a UDP header", record.place)
        return None
    length = body[4] << 8 | body[5]
    defects: tuple[Defect, ...] = ()
    room = len(body) + packet.missing
    if length < 8 or length > room:  # 0 is a jumbogram's (RFC 2675 4); anything else is wrong: the IP length counts
        if length:
            defects = (Defect("bad-udp-length", f"the UDP length is {length}, the IP packet has room for {room}", 4),)
        length = room
    payload = body[8:length]
    missing = length - 8 - len(payload)
    if hep.version(payload):
        inner = hep.raw_message(payload, record, missing)
        return inner if inner is not None and count(record.source, kind(inner.payload, cut=inner.missing > 0)) else None
    what = kind(payload, cut=missing > 0)
    if not count(record.source, what):
        if what is not Kind.OTHER:
            ends = endpoint(packet.source, body[0] << 8 | body[1]), endpoint(packet.destination, body[2] << 8 | body[3])
            note_kept(record.source, ends, record.time, payload)
        return None
    return RawMessage(
        payload=payload,
        time=record.time,
        place=record.place,
        source=endpoint(packet.source, body[0] << 8 | body[1]),
        destination=endpoint(packet.destination, body[2] << 8 | body[3]),
        fidelity=Fidelity.REASSEMBLED if packet.reassembled else Fidelity.WIRE,
        missing=missing,
        ip_id=packet.ident if len(packet.source) == 4 else None,
        defects=defects,
    )
