"""What one exchange exercises: REGISTER transactions beside what was bound before them.

A conformance test puts its question by what it sends; who only watches has to see whether somebody put it. `Exchange`
is a transaction with what came before: the one before it of the same Call-ID, and, by what the registrar accepted,
which contacts of the address-of-record were bound by which Call-ID and CSeq (RFC 3261 10.3 steps 6 and 7 ask for
these). The functions in `client_questions.py`, `copy_questions.py` and `registrar_questions.py` are the questions;
`purposes.py` says which of them each test purpose needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass, field
from itertools import pairwise

from analyzer.evidence import SECOND
from analyzer.register.identity import aor_of
from analyzer.register.requested import expiry_in, header_expiry, requested_expiry
from analyzer.register.transaction import Transaction
from analyzer.sip.address import Address
from analyzer.sip.message import Message

MOST_CONTACTS = 256
"""Contacts of one address-of-record that are kept; a flood of others is accepted without being remembered."""


@dataclass(frozen=True, slots=True)
class Granted:
    """By whom a contact was last bound: Call-ID and CSeq of the request that was accepted, and when that ends, in
    nanoseconds; None where it was not said, or there is no clock."""

    call_id: str
    cseq: int
    until: int | None = None


@dataclass(slots=True)
class Exchange:
    """A REGISTER transaction whose request was seen. `before` is the transaction of the same Call-ID before it,
    `previous` that of the same address-of-record from the same host, `bound` what was bound for its address-of-record
    when it was sent, by contact, `known` the contacts that ever were; the last two are those of the moment: they are
    changed when the next exchange is asked for. `answers_challenge`: its credentials are the first that use the nonce
    of a challenge. `is_wrong`: its digest was seen not to match the known password.
    """

    transaction: Transaction
    request: Message
    before: Transaction | None = None
    previous: Transaction | None = None
    bound: dict[str, Granted] = field(default_factory=dict)
    known: Set[str] = frozenset()
    answers_challenge: bool = False
    is_wrong: bool = False

    @property
    def status(self) -> int:
        """The final response; 0 without one."""
        return self.transaction.status

    @property
    def is_accepted(self) -> bool:
        """It was answered with 2xx."""
        return 200 <= self.status < 300

    @property
    def asked(self) -> list[tuple[Address, int | None]]:
        """Its contacts but for `*`, with the seconds that are asked for each; None where nothing is said."""
        header = header_expiry(self.request)
        return [(one, requested_expiry(one, header)) for one in self.request.contacts if not one.star]

    @property
    def added(self) -> list[Address]:
        """Contacts that it wants bound."""
        return [contact for contact, seconds in self.asked if seconds != 0]

    @property
    def removed(self) -> list[Address]:
        """Contacts that it wants removed, each by itself."""
        return [contact for contact, seconds in self.asked if seconds == 0]

    @property
    def star(self) -> bool:
        """Its Contact is `*`, or has one beside others."""
        return any(contact.star for contact in self.request.contacts)

    @property
    def copies(self) -> list[int]:
        """Nanoseconds between the request and its first copy, then between copies, as far as they are kept."""
        transaction = self.transaction
        times = [transaction.first, *(copy.time for copy in transaction.copies)]
        return [two - one for one, two in pairwise(time for time in times if time is not None)]


def exchanges_of(transactions: Iterable[Transaction]) -> Iterator[Exchange]:
    """Each REGISTER transaction whose request was seen, in their order, with what came before it."""
    latest: dict[object, Transaction] = {}
    users: dict[tuple[int, str], tuple[dict[str, Granted], set[str]]] = {}
    asked: set[str] = set()
    for transaction in transactions:
        request = transaction.request
        if request is None or transaction.method != "REGISTER":
            continue
        user = aor_of(request)
        step = request.raw_message.flow_step  # each flow of a document is a capture of its own
        flow = 0 if step is None else step.flow
        bound, known = users.setdefault((flow, user), ({}, set()))
        for key in [key for key, granted in bound.items() if _is_over(granted, transaction)]:
            del bound[key]
        client, call = (flow, transaction.source.host, user), (flow, transaction.call_id)
        before, previous = latest.get(call), latest.get(client)
        nonces = {one.nonce or "" for one in request.credentials} & asked
        asked -= nonces
        yield Exchange(transaction, request, before, previous, bound, known, bool(nonces))
        latest[call] = latest[client] = transaction
        asked |= transaction.nonces
        if 200 <= transaction.status < 300:
            _accept(Exchange(transaction, request), bound, known)


def _accept(exchange: Exchange, bound: dict[str, Granted], known: set[str]) -> None:
    if exchange.star:
        bound.clear()
    for contact in exchange.removed:
        bound.pop(key_of(contact), None)
    for contact in exchange.added:
        key = key_of(contact)
        if len(known) < MOST_CONTACTS or key in known:
            known.add(key)
            bound[key] = Granted(exchange.transaction.call_id, exchange.transaction.cseq, _end_of(exchange, key))


def _is_over(granted: Granted, transaction: Transaction) -> bool:
    return granted.until is not None and transaction.first is not None and granted.until < transaction.first


def _end_of(exchange: Exchange, key: str) -> int | None:
    """When what was granted for a contact runs out (RFC 3261 10.3 step 8)."""
    final, answered_at = exchange.transaction.final, exchange.transaction.answered_at
    if final is None or answered_at is None:
        return None
    listed = next((contact for contact in final.contacts if key_of(contact) == key), None)
    seconds = final.expires if listed is None else expiry_in(final, listed)
    return None if seconds is None else answered_at + seconds * SECOND


def key_of(contact: Address) -> str:
    """What tells a contact from another: its URI as written."""
    return str(contact.uri) if contact.uri is not None else contact.raw


Asks = Callable[[Exchange], bool]
"""Whether an exchange puts a question."""
