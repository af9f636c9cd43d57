"""IP inside IP: IP-in-IP, GRE, L2TP, and what UDP carries. One layer per call; the caller bounds the depth."""

from __future__ import annotations

from dpkt.ip import IP_PROTO_GRE, IP_PROTO_IP6, IP_PROTO_IPIP, IP_PROTO_L2TP, IP_PROTO_UDP

from analyzer.capture import udp_tunnels
from analyzer.capture.ip import Packet
from analyzer.capture.links import IPV4, IPV6
from analyzer.capture.udp_tunnels import TRANSPARENT_ETHERNET, Inner, ethernet

_ERSPAN = (0x88BE, 0x22EB)  # types I and II, type III


def inner(packet: Packet) -> Inner | None:
    """The packet that `packet` carries in a tunnel, or None where it carries none that is known."""
    if packet.protocol == IP_PROTO_UDP:
        return udp_tunnels.inner(packet.body, packet.missing)
    if packet.protocol == IP_PROTO_IPIP:
        return Inner(IPV4, packet.body, 0)
    if packet.protocol == IP_PROTO_IP6:
        return Inner(IPV6, packet.body, 0)
    if packet.protocol == IP_PROTO_L2TP:
        return _l2tp(packet)
    return _gre(packet.body) if packet.protocol == IP_PROTO_GRE else None


def _l2tp(packet: Packet) -> Inner | None:
    """L2TP version 3 over IP (RFC 3931 4.1.1): session 0 is that of the control messages."""
    body = packet.body
    return udp_tunnels.l2tpv3(body, 0, len(body) + packet.missing) if any(body[:4]) else None


def _gre(body: bytes) -> Inner | None:
    """RFC 2784 2 and RFC 2890 2: checksum, key and sequence number are there when their bits say so."""
    if len(body) < 4 or body[1] & 0x07:
        return None
    at = 4 + 4 * sum(bool(body[0] & bit) for bit in (0x80, 0x20, 0x10))
    kind = body[2] << 8 | body[3]
    if kind in _ERSPAN:
        return ethernet(body, at + _erspan(body, kind, at))
    if kind == TRANSPARENT_ETHERNET:
        return ethernet(body, at)
    return Inner(kind, body, at) if kind in (IPV4, IPV6) else None


def _erspan(body: bytes, kind: int, at: int) -> int:
    """Length of a mirror port's header: type I has none and no sequence number, II has 8 octets, III 12 and, where the
    O bit says so, 8 more (draft-foschiano-erspan)."""
    if kind == _ERSPAN[0]:
        return 8 if body[0] & 0x10 else 0
    return 20 if len(body) > at + 11 and body[at + 11] & 0x01 else 12
