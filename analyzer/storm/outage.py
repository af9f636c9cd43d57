"""The outage as users felt it: who wants a binding and has none, over time.

Until when a client stayed bound its timeline tells (`bound_until` of the transactions, `register/reachability.py`); in
tables that lack it, or where it does not know, a binding runs from the 200 for as long as was granted (RFC 3261 10.3
step 8). A client wants one from its first attempt on, and after a removal (granted 0) from its next; who stopped trying
is counted for as long as a request may still be answered (Timer F), then no longer: nobody waits there. In one point
these numbers go beyond the timelines: what a registrar that answers nobody still knows is worth nothing to those who
call, so who asks it in vain is without a binding from that request on. When a restart made it forget the others cannot
be seen in transactions: until they ask they are not in these numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analyzer.sip.timers import T1, TIMER_F
from analyzer.storm.marks import Marks
from analyzer.storm.traffic import SECOND, UNKNOWN, Codes, Flags, Ints, Traffic
from analyzer.storm.values import Outage

_USUAL_LIFETIME = 3600.0
"""RFC 3261 10.2.1.1: what is usual where nothing is said."""
_MADE_UP = 0.05
"""Of the most users at once without a binding, so many may be left when the storm is called over."""


@dataclass(frozen=True, slots=True)
class UnboundIntervals:
    """Times without a binding: whose, from `start` to `end`; one entry each, in no order."""

    client: Codes
    start: Ints
    end: Ints

    def of(self, clients: Flags, start: int, end: int) -> UnboundIntervals:
        """Those of some clients (a flag a code) that touch the time from `start` to `end`."""
        kept = np.flatnonzero((self.start <= end) & (self.end >= start) & clients[self.client])
        return UnboundIntervals(self.client[kept], self.start[kept], self.end[kept])


def unbound_intervals_of(traffic: Traffic, marks: Marks, in_vain: Flags) -> UnboundIntervals:
    """The times without a binding in the whole capture; `in_vain` marks what went into a silence. Those of guessers do
    not count: nobody calls the names that they try."""
    usual = float(np.nanmedian(traffic.granted)) if not np.isnan(traffic.granted).all() else _USUAL_LIFETIME
    lifetime = np.where(np.isnan(marks.lifetime), usual, marks.lifetime)
    bound = marks.before != UNKNOWN
    removed = bound & (lifetime == 0)
    # A try begins a lack where no binding is alive; it lasts until the next success, or Timer F after the last try.
    lapse = np.where(bound, marks.before, 0) + (lifetime * SECOND).astype(np.int64)
    lapse = np.where(marks.bound != UNKNOWN, marks.bound, lapse)
    start = np.where(bound & ~removed & ~in_vain, lapse, traffic.time)
    given_up = np.maximum(traffic.last + TIMER_F, traffic.final)
    end = np.minimum(np.where(marks.success & (traffic.final != UNKNOWN), traffic.final, given_up), marks.regained)
    wants = ~(removed & (traffic.requested == 0)) & ~marks.scan
    kept = np.flatnonzero(wants & (end > start))
    return _joined(traffic.client[kept], start[kept], end[kept])


def _joined(client: Codes, start: Ints, end: Ints) -> UnboundIntervals:
    """Overlapping lacks of one client are one."""
    order = np.lexsort((start, client))
    client, start, end = client[order], start[order], end[order]
    if not len(start):
        return UnboundIntervals(client, start, end)
    reach = pd.Series(end).groupby(client).cummax().to_numpy()
    opens = np.concatenate([[True], (client[1:] != client[:-1]) | (start[1:] > reach[:-1])])
    last = np.concatenate([np.flatnonzero(opens)[1:] - 1, [len(start) - 1]])
    return UnboundIntervals(client[opens], start[opens], reach[last])


def unbound_at(unbound_intervals: UnboundIntervals, moments: Ints) -> Ints:
    """How many users are without a binding at each moment."""
    return np.searchsorted(np.sort(unbound_intervals.start), moments, side="right") - np.searchsorted(
        np.sort(unbound_intervals.end), moments, side="right"
    )


def outage_of(unbound_intervals: UnboundIntervals, start: int, end: int) -> Outage:
    """The lacks between `start` and `end`, and when they were made up (None: not before the end; an answer that is on
    its way then may still come, within T1)."""
    begin, until = np.clip(unbound_intervals.start, start, end), np.clip(unbound_intervals.end, start, end + T1)
    length = np.minimum(until, end) - begin
    kept = length > 0
    if not kept.any():
        return Outage(0, None, 0.0, None)
    moments = np.sort(np.concatenate([begin[kept], until[kept]]))
    unbound = unbound_at(UnboundIntervals(unbound_intervals.client[kept], begin[kept], until[kept]), moments)
    peak, worst = int(unbound.max()), int(moments[int(np.argmax(unbound))])
    many = np.flatnonzero(unbound > _MADE_UP * peak)
    over = int(moments[min(many[-1] + 1, len(moments) - 1)])
    open_ = int(unbound_at(unbound_intervals, np.array([end + T1]))[0]) > _MADE_UP * peak
    return Outage(peak, worst, float(length.sum()) / SECOND, None if open_ else over)
