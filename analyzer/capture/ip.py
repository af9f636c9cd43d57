"""IPv4 and IPv6 headers, for packets that leave the fast path: options, extension headers, fragments, tunnels, TCP.

dpkt gives the protocol numbers and the flat headers. Its IP classes are not used: they decode what they carry at once,
each layer inside the call of the one above, so that a packet made of a thousand nested headers ends in a
RecursionError, and they drop how much of the packet the capture had cut off.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from dpkt.ip import IP_PROTO_AH, IP_PROTO_DSTOPTS, IP_PROTO_FRAGMENT, IP_PROTO_HOPOPTS, IP_PROTO_ROUTING

from analyzer.capture.links import IPV4, IPV6

_V4 = struct.Struct("!BxHHHxBxx4s4s").unpack_from
_V6 = struct.Struct("!4xHBx16s16s").unpack_from
_FRAGMENT = struct.Struct("!BxHI").unpack_from
_EXTENSIONS = frozenset({IP_PROTO_HOPOPTS, IP_PROTO_ROUTING, IP_PROTO_DSTOPTS, IP_PROTO_AH, 135, 139, 140})
_MORE_V4 = 0x2000
_OFFSET_V4 = 0x1FFF


class Packet(NamedTuple):
    """An IP packet or a fragment of one.

    `missing` octets of `body` were on the wire but not captured. `offset` (octets) and `more` place a fragment in its
    whole; `ident` joins the fragments, and is the IPv4 identification. Addresses are raw. `reassembled` says that the
    packet was put together from fragments.
    """

    protocol: int
    source: bytes
    destination: bytes
    body: bytes
    missing: int = 0
    ident: int | None = None
    offset: int = 0
    more: bool = False
    reassembled: bool = False

    @property
    def fragment(self) -> bool:
        """Whether this is a part of a packet only."""
        return self.more or self.offset > 0


def parse(frame: bytes, kind: int, at: int) -> Packet | None:
    """The IP packet of ethertype `kind` at `at`, or None where there is none that can be read."""
    if kind == IPV4:
        return _parse_v4(frame, at)
    return _parse_v6(frame, at) if kind == IPV6 else None


def _parse_v4(frame: bytes, at: int) -> Packet | None:
    """RFC 791 3.1. A total length of 0 is what segmentation offload leaves: then the frame's end counts."""
    if len(frame) < at + 20:
        return None
    first, total, ident, flags, protocol, source, destination = _V4(frame, at)
    header = (first & 0x0F) * 4
    if first >> 4 != 4 or header < 20 or 0 < total < header:
        return None
    end = at + (total or len(frame) - at)
    missing = max(0, end - max(len(frame), at + header))
    offset = (flags & _OFFSET_V4) * 8
    more = bool(flags & _MORE_V4)
    return Packet(protocol, source, destination, frame[at + header : end], missing, ident, offset, more)


def _parse_v6(frame: bytes, at: int) -> Packet | None:
    """RFC 8200 3 and 4. A payload length of 0 means a jumbo or offloaded packet: then the frame's end counts."""
    if len(frame) < at + 40 or frame[at] >> 4 != 6:
        return None
    total, protocol, source, destination = _V6(frame, at)
    end = at + 40 + (total or len(frame) - at - 40)
    missing = max(0, end - len(frame))
    body = at + 40
    ident, offset, more = None, 0, False
    while protocol in _EXTENSIONS or protocol == IP_PROTO_FRAGMENT:
        if min(end, len(frame)) < body + 8:
            return None
        if protocol == IP_PROTO_FRAGMENT:
            protocol, place, ident = _FRAGMENT(frame, body)
            offset, more = place & 0xFFF8, bool(place & 1)
            body += 8
            if offset:
                break  # what follows is the middle of something, not a header
            continue
        units = 4 if protocol == IP_PROTO_AH else 8
        size = (frame[body + 1] + 2) * 4 if units == 4 else (frame[body + 1] + 1) * 8
        protocol, body = frame[body], body + size
    return Packet(protocol, source, destination, frame[body:end], missing, ident, offset, more)
