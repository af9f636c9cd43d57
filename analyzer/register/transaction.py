"""One client transaction as an observer saw it (RFC 3261 17.1.2, 17.2.2), and the path of one request over proxies.

A transaction holds the request as first sent, a count of its retransmissions, the answers, and what ended it. It knows
nothing of attempts or clients: those hold transactions. Matching is in `matching.py`.
"""

from __future__ import annotations

from collections.abc import Set
from typing import TYPE_CHECKING, Literal

from analyzer.evidence import Endpoint, Evidence, Fidelity, NetworkError, Place, between
from analyzer.sip.auth_headers import CHALLENGED_IN
from analyzer.sip.message import Message
from analyzer.sip.timers import T1, TIMER_F

if TYPE_CHECKING:
    from analyzer.register.branches import EarlierUse
    from analyzer.register.overtaken import Overtaken
    from analyzer.register.told_time import ToldTime

State = Literal["answered", "timeout", "aborted", "open", "headless", "unjudged"]
KEPT = 8
"""Mutated copies and further final responses of one transaction that are kept whole; the rest are counted."""
KEPT_NONCES = 64
"""Nonces of one challenged transaction; Timer E allows eleven copies of a request (RFC 3261 17.1.2.2)."""
MOST_HOPS = 32
"""Hops of one path, and transactions of one Call-ID and CSeq that are looked through."""

NO_NONCES: frozenset[str] = frozenset()
Way = tuple[Endpoint, Endpoint, int]
"""Client, server and number of the connection (0: none) that a packet of an exchange went between."""
_NO_WAYS: tuple[Way, ...] = ()


class Path:
    """One request seen on several hops (docs/rules/reconstruction.md 4): transactions with equal Call-ID, CSeq and From
    tag whose Via lists are suffix-related, in the order of their Via counts."""

    __slots__ = ("transactions",)

    def __init__(self, first: Transaction) -> None:
        self.transactions = [first]

    def join(self, transaction: Transaction) -> bool:
        """Add a hop; False where there are too many already (a flood of one Call-ID and CSeq)."""
        if len(self.transactions) >= MOST_HOPS:
            return False
        self.transactions.append(transaction)
        self.transactions.sort(key=lambda hop: hop.via_count)
        transaction.path = self
        return True

    @property
    def first(self) -> Transaction:
        """The hop nearest the user agent that was seen."""
        return self.transactions[0]

    @property
    def last(self) -> Transaction:
        """The hop nearest the registrar that was seen."""
        return self.transactions[-1]


