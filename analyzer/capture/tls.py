"""TLS seen from outside: whether a packet begins with a TLS record, and between whom (RFC 8446 5.1).

What TLS carries is for tshark to open; this is enough to say that there is some.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from dpkt.ip import IP_PROTO_TCP

from analyzer.capture import ip, links, tunnels
from analyzer.capture.addresses import endpoint
from analyzer.capture.record import Record
from analyzer.evidence import Endpoint

_RECORD = re.compile(rb"[\x14-\x17]\x03[\x00-\x04]")
_LONGEST = (1 << 14) + 2048  # RFC 5246 6.2.3; less since RFC 8446 5.2
_MAX_DEPTH = 8


def ends(frame: bytes, ethertype: int, at: int) -> tuple[Endpoint, Endpoint] | None:
    """Source and destination of a packet whose TCP payload begins with a TLS record; None for any other packet."""
    for _ in range(_MAX_DEPTH):
        packet = ip.parse(frame, ethertype, at)
        if packet is None or packet.offset:
            return None
        inner = tunnels.inner(packet)
        if inner is None:
            return _ends_of(packet) if packet.protocol == IP_PROTO_TCP else None
        ethertype, frame, at = inner
    return None


def _ends_of(packet: ip.Packet) -> tuple[Endpoint, Endpoint] | None:
    body = packet.body
    if len(body) < 20:
        return None
    at = (body[12] >> 4) * 4
    if not _RECORD.match(body, at) or int.from_bytes(body[at + 3 : at + 5], "big") > _LONGEST:
        return None
    source, destination = body[0] << 8 | body[1], body[2] << 8 | body[3]
    return endpoint(packet.source, source), endpoint(packet.destination, destination)


def seen(records: Iterable[Record]) -> bool:
    """Whether any packet begins with a TLS record; reads no further than the first."""
    decoders = links.table()
    for record in records:
        decode = decoders.get(record.linktype)
        if decode is not None and ends(record.octets, *decode(record.octets)) is not None:
            return True
    return False
