"""Clients, and which of them are ordinary (docs/columnar.md).

A client is a Call-ID here. It is ordinary where nobody else has its user and its branches, only such as it have its
nonces (`sharing.py`), all that it says of itself stays the same, and it does nothing but this: it asks without
credentials, is challenged at once, answers that challenge in time, is granted what it asks for, and comes again before
that is over: in the same way, or with the nonce that it has, which is granted at once, or called stale and then
answered as before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from analyzer.columnar.columns import Values, any_of, firsts, numbered
from analyzer.columnar.course import Course, Manner, courses_of
from analyzer.columnar.exchanges import Exchanges
from analyzer.columnar.facts import NAMES, Facts, end_of, is_plain, key_of, names_of
from analyzer.columnar.kinds import Kinds
from analyzer.columnar.records import Flags, Keys, Numbers
from analyzer.columnar.shapes import Shapes
from analyzer.columnar.sharing import nonces_by, sharing_of
from analyzer.columnar.verified import Credentials
from analyzer.evidence import SECOND
from analyzer.register.challenges import MOST_NONCES


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
    (`facts.names_of`). `troubled` tells the transactions of clients that were refused, or had no answer, by then."""

    of: Numbers
    order: Numbers
    starts: Numbers
    sizes: Numbers
    ordinary: Flags
    facts: list[Facts | None]
    kind: Numbers
    names: Numbers
    alone: Flags
    troubled: Flags

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
    stages: Numbers | None = None,
) -> Clients:
    """Put transactions together to clients, and tell which are ordinary. `end` is that of the capture, nanoseconds;
    with `credentials` their responses have to be right. `stages` tell of each transaction what its server had done
    (`answering.py`)."""
    of, count = numbered(exchanges.call)
    order = np.argsort(of, kind="stable").astype(np.int32)
    sizes = np.bincount(of, minlength=count)
    starts = np.cumsum(sizes) - sizes
    ordinary = ~any_of(~exchanges.plain, of, count)
    alone = _is_alone(values, shapes, exchanges, of, strangers)
    ordinary &= ~any_of(~alone, of, count)
    sharing = sharing_of(values, shapes, exchanges, of, strangers.nonces)
    ordinary &= ~any_of(~sharing.fair, of, count)
    said = _Said(values, shapes, exchanges, count)
    kinds, kind = Kinds(shapes, exchanges, end, stages), np.full(len(order), -1, np.int32)
    troubled = np.zeros(len(order), np.bool_)
    slack = SECOND if values.scanned.packets.records.steps_back else 0  # by more it is for the object path
    room = MOST_NONCES - len(strangers.nonces)
    manner = Manner(values, shapes, exchanges, end, nonces_by(values), room, slack)
    for course in courses_of(shapes, exchanges, order, starts, sizes):
        own = ordinary[course.clients]  # a view: what is found of the course is found of all
        own &= manner.keeps(course)
        if credentials is not None:
            own &= _are_right(credentials, shapes, exchanges, course, own)
        keys = said.take(course, own)
        wanted = course.spread(own)
        troubled[course.order] = course.refusals + course.silences > 0
        kind[course.order[wanted]] = kinds.of(course, wanted, keys, sharing.state, sharing.renewed)
    return Clients(of, order, starts, sizes, ordinary, said.facts, kind, said.names, alone, troubled)


def _are_right(credentials: Credentials, shapes: Shapes, exchanges: Exchanges, course: Course, wanted: Flags) -> Flags:
    """Whether all credentials of each client of a course that is `wanted` are right."""
    at = np.flatnonzero(course.spread(wanted) & shapes.carry(exchanges.first[course.order]))
    right = np.ones(len(course.order), np.bool_)
    right[at] = credentials.are_right(course.order[at])
    every: Flags = np.logical_and.reduceat(right, course.starts)
    return every


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


class _Said:
    """What clients say of themselves: their `facts`, and their `names` (`facts.names_of`), by hashes that are keyed
    anew in each run."""

    def __init__(self, values: Values, shapes: Shapes, exchanges: Exchanges, count: int) -> None:
        self._values, self._shapes, self._exchanges = values, shapes, exchanges
        self.facts: list[Facts | None] = [None] * count
        self.names = np.zeros((count, NAMES), np.int64)
        self._numbers: dict[tuple[object, ...], int] = {}

    def take(self, course: Course, ordinary: Flags) -> Numbers:
        """Note what the clients of a course say that are `ordinary`; gives a number for what matters of each one's
        values beside their octets: which are equal, and what addresses they are. Clients whose values are not as they
        should be are ordinary no more."""
        wanted, exchanges = np.flatnonzero(ordinary), self._exchanges
        one = course.order[course.starts[wanted]]
        carrying = self._shapes.carry(exchanges.first[course.order])
        two = course.order[course.firsts(carrying)[wanted]]
        told = course.firsts(~course.silent)[wanted]
        granted = course.firsts(course.is_grant)[wanted]
        granted = np.where(course.is_grant[granted], granted, told)
        finals = (np.where(course.silent[at], -1, exchanges.final[course.order[at]]) for at in (told, granted))
        texts = self._texts(exchanges.first[one], exchanges.first[two], *finals)
        found = np.full(len(ordinary), -1, np.int64)
        for at, facts, (*own, received, rport, received_again, rport_again, seen) in zip(
            wanted.tolist(), self._facts(exchanges.first[one]), texts, strict=True
        ):
            source = facts.source
            shown = {received or source.host, received_again or source.host}
            shown_port = {rport or str(source.port), rport_again or str(source.port)}
            is_seen = shown == {source.host} and shown_port == {str(source.port)}
            if not is_seen or seen not in ("", source.written) or not is_plain(facts, own[4]):
                ordinary[at] = False
                continue
            client = course.clients.start + at
            self.facts[client] = facts
            found[at] = self._numbers.setdefault(key_of(facts, own), len(self._numbers))
            self.names[client] = [hash(name) for name in names_of(facts, own, seen)]
        return found

    def _texts(self, first: Numbers, second: Numbers, *finals: Numbers) -> Iterator[tuple[str, ...]]:
        """Of each client what `facts.key_of` takes, where its first answer and its first grant say that their requests
        came from, and where the latter says that of its contact: nothing where there is none (-1). `second` are the
        first requests with credentials."""
        texts = self._values.texts

        def said(rows: Numbers, name: str) -> list[str]:
            found = np.full(len(rows), "", object)
            found[rows >= 0] = texts(rows[rows >= 0], name)
            return found.tolist()

        columns = [texts(first, name) for name in ("from_user", "from_name", "to_name", "call_host", "instance")]
        columns += [texts(second, "username")]
        columns += [said(rows, name) for rows in finals for name in ("received", "rport")]
        columns += [said(finals[1], "contact_seen")]
        return zip(*columns, strict=True)

    def _facts(self, rows: Numbers) -> Iterator[Facts]:
        """What clients say in their first requests."""
        packets = self._values.scanned.packets
        texts = [
            self._values.texts(rows, name)
            for name in ("to_user", "call_id", "call_host", "sent_by", "contact_user", "contact_place")
        ]
        sources, targets = packets.source[rows].tolist(), packets.target[rows].tolist()
        ends = {end: end_of(end) for end in set(targets)}
        for user, call, host, sent_by, contact_user, place, source, target in zip(
            *texts, sources, targets, strict=True
        ):
            call_id = f"{call}@{host}" if host else call
            yield Facts(user, call_id, end_of(source), ends[target], sent_by, contact_user, place)
