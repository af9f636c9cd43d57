"""What servers gave their clients beside a binding, and what they refused to know.

A 2xx to a REGISTER may tell the phone a route for its later requests (Service-Route, RFC 3608), has a Record-Route that
must be no route at all (RFC 3261 10.2), may grant a flow (`Require: outbound`, RFC 5626 6) or a temporary GRUU (RFC
5627). Whether the phone acts on it shows in what it sends later, mostly in other requests than REGISTER: those are its
own by their From and the host they come from. A 420 names the option tags that a server
does not know (RFC 3261 21.4.15).
"""

from __future__ import annotations

from typing import NamedTuple

from analyzer.evidence import Evidence
from analyzer.register.bounded import Bounded, Inseparable, MessageCounter
from analyzer.register.extensions import demanded_tags, tags
from analyzer.register.registration import Registration
from analyzer.register.transaction import Transaction
from analyzer.sip.message import Message
from analyzer.sip.uri import aor as canonical_aor

MOST_USERS = 20_000
"""Users, by host, of whom it is known what they were given; servers that refused extensions."""
_FEW = 8
"""Registrations, former routes and routes of its own that are kept of one user."""
_MOST_ROUTES = 16
_MOST_LIVE = 10_000
Route = tuple[str, ...]
"""The values of Route, Service-Route or Record-Route, as written and in their order."""


class GivenRoutes(NamedTuple):
    """What a 2xx told of routes: its Service-Route and Record-Route, where and when (nanoseconds or None), and the host
    that its request had gone to."""

    service: Route
    recorded: Route
    evidence: Evidence
    time: int | None
    server: str
    registration: int


class Guidance(NamedTuple):
    """What a client had been given when it sent a request. `latest` are the routes by the latest 2xx to each of its
    registrations, `former` those that a later 2xx took back, `own` what it had as Route of its own accord, `flow` where
    its registration was granted a flow, `refused` where its server refused option tags, by tag."""

    latest: tuple[GivenRoutes, ...] = ()
    former: tuple[GivenRoutes, ...] = ()
    own: tuple[Route, ...] = ()
    flow: Evidence | None = None
    refused: tuple[tuple[str, Evidence], ...] = ()


NO_GUIDANCE = Guidance()


