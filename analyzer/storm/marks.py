"""What each transaction is worth to a registrar: needed, or one of the forms of needless load.

A registrar must carry, for each user, one registration and a refresh now and then. What goes beyond is *distress*: a
request that got no answer in time (so it is sent again), one that repeats what was refused a moment ago, one that
guesses, one that refreshes what was refreshed a few seconds ago. The share
of distress tells a storm from a busy day without any threshold in requests per second.

All of it is computed per client (a user at a host) on columns ordered by client and time: `previous` carries the last
row of a kind forward, which is a running maximum of row numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from analyzer.sip.timers import T1
from analyzer.storm.scans import scans_of
from analyzer.storm.traffic import SECOND, UNKNOWN, Codes, Flags, Floats, Ints, Traffic

SHORTEST_LIFETIME = 30
"""Seconds. Who refreshes to keep a NAT open needs no more: RFC 5626 4.4.2 has 24 to 29 s between keep-alives."""
AT_ONCE = 30 * SECOND
"""RFC 5626 4.5: the shortest wait after a first failure (half of base-time doubled once)."""
_LOOP = 2
"""Refusals in a row that anybody may meet: a stale nonce, then a typing error. The third is a loop."""
TOO_BRIEF = 423
NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Marks:
    """One entry a transaction, none of which is the number of another, so that any part of them can stand alone.

    `distress` is 0 (needed) to 1. Of the same client: `before` when its last success before was answered (`UNKNOWN`
    without one), `since` the seconds since then (NaN), `lifetime` what that success granted (NaN unknown), `bound`
    until when the successes before left it bound by its timeline (`UNKNOWN` where that does not tell), `regained` when
    the first success from here on is answered (`NEVER`), `next_time` when its next transaction begins (`UNKNOWN`).
    `begins`: it is no answer to a challenge. `fresh` is a registration that is no refresh: the first of a client, or
    with a new Call-ID; `refresh` the first transaction after a success, with the same Call-ID; `refused` an answer that
    denies, no first challenge; `failed` an end of an attempt without success, for whatever reason; `failures` how many
    of those in a row its client has had with this one; `retry` a transaction after such a failure.
    """

    success: Flags
    refused: Flags
    silent: Flags
    late: Flags
    loop: Flags
    scan: Flags
    begins: Flags
    fresh: Flags
    refresh: Flags
    failed: Flags
    failures: Ints
    retry: Flags
    short: Floats
    before: Ints
    since: Floats
    lifetime: Floats
    bound: Ints
    regained: Ints
    next_time: Ints
    distress: Floats

    def part(self, rows: slice) -> Marks:
        """Those of some rows."""
        return Marks(**{one.name: getattr(self, one.name)[rows] for one in fields(self)})


@dataclass(frozen=True, slots=True)
class Order:
    """Rows by client, then time: `rows` the permutation, `first` the place where each place's client begins."""

    rows: Ints
    first: Ints

    def previous(self, marked: Flags) -> Ints:
        """For each place, the place of the last marked row before it of the same client, or -1."""
        places = np.arange(len(marked))
        latest = np.maximum.accumulate(np.where(marked, places, -1))
        before = np.concatenate([[-1], latest[:-1]]) if len(marked) else latest
        return np.where(before >= self.first, before, -1)


def order_by(codes: Codes) -> Order:
    """The order by `codes`; rows of one code stay in the order of time."""
    rows = np.argsort(codes, kind="stable")
    ordered = codes[rows]
    starts = np.concatenate([[True], ordered[1:] != ordered[:-1]]) if len(rows) else np.zeros(0, dtype=bool)
    first = np.maximum.accumulate(np.where(starts, np.arange(len(rows)), 0))
    return Order(rows, first)


def marks_of(traffic: Traffic) -> Marks:
    """The marks of every transaction."""
    order = order_by(traffic.client)
    status = traffic.status
    success = (status >= 200) & (status < 300)
    refused = _refused(traffic, order)
    previous = _rows_at(order, order.previous(success[order.rows]))
    following = _following(order)
    before = np.where(previous >= 0, traffic.final[previous], UNKNOWN)
    since = np.where(before != UNKNOWN, (traffic.time - before) / SECOND, np.nan)
    lifetime = np.where(previous >= 0, traffic.granted[previous], np.nan)
    silent, late = _unheard(traffic), (traffic.final - traffic.time > T1 + traffic.tick) & (status > 0)
    late |= (traffic.copies > 0) & (status > 0)
    scan = scans_of(traffic, success)
    loop = _loops(traffic, order, success, refused)
    same_call = (previous >= 0) & (traffic.call == traffic.call[previous])
    short = np.where(same_call & ~_leaving(traffic, following, success), _short(since, lifetime), 0.0)
    short[status == TOO_BRIEF] = 1.0
    failed = refused | silent | (status >= 500)
    failures = _in_a_row(order, failed, success)
    return Marks(
        success=success,
        refused=refused,
        silent=silent,
        late=late,
        loop=loop,
        scan=scan,
        begins=~_follows(order, _challenged(traffic)),
        fresh=~same_call,
        refresh=same_call & ~scan & ~loop & _follows(order, success),
        failed=failed,
        failures=failures,
        retry=failures > failed,
        short=short,
        before=before,
        since=since,
        lifetime=lifetime,
        bound=_bound(traffic, order, previous),
        regained=_regained(traffic, success),
        next_time=np.where(following >= 0, traffic.time[following], UNKNOWN),
        distress=np.where(scan | loop | silent | late | (status >= 500), 1.0, short),
    )


