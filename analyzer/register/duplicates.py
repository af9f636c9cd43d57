"""One packet that a capture holds twice: mirror ports, the `any` interface, both sides of a NAT (docs/rules/traps.md
T-DUP).

A duplicate is dropped and counted; it is never called a retransmission. On one address pair the IPv4 identification
decides where it was seen on both; else two byte-identical packets within 5 ms are one (no user agent retransmits
before T1). Between two host pairs, octets that are equal to the last one are one packet on two links.
"""

from __future__ import annotations

from analyzer.evidence import Fidelity
from analyzer.register.timers import DUPLICATE_WINDOW, SAME_PACKET_WINDOW
from analyzer.sip.message import Message
from analyzer.sip.timers import T1


def is_same_packet(earlier: Message, later: Message) -> bool:
    """Tell whether `later` is the packet of `earlier`, captured a second time."""
    one, two = earlier.raw_message, later.raw_message
    if one.time is None or two.time is None or one.resend != two.resend or earlier.raw != later.raw:
        return False
    if one.fidelity is Fidelity.TEXT_LOG:
        return False  # a log prints no packet twice
    apart = abs(two.time - one.time)
    if (one.source.host, one.destination.host) != (two.source.host, two.destination.host):
        return apart < T1 // 2
    if one.stream or two.stream:
        return False  # copies within a stream are taken out when it is put together
    if one.ip_id and two.ip_id:
        return one.ip_id == two.ip_id and apart < SAME_PACKET_WINDOW
    return apart < DUPLICATE_WINDOW
