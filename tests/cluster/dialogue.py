"""Single packets of a registration, by hand."""

from __future__ import annotations

import dpkt

from tests.cluster.splitting import Packet

_HEAD = (
    "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK{user}\r\nFrom: <sip:{user}@example.com>;tag=f\r\n"
    "To: <sip:{user}@example.com>\r\nCall-ID: {user}\r\nCSeq: 1 REGISTER\r\n"
    "Contact: <sip:{user}@192.0.2.10>;expires=3600\r\nContent-Length: 0\r\n\r\n"
)
_PHONE, _REGISTRAR = b"\xc0\x00\x02\x0a", b"\xc6\x33\x64\x01"
_START = 1_700_000_000_000_000


def packet(at: float, what: str, user: str) -> Packet:
    """A REGISTER of a user, or the answer of this status to it, `at` seconds from the start."""
    asks = what == "REGISTER"
    octets = _datagram(what, user)
    return _START + round(at * 1e6), _frame(octets, dpkt.ip.IP_PROTO_UDP, asks)


def unreachable(at: float, what: str, user: str) -> Packet:
    """What the network says of such a packet that has nowhere to go."""
    lost = bytes(dpkt.ip.IP(src=_PHONE, dst=_REGISTRAR, p=dpkt.ip.IP_PROTO_UDP, data=_datagram(what, user)))
    error = dpkt.icmp.ICMP(type=3, code=3, data=dpkt.icmp.ICMP.Unreach(data=lost))
    return _START + round(at * 1e6), _frame(bytes(error), dpkt.ip.IP_PROTO_ICMP, asks=False)


def _datagram(what: str, user: str) -> bytes:
    asks = what == "REGISTER"
    start = "REGISTER sip:example.com SIP/2.0" if asks else f"SIP/2.0 {what} OK"
    octets = f"{start}\r\n{_HEAD.format(user=user)}".encode()
    return bytes(dpkt.udp.UDP(sport=5060, dport=5060, ulen=8 + len(octets), data=octets))


def _frame(octets: bytes, protocol: int, asks: bool) -> bytes:
    ends = (_PHONE, _REGISTRAR) if asks else (_REGISTRAR, _PHONE)
    network = dpkt.ip.IP(src=ends[0], dst=ends[1], p=protocol, len=20 + len(octets), data=octets)
    return bytes(dpkt.ethernet.Ethernet(data=bytes(network)))
