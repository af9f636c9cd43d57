"""What all clients together did: the counts that no client has by itself, and the subject of the rules about it.

Each worker of `--jobs` has its own users, so all of this is made of sums over users: put together, it is what one
process would have counted. Times are nanoseconds; a `tick` is ten seconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from analyzer.evidence import SECOND, Endpoint, Evidence
from analyzer.register.bounded import Bounded
from analyzer.register.registration import Registration
from analyzer.register.transaction import Transaction
from analyzer.sip.hosts import address_of
from analyzer.sip.uri import aor as canonical_aor

TICK = 10 * SECOND
MOST_USERS = 50_000
"""Users whose requests of the running tick are counted; those beyond them are not."""
MOST_BURSTS = 10_000
"""Ticks of a user with many requests that are kept, and ticks of a server with clients that began anew."""
MOST_ANSWERING = 100_000
"""Addresses with ports that answered other methods, as every phone does whose registrar asks by OPTIONS whether it is
there."""
MANY = 10
"""Requests of one user from one host in a tick that are many: a phone sends two to register."""
MOST_MOVING = 50_000
"""Clients whose latest addresses are remembered."""
KEPT_MOVES = 16
MANY_HOSTS, MANY_PORTS = 3, 5
"""Addresses, or UDP ports of one, from which on a client that moves is kept."""
DEFAULT_EXPIRY = 3600
"""Seconds of a binding of which nothing is known (RFC 3261 10.2)."""
PROTECTED = ("TLS", "WSS")
_NOBODY = (404, 480)
_Whose = tuple[str, Endpoint, str]


class Burst(NamedTuple):
    """Many requests of one user from one host within a tick: from whom to whom, how many, and the first."""

    host: str
    server: Endpoint
    tick: int
    aor: str
    requests: int
    evidence: Evidence


class Exposed(NamedTuple):
    """Clients of a server whose credentials crossed public addresses in clear, and the first of them."""

    clients: int
    evidence: Evidence
    between: tuple[str, str]


class Wandering(NamedTuple):
    """A client whose requests under one Call-ID came from many addresses within the time it was granted (seconds, None
    where nothing is known of that): the addresses, how many ports of the latest, and where it was seen last."""

    aor: str
    call_id: str
    hosts: tuple[str, ...]
    ports: int
    granted: int | None
    evidence: Evidence
    server: Endpoint


class _Come(NamedTuple):
    """A request that came from elsewhere than the one before."""

    time: int
    call_id: str
    source: Endpoint


def is_public(host: str) -> bool:
    """Whether an address is a global unicast one: not private, shared (RFC 6598), local, or for documentation."""
    address = address_of(host)
    return address is not None and address.is_global and not address.is_multicast


class Refused(NamedTuple):
    """A request for an address-of-record that a server answered as if nobody were registered: when, nanoseconds."""

    server: Endpoint
    aor: str
    time: int


class FleetLedger:
    """Counts of all clients, bounded.

    It remembers for rules, which get it with all registrations as their subject at the end (`FleetSubject`): users who
    send many requests at once (`bursts`), when clients began anew at each server (`restarts`), how many showed their
    credentials in clear on public addresses (`exposed`), and which came from many addresses (`wandering`); which
    servers answer other methods (`answering`), and what they answered as if nobody were registered (`unrouted`).
    """

    def __init__(self) -> None:
        self._running: dict[_Whose, tuple[int, Evidence]] = {}
        self._before: dict[_Whose, tuple[int, Evidence]] = {}
        self._tick = 0
        self.most_users = MOST_USERS
        self.bursts: list[Burst] = []
        self.restarts: Counter[tuple[Endpoint, int]] = Counter()
        self.exposed: dict[tuple[str, str], Exposed] = {}
        self._moves: Bounded[int, tuple[_Come, ...]] = Bounded(MOST_MOVING)
        self.wandering: dict[int, Wandering] = {}
        self.answering: set[Endpoint] = set()
        self.unrouted: list[Refused] = []

    def answered(self, transaction: Transaction) -> None:
        """Take in the final response to a request that is no REGISTER."""
        request, server = transaction.request, transaction.destination
        if request is None or transaction.method == "CANCEL":
            return
        if server in self.answering or len(self.answering) < MOST_ANSWERING:
            self.answering.add(server)
        if transaction.status not in _NOBODY or transaction.path is not None or transaction.first is None:
            return
        is_new = request.to is not None and "tag" not in request.to.params
        if is_new and request.uri is not None and request.uri.user and len(self.unrouted) < MOST_BURSTS:
            self.unrouted.append(Refused(server, canonical_aor(request.uri), transaction.first))

    def opened(self, transaction: Transaction, client: Registration) -> None:
        """Count a new REGISTER transaction of a client, which does not know of it yet."""
        time, aor = transaction.first, client.aor
        if time is None:
            return
        if client.source != transaction.source and transaction.via_count == 1:
            self._moved(transaction, client, time)
        tick = time // TICK
        if tick != self._tick and tick != self._tick - 1:  # of the tick before, some may come late
            self._pass(tick)
        running = self._running if tick == self._tick else self._before
        key = (transaction.source.host, transaction.destination, aor)
        known = running.get(key)
        if known is not None:
            running[key] = (known[0] + 1, known[1])
        elif len(running) < self.most_users:
            running[key] = (1, transaction.evidence)

    def _moved(self, transaction: Transaction, client: Registration, time: int) -> None:
        """It came from elsewhere: keep the addresses of as long as its binding lasts."""
        came = _Come(time, transaction.call_id, transaction.source)
        before = self._moves.get(client.id) or (_Come(client.last or time, client.call_id, client.source),)
        since = time - (DEFAULT_EXPIRY if client.granted is None else client.granted) * SECOND
        kept = [one for one in before[1 - KEPT_MOVES :] if since <= one.time <= time and one.call_id == came.call_id]
        self._moves[client.id] = moves = (*kept, came)
        hosts = tuple(dict.fromkeys(one.source.host for one in moves))
        is_udp = transaction.transport.upper() == "UDP"
        ports = len({one.source for one in moves if one.source.host == transaction.source.host}) if is_udp else 0
        known = self.wandering.get(client.id)
        if len(hosts) < MANY_HOSTS and ports < MANY_PORTS:
            return
        if known is not None and (len(known.hosts), known.ports) >= (len(hosts), ports):
            return
        if known is not None or len(self.wandering) < MOST_BURSTS:
            self.wandering[client.id] = Wandering(
                client.aor,
                transaction.call_id,
                hosts,
                ports,
                client.granted,
                transaction.evidence,
                transaction.destination,
            )

    def _pass(self, tick: int) -> None:
        self._keep(self._before, self._tick - 1)
        if tick == self._tick + 1:
            self._before, self._running = self._running, {}
        else:
            self._keep(self._running, self._tick)
            self._before, self._running = {}, {}
        self._tick = tick

    def _keep(self, counts: Mapping[_Whose, tuple[int, Evidence]], tick: int) -> None:
        """A tick is over: keep who sent many requests."""
        for (host, server, aor), (count, evidence) in counts.items():
            if count >= MANY and len(self.bursts) < MOST_BURSTS:
                self.bursts.append(Burst(host, server, tick, aor, count, evidence))

    def close(self) -> None:
        """The source has ended."""
        self._pass(self._tick + 2)

    def restarted(self, transaction: Transaction) -> None:
        """Count a client that began anew with another Call-ID."""
        if transaction.first is not None:
            key = (transaction.destination, transaction.first // TICK)
            if key in self.restarts or len(self.restarts) < MOST_BURSTS:
                self.restarts[key] += 1

    def answered_challenge(self, transaction: Transaction) -> None:
        """A client sends credentials for the first time: note whether everybody can read them."""
        source, server = transaction.source.host, transaction.destination.host
        if transaction.transport.upper() in PROTECTED or not (is_public(source) or is_public(server)):
            return
        key = (server, transaction.transport)
        known = self.exposed.get(key)
        if known is not None:
            self.exposed[key] = known._replace(clients=known.clients + 1)
        elif len(self.exposed) < MOST_BURSTS:
            self.exposed[key] = Exposed(1, transaction.evidence, (source, server))


@dataclass(slots=True)
class FleetSubject:
    """All clients at the end of the source. `answering` are servers that answered other methods than REGISTER,
    `unrouted` what they answered as if nobody were registered. `pace` counts REGISTERs, copies included, by tick;
    `begin` and `end` are those of the source, None without a clock; `is_coarse`: its clock has steps of a second;
    `evicted` are clients that are in no list, because there were too many."""

    registrations: Sequence[Registration]
    bursts: Sequence[Burst] = ()
    restarts: Mapping[tuple[Endpoint, int], int] = field(default_factory=dict)
    exposed: Mapping[tuple[str, str], Exposed] = field(default_factory=dict)
    wandering: Sequence[Wandering] = ()
    answering: Collection[Endpoint] = ()
    unrouted: Sequence[Refused] = ()
    pace: Mapping[int, int] = field(default_factory=dict)
    begin: int | None = None
    end: int | None = None
    is_coarse: bool = False
    evicted: int = 0

    @property
    def has_clock(self) -> bool:
        """Whether time passes in the source: of a log with one stamp for all no rate can be told."""
        return self.begin is not None and self.end is not None and self.end > self.begin

    def by_server(self) -> dict[Endpoint, list[Registration]]:
        """The registrations at each server."""
        found: dict[Endpoint, list[Registration]] = {}
        for one in self.registrations:
            found.setdefault(one.registrar.endpoint, []).append(one)
        return found

    def by_source(self) -> dict[tuple[str, Endpoint], list[Registration]]:
        """The registrations of each address at each server."""
        found: dict[tuple[str, Endpoint], list[Registration]] = {}
        for one in self.registrations:
            found.setdefault((one.source.host, one.registrar.endpoint), []).append(one)
        return found


def together(ledgers: Iterable[FleetLedger]) -> FleetLedger:
    """One ledger of those of several workers, each with its own users."""
    whole = FleetLedger()
    for ledger in ledgers:
        ledger.close()
        whole.bursts += ledger.bursts
        whole.answering |= ledger.answering
        whole.unrouted += ledger.unrouted
        whole.restarts += ledger.restarts
        for key, exposed in ledger.exposed.items():
            known = whole.exposed.get(key)
            if known is None:
                whole.exposed[key] = exposed
            else:
                first = min(known, exposed, key=lambda one: (one.evidence.time or 0, one.evidence.place[1]))
                whole.exposed[key] = first._replace(clients=known.clients + exposed.clients)
        for wandering in ledger.wandering.values():
            whole.wandering[len(whole.wandering)] = wandering
    whole.bursts.sort(key=lambda one: (one.tick, one.evidence.place[1], one.aor))
    return whole
