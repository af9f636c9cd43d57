"""What each transaction is worth to a registrar: needed, or one of the forms of needless load.

A registrar must carry, for each user, one registration and a refresh now and then. What goes beyond is *distress*: a
request that got no answer in time (so it is sent again), one that repeats what was refused a moment ago, one that
guesses, one that refreshes what was refreshed a few seconds ago. The share
of distress tells a storm from a busy day without any threshold in requests per second.

All of it is computed per client (a user at a host) on columns ordered by client and time: `previous` carries the last
row of a kind forward, which is a running maximum of row numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analyzer.tables.storm_traffic import SECOND, T1, UNKNOWN, Codes, Flags, Floats, Ints, Traffic

SHORTEST_LIFETIME = 30
"""Seconds. Who refreshes to keep a NAT open needs no more: RFC 5626 4.4.2 has 24 to 29 s between keep-alives."""
AT_ONCE = 30 * SECOND
"""RFC 5626 4.5: the shortest wait after a first failure (half of base-time doubled once)."""
_LOOP = 2
"""Refusals in a row that anybody may meet: a stale nonce, then a typing error. The third is a loop."""
_SCAN_USERS = 10
_GUESSES = 30
_SCANNERS = ("friendly-scanner", "sipvicious", "sundayddr", "sipcli", "sip-scan", "iwar", "pplsip", "smap")


@dataclass(frozen=True, slots=True)
class Marks:
    """One entry a transaction. `distress` is 0 (needed) to 1; `previous` the row of the client's last success before
    it, -1 without one; `since` the seconds since then (NaN); `lifetime` what that success granted (NaN unknown);
    `fresh` a registration that is no refresh: the first of a client, or with a new Call-ID; `refused` an answer that
    denies, not a first challenge; `following` the client's next transaction, -1 without one."""

    success: Flags
    refused: Flags
    silent: Flags
    late: Flags
    loop: Flags
    scan: Flags
    fresh: Flags
    short: Floats
    previous: Ints
    following: Ints
    since: Floats
    lifetime: Floats
    failures: Ints
    distress: Floats


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
    success = (traffic.status >= 200) & (traffic.status < 300)
    refused = _refused(traffic, order)
    previous = _rows_at(order, order.previous(success[order.rows]))
    since, lifetime = _since(traffic, previous)
    failures, loop = _loops(traffic, order, success, refused)
    silent, late = _unheard(traffic), (traffic.final - traffic.time > T1) & (traffic.status > 0)
    late |= (traffic.copies > 0) & (traffic.status > 0)
    scan = _scans(traffic, success)
    same_call = (previous >= 0) & (traffic.call == traffic.call[previous])
    following = _following(order)
    short = np.where(same_call & ~_leaving(traffic, following, success), _short(since, lifetime), 0.0)
    short[traffic.status == 423] = 1.0
    refusing = traffic.status >= 500
    distress = np.where(scan | loop | silent | late | refusing, 1.0, short)
    return Marks(
        success=success,
        refused=refused,
        silent=silent,
        late=late,
        loop=loop,
        scan=scan,
        fresh=~same_call,
        short=short,
        previous=previous,
        following=following,
        since=since,
        lifetime=lifetime,
        failures=failures,
        distress=distress,
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


def _refused(traffic: Traffic, order: Order) -> Flags:
    """Denied: a 4xx or 6xx that is no first challenge. A challenge after a challenge that was not taken up is one."""
    status = traffic.status
    denied = ((status >= 400) & (status < 500)) | (status >= 600)
    challenge = ((status == 401) | (status == 407)) & ~traffic.credentials
    before = order.previous(np.ones(len(status), dtype=bool))
    ordered = challenge[order.rows]
    ignored = np.zeros(len(status), dtype=bool)
    ignored[order.rows] = (before >= 0) & ordered[before]
    refused: Flags = denied & (~challenge | ignored)
    return refused


def _since(traffic: Traffic, previous: Ints) -> tuple[Floats, Floats]:
    known = (previous >= 0) & (traffic.final[previous] != UNKNOWN)
    since = np.where(known, (traffic.time - traffic.final[previous]) / SECOND, np.nan)
    return since, np.where(previous >= 0, traffic.granted[previous], np.nan)


def _loops(traffic: Traffic, order: Order, success: Flags, refused: Flags) -> tuple[Ints, Flags]:
    """Refusals in a row before each transaction, and whether it is one more try without the wait that is due."""
    rows = order.rows
    total = np.cumsum(refused[rows])
    base = np.maximum(order.previous(success[rows]), order.first - 1)
    before = np.concatenate([[0], total[:-1]]) if len(total) else total
    in_a_row = before - np.where(base >= 0, total[base], 0)
    last = order.previous(refused[rows])
    when = np.where(traffic.final == UNKNOWN, traffic.last, traffic.final)[rows]
    soon = (last >= 0) & (traffic.time[rows] - when[last] < AT_ONCE)
    failures, loop = np.zeros(len(rows), dtype=np.int64), np.zeros(len(rows), dtype=bool)
    failures[rows] = in_a_row
    loop[rows] = (in_a_row >= _LOOP) & soon
    return failures, loop & ~success


def _unheard(traffic: Traffic) -> Flags:
    """No final answer, though there was time for one. Where the capture shows no answer at all it may have seen one
    direction alone: then only a request that was sent again tells that its client heard nothing either."""
    if not len(traffic):
        return np.zeros(0, dtype=bool)
    open_: Flags = (traffic.status == 0) & (traffic.span[1] - traffic.time > T1)
    if not bool((traffic.status > 0).any()):
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


def _scans(traffic: Traffic, success: Flags) -> Flags:
    """Sources that try many names, or one name with many Call-IDs, and hardly ever get in.

    A transport address (host and port) is the unit: phones behind one NAT have a port each. Phones in a loop keep
    their Call-ID (RFC 3261 10.2), tools take a new one for each guess.
    """
    table = pd.DataFrame({"source": traffic.source, "user": traffic.user, "call": traffic.call, "success": success})
    answered = traffic.status > 0
    users = table.drop_duplicates(["source", "user"]).groupby("source").size()
    found = table[success].drop_duplicates(["source", "user"]).groupby("source").size().reindex(users.index).fillna(0)
    calls = table.drop_duplicates(["source", "call"]).groupby("source").size()
    seen = table.assign(answered=answered).groupby("source")["answered"].sum()
    rows = table.groupby("source").size()
    # A tool's challenge and the guess that answers it share a Call-ID; so do not ask for one of its own for each row.
    guessing = (found <= 0.1 * users) & (seen >= 0.5 * rows) & (calls >= 0.3 * rows)
    tells = guessing & ((users >= _SCAN_USERS) | (calls >= _GUESSES))
    named = traffic.agents.str.lower().str.contains("|".join(_SCANNERS), regex=True)
    by_source = tells.reindex(range(len(traffic.sources)), fill_value=False).to_numpy(dtype=bool)
    return by_source[traffic.source] | named[traffic.agent]
