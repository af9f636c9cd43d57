"""What a rule looks at (DESIGN 4a): subjects, complete when they are handed over."""

from __future__ import annotations

from dataclasses import dataclass, field

from analyzer.evidence import Fidelity, Place
from analyzer.register.attempt import Attempt
from analyzer.register.binding import BindingEvent
from analyzer.register.boot import BootScore
from analyzer.register.challenges import Challenged
from analyzer.register.digests import DigestRecord
from analyzer.register.registration import Registration
from analyzer.register.registry import Stream
from analyzer.register.timers import AUTH_LINK
from analyzer.register.transaction import Transaction
from analyzer.sip.message import Message


@dataclass(slots=True)
class MessageSubject:
    """A request at its first copy, or the first final answer of a transaction.

    `earlier` is, for a request, the same client's transaction before this one.
    """

    message: Message
    transaction: Transaction
    registration: Registration | None
    earlier: Transaction | None = None

    @property
    def place(self) -> Place:
        """Where the message was seen."""
        return self.message.datagram.place


@dataclass(slots=True)
class TransactionSubject:
    """A transaction with its first final answer, or without one after 64*T1.

    `digests` are the credentials that it carried, `in_force` the challenges that stood for its client when it was
    first sent, by realm, the latest first; `next_nonce` the nonce that an answer had announced, by realm.
    """

    transaction: Transaction
    registration: Registration | None
    attempt: Attempt | None
    digests: list[DigestRecord] = field(default_factory=list)
    in_force: dict[str, list[Challenged]] = field(default_factory=dict)
    next_nonce: dict[str, str] = field(default_factory=dict)

    @property
    def place(self) -> Place:
        """Where the request was seen (or the answer, if it alone was)."""
        return self.transaction.place


@dataclass(slots=True)
class AttemptSubject:
    """An attempt that has its outcome; `registration` already counts it."""

    attempt: Attempt
    registration: Registration

    @property
    def transaction(self) -> Transaction:
        """The last transaction of the attempt."""
        return self.attempt.last

    @property
    def place(self) -> Place:
        """Where the attempt began."""
        return self.attempt.first.place


@dataclass(slots=True)
class StepSubject:
    """A new transaction of a client, with the ones before it.

    `earlier` is the client's (address-of-record, registrar) transaction before this one, None for its first;
    `same_call` the latest of the same Call-ID to the same destination; `stream` the Call-ID with its counter over all
    destinations, whose `last` is still the transaction before. `same_attempt` tells a retry from a new attempt.
    `boot` is scored when the Call-ID changed.
    """

    earlier: Transaction | None
    later: Transaction
    same_call: Transaction | None
    stream: Stream
    registration: Registration
    attempt: Attempt
    same_attempt: bool
    call_id_changed: bool
    boot: BootScore | None

    @property
    def transaction(self) -> Transaction:
        """The new transaction."""
        return self.later

    @property
    def answers_challenge(self) -> bool:
        """The new transaction brings credentials after the 401/407 of the one before under the same Call-ID."""
        earlier, later = self.same_call, self.later
        if earlier is None or not earlier.challenged or not later.has_credentials:
            return False
        if later.first is None or earlier.answered_at is None:
            return True
        return later.first - earlier.answered_at <= AUTH_LINK

    @property
    def place(self) -> Place:
        """Where the new transaction was first seen."""
        return self.later.place


@dataclass(slots=True)
class BindingSubject:
    """Something happened to a binding; `step` is the step of the request that did it, if it opened an attempt."""

    event: BindingEvent
    registration: Registration
    step: StepSubject | None

    @property
    def transaction(self) -> Transaction:
        """The transaction that did it."""
        return self.event.transaction

    @property
    def place(self) -> Place:
        """Where that transaction was first seen."""
        return self.event.transaction.place


Subject = MessageSubject | TransactionSubject | AttemptSubject | StepSubject | BindingSubject


def is_printed(subject: Subject) -> bool:
    """Whether the subject was read from a printed log."""
    transaction = subject.transaction
    message = transaction.request or transaction.final
    return message is not None and message.datagram.fidelity is Fidelity.PRINTED