class Given:
    """What was given and refused, bounded.

    It remembers for rules, which get it as `given` of a transaction (`Guidance`) and ask `context.uses_temporary_gruu`.
    """

    def __init__(self, counter: MessageCounter) -> None:
        self._counter = counter
        self._users: Bounded[tuple[str, str], Guidance] = Bounded(MOST_USERS, lambda _, one: _size(one))
        self._flows: Bounded[int, Evidence] = Bounded(MOST_USERS)
        self._refused: Bounded[str, tuple[tuple[str, Evidence], ...]] = Bounded(MOST_USERS)
        self._temporary: Bounded[tuple[str, str], tuple[tuple[str, int], ...]] = Bounded(
            MOST_USERS, lambda _, gruus: sum(len(uri) for uri, _ in gruus)
        )
        self._users_of_temporary: Bounded[int, bool] = Bounded(MOST_USERS)
        self._live: Bounded[int, Guidance] = Bounded(_MOST_LIVE)

    def sent(self, transaction: Transaction, request: Message) -> None:
        """Take in a request that is no REGISTER, at its first copy: a phone's own begins a dialog or none."""
        if transaction.via_count != 1 or not transaction.is_first_hop:
            return
        user = _caller(transaction, request)
        if len(self._temporary):
            self._note_use(user, request)
        if not request.has("route") or (request.to is not None and "tag" in request.to.params):
            return
        known, route = self._users.get(user), route_of(request, "route")
        if known is not None and (known.latest or known.former):
            self._live[transaction.id] = known
        elif known is None or route not in known.own:
            own = () if known is None else known.own
            self._users[user] = Guidance(own=(*own[1 - _FEW :], route))

    def _note_use(self, user: tuple[str, str], request: Message) -> None:
        named = {one.uri.text for one in (*request.contacts, request.from_) if one is not None and one.uri is not None}
        for gruu, registration in self._temporary.get(user) or ():
            if gruu in named:
                self._users_of_temporary[registration] = True

    def take(self, transaction: Transaction, registration: Registration | None) -> Guidance:
        """What had been given before a transaction was sent; then take in what its final response gives."""
        if transaction.method != "REGISTER":
            return self._live.get(transaction.id) or NO_GUIDANCE
        request, final = transaction.request, transaction.final
        if registration is None or request is None or final is None or not transaction.is_first_hop:
            return NO_GUIDANCE
        if final.status == 420:
            self._note_refused(transaction, final)
        elif 200 <= final.status < 300:
            return self._granted(transaction, registration, request, final)
        return NO_GUIDANCE

    def _note_refused(self, transaction: Transaction, final: Message) -> None:
        """Raises `Inseparable`: it counts for the clients of other workers, too."""
        if self._counter.shared:
            raise Inseparable("a server refuses extensions, which may be demanded by clients of another worker")
        host, evidence = transaction.destination.host, final.raw_message.evidence
        known = self._refused.get(host) or ()
        named = {tag for tag, _ in known}
        fresh = tuple((tag, evidence) for tag in sorted(tags(final, "unsupported") - named) if len(tag) < 64)
        self._refused[host] = (*known, *fresh)[:_MOST_ROUTES]

    def _granted(
        self, transaction: Transaction, registration: Registration, request: Message, final: Message
    ) -> Guidance:
        guidance = NO_GUIDANCE
        if len(self._refused) and demanded_tags(request):
            refused = self._refused.get(transaction.destination.host)
            guidance = guidance._replace(refused=refused) if refused else guidance
        flow = self._flows.get(registration.id) if len(self._flows) else None
        if flow is not None:
            guidance = guidance._replace(flow=flow)
        elif final.has("require") and "outbound" in tags(final, "require"):
            self._flows[registration.id] = final.raw_message.evidence
        user = registration.aor, transaction.source.host
        known = self._users.get(user) if len(self._users) else None
        if known is not None or final.has("service-route") or final.has("record-route"):
            known = known or NO_GUIDANCE
            latest = tuple(one for one in known.latest if one.registration == registration.id)
            guidance = guidance._replace(latest=latest) if latest else guidance
            if request.has("contact"):  # a query changes nothing
                self._users[user] = _renewed(known, transaction, registration, request, final)
        if b"temp-gruu" in final.raw:
            self._note_temporary(user, registration, final)
        return guidance

    def _note_temporary(self, user: tuple[str, str], registration: Registration, final: Message) -> None:
        given = (contact.params.unquoted("temp-gruu") for contact in final.contacts[:_FEW])
        fresh = tuple((uri, registration.id) for uri in given if uri)
        if fresh:  # the older ones are good until the Call-ID changes (RFC 5627 3.3)
            self._temporary[user] = (*(self._temporary.get(user) or ()), *fresh)[-_MOST_ROUTES:]

    def uses_temporary(self, registration: Registration) -> bool:
        """Whether a client was seen to name a temporary GRUU of its own as Contact or From of a request."""
        return len(self._users_of_temporary) > 0 and bool(self._users_of_temporary.get(registration.id))

    def closed(self, transaction: Transaction) -> None:
        """The transaction is evicted."""
        if len(self._live):
            self._live.pop(transaction.id)


def _caller(transaction: Transaction, request: Message) -> tuple[str, str]:
    """Who sends a request, and from which host."""
    uri = request.from_.uri if request.from_ is not None else None
    return ("" if uri is None else canonical_aor(uri), transaction.source.host)


def _renewed(
    known: Guidance, transaction: Transaction, registration: Registration, request: Message, final: Message
) -> Guidance:
    """What a client has been given after one more 2xx."""
    message = final.raw_message
    told = GivenRoutes(
        route_of(final, "service-route"),
        route_of(final, "record-route"),
        message.evidence,
        message.time,
        transaction.destination.host,
        registration.id,
    )
    before = tuple(one for one in known.latest if one.registration == registration.id)
    others = tuple(one for one in known.latest if one.registration != registration.id)
    gone = tuple(one for one in before if one.service and one.service != told.service)
    own, route = known.own, route_of(request, "route")
    if route and route not in own:
        own = (*own[1 - _FEW :], route)
    former = (*(one for one in known.former if one.service != told.service), *gone)
    return Guidance((*others[1 - _FEW :], told), former[-_FEW:], own)


def route_of(message: Message, key: str) -> Route:
    """The values of a header that holds a route."""
    return tuple(value.strip() for value in message.values(key)[:_MOST_ROUTES]) if message.has(key) else ()


def _size(one: Guidance) -> int:
    given = (*one.latest, *one.former)
    return sum(len(value) for told in given for value in (*told.service, *told.recorded)) + sum(
        len(value) for route in one.own for value in route
    )
