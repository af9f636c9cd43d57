"""HEP version 3 (EEP): what SIP servers send to a Homer collector; each UDP packet holds a message and where it was.

After the magic `HEP3` and a total length come chunks: vendor, type and length (the six octets included), then the
value. Vendor 0 is the generic set; what the message was wrapped in is told there, so the collector's own addresses and
clock are of no interest.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from analyzer.capture.addresses import endpoint
from analyzer.capture.record import Record
from analyzer.evidence import SECOND, Fidelity, RawMessage

MAGIC = b"HEP3"

_PROTOCOL, _SOURCE4, _DESTINATION4, _SOURCE6, _DESTINATION6, _SOURCE_PORT, _DESTINATION_PORT = range(2, 9)
_SECONDS, _MICROSECONDS, _PAYLOAD, _COMPRESSED = 9, 10, 15, 16
_TRANSPORTS = {b"\x11": "UDP", b"\x06": "TCP", b"\x84": "SCTP"}
_LARGEST = 1 << 20  # octets that a compressed payload may become


def raw_message(packet: bytes, record: Record) -> RawMessage | None:
    """The message in a HEP packet, whatever it is; None, with a defect of the source, where the packet is malformed.

    Its time is the agent's; that of `record` where the agent gives none. `missing` is not known here: 0.
    """
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
        transport=_TRANSPORTS.get(chunks.get(_PROTOCOL, b""), ""),
        fidelity=Fidelity.REASSEMBLED,  # the agent took it out of its packet, and perhaps out of a stream
    )


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
