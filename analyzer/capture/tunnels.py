"""IP inside IP: IP-in-IP, GRE, and over UDP GTP-U and VXLAN. One layer per call; the caller bounds the depth."""

from __future__ import annotations

from typing import NamedTuple

from dpkt.ip import IP_PROTO_GRE, IP_PROTO_IP6, IP_PROTO_IPIP, IP_PROTO_UDP

from analyzer.capture.ip import Packet
from analyzer.capture.link_tags import by_version, unwrap
from analyzer.capture.links import IPV4, IPV6

GTP_U = 2152
"""UDP port of GTP-U (3GPP TS 29.281 4.4.2.3)."""

VXLAN = 4789
"""UDP port of VXLAN (RFC 7348 8)."""

_TRANSPARENT_ETHERNET = 0x6558
_ERSPAN = (0x88BE, 0x22EB)  # types I and II, type III


class Inner(NamedTuple):
    """What a tunnel carries: the ethertype and offset of a packet in `frame`."""

    kind: int
    frame: bytes
    at: int


def inner(packet: Packet) -> Inner | None:
    """The packet that `packet` carries in a tunnel, or None where it carries none that is known."""
    if packet.protocol == IP_PROTO_UDP:
        return _in_udp(packet.body)
    if packet.protocol == IP_PROTO_IPIP:
        return Inner(IPV4, packet.body, 0)
    if packet.protocol == IP_PROTO_IP6:
        return Inner(IPV6, packet.body, 0)
    return _gre(packet.body) if packet.protocol == IP_PROTO_GRE else None


def _in_udp(body: bytes) -> Inner | None:
    if len(body) < 16:
        return None
    ports = (body[0] << 8 | body[1], body[2] << 8 | body[3])
    if GTP_U in ports:
        return _gtp(body)
    # VXLAN: the flags say that a network identifier is there (RFC 7348 5); an Ethernet frame follows.
    return _ethernet(body, 16) if VXLAN in ports and body[8] & 0x08 else None


def _gtp(body: bytes) -> Inner | None:
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


def _gre(body: bytes) -> Inner | None:
    """RFC 2784 2 and RFC 2890 2: checksum, key and sequence number are there when their bits say so."""
    if len(body) < 4 or body[1] & 0x07:
        return None
    at = 4 + 4 * sum(bool(body[0] & bit) for bit in (0x80, 0x20, 0x10))
    kind = body[2] << 8 | body[3]
    if kind in _ERSPAN:
        return _ethernet(body, at + _erspan(body, kind, at))
    if kind == _TRANSPARENT_ETHERNET:
        return _ethernet(body, at)
    return Inner(kind, body, at) if kind in (IPV4, IPV6) else None


def _erspan(body: bytes, kind: int, at: int) -> int:
    """Length of a mirror port's header: type I has none and no sequence number, II has 8 octets, III 12 and, where the
    O bit says so, 8 more (draft-foschiano-erspan)."""
    if kind == _ERSPAN[0]:
        return 8 if body[0] & 0x10 else 0
    return 20 if len(body) > at + 11 and body[at + 11] & 0x01 else 12


def _ethernet(body: bytes, at: int) -> Inner | None:
    if len(body) < at + 14:
        return None
    kind, start = unwrap(body, body[at + 12] << 8 | body[at + 13], at + 14)
    return Inner(kind, body, start)
