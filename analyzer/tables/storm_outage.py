"""The outage as users felt it: who wants a binding and has none, over time.

A binding runs from the 200 for as long as was granted (RFC 3261 10.3 step 8). A client wants one from its first attempt
on, and after a removal (granted 0) from its next; who stopped trying is counted for as long as a request may still be
answered (Timer F), then no longer: nobody waits there. What a registrar that answers nobody still knows is worth
nothing to those who call, so who asks it in vain is without a binding from that request on. When a restart made it
forget the others cannot be seen in transactions: until they ask they are not in these numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analyzer.tables.storm_marks import Marks, order_by
from analyzer.tables.storm_traffic import SECOND, TIMER_F, UNKNOWN, Codes, Flags, Ints, Traffic
from analyzer.tables.storm_values import Outage

_USUAL_LIFETIME = 3600.0
"""RFC 3261 10.2.1.1: what is usual where nothing is said."""
_MADE_UP = 0.05
"""Of the most users at once without a binding, so many may be left when the storm is called over."""


@dataclass(frozen=True, slots=True)
class Lacks:
    """Times without a binding: from `start` to `end`, one entry each, in no order."""

    start: Ints
    end: Ints


def lacks_of(traffic: Traffic, marks: Marks, clients: Codes, in_vain: Flags) -> Lacks:
    """The times without a binding of these clients in the whole capture; `in_vain` marks what went into a silence."""
    rows = np.flatnonzero(np.isin(traffic.client, clients))
    order = order_by(traffic.client[rows])
    rows = rows[order.rows]
    done = marks.success[rows] & (traffic.final[rows] != UNKNOWN)
    granted = traffic.granted[rows]
    usual = float(np.nanmedian(granted)) if not np.isnan(granted).all() else _USUAL_LIFETIME
    lifetime = np.where(np.isnan(granted), usual, granted)
    lapse = np.where(done, traffic.final[rows] + (lifetime * SECOND).astype(np.int64), UNKNOWN)
    before = order.previous(done)
    # A try begins a lack where no binding is alive; it lasts until the next success, or Timer F after the last try.
    alive_until = np.where(before >= 0, lapse[before], UNKNOWN)
    removed = (before >= 0) & (lifetime[before] == 0)
    start = np.where((before >= 0) & ~removed & ~in_vain[rows], alive_until, traffic.time[rows])
    end = np.where(done, traffic.final[rows], np.maximum(traffic.last[rows] + TIMER_F, traffic.final[rows]))
    wants = ~(removed & (traffic.requested[rows] == 0))
    end = _until_next(rows, order.first, done, end, traffic)
    kept = wants & (end > start)
    return _joined(traffic.client[rows][kept], start[kept], end[kept])


def _until_next(rows: Ints, first: Ints, done: Flags, end: Ints, traffic: Traffic) -> Ints:
    """The end of a lack, but no later than the client's next success."""
    success = np.where(done, traffic.final[rows], np.iinfo(np.int64).max)
    # From the back, within a client: the least success time at or after each place.
    group = np.unique(first, return_inverse=True)[1]
    flipped = np.lexsort((-np.arange(len(rows)), group))
    least = pd.Series(success[flipped]).groupby(group[flipped]).cummin().to_numpy()
    upcoming = np.empty(len(rows), dtype=np.int64)
    upcoming[flipped] = least
    return np.minimum(end, upcoming)


def _joined(client: Codes, start: Ints, end: Ints) -> Lacks:
    """Overlapping lacks of one client are one."""
    order = np.lexsort((start, client))
    client, start, end = client[order], start[order], end[order]
    if not len(start):
        return Lacks(start, end)
    reach = pd.Series(end).groupby(client).cummax().to_numpy()
    opens = np.concatenate([[True], (client[1:] != client[:-1]) | (start[1:] > reach[:-1])])
    last = np.concatenate([np.flatnonzero(opens)[1:] - 1, [len(start) - 1]])
    return Lacks(start[opens], reach[last])


def unbound_at(lacks: Lacks, moments: Ints) -> Ints:
    """How many users are without a binding at each moment."""
    return np.searchsorted(np.sort(lacks.start), moments, side="right") - np.searchsorted(
        np.sort(lacks.end), moments, side="right"
    )


def outage_of(lacks: Lacks, start: int, end: int) -> Outage:
    """The lacks between `start` and `end`, and when they were made up (None: not before the end)."""
    begin, until = np.clip(lacks.start, start, end), np.clip(lacks.end, start, end)
    length = until - begin
    begin, until = begin[length > 0], until[length > 0]
    if not len(begin):
        return Outage(0, 0.0, None)
    moments = np.concatenate([begin, until])
    moments.sort()
    unbound = unbound_at(Lacks(begin, until), moments)
    peak = int(unbound.max())
    many = np.flatnonzero(unbound > _MADE_UP * peak)
    over = int(moments[min(many[-1] + 1, len(moments) - 1)])
    open_ = int(unbound_at(lacks, np.array([end]))[0]) > _MADE_UP * peak
    return Outage(peak, float(length.sum()) / SECOND, None if open_ else over)
