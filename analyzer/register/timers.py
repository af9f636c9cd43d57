"""The clock of RFC 3261 17.1.2.1 as a reader needs it, and the reader's own windows (docs/rule-catalogue.md 0.6).
Nanoseconds."""

from __future__ import annotations

from analyzer.evidence import SECOND

T1 = SECOND // 2
"""RFC 3261 17.1.1.1: estimate of the round trip."""
T2 = 4 * SECOND
"""RFC 3261 17.1.2.2: longest gap between retransmissions of a non-INVITE request."""
TIMER_F = 64 * T1
"""RFC 3261 17.1.2.2: a non-INVITE client transaction ends without a response."""
GRACE = 40 * SECOND
"""Past Timer F by a margin for slow clocks: a response after this is late for any user agent."""
DUPLICATE_WINDOW = 5_000_000
"""Byte-identical copies closer than this are one packet seen twice (mirror port), when no IP-ID tells them apart."""
SAME_PACKET_WINDOW = SECOND // 5
"""The same IP-ID within this is the same packet: well below T1, for stacks whose IP-ID never changes."""
MAX_WAIT = 96 * SECOND
"""A request that is retransmitted for ever is called unanswered after this."""
AUTH_LINK = 32 * SECOND
"""A retry this long after its challenge still belongs to the same attempt (docs/rule-catalogue.md 0.6)."""
BOOT_SILENCE = 300 * SECOND
"""Silence that speaks for a restart (docs/rule-catalogue.md 0.6)."""


def retransmissions_due(elapsed: int) -> int:
    """How many retransmissions of a non-INVITE request over UDP are due after `elapsed` nanoseconds (17.1.2.2)."""
    due, at, interval = 0, T1, T1
    while at <= elapsed and at < TIMER_F:
        due += 1
        interval = min(2 * interval, T2)
        at += interval
    return due
