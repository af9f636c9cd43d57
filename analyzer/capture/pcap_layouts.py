"""Variants of classic pcap that their magic number does not tell: longer record headers, swapped lengths, AIX.

A patched libpcap (Alexey Kuznetsov's) wrote more than 16 octets before each packet: 24 with the common magic number
(Red Hat 6.1), 28 with the one that says "modified" (SuSE 6.3), where others have 24; Nokia's wrote 20. Nothing in the
file says so, and read in the usual layout the second record is nonsense. So, as Wireshark's wiretap does
(`wiretap/libpcap.c`), the first records are tried: where the usual layout fails and another one holds for all of them,
that one is taken, unless the first packet is one of IP in the usual layout.

A live capture may have no more than a packet yet: the second is waited for only where the first is not one of IP.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from analyzer.capture.window import Window
from analyzer.evidence import SECOND

MAX_PACKET = 262144
"""Longest packet that is believed; what Wireshark believes too."""

MODIFIED = 0xA1B2CD34
"""The magic number of the modified form."""

_MAX_LENGTH = 1 << 27  # octets on the wire that are believed
_LOOKED_AT = 10  # records
_YEAR = 1 << 25  # seconds
_SHOWN = 128  # octets of a packet that are looked at
_NAMES = {
    (False, 24): "as Red Hat 6.1 wrote them",
    (False, 20): "as Nokia wrote them",
    (True, 28): "as SuSE 6.3 wrote them",
}
_LENGTHS = {False: (16, 24, 20), True: (24, 28)}
_AIX = {6: 1, 9: 6, 15: 10, 24: 0}
"""ifType of RFC 1573 -> LINKTYPE_."""
_LINKTYPE = 0x03FF_FFFF  # the upper bits tell of the frame check sequence


class Header(NamedTuple):
    """What the header of a file says: `order` is that of its octets, `step` nanoseconds are one tick. `swapped` says
    that the original length stands before the captured one: always, or (None) where the order would be absurd."""

    order: str
    step: int
    modified: bool
    snaplen: int
    linktype: int
    swapped: bool | None
    aix: bool


# magic -> (octet order, nanoseconds per step, modified)
MAGICS = {
    order.pack(magic): (order.format[0], step, magic == MODIFIED)
    for order in (struct.Struct("<I"), struct.Struct(">I"))
    for magic, step in ((0xA1B2C3D4, 1000), (0xA1B23C4D, 1), (MODIFIED, 1000))
}


def header(octets: bytes) -> Header:
    """The header of a file of 24 octets at least that begins with a magic number.

    tcpdump of AIX calls itself version 2.2, has the interface types of RFC 1573 and counts nanoseconds; before version
    2.3 the two lengths stood the other way round, and 2.3 was written both ways.
    """
    order, step, modified = MAGICS[octets[:4]]
    major, minor, snaplen, link = struct.unpack_from(order + "HH8xII", octets, 4)
    aix = (major, minor) == (2, 2) and link in _AIX
    if aix:
        return Header(order, 1, modified, snaplen, _AIX[link], False, aix)
    swapped = False if (major, minor) >= (2, 4) or major < 2 else None if minor == 3 else True
    return Header(order, step, modified, snaplen, link & _LINKTYPE, swapped, aix)


def length(window: Window, head: Header) -> tuple[int, str]:
    """Octets of a record's header in the file whose first record begins at the window's place, and what is to be said
    of it: nothing for those that the magic number promises."""
    usual, *others = _LENGTHS[head.modified]
    if head.aix or not window.need(usual) or not _is_record(window, head, usual, 0):
        return usual, ""
    if (_records(window, head, usual, wait=False) or 0) > 1 or _is_ip(window, head, usual):
        return usual, ""
    if _records(window, head, usual, wait=True) is not None:
        return usual, ""
    for size in others:
        seen = _records(window, head, size, wait=True) or 0
        if seen > 1 or (seen == 1 and _is_ip(window, head, size)):
            return size, f"its records have headers of {size} octets, {_NAMES[head.modified, size]}"
    return usual, ""


def lengths(head: Header, first: int, second: int) -> tuple[int, int]:
    """The captured and the original length, of the two as they stand in a record's header."""
    return (second, first) if head.swapped or (head.swapped is None and first > second) else (first, second)


def _records(window: Window, head: Header, size: int, *, wait: bool) -> int | None:
    """How many of the first records are there if their headers have `size` octets, the last one perhaps in part; None
    where one of them makes no sense, or the file ends in the middle of a header. `wait` for the second, if need be."""
    at = seen = 0
    while seen < _LOOKED_AT and at <= window.left:
        if window.left < at + size and not (wait and (seen < 2 or window.left > at) and window.need(at + size)):
            break
        if not _is_record(window, head, size, at):
            return None
        at += size + _fields(window, head, at)[2]
        seen += 1
    return None if 0 < window.left - at < size else seen


def _fields(window: Window, head: Header, at: int) -> tuple[int, int, int, int]:
    """Seconds, fraction, captured and original length of a record so many octets behind the window's place."""
    seconds, fraction, *both = struct.unpack_from(head.order + "IIII", window.buffer, window.at + at)
    return seconds, fraction, *lengths(head, *both)


def _is_record(window: Window, head: Header, size: int, at: int) -> bool:
    """Whether a record's header can be one, about a year away from the first one at most; of the first record, all has
    to be there."""
    seconds, fraction, captured, wire = _fields(window, head, at)
    first = _fields(window, head, 0)[0]
    return (
        0 < captured <= min(head.snaplen or MAX_PACKET, MAX_PACKET)  # nothing but zeros is room that was not written to
        and captured <= wire <= _MAX_LENGTH
        and fraction * head.step < SECOND
        and seconds > 0
        and abs(seconds - first) < _YEAR
        and (at > 0 or window.need(size + captured))
    )


def _is_ip(window: Window, head: Header, size: int) -> bool:
    """Whether the first packet is one of IP if it stands behind a header of `size` octets."""
    from analyzer.capture import links  # late: hardly any file asks

    decode = links.table().get(head.linktype)
    octets = window.buffer[window.at + size : window.at + size + _SHOWN]
    kind, at = decode(octets) if decode is not None else (0, 0)
    version = octets[at] >> 4 if len(octets) > at else 0
    return (kind, version) in ((links.IPV4, 4), (links.IPV6, 6))
