"""What the tables need beside the report: every message of a REGISTER and every attempt, kept while the run goes on.

The rest of the tool forgets messages as soon as they were judged. A `Recorder` listens where both are known for a
moment, at the matching of messages and at the emission of subjects, and exists only where tables were asked for: a run
without it takes the very same path as ever. Messages are kept in columns of machine numbers, some 60 octets each.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from analyzer.evidence import Endpoint
from analyzer.register.binding import MOST_CONTACTS
from analyzer.register.bounded import MessageCounter
from analyzer.register.contact_relations import match_contacts
from analyzer.register.contacts import Contacts
from analyzer.register.events import Event
from analyzer.register.matching import TransactionTable
from analyzer.register.requested import requested_expiry
from analyzer.register.subjects import AttemptSubject, Subject
from analyzer.register.transaction import Transaction
from analyzer.sip.message import Message

UNKNOWN = -(2**63)
"""Stands for no time and no number in columns of machine numbers (it is also what `NaT` is made of)."""


class Facts(NamedTuple):
    """What the messages of a transaction say beyond its row: seconds, None where nothing is said; `last_sent` is the
    time of the last copy of the request, nanoseconds."""

    last_sent: int | None
    requested: int | None
    granted: int | None
    retry_after: int | None
    min_expires: int | None
    user_agent: str


class AttemptRow(NamedTuple):
    """An attempt after its end. `first` and `last` number its transactions; times are nanoseconds or None: of the first
    copy of its first request, and of its last answer (without one, of the last copy of its last request)."""

    first: int
    last: int
    registration: int
    transactions: int
    start: int | None
    end: int | None
    outcome: str
    status: int
    credentials: bool
    too_brief: bool


@dataclass(slots=True, repr=False)
class Recording:
    """Messages in columns, attempts in rows. `number` is that of the message in the run; a request has status 0."""

    number: array[int] = field(default_factory=lambda: array("q"))
    time: array[int] = field(default_factory=lambda: array("q"))
    transaction: array[int] = field(default_factory=lambda: array("q"))
    request: array[int] = field(default_factory=lambda: array("b"))
    status: array[int] = field(default_factory=lambda: array("l"))
    copy: array[int] = field(default_factory=lambda: array("b"))
    size: array[int] = field(default_factory=lambda: array("l"))
    frame: array[int] = field(default_factory=lambda: array("q"))
    source: list[Endpoint] = field(default_factory=list)
    destination: list[Endpoint] = field(default_factory=list)
    source_file: list[str] = field(default_factory=list)
    attempts: list[AttemptRow] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"<Recording of {len(self.number):,} messages>"

    def renumber(self, transaction: Callable[[int], int], registration: Callable[[int], int]) -> None:
        """Take the numbers that transactions and registrations have among those of all workers."""
        self.transaction = array("q", map(transaction, self.transaction))
        self.attempts = [
            AttemptRow._make((transaction(row.first), transaction(row.last), registration(row.registration), *row[3:]))
            for row in self.attempts
        ]


NUMBERS = ("number", "time", "transaction", "request", "status", "copy", "size", "frame")
OBJECTS = ("source", "destination", "source_file")
"""The columns of a `Recording`, a value for each message."""


def together(several: Sequence[Recording]) -> Recording:
    """The recording of one process, of those of several workers: in the order of the messages in the run."""
    whole = several[0]
    for other in several[1:]:
        for name in (*NUMBERS, *OBJECTS, "attempts"):
            getattr(whole, name).extend(getattr(other, name))
    if len(several) > 1:
        order = sorted(range(len(whole.number)), key=whole.number.__getitem__)
        for name in NUMBERS:
            column: array[int] = getattr(whole, name)
            setattr(whole, name, array(column.typecode, map(column.__getitem__, order)))
        for name in OBJECTS:
            setattr(whole, name, list(map(getattr(whole, name).__getitem__, order)))
    whole.attempts.sort()
    return whole


class Recorder:
    """Listens to one run: `table` takes the place of its transaction table, `hearing` that of who hears its subjects,
    and `facts` is asked once for each transaction, at its end."""

    def __init__(self) -> None:
        self.recording = Recording()
        self._asked: dict[int, tuple[int | None, str]] = {}
        self._told: dict[int, tuple[int | None, int | None, int | None]] = {}
        self._same: dict[Endpoint, Endpoint] = {}

    def table(self, counter: MessageCounter) -> TransactionTable:
        """A transaction table that tells of each message."""
        return _ToldTable(counter, self)

    def hearing(self, emit: Callable[[Subject], None]) -> Callable[[Subject], None]:
        """Hear of the attempts on their way to `emit`."""

        def heard(subject: Subject) -> None:
            if isinstance(subject, AttemptSubject):
                self.recording.attempts.append(_attempt_row(subject))
            emit(subject)

        return heard

    def facts(self, transaction: Transaction) -> Facts:
        """What was said in a transaction that has ended."""
        requested, agent = self._asked.pop(transaction.id, (None, ""))
        granted, retry_after, min_expires = self._told.pop(transaction.id, (None, None, None))
        last_sent = transaction.last if transaction.request is not None else None
        return Facts(last_sent, requested, granted, retry_after, min_expires, agent)

    def take(self, number: int, message: Message, transaction: Transaction, *, copy: bool) -> None:
        """Note a message of a REGISTER; `number` is that of the message in the run."""
        raw_message, recording, same = message.raw_message, self.recording, self._same
        place, time = raw_message.place, raw_message.time
        recording.number.append(number)
        recording.time.append(UNKNOWN if time is None or not UNKNOWN < time < -UNKNOWN else time)
        recording.transaction.append(transaction.id)
        recording.request.append(bool(message.method))
        recording.status.append(message.status)
        recording.copy.append(copy)
        recording.size.append(len(raw_message.payload) + raw_message.missing)
        recording.frame.append(place[1])
        recording.source.append(same.setdefault(raw_message.source, raw_message.source))
        recording.destination.append(same.setdefault(raw_message.destination, raw_message.destination))
        recording.source_file.append(place[0])
        if message is transaction.request:
            self._asked[transaction.id] = requested(message), message.user_agent
        elif message is transaction.final:
            self._told[transaction.id] = (
                granted(transaction.request, message),
                message.retry_after,
                message.min_expires,
            )


class _ToldTable(TransactionTable):
    """Matches as its parent does, and tells the recorder which message went where. What a capture holds twice is one
    message, as in the summary."""

    def __init__(self, counter: MessageCounter, recorder: Recorder) -> None:
        super().__init__(counter)
        self._recorder = recorder

    def feed(self, message: Message) -> list[Event]:
        """Take in one message."""
        duplicates, self.matched = self.duplicates, None
        events = super().feed(message)
        if self.duplicates != duplicates:
            return events
        transaction = events[0].transaction if message.method and events else self.matched
        if transaction is not None and transaction.method == "REGISTER":
            copy = events[0].kind == "copied" if message.method else _is_repeated(transaction, message)
            self._recorder.take(self._ordinal.number, message, transaction, copy=copy)
        return events


def _is_repeated(transaction: Transaction, answer: Message) -> bool:
    """Whether an answer of the same status came before to the same transaction."""
    if answer.status < 200:
        return transaction.provisional.count(answer.status) > 1
    return answer is not transaction.final and answer.status == transaction.status


def requested(request: Message) -> int | None:
    """The seconds that a REGISTER asks for: of its first contact, which may say so itself, or in Expires (RFC 3261
    10.2.1.1). None for a query, and where it leaves the interval to the registrar."""
    contacts = request.contacts
    return requested_expiry(contacts[0], request.expires) if contacts else None


def granted(request: Message | None, final: Message) -> int | None:
    """The seconds that a 2xx grants to the first contact asked for (RFC 3261 10.3 step 8), in whatever form it lists
    it. A list of one contact alone is taken for that one, as boxes on the way rewrite contacts. None where the answer
    does not tell."""
    asked = request.contacts if request is not None else []
    if not 200 <= final.status < 300 or not asked or not final.contacts:
        return None
    position = Contacts(final.contacts).find(asked[0])
    if position is None and len(final.contacts) > 1 and request is not None:
        found = match_contacts(asked[:MOST_CONTACTS], final.contacts[:MOST_CONTACTS], request, lambda _: None)
        position = next((at for at, one in found.items() if one.asked == 0), None)
    if position is None and (len(final.contacts) > 1 or asked[0].star):
        return None
    return requested_expiry(final.contacts[position or 0], final.expires)


def _attempt_row(subject: AttemptSubject) -> AttemptRow:
    attempt = subject.attempt
    first, last = attempt.first, attempt.last
    return AttemptRow(
        first=first.id,
        last=last.id,
        registration=subject.registration.id,
        transactions=len(attempt.transactions),
        start=first.first,
        end=last.answered_at if last.answered_at is not None else last.last,
        outcome=attempt.outcome,
        status=attempt.status,
        credentials=attempt.credentialed,
        too_brief=attempt.too_brief,
    )
