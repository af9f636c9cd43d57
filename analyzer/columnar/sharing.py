"""Nonces that several clients were given: a registrar that makes them of the time alone gives the same one to all that
ask within a second (docs/columnar.md).

What a rule says of a challenge then depends on how many had its nonce before, from where, and for how long
(`rules/r7616_3_3_challenge_quality.py`). That is told here of each transaction, and belongs to its class.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from analyzer.columnar.columns import Values, any_of, firsts, is_again, mixed, numbered
from analyzer.columnar.exchanges import Exchanges
from analyzer.columnar.records import Flags, Numbers, Unsuited
from analyzer.columnar.shapes import Shapes
from analyzer.evidence import SECOND
from analyzer.register.challenges import MOST_NONCES, MOST_USERS

_HOUR = 3600 * SECOND


@dataclass(slots=True)
class Sharing:
    """For each transaction: whether it has its nonce as an ordinary client may (`fair`), a number for what is known of
    the nonce that it gives out (`state`), 0 where it is the first or there is none, and whether that is the one that it
    brings (`renewed`)."""

    fair: Flags
    state: Numbers
    renewed: Flags


@dataclass(slots=True)
class _Nonces:
    """Messages with a nonce: their `rows`, `which` nonce that is, of `count`, the transaction (`owner`) and the client
    (`client`) of each; `given` are the places in these of the challenges that gave one out, copies left out."""

    rows: Numbers
    which: Numbers
    count: int
    owner: Numbers
    client: Numbers
    given: Numbers


def nonces_by(values: Values) -> Numbers:
    """How many messages had a nonce by each message: no more nonces can have been given out or used since."""
    return np.cumsum(values.scanned.has("nonce"))


def sharing_of(
    values: Values, shapes: Shapes, exchanges: Exchanges, clients: Numbers, strange: Collection[str]
) -> Sharing:
    """Who shares nonces with whom. `clients` are those of the transactions, `strange` the nonces in all that is in no
    columns: who has one of these is not ordinary."""
    count = len(exchanges)
    found = Sharing(np.ones(count, np.bool_), np.zeros(count, np.int64), np.zeros(count, np.bool_))
    rows = np.flatnonzero(values.scanned.has("nonce") & (exchanges.of >= 0))
    if not len(rows):
        return found
    keys = values.key(rows, "nonce")
    which, count = numbered(keys)
    if not bool(values.equal(rows, rows[firsts(which, count)[which]], "nonce").all()):
        raise Unsuited("two nonces have one key")
    owner = exchanges.of[rows]
    given = np.flatnonzero(values.scanned.packets.is_response[rows] & (rows == exchanges.final[owner]))
    nonces = _Nonces(rows, which, count, owner, clients[owner], given)
    unfair = _is_unfair(values, shapes, exchanges, nonces)
    unfair |= _may_be_forgotten(values, nonces, len(strange))
    unfair |= any_of(np.isin(keys, values.keys_of([(one,) for one in strange])), which, count)
    found.fair[owner[unfair[which]]] = False
    found.state[owner[given]] = _state(values, nonces)
    again = np.flatnonzero(shapes.carry(exchanges.first) & (shapes.statuses(exchanges.final) == 401))
    found.renewed[again] = values.equal(exchanges.first[again], exchanges.final[again], "nonce")
    return found


def _is_unfair(values: Values, shapes: Shapes, exchanges: Exchanges, nonces: _Nonces) -> Flags:
    """For each nonce whether it is out of the ordinary: given out by two servers, realms or offers, in a transaction
    that is not plain, at times that step back, or used by a client that it was not given to; or a client answers it
    with another response though nothing else in its credentials differs, as one that tries passwords."""
    packets, which, given = values.scanned.packets, nonces.which, nonces.given
    pair, pairs = numbered(mixed(which, nonces.client))
    times = np.bincount(pair[given], minlength=pairs)
    unfair = any_of(times[pair] == 0, which, nonces.count)
    unfair |= _has_other_responses(values, shapes, nonces, pair)
    several = any_of(nonces.client != nonces.client[firsts(which, nonces.count)][which], which, nonces.count)
    is_odd = packets.is_response[nonces.rows] & ~exchanges.plain[nonces.owner]
    unfair |= any_of(is_odd, which, nonces.count) & several
    told = np.flatnonzero(packets.is_response[nonces.rows])  # copies, too: each is a time at which it was given out
    order = told[np.argsort(which[told], kind="stable")]
    back = is_again(which[order]) & (np.diff(packets.time(nonces.rows[order]), prepend=0) < 0)
    unfair |= any_of(back, which[order], nonces.count)
    rows = nonces.rows[given]
    kind = mixed(packets.source[rows] >> 16, shapes.alike(lambda shape: (shape.realm, shape.offer), rows))
    first = firsts(which[given], nonces.count)[which[given]]
    return unfair | any_of(kind != kind[first], which[given], nonces.count)


def _has_other_responses(values: Values, shapes: Shapes, nonces: _Nonces, pair: Numbers) -> Flags:
    """For each nonce whether one client sends it with another response and the same `cnonce` and count."""
    own = np.flatnonzero(shapes.carry(nonces.rows))
    rows = nonces.rows[own]
    same, count = numbered(mixed(pair[own], values.key(rows, "cnonce", "nc")))
    first = rows[firsts(same, count)[same]]
    return any_of(~values.equal(rows, first, "response"), nonces.which[own], nonces.count)


def _may_be_forgotten(values: Values, nonces: _Nonces, strange: int) -> Flags:
    """For each nonce whether so many others may come between two clients that it is given to that the object path has
    forgotten the first by then (`register/challenges.py`). `strange` are those in all that is in no columns."""
    which, given = nonces.which, nonces.given
    order = given[np.argsort(which[given], kind="stable")]
    since = np.diff(nonces_by(values)[nonces.rows[order]], prepend=0)
    return any_of(is_again(which[order]) & (since + strange >= MOST_NONCES), which[order], nonces.count)


def _state(values: Values, nonces: _Nonces) -> Numbers:
    """What is known of a nonce when it is given out, for each time that it is: how many have it (one may be given it
    again and again), whether at several addresses, and since when."""
    packets, records = values.scanned.packets, values.scanned.packets.records
    which, rows = nonces.which[nonces.given], nonces.rows[nonces.given]
    order = np.argsort(which, kind="stable")
    starts = np.flatnonzero(~is_again(which[order]))
    sizes = np.diff(np.append(starts, len(order)))
    pair, pairs = numbered(mixed(which, nonces.client[nonces.given]))
    is_new = np.zeros(len(order), np.bool_)
    is_new[firsts(pair, pairs)] = True  # each client counts once
    owners = np.cumsum(is_new[order])
    rank = np.empty(len(order), np.int64)
    rank[order] = owners - np.repeat(owners[starts], sizes)
    first = firsts(which, nonces.count)[which]
    span = packets.time(rows) - packets.time(rows)[first]
    host = packets.target[rows] >> 16
    elsewhere = (host != host[first])[order]
    seen = np.cumsum(elsewhere)
    several = np.empty(len(order), np.bool_)
    several[order] = seen > np.repeat(seen[starts] - elsewhere[starts], sizes)
    flags = several * 4 + (span > max(SECOND, records.step)) * 2 + (span > _HOUR)
    seconds = np.where(span > _HOUR, span // SECOND, 0)  # a sentence has them
    state: Numbers = (seconds * (MOST_USERS + 1) + np.minimum(rank, MOST_USERS)) * 8 + flags
    return state
