"""A reader's own windows around the timers of RFC 3261 (docs/rules/conventions.md 5). Nanoseconds."""

from __future__ import annotations

from analyzer.evidence import SECOND
from analyzer.sip.timers import TIMER_F

GRACE = TIMER_F + 8 * SECOND
"""Past Timer F by a margin for slow clocks: a response after this is late for any user agent."""
DUPLICATE_WINDOW = 5_000_000
"""Byte-identical copies closer than this are one packet seen twice (mirror port), when no IP-ID tells them apart."""
SAME_PACKET_WINDOW = SECOND // 5
"""The same IP-ID within this is the same packet: well below T1, for stacks whose IP-ID never changes."""
MAX_WAIT = 96 * SECOND
"""A request that is retransmitted for ever is called unanswered after this."""
AUTH_LINK = 32 * SECOND
"""A retry this long after its challenge still belongs to the same attempt (docs/rules/conventions.md 5)."""
BOOT_SILENCE = 300 * SECOND
"""Silence that speaks for a restart (docs/rules/conventions.md 5)."""
