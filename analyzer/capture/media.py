"""Passing media by: the offsets at which a common packet shows that it is RTP or RTCP.

Captures that hold SIP mostly hold media, so the walks over records look at these few octets together with the record's
own header, in one `unpack`, and step over what cannot be anything else without making an object of it: Ethernet or
Linux cooked, IPv4 without options, UDP, whole, and a payload whose first two bits are those of RTP and RTCP (version 2,
RFC 3550 5.1; SIP, STUN, tunnels and keep-alives begin otherwise: RFC 7983 7). Everything else goes the general way,
media in other wrappings too.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

UDP = 17  # its own constants: finding out what a file is must not load the library of packet headers
_IPV4 = 0x0800
WHOLE_HEADER = 0x45
"""Version 4, five words of header: no options."""
NOT_MEDIA = bytes(0 if octet >> 6 == 2 else 1 for octet in range(256))
"""Per first octet of a payload: 0 where its version field is that of RTP and RTCP."""

# LINKTYPE_ -> offsets of the ethertype and of what follows it
_LINKS = {1: (12, 14), 113: (14, 16), 276: (0, 20)}


class Look(NamedTuple):
    """What `unpack` shows behind the fields of a record's header: ethertype, first octet of IP, flags with fragment
    offset, protocol, first octet of the payload. The two-octet fields come in the octet order of the file: `ipv4` is
    the ethertype of IPv4 in that order, `whole` and `unsplittable` are the two values of flags with offset that a
    packet in one piece has. `least` counts the octets of the shortest packet that has a payload.
    """

    unpack: struct.Struct
    ipv4: int
    whole: int
    unsplittable: int
    least: int


def look(order: str, header: str, linktype: int) -> Look | None:
    """How to look at records of a link type; None where it has to be decoded. `order` is `<` or `>`, `header` the
    `struct` codes of the record's header."""
    if linktype not in _LINKS:
        return None
    ethertype, ip = _LINKS[linktype]
    between = ip - ethertype - 2
    form = struct.Struct(f"{order}{header}{ethertype}xH{between}xB5xHxB18xB")
    swapped = "<H" if order == "<" else ">H"
    ipv4, whole, unsplittable = (struct.unpack(swapped, struct.pack(">H", value))[0] for value in (_IPV4, 0, 0x4000))
    return Look(form, ipv4, whole, unsplittable, ip + 29)