def _rows_at(order: Order, places: Ints) -> Ints:
    """Places of the order, told by place, as rows told by row."""
    rows = np.full(len(places), -1, dtype=np.int64)
    rows[order.rows] = np.where(places >= 0, order.rows[places], -1)
    return rows


def _following(order: Order) -> Ints:
    following = np.full(len(order.rows), -1, dtype=np.int64)
    if len(order.rows):
        same = order.first[1:] == order.first[:-1]
        following[order.rows[:-1]] = np.where(same, order.rows[1:], -1)
    return following


def _follows(order: Order, marked: Flags) -> Flags:
    """Whether the row of the same client just before is marked."""
    follows = np.zeros(len(marked), dtype=bool)
    places = np.flatnonzero(order.first[1:] == order.first[:-1]) + 1
    follows[order.rows[places]] = marked[order.rows[places - 1]]
    return follows


def _bound(traffic: Traffic, order: Order, previous: Ints) -> Ints:
    """Until when a client is bound by all of its successes before each row: it may be several phones. Not told where
    the latest of them does not tell."""
    bound = traffic.bound[order.rows]
    if (bound == UNKNOWN).all():
        return traffic.bound
    latest = pd.Series(bound).groupby(traffic.client[order.rows], sort=False).cummax().to_numpy()
    by_row = np.full(len(bound), UNKNOWN, dtype=np.int64)
    by_row[order.rows] = latest
    told = (previous >= 0) & (traffic.bound[previous] != UNKNOWN)
    return np.where(told, by_row[previous], UNKNOWN)


def _regained(traffic: Traffic, success: Flags) -> Ints:
    """When the earliest success of the client at or after each row is answered: an answer may overtake another."""
    answered = np.where(success, traffic.final, NEVER)[::-1]
    least = pd.Series(answered).groupby(traffic.client[::-1], sort=False).cummin()
    return np.asarray(least, dtype=np.int64)[::-1]


def _challenged(traffic: Traffic) -> Flags:
    challenged: Flags = ((traffic.status == 401) | (traffic.status == 407)) & ~traffic.credentials
    return challenged


def _refused(traffic: Traffic, order: Order) -> Flags:
    """Denied: a 4xx or 6xx that is no first challenge (a challenge after one that was not taken up is denied), and not
    423, which only wants another lifetime."""
    status = traffic.status
    denied = (((status >= 400) & (status < 500)) | (status >= 600)) & (status != TOO_BRIEF)
    challenge = _challenged(traffic)
    refused: Flags = denied & (~challenge | _follows(order, challenge))
    return refused


def _in_a_row(order: Order, marked: Flags, ending: Flags) -> Ints:
    """How many are marked of a client's rows up to each, since the last that is `ending`."""
    total = np.cumsum(marked[order.rows])
    base = np.maximum(order.previous(ending[order.rows]), order.first - 1)
    in_a_row = np.zeros(len(marked), dtype=np.int64)
    in_a_row[order.rows] = total - np.where(base >= 0, total[base], 0)
    return in_a_row


def _loops(traffic: Traffic, order: Order, success: Flags, refused: Flags) -> Flags:
    """One more try after several refusals in a row, without the wait that is due."""
    rows = order.rows
    before = _in_a_row(order, refused, success) - refused
    last = order.previous(refused[rows])
    when = traffic.ended[rows]
    loop = np.zeros(len(rows), dtype=bool)
    loop[rows] = (last >= 0) & (traffic.time[rows] - when[last] < AT_ONCE)
    return loop & (before >= _LOOP) & ~success


def _unheard(traffic: Traffic) -> Flags:
    """No final response, though there was time for one. Where the capture shows no answer at all it may have seen one
    direction alone: then only a request that was sent again tells that its client heard nothing either."""
    if not len(traffic):
        return np.zeros(0, dtype=bool)
    open_: Flags = (traffic.status == 0) & (traffic.span[1] - traffic.time > T1)
    if not traffic.heard:
        open_ &= traffic.copies > 0
    return open_


def _leaving(traffic: Traffic, following: Ints, success: Flags) -> Flags:
    """Removals, and the challenges of removals: no refreshes, however soon they come."""
    removal = (traffic.requested == 0) | (traffic.granted == 0)
    leaving: Flags = removal | (removal[following] & (following >= 0) & ~success)
    return leaving


def _short(since: Floats, lifetime: Floats) -> Floats:
    """The part of a refresh that a lifetime of `SHORTEST_LIFETIME`, refreshed at its half, would have spared. What was
    granted for 0 s was a removal: a registration after that is a new one."""
    part = np.clip(1 - since / (SHORTEST_LIFETIME / 2), 0.0, 1.0)
    return np.where(np.isnan(part) | (lifetime == 0), 0.0, part)
