"""Answers whose request is not at hand: the capture lost it, or it was given up long before (RFC 3261 17.1.2.2).

Such an answer tells less than one with its request, but not nothing. A 2xx lists what is bound (10.3 step 8), whoever
asked; a number that no request of its Call-ID had so far shows that a request was sent which the capture has not got;
and one of a request that had no answer for 64*T1 shows that the server answered, too late. What such a request asked
for is taken from the one that its client sent last under the same Call-ID, for a phone names the same contacts.
"""

from __future__ import annotations

import copy

from analyzer.register.attempt import Attempt, Purpose
from analyzer.register.history import Overdue
from analyzer.register.reached import Reached
from analyzer.register.registration import Registration
from analyzer.register.registry import Registry
from analyzer.register.requested import purpose_of
from analyzer.register.transaction import Transaction


class LoneAnswers:
    """Takes answers without a request into the clients that they were sent to. It remembers for rules, which see it as
    an attempt of its `registration`, the one that such an answer is all that is known of, until it is closed."""

    def __init__(self, registry: Registry, reached: Reached) -> None:
        self._registry = registry
        self._reached = reached
        self._attempts: dict[int, tuple[Registration, Attempt]] = {}

    def heard(self, transaction: Transaction) -> None:
        """Take in a final response at its first copy."""
        registration, last = self._registry.asked_by(transaction)
        if registration is None or last is None or last.request is None or transaction.cseq < last.cseq:
            return
        given = copy.copy(transaction)
        given.request = last.request
        if transaction.cseq > last.cseq:
            self._unasked(registration, given)
        elif last.final is None and 200 <= transaction.status < 300:
            given.first = last.first
            self._overdue(registration, given)
        last.request.fold()
        given.request = None  # it stood for another

    def _overdue(self, registration: Registration, given: Transaction) -> None:
        """It answers a request that was given up."""
        if given.final is not None and given.first is not None and given.answered_at is not None:
            late = given.answered_at - given.first
            registration.history.overdue = Overdue(given.status, late, given.final.raw_message.evidence)
        self._reached.overheard(registration, given, _purpose(given))

    def _unasked(self, registration: Registration, given: Transaction) -> None:
        """Its request was not seen: it goes on with the attempt that waits, or was an attempt of its own."""
        current = registration.current
        waiting = current if current is not None and current.may_go_on_unseen(given) else None
        purpose = waiting.purpose if waiting is not None else _purpose(given)
        if waiting is not None:
            waiting.goes_on_unseen(given)
        if not 200 <= given.status < 300:
            return
        self._reached.overheard(registration, given, purpose, is_unseen=True)
        if waiting is None:
            attempt = Attempt(given)
            attempt.purpose = purpose
            attempt.answered()
            self._attempts[given.id] = registration, attempt

    def closed(self, transaction: Transaction) -> tuple[Registration, Attempt] | None:
        """The answer is closed: the attempt that it is alone, if its request was not seen up to now."""
        found = self._attempts.pop(transaction.id, None) if self._attempts else None
        if found is None or transaction.request is not None:
            return None
        found[0].attempts += 1
        return found


def _purpose(given: Transaction) -> Purpose:
    """What the request was for, by the one that stands for it. A removal that is done is not sent again: what comes
    after one registers."""
    assert given.request is not None and given.final is not None
    asked = purpose_of(given.request)
    if asked == "query":
        return "query"
    return "remove" if asked == "removal" and not given.final.contacts else "refresh"
