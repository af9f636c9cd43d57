"""What the peak would have been with other settings, from the storm's own first copies.

*Jitter of x%*: each client moves its request by a time drawn evenly from x% of the interval (half of the lifetime,
where no refreshes were seen). The expected rate is then the observed one averaged over that time, and its highest
value the peak; copies are left out, as they come from a peak that would not have been. *Expiry y*: the same users,
evenly spread, refresh at half of their lifetime with as many requests as they needed here (two with a challenge).
"""

from __future__ import annotations

import numpy as np

from analyzer.storm.causes import StormContext
from analyzer.storm.phases import peak_of
from analyzer.storm.traffic import SECOND, Ints
from analyzer.storm.values import CauseShare, WhatIf

JITTERS = (10, 25, 50, 100)
EXPIRIES = (60, 600, 3600)
_USUAL = 3600.0
_NO_TIMETABLE = ("scan", "single-client", "auth-loop")


def what_if_of(context: StormContext, causes: tuple[CauseShare, ...], interval: float | None) -> tuple[WhatIf, ...]:
    """The cases; `interval` is the seconds between registrations of one client. None for a storm that comes of no
    timetable: neither a scanner nor a loop asks how long a registration lives."""
    if causes and causes[0].cause in _NO_TIMETABLE:
        return ()
    times = context.inside.time[~context.inside.copy]
    wanted = interval if interval else _USUAL / 2
    cases = [WhatIf(f"jitter {part}% of {wanted:.0f} s", jittered(times, wanted * part / 100)) for part in JITTERS]
    users = context.users(context.weight > 0)
    each = _requests_each(context)
    return (*cases, *(WhatIf(f"expiry {expiry} s", users * each / (expiry / 2)) for expiry in EXPIRIES))


def jittered(times: Ints, spread: float) -> float:
    """The highest expected rate when each of `times` (nanoseconds, in order) moves by up to `spread` seconds."""
    if spread * SECOND <= SECOND:
        return peak_of(times)[0]
    window = int(spread * SECOND)
    within = np.searchsorted(times, times + window, side="left") - np.arange(len(times))
    return float(within.max(initial=0)) / spread


def _requests_each(context: StormContext) -> float:
    """Transactions that a registration takes: as many as there are for each success, two where nobody had any."""
    inside = context.weight > 0
    successes = int((context.marks.success & inside).sum())
    needed = int(
        (
            inside
            & (context.marks.success | (context.traffic.status == 401) | (context.traffic.status == 407))
            & ~context.marks.refused
        ).sum()
    )
    return float(np.clip(needed / successes, 1.0, 3.0)) if successes else 2.0
