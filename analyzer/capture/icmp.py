"""ICMP errors: the network says that a packet did not arrive, and quotes it (RFC 792, RFC 4443 3).

The quoted packet is evidence of a failure, never a message: who counts it counts a request twice.
"""

from __future__ import annotations

from dpkt.ip import IP_PROTO_ICMP, IP_PROTO_TCP, IP_PROTO_UDP

from analyzer.capture import ip
from analyzer.capture.addresses import endpoint
from analyzer.capture.link_tags import by_version
from analyzer.capture.record import Record
from analyzer.evidence import PROHIBITED, NetworkError
from analyzer.sip.sniff import FIRST_OCTETS, Kind, kind

_SHORT = 24  # octets in which a request line need not show itself
_UNREACHABLE_V4 = {0: "network", 1: "host", 2: "protocol", 3: "port", 6: "network", 7: "host", 8: "host"}
_UNREACHABLE_V6 = {0: "network", 3: "host", 4: "port"}
_PROHIBITED_V4 = frozenset((9, 10, 13))  # RFC 1122 3.2.2.1, RFC 1812 5.2.7.1
_PROHIBITED_V6 = frozenset((1, 5))  # RFC 4443 3.1


def abort(packet: ip.Packet, record: Record) -> NetworkError | None:
    """The end of an exchange that an ICMP error tells, or None where it is no error or quotes no SIP.

    A quote too short to show any payload counts: RFC 792 promises eight octets, which are the ports.
    """
    body = packet.body
    text = reason(body[0], body[1], v6=packet.protocol != IP_PROTO_ICMP) if len(body) >= 8 else ""
    quoted = ip.parse(body, *by_version(body, 8)) if text else None
    if quoted is None or quoted.offset or len(quoted.body) < 4:
        return None
    if quoted.protocol not in (IP_PROTO_UDP, IP_PROTO_TCP):
        return None
    payload = _payload(quoted)
    if not _may_be_sip(payload):
        return None
    return NetworkError(
        time=record.time,
        place=record.place,
        source=endpoint(quoted.source, quoted.body[0] << 8 | quoted.body[1]),
        destination=endpoint(quoted.destination, quoted.body[2] << 8 | quoted.body[3]),
        transport="UDP" if quoted.protocol == IP_PROTO_UDP else "TCP",
        reason="icmp",
        text=text,
        quoted=payload,
        sender=endpoint(packet.source, 0).host,
    )


def _may_be_sip(payload: bytes) -> bool:
    """Whether a quote, mostly cut, does not speak against SIP: its first octets are all that a router may give."""
    if len(payload) < _SHORT:
        return all(FIRST_OCTETS[octet] for octet in payload)
    return kind(payload, cut=True) in (Kind.SIP, Kind.KEEPALIVE)


def _payload(quoted: ip.Packet) -> bytes:
    if quoted.protocol == IP_PROTO_UDP:
        return quoted.body[8:]
    return quoted.body[(quoted.body[12] >> 4) * 4 :] if len(quoted.body) > 12 else b""


def reason(number: int, code: int, *, v6: bool) -> str:
    """What an ICMP error says, in words; empty for messages that are no errors (RFC 792, RFC 4443 2.1)."""
    if v6:
        unreachable, prohibited, too_big = _UNREACHABLE_V6, _PROHIBITED_V6, number == 2
        number = {1: 3, 3: 11, 4: 12}.get(number, 0)
    else:
        unreachable, prohibited, too_big = _UNREACHABLE_V4, _PROHIBITED_V4, (number, code) == (3, 4)
    if too_big:
        return "packet too big"
    if number == 3 and code in prohibited:
        return PROHIBITED
    if number == 3:
        return f"{unreachable.get(code, 'destination')} unreachable"
    return {11: "time exceeded", 12: "parameter problem"}.get(number, "")
