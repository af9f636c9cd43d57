"""Packets that may carry SIP in something that is not opened here: what is said of them, and reason to ask tshark.

Only asked while a capture has shown no SIP message. What is known to carry none (ARP, spanning tree, routing, media) is
no reason; nor is TLS, which needs keys, of whatever engine.
"""

from __future__ import annotations

from analyzer.capture.udp_tunnels import PORTS
from analyzer.sip.transports import SIP_PORT, SIPS_PORT

_PLAIN_TYPES = frozenset(
    (0x0800, 0x86DD, 0x0806, 0x8035, 0x8863, 0x8809, 0x888E, 0x88CC, 0x88F7, 0x9000, 0x8902, 0x890D, 0x22F0, 0x8137,
     0x809B, 0x80F3, 0x8899, 0x893A, 0x88E1, 0x887B)
)  # fmt: skip
"""IP (which is too short, or damaged), ARP, RARP, PPPoE's discovery, LACP, 802.1X, LLDP, PTP, loops, OAM, IPX and the
like."""
_FRAME = 1536
"""A lower number is the length of an IEEE 802.3 frame: spanning tree, discovery of switches."""
_PLAIN_PROTOCOLS = frozenset((1, 2, 6, 17, 46, 58, 59, 88, 89, 103, 112))
"""ICMP, IGMP, RSVP, EIGRP, OSPF, PIM, VRRP, and what is read."""
_PROTOCOLS = {
    33: "DCCP", 47: "GRE", 50: "ESP", 97: "EtherIP", 98: "ENCAP", 108: "IPComp", 115: "L2TP", 132: "SCTP",
    136: "UDP-Lite", 137: "MPLS", 143: "Ethernet",
}  # fmt: skip
_WRAPPERS = {
    3544: "Teredo", 4341: "LISP", 4500: "ESP", 4790: "VXLAN-GPE", 5247: "CAPWAP", 6080: "GUE", 6635: "MPLS",
    9060: "HEP",
}  # fmt: skip
MEDIA = 2
"""The version of RTP and RTCP, in the first two bits (RFC 3550 5.1)."""
_SIP_TEXT = b"SIP/2.0"


def of_ethertype(kind: int) -> str:
    """What a frame of this ethertype is called (0: its header did not say); empty where it is of no interest."""
    if kind in _PLAIN_TYPES or 0 < kind < _FRAME:
        return ""
    return f"ethertype 0x{kind:04x}" if kind else "a kind that is not known"


def of_protocol(number: int) -> str:
    """What an IP packet of this protocol is called; empty where it is of no interest."""
    if number in _PLAIN_PROTOCOLS:
        return ""
    name = _PROTOCOLS.get(number)
    return f"IP protocol {number}" + (f" ({name})" if name else "")


def of_udp(ports: tuple[int, int], payload: bytes) -> str:
    """What a UDP packet that was taken for no SIP is called; empty where it is of no interest, as media is."""
    if payload and payload[0] >> 6 == MEDIA:
        return ""
    for port in ports:
        if port in PORTS or port in _WRAPPERS:
            name = _WRAPPERS.get(port)
            return f"UDP port {port}" + (f" ({name})" if name else "")
    if _SIP_TEXT in payload:
        return "UDP that hold SIP somewhere"
    return next((f"UDP port {port}, which are no SIP" for port in ports if port in (SIP_PORT, SIPS_PORT)), "")
