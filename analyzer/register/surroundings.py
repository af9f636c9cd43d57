"""What stood when a transaction was sent, beside the transaction: the challenges in force, and the credentials it has.

A rule about a transaction is asked when its answer is there, and by then the client may have been challenged anew, or
have been given other routes. So what counts is noted when the request is first seen, and handed over with the subject.
"""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.register.attempt import Attempt
from analyzer.register.bounded import MessageCounter
from analyzer.register.challenges import Challenged, Challenges
from analyzer.register.digest_ledger import DigestLedger
from analyzer.register.flows import Flows
from analyzer.register.given import Given
from analyzer.register.registration import Registration
from analyzer.register.signs import NO_SIGNS, SignLedgers
from analyzer.register.transaction import Transaction
from analyzer.register.transaction_subject import TransactionSubject

_Before = tuple[dict[str, Sequence[Challenged]], dict[str, str]]


class Surroundings:
    """Makes subjects of transactions. It remembers for rules: the challenges in force, by transaction that is live, and
    what servers gave (`given.py`, `flows.py`), and `signs`."""

    def __init__(self, challenges: Challenges, digests: DigestLedger, counter: MessageCounter) -> None:
        self._challenges = challenges
        self._digests = digests
        self._before: dict[int, _Before] = {}
        self.signs = SignLedgers()
        self.given = Given(counter)
        self.flows = Flows()

    def sent(self, transaction: Transaction, registration: Registration | None) -> None:
        """A request is seen for the first time."""
        request = transaction.request
        if request is None:
            return
        if registration is not None and request.has_credentials:
            self._before[transaction.id] = self._challenges.answered_by(registration.id, request.credentials)
        if transaction.method != "REGISTER":
            self.given.sent(transaction, request)

    def in_force(self, transaction: Transaction) -> dict[str, Sequence[Challenged]]:
        """The challenges that stood for its client when it was sent, by realm."""
        before = self._before.get(transaction.id)
        return {} if before is None else before[0]

    def subject(
        self, transaction: Transaction, registration: Registration | None, attempt: Attempt | None
    ) -> TransactionSubject:
        """The transaction as rules look at it, with its final response or without."""
        digests, before = self._digests.of(transaction), self._before.get(transaction.id, ({}, {}))
        signs = self.signs.take(transaction, registration, digests, before[0]) if digests else NO_SIGNS
        given = self.given.take(transaction, registration)
        self.flows.granted(transaction, registration)
        return TransactionSubject(transaction, registration, attempt, digests, *before, signs, given)

    def closed(self, transaction: Transaction) -> None:
        """The transaction is evicted."""
        self._before.pop(transaction.id, None)
        self.given.closed(transaction)
