"""Run items through the reconstruction alone, and keep what it hands out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from analyzer.evidence import Item, NetworkError, RawMessage
from analyzer.judge.flowtext import read_flow
from analyzer.register.binding import BindingEvent
from analyzer.register.digest.secrets import Secrets
from analyzer.register.reconstruct import Reconstructor
from analyzer.register.registration import Registration
from analyzer.register.subjects import AttemptSubject, BindingSubject, MessageSubject, Subject, TransitionSubject
from analyzer.register.transaction import Transaction
from analyzer.sip.message import parse


@dataclass
class Watched:
    """What came out: subjects in order, transactions in the order of their end."""

    reconstructor: Reconstructor
    subjects: list[Subject] = field(default_factory=list)
    closed: list[Transaction] = field(default_factory=list)

    @property
    def transactions(self) -> list[Transaction]:
        """The transactions in the order in which they were first seen."""
        return sorted(self.closed, key=lambda transaction: transaction.id)

    @property
    def only(self) -> Transaction:
        """The one transaction."""
        (transaction,) = self.closed
        return transaction

    @property
    def registrations(self) -> list[Registration]:
        """All registrations."""
        return list(self.reconstructor.registry)

    @property
    def registration(self) -> Registration:
        """The one registration."""
        (registration,) = self.reconstructor.registry
        return registration

    @property
    def attempts(self) -> list[tuple[str, int, int]]:
        """Outcome, status, and number of transactions of each attempt, in the order in which they concluded."""
        found = [subject.attempt for subject in self.subjects if isinstance(subject, AttemptSubject)]
        return [(attempt.outcome, attempt.status, len(attempt.transactions)) for attempt in found]

    @property
    def steps(self) -> list[TransitionSubject]:
        """The steps."""
        return [subject for subject in self.subjects if isinstance(subject, TransitionSubject)]

    @property
    def events(self) -> list[BindingEvent]:
        """What happened to bindings."""
        return [subject.event for subject in self.subjects if isinstance(subject, BindingSubject)]

    @property
    def kinds(self) -> list[tuple[str, str]]:
        """What happened to which contact."""
        return [(event.kind, event.binding.contact) for event in self.events]

    @property
    def messages(self) -> list[MessageSubject]:
        """The messages that were handed out."""
        return [subject for subject in self.subjects if isinstance(subject, MessageSubject)]


def start(*, detail: bool = True, secrets: Secrets | None = None) -> Watched:
    """A run without items."""
    subjects: list[Subject] = []
    closed: list[Transaction] = []
    reconstructor = Reconstructor(
        secrets or Secrets(), lambda transaction, _: closed.append(transaction), subjects.append, detail=detail
    )
    return Watched(reconstructor, subjects, closed)


def put(watched: Watched, items: Iterable[Item]) -> Watched:
    """Feed items."""
    for item in items:
        if isinstance(item, NetworkError):
            watched.reconstructor.abort(item)
        else:
            watched.reconstructor.feed(parse(item))
    return watched


def watch(
    items: str | Iterable[Item], *, secrets: Secrets | None = None, tail: float = 0.0, log: bool = False
) -> Watched:
    """Feed a flow text or items, and end the source."""
    watched = start(secrets=secrets)
    put(watched, read_flow(items, tail=tail, log=log) if isinstance(items, str) else items)
    watched.reconstructor.finish()
    return watched


def raw_messages(flow: str, *, log: bool = False) -> list[RawMessage]:
    """The datagrams of a flow text."""
    return [item for item in read_flow(flow, log=log) if isinstance(item, RawMessage)]


def without_clock(items: Iterable[Item]) -> list[Item]:
    """The items as a source without clock gives them."""
    return [replace(item, time=None) for item in items]


def shifted(items: Iterable[Item], nanoseconds: int) -> list[Item]:
    """The items at another time."""
    return [replace(item, time=(item.time or 0) + nanoseconds) for item in items]


def edited(item: RawMessage, old: bytes, new: bytes) -> RawMessage:
    """The datagram with some octets changed; fails where they are not there."""
    assert old in item.payload
    return replace(item, payload=item.payload.replace(old, new, 1))


def summary(transaction: Transaction) -> tuple[str, int, int, int]:
    """State, status, retransmissions and duplicates."""
    return (transaction.state, transaction.status, transaction.retransmissions, transaction.duplicates)
