"""What was challenged: the nonce in force for each client and realm, and the use of every nonce
(docs/rules/reconstruction.md 8).

A challenge starts a new session for (client, realm, server). All nonces of one challenged transaction are equally
current, because a stateless registrar gives each copy of a request a fresh one.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import NamedTuple

from analyzer.evidence import Endpoint, Evidence
from analyzer.register.bounded import LONG, Bounded, Notes, brief
from analyzer.register.digest.arithmetic import ALGORITHMS
from analyzer.register.digest.form import MOST_OFFERS, Offer, offer_of
from analyzer.register.foreign import ForeignChallenge
from analyzer.register.transaction import Transaction
from analyzer.sip.auth import Challenge, Credentials, parse_auth_params
from analyzer.sip.auth_headers import ANSWERED_IN, CREDENTIALS
from analyzer.sip.message import Message

MOST_NONCES = 50_000
"""Nonces that are remembered, so that memory does not follow the length of a capture. Workers hear of all nonces and so
forget the same."""
MOST_SESSIONS = 50_000
"""(client, realm) pairs whose challenge in force is remembered."""
MOST_SERVERS = 10_000
"""Servers of which it is remembered that they ask for credentials."""
MOST_NUMERALS = 32
"""Characters of a nonce that may be taken for a number."""
MOST_USERS = 8
"""Call-IDs and client addresses that are remembered for one nonce."""
STRONG = frozenset(token for token, algorithm in ALGORITHMS.items() if algorithm.hash_name != "md5")
"""Algorithms better than MD5 (RFC 7616 3.3, RFC 8760 2.1), lower-case."""


def _challenged(realm: str, rows: list[Challenge], transaction: Transaction, final: Message, holes: int) -> Challenged:
    return Challenged(
        realm,
        transaction.nonces,
        transaction.answered_at,
        final.raw_message.evidence,
        any(challenge.stale for challenge in rows),
        tuple(option for challenge in rows for option in challenge.qop_options),
        transaction.id,
        holes,
        ANSWERED_IN[rows[0].header],
    )


def _octets(key: tuple[int, str], challenged: tuple[Challenged, ...]) -> int:
    """How much the wire put into the challenges of a client and realm."""
    octets = len(key[1])
    for one in challenged:
        octets += len(one.realm) + sum(map(len, one.nonces)) + sum(map(len, one.qop))
    return octets


def by_realm(message: Message) -> dict[str, list[Challenge]]:
    """The Digest challenges of a response, grouped by realm ("" where none is named); empty for a request."""
    if message.method:
        return {}
    challenges = message.challenges
    if len(challenges) == 1:
        only = challenges[0]
        return {only.realm or "": challenges} if only.is_digest else {}
    found: dict[str, list[Challenge]] = {}
    for challenge in challenges:
        if challenge.is_digest:
            found.setdefault(challenge.realm or "", []).append(challenge)
    return found


def _by_header(rows: list[Challenge]) -> list[list[Challenge]]:
    """The challenges of one realm, those of a registrar and those of a proxy apart."""
    first = rows[0].header
    if len(rows) == 1 or all(row.header == first for row in rows):
        return [rows]
    return [[row for row in rows if row.header == first], [row for row in rows if row.header != first]]


class Challenged(NamedTuple):
    """One 401 or 407 to one client for one realm. `time` in nanoseconds or None; `holes` how often the client's CSeq
    had jumped by then, which is where a challenge may be missing (docs/rules/traps.md T-LOSS). `header` carries the
    credentials for it: a proxy and a registrar may have one realm, and each has its own (RFC 3261 22.2, 22.3)."""

    realm: str
    nonces: Set[str]
    time: int | None
    evidence: Evidence
    stale: bool
    qop: tuple[str, ...]
    transaction: int
    holes: int = 0
    header: str = CREDENTIALS[0]


def for_header(challenged: Sequence[Challenged], header: str) -> list[Challenged]:
    """Those that credentials in this header answer, the latest first."""
    return [one for one in challenged if one.header == header]


class NonceUse:
    """When a nonce was issued: first and last time, the Call-IDs and client hosts it went to (the first `MOST_USERS`
    of each), and what the challenges that brought it ask for (the first `MOST_OFFERS` different ones)."""

    __slots__ = ("call_ids", "first", "hosts", "last", "offers")

    def __init__(self, time: int | None) -> None:
        self.first = self.last = time
        self.call_ids: tuple[str, ...] = ()
        self.hosts: tuple[str, ...] = ()
        self.offers: tuple[Offer, ...] = ()

    def offer(self, *offers: Offer) -> None:
        """Note what else is asked of who uses the nonce."""
        for one in offers:
            if one not in self.offers and len(self.offers) < MOST_OFFERS:
                self.offers += (one,)

    def take(self, time: int | None, call_id: str, host: str) -> None:
        """Note that it was given out again. Answers without a request are taken in late, so time may step back."""
        if time is not None:
            self.first = time if self.first is None else min(self.first, time)
            self.last = time if self.last is None else max(self.last, time)
        if len(self.call_ids) < MOST_USERS and brief(call_id) not in self.call_ids:
            self.call_ids += (brief(call_id),)
        if len(self.hosts) < MOST_USERS and host not in self.hosts:
            self.hosts += (host,)

    @property
    def span(self) -> int:
        """Nanoseconds from the first time to the last."""
        return 0 if self.first is None or self.last is None else self.last - self.first


class Run:
    """The last numeric nonce of a realm and how many in a row went up by a small step."""

    __slots__ = ("last", "length")

    def __init__(self) -> None:
        self.last: int | None = None
        self.length = 0


class Challenges:
    """The challenges of all clients, bounded: the oldest nonces are evicted first.

    It remembers for rules, which reach it as `context.challenges`: the challenge in force for each client and realm and
    the one before; the first and last time of every nonce and whom it went to; realms that offered better than MD5;
    servers that ask for credentials.
    """

    def __init__(self) -> None:
        self._current: Bounded[tuple[int, str], tuple[Challenged, ...]] = Bounded(MOST_SESSIONS, _octets)
        self._uses: Bounded[tuple[str, str, str], NonceUse] = Bounded(MOST_NONCES)
        self._runs: Bounded[tuple[str, str], Run] = Bounded(1000)
        self._realms: Notes[str, dict[str, None]] = Notes(1000)
        self._next: Bounded[tuple[int, str], str] = Bounded(MOST_SESSIONS, lambda key, nonce: len(key[1]) + len(nonce))
        self._strong: Bounded[tuple[str, str], bool] = Bounded(1000)
        self._asking: Notes[Endpoint, bool] = Notes(MOST_SERVERS)

    def answered(self, transaction: Transaction, registration: int | None, holes: int = 0) -> None:
        """Take in the final response of a transaction; `holes` as in `Challenged`."""
        final = transaction.final
        if final is None:
            return
        self.repeated(transaction, final)
        if registration is None:
            return
        if transaction.challenged:
            for realm, rows in by_realm(final).items():
                for own in _by_header(rows):
                    self._put_in_force(registration, _challenged(realm, own, transaction, final, holes))
                self._next.pop((registration, realm))
        else:
            self._note_next(registration, transaction)

    def _put_in_force(self, registration: int, latest: Challenged) -> None:
        """It and the one before it stand for its header; what stands for the other header of the realm stays."""
        key = (registration, latest.realm)
        earlier = self._current.get(key) or ()
        before = for_header(earlier, latest.header)[:1]
        others = [one for one in earlier if one.header != latest.header]
        self._current[key] = (latest, *before, *others)

    def repeated(self, transaction: Transaction, final: Message) -> None:
        """Take in a copy of a final response: a stateless registrar puts a fresh nonce into each."""
        self._take(transaction.destination, transaction, final)

    def foreign(self, final: ForeignChallenge) -> None:
        """Take in the challenges of a response that somebody else matches: what they say of the server."""
        self._take(final.raw_message.source, None, final)

    def overheard(self, at: Endpoint, realm: str, nonce: str, offer: Offer, to: tuple[int, str, str]) -> None:
        """Take in a Digest challenge with MD5 to another client, `to` whom it went: when, Call-ID and host."""
        self._asking.note(at, True)
        self._issue(at.host, realm, nonce, *to).offer(offer)

    def asked(self, at: Endpoint, realm: str) -> None:
        """Take in that a server asks others for credentials, whose nonces are counted elsewhere (`remember`)."""
        self._asking.note(at, True)
        self._note_realm(at.host, realm)

    def remember(self, uses: Bounded[tuple[str, str, str], NonceUse]) -> None:
        """Keep the use of nonces in a table that knows how many others there are."""
        self._uses = uses

    def _take(self, at: Endpoint, transaction: Transaction | None, final: Message | ForeignChallenge) -> None:
        server = at.host
        for challenge in final.challenges:
            self._asking.note(at, True)
            if challenge.is_digest and (challenge.algorithm or "").lower() in STRONG:
                self._strong[(server, brief(challenge.realm or ""))] = True
            if challenge.is_digest and challenge.nonce:
                to = _whom(transaction, final)
                self._issue(server, challenge.realm or "", challenge.nonce, *to).offer(offer_of(challenge))

    def in_force(self, registration: int, realm: str) -> Sequence[Challenged]:
        """The latest challenge for this client and realm and the one before it, the latest first; then those that are
        answered in the other header, where a proxy and a registrar have one realm (`for_header`)."""
        return self._current.get((registration, realm)) or ()

    def next_nonce(self, registration: int, realm: str) -> str:
        """`nextnonce` of the last answer (RFC 7616 3.5), empty without one."""
        return self._next.get((registration, realm)) or ""

    def answered_by(
        self, registration: int, credentials: Sequence[Credentials]
    ) -> tuple[dict[str, Sequence[Challenged]], dict[str, str]]:
        """What stands for this client when it sends `credentials`: `in_force` and `next_nonce` of each of their
        realms."""
        in_force: dict[str, Sequence[Challenged]] = {}
        next_nonce: dict[str, str] = {}
        for one in credentials:
            realm = one.realm or ""
            if realm not in in_force:
                in_force[realm] = self.in_force(registration, realm)
                next_nonce[realm] = self.next_nonce(registration, realm)
        return in_force, next_nonce

    def was_issued(self, server: str, realm: str, nonce: str) -> bool:
        """Whether the capture shows this server giving out this nonce."""
        return (server, brief(realm), brief(nonce)) in self._uses

    @property
    def evicted(self) -> int:
        """Nonces that were evicted to stay within bounds: of one that is not known, nothing can be said then."""
        return self._uses.evicted

    def asks(self, server: Endpoint) -> bool:
        """Whether a server has asked anybody for credentials so far, at this very port."""
        return server in self._asking

    def realms(self, server: str) -> tuple[str, ...]:
        """The realms that a server challenged for, the first `MOST_USERS` of them."""
        return tuple(self._realms.get(server) or ())

    def realm_of(self, server: str, nonce: str, *, other_than: str) -> str | None:
        """A realm, other than this one, for which a server gave out a nonce; None where it gave it out for this one, or
        was not seen to."""
        if not nonce or self.was_issued(server, other_than, nonce):
            return None
        return next((realm for realm in self.realms(server) if self.was_issued(server, realm, nonce)), None)

    def issuer_of(self, realm: str, nonce: str, *, other_than: str) -> str | None:
        """Another server that gave out a nonce for this realm; None where this one did so too, or nobody was seen to.
        Nodes that share a realm do not always share their nonces."""
        if not nonce or self.was_issued(other_than, realm, nonce):
            return None
        servers = (one for one, realms in self._realms.items() if one != other_than and realm in realms)
        return next((one for one in servers if self.was_issued(one, realm, nonce)), None)

    def server_of(self, realm: str, *, other_than: str) -> str | None:
        """Another server that challenged for a realm, the one heard of first; None where there is none."""
        return next((one for one, realms in self._realms.items() if one != other_than and realm in realms), None)

    def use(self, server: str, realm: str, nonce: str) -> NonceUse | None:
        """Where a nonce was issued."""
        return self._uses.get((server, brief(realm), brief(nonce)))

    def offers(self, server: str, realm: str, nonce: str) -> tuple[Offer, ...]:
        """What the challenges with this nonce ask for; empty where none was seen."""
        use = self.use(server, realm, nonce)
        return use.offers if use is not None else ()

    def run(self, server: str, realm: str) -> int:
        """How many nonces in a row were numbers that went up by a small step."""
        run = self._runs.get((server, brief(realm)))
        return run.length if run else 0

    def offers_strong(self, server: str, realm: str) -> bool:
        """Whether this server has offered an algorithm better than MD5 for the realm so far."""
        return self._strong.get((server, brief(realm))) is True

    @property
    def is_any_strong(self) -> bool:
        """Whether anybody has offered an algorithm better than MD5."""
        return len(self._strong) > 0

    def _note_next(self, registration: int, transaction: Transaction) -> None:
        """RFC 7616 3.5: a 2xx may name the next nonce in Authentication-Info; it belongs to the realm just used."""
        final, request = transaction.final, transaction.request
        if final is None or request is None or not request.credentials:
            return
        for row in final.all("authentication-info"):
            nonce = next((one.value for one in parse_auth_params(row) if one.name.lower() == "nextnonce"), "")
            if nonce:
                realm, server = request.credentials[0].realm or "", transaction.destination.host
                self._next[(registration, realm)] = nonce
                before = self.offers(server, realm, request.credentials[0].nonce or "")
                to = _whom(transaction, final)
                self._issue(server, realm, nonce, *to).offer(*before)  # all else stays (RFC 7616 3.5)

    def _issue(self, server: str, realm: str, nonce: str, time: int | None, call_id: str, host: str) -> NonceUse:
        key = (server, brief(realm), brief(nonce))
        use = self._uses.get(key)
        if use is None:
            use = NonceUse(time)
            self._uses[key] = use
            self._note_realm(server, realm)
            self._count(server, realm, nonce)
        use.take(time, call_id, host)
        return use

    def _note_realm(self, server: str, realm: str) -> None:
        realms = self._realms.get(server)
        if realms is None:
            realms = {}
            self._realms.note(server, realms)
        if len(realms) < MOST_USERS and len(realm) <= LONG:
            realms[realm] = None

    def _count(self, server: str, realm: str, nonce: str) -> None:
        realm = brief(realm)
        run = self._runs.get((server, realm))
        if run is None:
            run = self._runs[(server, realm)] = Run()
        value = number_of(nonce)
        small_step = value is not None and run.last is not None and 0 < value - run.last <= most_step(nonce)
        run.length = run.length + 1 if small_step else 0
        run.last = value


def _whom(transaction: Transaction | None, final: Message | ForeignChallenge) -> tuple[int | None, str, str]:
    """When a challenge was given, and to whom: Call-ID and host."""
    if transaction is not None:
        return final.raw_message.time, transaction.call_id, transaction.source.host
    return final.raw_message.time, final.call_id, final.raw_message.destination.host


def most_step(nonce: str) -> int:
    """By how much a nonce that is a number may exceed the one before it, and still be a counter or a clock: a long
    number may step far, for drawn at random it would step farther yet."""
    return 16 if len(nonce) < 8 else 65_536


def number_of(nonce: str) -> int | None:
    """A nonce that is nothing but a number, decimal or hexadecimal."""
    if len(nonce) > MOST_NUMERALS or not nonce.isascii() or not nonce.isalnum():
        return None
    try:
        return int(nonce, 10 if nonce.isdigit() else 16)
    except ValueError:
        return None
