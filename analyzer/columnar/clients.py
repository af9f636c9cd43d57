"""Clients, and which of them are ordinary (docs/columnar.md).

A client is a Call-ID here. It is ordinary where nobody else has its user and its branches, only such as it have its
nonces (`sharing.py`), all that it says of itself stays the same, and it does nothing but this: it asks without
credentials, is challenged at once, answers that challenge in time, is granted what it asks for, and comes again before
that is over: in the same way, or with the nonce that it has, which is granted at once, or called stale and then
answered as before.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from analyzer.columnar.columns import Values, any_of, firsts, mixed, numbered, same_rows
from analyzer.columnar.exchanges import Exchanges
from analyzer.columnar.facts import NAMES, Facts, date_of, end_of, is_plain, key_of, names_of
from analyzer.columnar.records import Flags, Keys, Numbers, rows_of
from analyzer.columnar.shapes import Shapes
from analyzer.columnar.sharing import nonces_by, sharing_of
from analyzer.columnar.verified import Credentials
from analyzer.evidence import SECOND
from analyzer.register.challenges import MOST_NONCES
from analyzer.register.fleet import MANY, TICK
from analyzer.register.listed import LEFT_OVER_AFTER
from analyzer.register.timers import AUTH_LINK
from analyzer.register.told_time import TOLERANCE

_CONSTANT = ("from_name", "from_user", "from_tag", "to_name", "to_user", "call_id", "call_host", "sent_by",
             "contact_user", "contact_place", "instance")  # fmt: skip
_EARLY = 2
"""Transactions of a client that are of classes of their own; those behind them are alike."""
_SINKING = 4
"""Times asked for in a row, each less than before, that a rule may speak of (`rules/det_shrinking_expiry.py`)."""
_OFTEN = 4
"""Uses of a nonce that are of classes of their own."""
_LEAST_NONCE, _MD5, _COUNT = 16, 32, 8
"""Characters of a nonce that is long enough, of a response, and of a nonce count."""
_STEPS = 2**31
_MINUTE = 60


@dataclass(slots=True)
class Strangers:
    """Messages that are in no columns, by what they share with clients that are: Call-IDs, users, addresses with ports,
    branches and nonces."""

    calls: set[str] = field(default_factory=set)
    users: set[str] = field(default_factory=set)
    ends: set[int] = field(default_factory=set)
    branches: set[str] = field(default_factory=set)
    nonces: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Clients:
    """`of` is the client of each transaction. `order` are the transactions by client and time, `starts` where those of
    each client begin in it, `sizes` how many they are. `ordinary` tells clients, `facts` are theirs, and `kind` is the
    class of each transaction of an ordinary client, -1 of others. `alone` tells the transactions whose Call-ID and
    branch nobody else has. `names` has a row for each client: equal numbers in a column stand for equal texts
    (`facts.names_of`)."""

    of: Numbers
    order: Numbers
    starts: Numbers
    sizes: Numbers
    ordinary: Flags
    facts: list[Facts | None]
    kind: Numbers
    names: Numbers
    alone: Flags

    def exchanges(self, client: int) -> Numbers:
        """The transactions of one client, in order."""
        begin = self.starts[client]
        return self.order[begin : begin + self.sizes[client]]


def clients_of(
    values: Values,
    shapes: Shapes,
    exchanges: Exchanges,
    strangers: Strangers,
    end: int,
    credentials: Credentials | None = None,
) -> Clients:
    """Put transactions together to clients, and tell which are ordinary. `end` is that of the capture, nanoseconds;
    with `credentials` their responses have to be right."""
    of, count = numbered(exchanges.call)
    order = np.argsort(of, kind="stable")
    sizes = np.bincount(of, minlength=count)
    starts = np.cumsum(sizes) - sizes
    ordinary = ~any_of(~exchanges.plain, of, count)
    alone = _is_alone(values, shapes, exchanges, of, strangers)
    ordinary &= ~any_of(~alone, of, count)
    sharing = sharing_of(values, shapes, exchanges, of, strangers.nonces)
    ordinary &= ~any_of(~sharing.fair, of, count)
    is_grant = shapes.statuses(exchanges.final) == 200
    course = _Course(of, order, starts, sizes, is_grant)
    ordinary &= ~any_of(~_keeps_course(values, shapes, exchanges, course, end, strangers), of, count)
    if credentials is not None:
        which = np.flatnonzero(shapes.carry(exchanges.first) & ordinary[of])
        ordinary[of[which[~credentials.are_right(which)]]] = False
    facts = _facts(values, exchanges, order[starts], ordinary)
    keys, names = _client_keys(values, exchanges, facts, order, starts, sizes, ordinary)
    kind = _classes(shapes, exchanges, course, keys, sharing.state, end)
    kind[~ordinary[of]] = -1
    return Clients(of, order, starts, sizes, ordinary, facts, kind, names, alone)


class _Course:
    """The transactions by client and time: `before` is the place of each one's predecessor (its own for the first),
    `is_grant` tells those that end with 200. Places are those in this order: `asked` is that of the latest challenge
    before each, `granted` of the latest grant before it, -1 where there is none."""

    def __init__(self, of: Numbers, order: Numbers, starts: Numbers, sizes: Numbers, is_grant: Flags) -> None:
        self.of, self.order, self.starts, self.sizes = of, order, starts, sizes
        place = np.arange(len(order))
        self.index = place - np.repeat(starts, sizes)
        self.is_first = self.index == 0
        self.before = np.where(self.is_first, place, place - 1)
        self.is_grant = is_grant[order]
        self.asked, self.granted = self._latest(~self.is_grant), self._latest(self.is_grant)

    def _latest(self, wanted: Flags) -> Numbers:
        """The place of the latest one before each that is wanted, of the same client."""
        place = np.arange(len(self.order))
        own = np.maximum.accumulate(np.where(wanted, place, -1)) if len(place) else place
        found = np.append(-1, own[:-1])[: len(place)]
        return np.where(found >= place - self.index, found, -1)


def _is_alone(values: Values, shapes: Shapes, exchanges: Exchanges, clients: Numbers, strangers: Strangers) -> Flags:
    """Whether the client of each transaction shares nothing that tells clients with anybody else."""
    packets = values.scanned.packets
    rows = np.flatnonzero(exchanges.of >= 0)
    rows = rows[shapes.register(rows)]  # answers to other methods tell no client
    which = exchanges.of[rows]
    call, calls = clients[which], int(clients.max()) + 1
    user_keys = values.key(rows, "to_user")
    ends = np.where(packets.is_response[rows], packets.target[rows], packets.source[rows])
    wrong = any_of(ends != ends[firsts(call, calls)][call], call, calls)
    user, users = numbered(user_keys)
    wrong |= any_of(user != user[firsts(call, calls)][call], call, calls)
    shared = any_of(call != call[firsts(user, users)][user], user, users)
    wrong[call[shared[user]]] = True
    known_users = values.keys_of([(user,) for user in strangers.users])
    wrong[call[np.isin(user_keys, known_users) | np.isin(ends, list(strangers.ends))]] = True
    alone = np.ones(len(exchanges), np.bool_)
    alone[which[wrong[call]]] = False
    known_calls = values.keys_of([_parts(one) for one in strangers.calls])
    alone &= ~np.isin(exchanges.call, known_calls)
    alone &= _is_own(values.key(exchanges.first, "branch"), values.keys_of([(one,) for one in strangers.branches]))
    return alone


def _parts(call_id: str) -> tuple[str, str]:
    call, _, host = call_id.partition("@")
    return call, host


def _is_own(keys: Keys, others: Keys) -> Flags:
    """Whether each key is there once, and not among others."""
    which, count = numbered(keys)
    once = np.bincount(which, minlength=count)[which] == 1
    own: Flags = once & ~np.isin(keys, others)
    return own


def _keeps_course(
    values: Values, shapes: Shapes, exchanges: Exchanges, course: _Course, end: int, strangers: Strangers
) -> Flags:
    """Whether each transaction is one that an ordinary client has at this place."""
    order, is_first, before = course.order, course.is_first, course.before
    first, final, last = exchanges.first[order], exchanges.final[order], exchanges.last[order]
    packets = values.scanned.packets
    heads = np.repeat(first[course.starts], course.sizes)
    cseq = values.scanned.cseq[first].astype(np.int64)
    right = is_first | (cseq == cseq[before] + 1)
    right &= is_first | ((last[before] < first) & (packets.time(last)[before] <= packets.time(first)))
    right &= cseq < _STEPS
    right &= values.equal(first, heads, *_CONSTANT)
    names = shapes.alike(lambda shape: shape.named, first)
    right &= names == np.repeat(names[course.starts], course.sizes)
    right &= (packets.source[first] == packets.source[heads]) & (packets.target[first] == packets.target[heads])
    right &= last - final < MOST_NONCES // 2
    right &= _asks_and_answers(values, shapes, exchanges, course, len(strangers.nonces))
    right &= _is_held(values, shapes, exchanges, course) & _tells_time(values, exchanges, course)
    lasts = course.starts + course.sizes - 1
    until = exchanges.answered[order[lasts]] + 3 * _granted(shapes, final[lasts])
    right &= np.repeat(until > end, course.sizes)
    right &= ~_is_burst(exchanges, course)
    least = 10 ** (values.scanned.size("cseq", first).astype(np.int64) - 1)
    right &= least <= np.maximum(cseq, 1)  # no nought before it
    found = np.empty(len(order), np.bool_)
    found[order] = right
    return found


def _asks_and_answers(
    values: Values, shapes: Shapes, exchanges: Exchanges, course: _Course, strange_nonces: int
) -> Flags:
    """Whether challenges and credentials follow each other as they should: a challenge is answered by the next request,
    which is granted; all credentials answer the latest challenge, and count how often (RFC 7616 3.4)."""
    order, is_grant = course.order, course.is_grant
    first, final = exchanges.first[order], exchanges.final[order]
    credentials, stale = shapes.carry(first), shapes.each(lambda shape: shape.stale, final) > 0
    right = np.where(is_grant, credentials, (shapes.statuses(final) == 401) & (credentials == stale))
    right &= np.where(course.is_first, ~is_grant & ~credentials, is_grant | is_grant[course.before])
    right &= np.repeat(is_grant[course.starts + course.sizes - 1], course.sizes)
    right &= is_grant | (values.scanned.size("nonce", final) >= _LEAST_NONCE)
    right &= ~credentials | (values.scanned.size("response", first) == _MD5)
    asks, answers = (shapes.alike(lambda shape: shape.realm, rows) for rows in (first, final))
    own = np.repeat(answers[course.starts], course.sizes)  # what stands for another realm stands for longer
    right &= (is_grant | (answers == own)) & (~credentials | (asks == own))
    at = np.flatnonzero(credentials & (course.asked >= 0))
    right &= ~credentials | (course.asked >= 0)
    asked = course.asked[at]
    challenge = final[asked]
    right[at] &= values.equal(first[at], challenge, "nonce", "opaque")
    seconds = (course.starts + np.minimum(1, course.sizes - 1))[np.cumsum(course.is_first) - 1]
    right[at] &= values.equal(first[at], first[seconds[at]], "username")
    linked = exchanges.begun[order[at]] - exchanges.answered[order[asked]] <= AUTH_LINK
    right[at] &= linked | (asked < at - 1)
    right[at] &= _is_counted(values, first[at], at - asked)
    carried = nonces_by(values)
    right[at] &= carried[first[at]] - carried[challenge] + strange_nonces < MOST_NONCES  # it is remembered for certain
    return right


def _is_counted(values: Values, rows: Numbers, uses: Numbers) -> Flags:
    """Whether requests tell how often their nonce was used, or it is new and they tell nothing."""
    sizes = values.scanned.size("nc", rows)
    found: Flags = (sizes == 0) & (uses == 1)
    eight = np.flatnonzero(sizes == _COUNT)
    digits = rows_of(values.scanned.packets.records.octets, values.scanned.place("nc", rows[eight]), _COUNT)
    number = np.zeros(len(eight), np.int64)
    for column in range(_COUNT):
        number = number * 16 + (digits[:, column] & 0xF) + 9 * (digits[:, column] >> 6)
    found[eight] = number == uses[eight]
    return found


def _is_held(values: Values, shapes: Shapes, exchanges: Exchanges, course: _Course) -> Flags:
    """Whether each transaction falls into the time that was granted before, and each answer looks back to where its
    request came from as the first of its kind does."""
    order = course.order
    begun, answered, final = exchanges.begun[order], exchanges.answered[order], exchanges.final[order]
    at = np.flatnonzero(course.granted >= 0)
    grant = course.granted[at]
    until = answered[grant] + _granted(shapes, final[grant])
    held = np.ones(len(order), np.bool_)
    held[at] = np.where(course.is_grant[at], answered[at], begun[at]) <= until
    heads = np.repeat(course.starts, course.sizes) + (course.is_grant & ~course.is_first)
    held &= values.equal(final, final[heads], "received", "rport", "contact_seen")
    later = at[course.is_grant[at]]
    sooner = course.granted[later]
    end, left = (answered[place] + _granted(shapes, final[place]) for place in (later, sooner))
    waited = answered[later] - answered[sooner]
    held[later] &= (waited < LEFT_OVER_AFTER) | (np.abs(end - left) > SECOND)  # else it may be that nothing was renewed
    return held


def _granted(shapes: Shapes, rows: Numbers) -> Numbers:
    """For how long each of these grants is one, in nanoseconds."""
    return shapes.each(lambda shape: shape.expires, rows) * SECOND


def _tells_time(values: Values, exchanges: Exchanges, course: _Course) -> Flags:
    """Whether the Date of each answer, where it has one, is right, and no grant tells an earlier time than the one
    before (`rules/r3261_20_17_date.py`)."""
    found = np.ones(len(exchanges), np.bool_)
    told = np.zeros(len(exchanges), np.int64)
    dated = np.flatnonzero(values.scanned.size("date", exchanges.final) > 0)
    texts = values.texts(exchanges.final[dated], "date")
    for which, written, time in zip(dated.tolist(), texts, exchanges.answered[dated].tolist(), strict=True):
        date = date_of(written)
        found[which] = date is not None and abs(date - time // SECOND) < _MINUTE
        told[which] = date or 0
    later = np.flatnonzero(course.is_grant & (course.granted >= 0))
    now, before = told[course.order[later]], told[course.order[course.granted[later]]]
    right = found[course.order]
    right[later] &= ((now > 0) == (before > 0)) & (now >= before - TOLERANCE)
    return right


def _is_burst(exchanges: Exchanges, course: _Course) -> Flags:
    """Whether the client of each transaction sent many requests within a tick (`register/fleet.py`)."""
    tick = mixed(course.of[course.order], exchanges.begun[course.order] // TICK)
    which, count = numbered(tick)
    many = np.bincount(which, minlength=count) >= MANY
    clients = any_of(many[which], course.of[course.order], len(course.starts))
    return clients[course.of[course.order]]


def _facts(values: Values, exchanges: Exchanges, heads: Numbers, ordinary: Flags) -> list[Facts | None]:
    """What the clients that may be ordinary say of themselves."""
    found: list[Facts | None] = [None] * len(heads)
    wanted = np.flatnonzero(ordinary)
    rows = exchanges.first[heads[wanted]]
    packets = values.scanned.packets
    texts = [
        values.texts(rows, name)
        for name in ("to_user", "call_id", "call_host", "sent_by", "contact_user", "contact_place")
    ]
    ends = packets.source[rows].tolist(), packets.target[rows].tolist()
    targets = {end: end_of(end) for end in set(ends[1])}
    for client, user, call, host, sent_by, contact_user, place, source, target in zip(
        wanted.tolist(), *texts, *ends, strict=True
    ):
        call_id = f"{call}@{host}" if host else call
        found[client] = Facts(user, call_id, end_of(source), targets[target], sent_by, contact_user, place)
    return found


def _client_keys(
    values: Values,
    exchanges: Exchanges,
    facts: list[Facts | None],
    order: Numbers,
    starts: Numbers,
    sizes: Numbers,
    ordinary: Flags,
) -> tuple[Numbers, Numbers]:
    """A number for what matters of each client's values beside their octets: which are equal, and what addresses they
    are; and its `names`. Clients whose values are not as they should be are ordinary no more."""
    wanted = np.flatnonzero(ordinary)
    first, second = exchanges.first[order[starts[wanted]]], exchanges.first[order[starts[wanted] + 1]]
    finals = exchanges.final[order[starts[wanted]]], exchanges.final[order[starts[wanted] + 1]]
    columns = [values.texts(first, name) for name in ("from_user", "from_name", "to_name", "call_host", "instance")]
    columns += [values.texts(second, "username")]
    columns += [values.texts(rows, name) for rows in finals for name in ("received", "rport")]
    columns += [values.texts(finals[1], "contact_seen")]
    numbers: dict[tuple[object, ...], int] = {}
    found, names = np.full(len(facts), -1, np.int64), np.zeros((len(facts), NAMES), np.int64)
    named: dict[object, int] = {}
    for client, *texts in zip(wanted.tolist(), *columns, strict=True):
        one = facts[client]
        assert one is not None
        *own, received, rport, received_again, rport_again, seen = texts
        shown = {received or one.source.host, received_again or one.source.host}
        shown_port = {rport or str(one.source.port), rport_again or str(one.source.port)}
        is_seen = shown == {one.source.host} and shown_port == {str(one.source.port)}
        if not is_seen or seen not in ("", one.source.written) or not is_plain(one, own[4]):
            ordinary[client] = False
            facts[client] = None
            continue
        key = key_of(one, own)
        found[client] = numbers.setdefault(key, len(numbers))
        names[client] = [named.setdefault(name, len(named)) for name in names_of(one, own, seen)]
    return found, names


def _classes(
    shapes: Shapes, exchanges: Exchanges, course: _Course, keys: Numbers, shared: Numbers, end: int
) -> Numbers:
    """The class of each transaction: all that the answer of a rule may depend on."""
    order, is_first = course.order, course.is_first
    before = order[course.before]
    asks, answers = shapes.of[exchanges.first[order]], shapes.of[exchanges.final[order]]
    behind = np.where(is_first, -1, course.before)
    columns = (
        asks + 1,
        answers + 1,
        *(np.where(at < 0, 0, one[at] + 1) for at in (behind, course.asked, course.granted) for one in (asks, answers)),
        np.minimum(course.index, _EARLY),
        np.minimum(np.arange(len(order)) - course.asked, _OFTEN),
        exchanges.copies[order],
        exchanges.finals[order] > 1,
        exchanges.after[order] > 0,
        exchanges.closes[order] < end,
        ~is_first & (exchanges.closes[before] < exchanges.begun[order]),
        keys[course.of[order]] + 1,
        shared[order],
        _sinking(shapes, exchanges, course),
    )
    which = same_rows(*columns)
    found = np.empty(len(order), np.int64)
    found[order] = which
    return found


def _sinking(shapes: Shapes, exchanges: Exchanges, course: _Course) -> Numbers:
    """How many grants in a row, the latest of each transaction the last of them, came to requests that asked for what
    was granted before, and so for less than before (`Registration.note_grant`)."""
    order, at = course.order, np.flatnonzero(course.is_grant & (course.granted >= 0))
    asked, granted = (shapes.each(lambda shape: shape.expires, of[order]) for of in (exchanges.first, exchanges.final))
    before = course.granted[at]
    sinks = np.zeros(len(order), np.bool_)
    sinks[at] = (asked[at] == granted[before]) & (asked[at] < asked[before])
    rows = np.zeros(len(order), np.int64)
    for _ in range(_SINKING):  # each turn makes the rows one longer that go on
        rows[at] = np.where(sinks[at], rows[before] + 1, 0)
    grants = np.where(course.is_grant, np.arange(len(order)), course.granted)
    found: Numbers = np.where(grants < 0, 0, np.minimum(rows[grants], _SINKING))
    return found
