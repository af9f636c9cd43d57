"""What UDP carries as a tunnel: GTP-U, VXLAN, GENEVE, TZSP, L2TP. One layer per call; the caller bounds the depth.

Where a port is that of a tunnel, its header has to agree. Ports are a matter of configuration, though, for TZSP most of
all: on any other port the header has to agree to the bit, and an IP packet that fits into what is there must follow.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from analyzer.capture.link_tags import by_version, ppp, unwrap
from analyzer.capture.links import IPV4, IPV6

GTP_U = 2152
"""UDP port of GTP-U (3GPP TS 29.281 4.4.2.3)."""

VXLAN = 4789
"""UDP port of VXLAN (RFC 7348 8); the kernel of Linux took 8472 before that was given."""

GENEVE = 6081
"""UDP port of GENEVE (RFC 8926 3.3)."""

TZSP = 37008
"""UDP port of TZSP, which sniffers of MikroTik and others send."""

L2TP = 1701
"""UDP port of L2TP (RFC 2661 8.1, RFC 3931 4.1.2)."""

PORTS = frozenset((GTP_U, VXLAN, GENEVE, TZSP, L2TP))

FIRST = bytes(2 if 0x10 <= octet < 0x40 else octet < 0x10 or not octet & 0xB4 for octet in range(256))
"""Per first octet of a payload: not 0 where it may be that of a tunnel: GENEVE has a version of 0 in the upper two
bits, and L2TP four bits that must be 0. 2 where it can be no other than GENEVE, with many options, or GTP."""

TRANSPARENT_ETHERNET = 0x6558
GENEVE_KINDS = frozenset((b"\x65\x58", b"\x08\0", b"\x86\xdd"))
"""What GENEVE says that it carries (RFC 8926 3.4), as far as it is known."""
_TZSP_ETHERNET = 1
_TAG_PADDING, _TAG_END = 0, 1
_MOST_TAGS = 64


class Inner(NamedTuple):
    """What a tunnel carries: the ethertype and offset of a packet in `frame`."""

    kind: int
    frame: bytes
    at: int


def inner(body: bytes, missing: int = 0) -> Inner | None:
    """The packet in a UDP packet (its header included) of which `missing` more octets were not captured; None where it
    is no tunnel."""
    if len(body) < 12 or not FIRST[body[8]]:
        return None
    room = len(body) + missing
    for port in (body[0] << 8 | body[1], body[2] << 8 | body[3]):
        if port in _BY_PORT and (found := _BY_PORT[port](body, room)) is not None:
            return found
    for read in _BY_CONTENT:
        found = read(body, room)
        if found is not None and _fits(found, room):
            return found
    return None


def ethernet(body: bytes, at: int) -> Inner | None:
    """An Ethernet frame at `at`."""
    if len(body) < at + 14:
        return None
    kind, start = unwrap(body, body[at + 12] << 8 | body[at + 13], at + 14)
    return Inner(kind, body, start)


def l2tpv3(body: bytes, at: int, room: int) -> Inner | None:
    """The frame behind a session number at `at` (RFC 3931 4.1): nothing says whether a cookie (none, 4 or 8 octets) and
    a sublayer (none or 4) stand between, or what frames they are. The layout that gives an IP packet is the one."""
    for found in _layouts(body, at + 4):
        if found is not None and _fits(found, room):
            return found
    return None


def _layouts(body: bytes, at: int) -> Iterator[Inner | None]:
    for between in (0, 4, 8, 12):
        yield ethernet(body, at + between)
        yield _ppp(body, at + between)


def _fits(found: Inner, room: int) -> bool:
    """Whether an IP packet is where it should be, and no longer than there is room (RFC 791 3.1, RFC 8200 3)."""
    kind, frame, at = found
    if kind == IPV4 and len(frame) >= at + 20 and frame[at] >> 4 == 4:
        header, total = (frame[at] & 0x0F) * 4, frame[at + 2] << 8 | frame[at + 3]
        return 20 <= header <= total <= room - at
    if kind == IPV6 and len(frame) >= at + 40 and frame[at] >> 4 == 6:
        return 40 + (frame[at + 4] << 8 | frame[at + 5]) <= room - at
    return False


def _gtp(body: bytes, _: int) -> Inner | None:
    """GTP-U version 1, a G-PDU (TS 29.281 5.1): 8 octets, 4 more with any of E, S, PN; extension headers with E."""
    flags, message = body[8], body[9]
    if flags >> 4 != 3 or message != 0xFF:
        return None
    at = 16
    if flags & 0x07:
        following = body[19] if flags & 0x04 and len(body) > 19 else 0
        at = 20
        while following and at < len(body) and body[at]:
            at += body[at] * 4
            following = body[at - 1] if at <= len(body) else 0
    kind, at = by_version(body, at)
    return Inner(kind, body, at) if kind else None


def _vxlan(body: bytes, _: int) -> Inner | None:
    """The flags say that a network identifier is there (RFC 7348 5); an Ethernet frame follows."""
    return ethernet(body, 16) if body[8] & 0x78 == 0x08 else None


def _strict_vxlan(body: bytes, _: int) -> Inner | None:
    """The same, and all that is reserved is 0."""
    return ethernet(body, 16) if body[8:12] == b"\x08\0\0\0" and body[15:16] == b"\0" else None


def _geneve(body: bytes, _: int) -> Inner | None:
    """RFC 8926 3.4: version 0, options of a length that is told, an ethertype; the reserved bits are 0."""
    if len(body) < 16 or body[8] >> 6 or body[9] & 0x3F or body[15]:
        return None
    kind, at = body[10] << 8 | body[11], 16 + (body[8] & 0x3F) * 4
    if kind == TRANSPARENT_ETHERNET:
        return ethernet(body, at)
    return Inner(kind, body, at) if kind in (IPV4, IPV6) else None


def _tzsp(body: bytes, _: int) -> Inner | None:
    """Version 1; a packet that was received or is to be sent, an Ethernet frame, behind tags with a last one."""
    if body[8] != 1 or body[9] > 1 or body[10] << 8 | body[11] != _TZSP_ETHERNET:
        return None
    at = 12
    for _ in range(_MOST_TAGS):
        if at >= len(body):
            return None
        tag = body[at]
        if tag == _TAG_END:
            return ethernet(body, at + 1)
        at += 1 if tag == _TAG_PADDING or at + 1 >= len(body) else 2 + body[at + 1]
    return None


def _l2tp(body: bytes, room: int) -> Inner | None:
    """A data message of L2TP version 2 or 3 (RFC 2661 3.1, RFC 3931 4.1.2.1)."""
    flags, version = body[8], body[9] & 0x0F
    if flags & 0xB4 or body[9] & 0xF0:
        return None
    if version == 3:
        return None if flags or any(body[10:12]) else l2tpv3(body, 12, room)
    if version != 2:
        return None
    at = 10 + 2 * bool(flags & 0x40) + 4 + 4 * bool(flags & 0x08)  # length; tunnel and session; Ns and Nr
    if flags & 0x02:
        if len(body) < at + 2:
            return None
        at += 2 + (body[at] << 8 | body[at + 1])
    return _ppp(body, at)


def _ppp(body: bytes, at: int) -> Inner | None:
    """A PPP frame, with or without address and control (RFC 1661 6.6)."""
    kind, at = ppp(body, at + 2 if body[at : at + 2] == b"\xff\x03" else at)
    return Inner(kind, body, at) if kind else None


_BY_PORT = {GTP_U: _gtp, VXLAN: _vxlan, GENEVE: _geneve, TZSP: _tzsp, L2TP: _l2tp}
_BY_CONTENT = (_tzsp, _geneve, _strict_vxlan, _l2tp)
