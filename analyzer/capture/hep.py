"""HEP: what SIP servers send to a Homer collector; each UDP packet holds a message and where it was.

Version 3 (EEP) begins with the magic `HEP3` and a total length; then come chunks: vendor, type and length (the six
octets included), then the value. Vendor 0 is the generic set. Versions 1 and 2 have a fixed header: version, length of
the header, address family, protocol, both ports, both addresses; version 2 has the agent's clock behind it (seconds,
microseconds, a number of the agent, two octets of padding, in the octet order of the agent's machine). They have no
magic number, so a packet is one only where all of the header agrees and a SIP message follows.

What the message was wrapped in is told there, so the collector's own addresses and clock are of no interest.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from analyzer.capture.addresses import endpoint
from analyzer.capture.record import Record
from analyzer.evidence import SECOND, Fidelity, RawMessage
from analyzer.sip.sniff import Kind, kind

MAGIC = b"HEP3"
V2 = 2
FIRST = frozenset((b"\1", b"\2", b"H"))
"""The octet that a HEP packet begins with."""

_PROTOCOL, _SOURCE4, _DESTINATION4, _SOURCE6, _DESTINATION6, _SOURCE_PORT, _DESTINATION_PORT = range(2, 9)
_SECONDS, _MICROSECONDS, _PAYLOAD, _COMPRESSED = 9, 10, 15, 16
_TRANSPORTS = {6: "TCP", 17: "UDP", 22: "TLS", 132: "SCTP"}  # 22 is IDP: no number stands for TLS
_LARGEST = 1 << 20  # octets that a compressed payload may become
_FAMILIES = {16: frozenset((2,)), 40: frozenset((10, 24, 26, 28, 30))}
"""Length of the header of versions 1 and 2 -> AF_INET or AF_INET6, whose number differs between systems."""
_CLOCK = 12  # octets of version 2 behind the header
_MILLION = 1_000_000


def version(payload: bytes) -> int:
    """The version of HEP that a UDP payload is in: 1, 2 or 3; 0 where it is in none."""
    if payload.startswith(MAGIC):
        return 3
    if len(payload) < 16 or payload[0] not in (1, V2):
        return 0
    number, size, family, protocol = payload[:4]
    if family not in _FAMILIES.get(size, ()) or protocol not in _TRANSPORTS:
        return 0
    message = payload[_begin(number, size) :]
    return number if kind(message, cut=True) is Kind.SIP else 0


def raw_message(packet: bytes, record: Record, missing: int = 0) -> RawMessage | None:
    """The message in a HEP packet, whatever it is; None, with a defect of the source, where the packet is malformed.

    Its time is the agent's; that of `record` where the agent gives none. `missing` octets of the packet were not
    captured: of versions 1 and 2, which do not say how long the message is, they are the message's last ones.
    """
    if not packet.startswith(MAGIC):
        return _fixed(packet, record, missing)
    chunks = dict(_chunks(packet))
    source = chunks.get(_SOURCE4) or chunks.get(_SOURCE6, b"")
    destination = chunks.get(_DESTINATION4) or chunks.get(_DESTINATION6, b"")
    payload = chunks.get(_PAYLOAD) or _inflated(chunks.get(_COMPRESSED, b""))
    if len(source) not in (4, 16) or len(destination) not in (4, 16) or not payload:
        record.source.defect("bad-hep", "a HEP packet lacks an address or the message", record.place)
        return None
    seconds = _number(chunks.get(_SECONDS, b"")[:4])  # 32 bits; the length of a chunk is the sender's word
    time = seconds * SECOND + _number(chunks.get(_MICROSECONDS, b"")[:4]) * 1000 if seconds else record.time
    return RawMessage(
        payload=payload,
        time=record.source.dated(time, record.place),
        place=record.place,
        source=endpoint(source, _number(chunks.get(_SOURCE_PORT, b"")[:2])),
        destination=endpoint(destination, _number(chunks.get(_DESTINATION_PORT, b"")[:2])),
        transport=_TRANSPORTS.get(_number(chunks.get(_PROTOCOL, b"")[:1]), ""),
        fidelity=Fidelity.REASSEMBLED,  # the agent took it out of its packet, and perhaps out of a stream
    )


def _begin(number: int, size: int) -> int:
    """Offset of the message in versions 1 and 2."""
    return size + _CLOCK if number == V2 else size


def _fixed(packet: bytes, record: Record, missing: int) -> RawMessage:
    """The message of a packet that `version` takes for 1 or 2."""
    number, size, _, protocol = packet[:4]
    half = (size - 8) // 2
    source, destination = packet[8 : 8 + half], packet[8 + half : size]
    time = _clock(packet[size : size + _CLOCK]) if number == V2 else None
    return RawMessage(
        payload=packet[_begin(number, size) :],
        time=record.time if time is None else record.source.dated(time, record.place),
        place=record.place,
        source=endpoint(source, _number(packet[4:6])),
        destination=endpoint(destination, _number(packet[6:8])),
        transport=_TRANSPORTS[protocol],
        fidelity=Fidelity.REASSEMBLED,
        missing=missing,
    )


def _clock(octets: bytes) -> int | None:
    """Nanoseconds since the epoch; None where the agent had no clock. The microseconds tell the octet order."""
    for order in "<>":
        seconds, micros = struct.unpack_from(order + "II", octets)
        if micros < _MILLION:
            return seconds * SECOND + micros * 1000 if seconds else None
    return None


def _chunks(packet: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and value of each generic chunk."""
    end = min(len(packet), _number(packet[4:6]))
    at = 6
    while at + 6 <= end:
        vendor, kind, size = (
            _number(packet[at : at + 2]),
            _number(packet[at + 2 : at + 4]),
            _number(packet[at + 4 : at + 6]),
        )
        if size < 6 or at + size > end:
            return
        if not vendor:
            yield kind, packet[at + 6 : at + size]
        at += size


def _number(octets: bytes) -> int:
    return int.from_bytes(octets, "big")


def _inflated(octets: bytes) -> bytes:
    """What was compressed; nothing where it is damaged, or longer than a message can be."""
    engine = zlib.decompressobj()
    try:
        inflated = engine.decompress(octets, _LARGEST)
    except zlib.error:
        return b""
    return b"" if engine.unconsumed_tail else inflated
