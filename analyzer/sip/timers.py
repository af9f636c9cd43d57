"""The timers of transactions (RFC 3261 17, table 4), told once for all who read, analyze or replay. Nanoseconds.

Of requests other than INVITE, as RFC 4320 and RFC 6026 leave them: E doubles from T1 up to T2, F and J are 64*T1, K is
T4; over a reliable transport there is no E, and J and K are zero.

This module imports nothing of the project, so that the storm analysis may read it, which stands on DataFrames alone.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

_MILLISECOND = 1_000_000

T1 = 500 * _MILLISECOND
"""RFC 3261 17.1.1.1: estimate of the round trip; who has no response after it sends again."""
T2 = 4000 * _MILLISECOND
"""RFC 3261 17.1.2.2: longest gap between the copies of a request other than INVITE."""
T4 = 5000 * _MILLISECOND
"""RFC 3261 17.1.2.2: longest time that a message stays in the network."""
_ROUND_TRIPS = 64  # table 4: timers B, F, H and J are 64*T1


@dataclass(frozen=True, slots=True)
class Timers:
    """The timers of one end. `reliable` tells the transport (TCP, TLS)."""

    t1: int = T1
    t2: int = T2
    t4: int = T4
    reliable: bool = False

    @property
    def f(self) -> int:
        """How long a response is waited for (17.1.2.2)."""
        return _ROUND_TRIPS * self.t1

    @property
    def k(self) -> int:
        """How long copies of the final response are soaked up (17.1.2.2)."""
        return 0 if self.reliable else self.t4

    @property
    def j(self) -> int:
        """How long copies of the request are answered (17.2.2)."""
        return 0 if self.reliable else _ROUND_TRIPS * self.t1

    def after(self, e: int) -> int:
        """The interval that follows the interval `e` of Timer E in the Trying state: MIN(2*E, T2)."""
        return min(2 * e, self.t2)

    def copies(self) -> Iterator[int]:
        """When Timer E sends a request again that nothing answers, from its first sending, until Timer F ends it
        (17.1.2.2)."""
        at = interval = self.t1
        while at < self.f and not self.reliable:
            yield at
            interval = self.after(interval)
            at += interval


TIMER_F = Timers().f
"""RFC 3261 17.1.2.2, table 4: a client transaction ends without a response."""
_COPIES = tuple(Timers().copies())
TRYING_DUE = next(later for earlier, later in pairwise(_COPIES) if 2 * (later - earlier) >= T2)
"""RFC 4320 4.1: when Timer E is reset to T2, 3.5 s after the first sending; a server has to say 100 from then on."""


def retransmissions_due(elapsed: int) -> int:
    """How many copies of a request over UDP are due after `elapsed` nanoseconds (RFC 3261 17.1.2.2)."""
    return bisect_right(_COPIES, elapsed)