class Transaction:
    """A client transaction on one hop.

    `request` is None where only a response was seen (`headless`). Times are nanoseconds or None. `retransmissions`
    counts copies that the user agent sent again; `duplicates` packets that the capture holds twice; `changed` keeps
    copies whose octets differ (same key), `later_finals` further final responses whose status or To tag does. `nonces`
    are those of every 401/407 copy, because a stateless registrar answers each copy with a fresh one. `pairing` is the
    weakest key by which a response was matched.
    `has_credentials`: the request carries credentials that answer a challenge, not the empty ones of an initial IMS
    registration (3GPP TS 24.229 5.1.1.2); `has_challenge`: the final response carries a challenge.
    `place` is where it was first seen (of the request, if that was seen); `key` is the table's own.
    `is_holed`: the capture lost octets of its connection while it waited, which may have been its answer.
    `copies_after` counts copies of the request after the first final response, `late_copies` those of them that came
    more than T1 later, so that they did not cross it. `request_ways` and `response_ways` are the ways of requests and
    final responses other than the one that the request took first. `overtaken` is the binding that it names, where a
    later request of its Call-ID made that; `reuses` is what had its branch before; `trying` is where and when the first
    provisional response was seen; `set_back` the Date that its client was told before, where the new one is earlier.
    """

    __slots__ = (
        "aborted",
        "answered_at",
        "branch",
        "call_id",
        "changed",
        "changed_count",
        "copies",
        "copies_after",
        "cseq",
        "deadline",
        "destination",
        "duplicates",
        "final",
        "final_copies",
        "first",
        "has_challenge",
        "has_credentials",
        "id",
        "is_holed",
        "key",
        "last",
        "late_copies",
        "later_finals",
        "method",
        "nonces",
        "old_answer",
        "overtaken",
        "pairing",
        "path",
        "place",
        "provisional",
        "request",
        "request_ways",
        "response_ways",
        "retransmissions",
        "reuses",
        "seen",
        "sent_by",
        "set_back",
        "source",
        "state",
        "stream",
        "tick",
        "transport",
        "trying",
        "via_count",
    )

    old_answer: Message | None
    overtaken: Overtaken | None
    final: Message | None
    trying: Evidence | None
    set_back: ToldTime | None

    # One of these lives for every exchange of the last forty seconds: what most never have is an empty tuple that all
    # share, until there is something.
    def __init__(self, number: int, message: Message, tick: int, key: tuple[object, ...] = ()) -> None:
        raw_message = message.raw_message
        cseq, via = message.cseq, message.via
        self.id = number
        self.key = key
        self.place: Place = raw_message.place
        self.method = message.method or (cseq.method if cseq else "")
        self.call_id = message.call_id
        self.cseq = cseq.number if cseq else -1
        self.branch = (via.branch or "") if via else ""
        self.sent_by = via.sent_by if via else ""
        self.via_count = len(message.vias)
        self.tick = self.deadline = tick
        self.transport, self.stream = raw_message.transport, raw_message.stream
        self.retransmissions = self.duplicates = self.final_copies = self.changed_count = 0
        self.copies_after = self.late_copies = 0
        self.request_ways = self.response_ways = _NO_WAYS
        self.copies: tuple[Evidence, ...] = ()
        self.changed: tuple[Message, ...] = ()
        self.provisional: tuple[int, ...] = ()
        self.later_finals: tuple[Message, ...] = ()
        self.nonces: Set[str] = NO_NONCES
        self.final = self.old_answer = self.overtaken = self.trying = self.set_back = None
        self.aborted: NetworkError | None = None
        self.reuses: EarlierUse | None = None
        self.answered_at: int | None = None
        self.pairing = 1
        self.state: State = "open"
        self.path: Path | None = None
        self.seen: tuple[Message, ...] = ()
        self.request: Message | None = None
        self.first = self.last = raw_message.time
        self.has_credentials = self.has_challenge = self.is_holed = False
        if message.method:
            self.request = message
            self.has_credentials = message.answers_challenge
            self.source, self.destination = raw_message.source, raw_message.destination
        else:
            self.state = "headless"
            self.source, self.destination = raw_message.destination, raw_message.source

    @property
    def evidence(self) -> Evidence:
        """Where it was seen first, and when."""
        return Evidence(self.place, self.first)

    @property
    def begun_at_most(self) -> int | None:
        """The latest time at which it can have begun; None where nothing tells."""
        bounds = between(self.place)
        return self.first if bounds is None else bounds.latest

    def note_provisional(self, message: Message) -> None:
        """A provisional response came; `trying` is where and when the first one did."""
        if self.trying is None:
            self.trying = message.raw_message.evidence
        if len(self.provisional) < KEPT:
            self.provisional += (message.status,)

    def note_copy(self, message: Message) -> None:
        """The user agent sent the request once more."""
        raw_message = message.raw_message
        self.retransmissions += 1
        self.last = time = raw_message.time
        if len(self.copies) < KEPT:
            self.copies += (raw_message.evidence,)
        if self.final is not None:
            self.copies_after += 1
            late = time is not None and self.answered_at is not None and time - self.answered_at > T1
            self.late_copies += late
        self.note_way(message)

    def note_way(self, message: Message) -> None:
        """A packet with the request or a final response: keep between whom it went, if not as the request did first."""
        raw_message = message.raw_message
        source, destination = raw_message.source, raw_message.destination
        if message.method:
            way = (source, destination, raw_message.stream)
            if way != (self.source, self.destination, self.stream):
                self.request_ways = _with(self.request_ways, way)
        elif message.status >= 200:
            way = (destination, source, raw_message.stream)
            if way != (self.source, self.destination, self.stream):
                self.response_ways = _with(self.response_ways, way)

    def note_challenge(self, message: Message) -> None:
        """Keep the nonces of one more 401/407, whichever copy of the request it answers."""
        fresh = {challenge.nonce or "" for challenge in message.challenges[:KEPT]}
        if not self.nonces:
            self.nonces = fresh
        elif len(self.nonces) < KEPT_NONCES and isinstance(self.nonces, set):
            self.nonces |= fresh  # in place: who holds the challenge sees it grow

    def fold(self) -> None:
        """It was judged: what waits for late copies, and what a client keeps for its next step, is the octets."""
        for message in (self.request, self.final):
            if message is not None:
                message.fold()
        for message in (*self.changed, *self.later_finals):
            message.fold()

    @property
    def status(self) -> int:
        """Status code of the first final response, 0 without one."""
        return self.final.status if self.final else 0

    @property
    def is_first_hop(self) -> bool:
        """No hop nearer the user agent was seen."""
        return self.path is None or self.path.first is self

    @property
    def is_last_hop(self) -> bool:
        """No hop nearer the registrar was seen."""
        return self.path is None or self.path.last is self

    @property
    def would_be_repeated(self) -> bool:
        """Whether it would be seen again if the client heard no answer: over UDP it is sent again after T1 (RFC 3261
        17.1.2.2), and packets show that. It was not, so far, or another copy would be counted. Or the capture has lost
        what may have been the answer."""
        request = self.request
        if self.is_holed and self.first is not None:
            return True
        if self.transport != "UDP" or self.stream or self.retransmissions or request is None or self.first is None:
            return False
        return request.raw_message.fidelity is not Fidelity.TEXT_LOG

    @property
    def is_overdue(self) -> bool:
        """Whether the final response came when the client had given up, 64*T1 after the first copy (RFC 3261
        17.1.2.2)."""
        if self.first is None or self.answered_at is None or self.request is None:
            return False
        return self.answered_at - self.first > TIMER_F + T1

    @property
    def challenged(self) -> bool:
        """The first final response asks for credentials (RFC 3261 22.1)."""
        return self.status in CHALLENGED_IN

    @property
    def server(self) -> Endpoint:
        """Where the request went."""
        return self.destination


def _with(ways: tuple[Way, ...], way: Way) -> tuple[Way, ...]:
    return ways if way in ways or len(ways) >= KEPT else (*ways, way)
