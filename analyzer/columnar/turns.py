"""Transactions and attempts of clients that are refused or have no answer, as the object path's own ledgers and rules
look at them (docs/columnar.md).

What such a client comes to is put together by `register/registration.py` itself, attempt by attempt, and what depends
on more than its class is asked of the rules themselves. Both are given no messages but these: what columns hold, and of
all else the first message of the shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from analyzer.evidence import Endpoint, Evidence, LogNotice, Place
from analyzer.register.attempt import Outcome, Purpose
from analyzer.register.history import FAILED
from analyzer.register.registration import Registration
from analyzer.register.transaction import State
from analyzer.sip.message import Message


@dataclass(slots=True)
class Seen:
    """Where and when a message was seen, whole."""

    evidence: Evidence
    missing: int = 0
    notices: tuple[LogNotice, ...] = ()


class Words:
    """What all final responses of a shape say, as its first message has it. Each header is looked up once."""

    def __init__(self, example: Message) -> None:
        self.example = example
        self._firsts: dict[str, str | None] = {}

    def first(self, name: str) -> str | None:
        """The first value of a header."""
        if name not in self._firsts:
            self._firsts[name] = self.example.first(name)
        return self._firsts[name]


class Answer:
    """A final response: all that its shape says, but for where and when it was seen."""

    __slots__ = ("_words", "first", "raw_message", "reason", "status")

    def __init__(self, words: Words, evidence: Evidence) -> None:
        self._words = words
        self.first = words.first
        self.raw_message = Seen(evidence)
        self.reason, self.status = words.example.reason, words.example.status

    def __getattr__(self, name: str) -> Any:
        return getattr(self._words.example, name)


@dataclass(slots=True)
class Turn:
    """A transaction: `which` it is in columns, its number, when its request came first and last and was answered
    (nanoseconds; None without an answer), and where that is. `request` is one of its shape, or its own where it is held
    against another's; `retransmissions` came before its answer, and `copies` are the first of them where there is
    none. `decided` is the number of its final response, or of the message at which it is noticed that none comes."""

    which: int
    id: int
    source: Endpoint
    destination: Endpoint
    evidence: Evidence
    last: int
    answered_at: int | None
    final: Answer | None
    request: Message
    has_credentials: bool
    retransmissions: int
    decided: int
    state: State = "answered"
    copies: tuple[Evidence, ...] = ()
    provisional: tuple[int, ...] = ()
    aborted: None = None
    old_answer: None = None
    path: None = None
    is_first_hop: bool = True
    transport: str = "UDP"
    stream: int = 0
    via_count: int = 1
    is_holed: bool = False

    @property
    def first(self) -> int | None:
        """When its request came first."""
        return self.evidence.time

    begun_at_most = first

    @property
    def place(self) -> Place:
        """Where that is."""
        return self.evidence.place

    @property
    def status(self) -> int:
        """The status of its answer, 0 without one."""
        return self.final.status if self.final is not None else 0

    @property
    def challenged(self) -> bool:
        """Whether it is answered with a challenge."""
        return self.status == 401

    has_challenge = challenged


@dataclass(slots=True)
class Try:
    """An attempt, and its outcome when it has one; `is_behind` tells that it answers the challenge by which the one
    before was refused."""

    transactions: tuple[Turn, ...]
    purpose: Purpose
    outcome: Outcome
    status: int
    is_behind: bool = False
    notices: tuple[LogNotice, ...] = ()
    told: tuple[LogNotice, ...] = ()
    too_brief: bool = False

    @property
    def first(self) -> Turn:
        """The transaction that began it."""
        return self.transactions[0]

    @property
    def last(self) -> Turn:
        """The one that ended it."""
        return self.transactions[-1]

    @property
    def decided_by(self) -> Evidence:
        """Where and when its answer was seen, or the request that has none."""
        final = self.last.final
        return final.raw_message.evidence if final is not None else self.last.evidence

    @property
    def credentialed(self) -> bool:
        """Whether it brought credentials."""
        return self.last.has_credentials

    @property
    def is_late_answer(self) -> bool:
        """Whether it began with credentials for a challenge that had ended the one before."""
        return self.is_behind


def outcome_of(last: Turn) -> Outcome:
    """How an attempt ends whose last transaction this is."""
    if last.final is None:
        return "timeout" if last.state == "timeout" else "open"
    return "registered" if last.status == 200 else "rejected"


class Listener:
    """Who is told of the attempts of a client, in the order in which they end."""

    def cause(self, which: int) -> str:
        """Why an attempt failed that ended with this transaction, as its class has it."""
        return ""

    def silent(self, attempt: Try, registration: Registration) -> None:
        """The last transaction of an attempt has no answer; the registration has not counted it."""

    def concluded(self, attempt: Try, registration: Registration) -> None:
        """The registration has counted an attempt."""


class Holding:
    """What is known of the contact of a client: whether it is bound for certain, and since when that is known."""

    def __init__(self) -> None:
        self.learned: int | None = None
        self.is_certain = False

    def take(self, turn: Turn) -> None:
        """Take in how a transaction ended, as `register/binding.py` does: a grant binds, and who has no answer may be
        bound or not, unless a later answer has told."""
        if turn.status == 200:
            self.learned, self.is_certain = turn.answered_at, True
        elif turn.final is None and self.learned is not None and turn.first is not None and self.learned <= turn.first:
            self.is_certain = False


def conclude(
    one: Registration, tries: Sequence[tuple[Turn, ...]], listener: Listener, *, copies: int, detail: bool
) -> Holding:
    """Let a registration count the attempts of its client, each the transactions of one, in the order in which they
    begin and end, as the object path does. `copies` are those of the last request, at the end. Gives what is bound
    then."""
    holding = Holding()
    begun: dict[int, Try] = {}
    steps = [(turns[0].id, 1, at) for at, turns in enumerate(tries)]
    steps += [(turns[-1].decided, 2 * (turns[-1].final is not None), at) for at, turns in enumerate(tries)]
    for _, _, at in sorted(steps):  # it is noticed that no answer comes before the message is read at which it is
        turns = tries[at]
        if at not in begun:
            one.attempts += 1
            one.refreshes += one.outcome == "registered"
            is_behind = turns[0].has_credentials and at > 0 and tries[at - 1][-1].challenged
            purpose: Purpose = "register" if holding.learned is None else "refresh"
            begun[at] = Try(turns, purpose, "open", 0, is_behind)
        else:
            _end(one, begun[at], holding, listener, detail=detail)
    one.last_transaction = replace(tries[-1][-1], retransmissions=copies)  # type: ignore[assignment]
    one.seal()
    return holding


def _end(one: Registration, attempt: Try, holding: Holding, listener: Listener, *, detail: bool) -> None:
    last = attempt.last
    holding.take(last)
    attempt.status, attempt.outcome = last.status, outcome_of(last)
    if last.final is None:
        listener.silent(attempt, one)
    is_failed = attempt.outcome in FAILED
    cause = listener.cause(last.which) if is_failed and last.final is not None else ""
    one.conclude(attempt, cause, bound=int(is_failed and holding.is_certain), detail=detail)  # type: ignore[arg-type]
    listener.concluded(attempt, one)
