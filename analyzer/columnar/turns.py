"""Transactions and attempts of clients that are refused, as the object path's own ledgers and rules look at them
(docs/columnar.md).

What such a client comes to is put together by `register/registration.py` itself, attempt by attempt, and what depends
on more than its class is asked of the rules themselves. Both are given no messages but these: what columns hold, and of
all else the first message of the shape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from analyzer.evidence import Endpoint, Evidence, LogNotice, Place
from analyzer.register.attempt import Outcome, Purpose
from analyzer.register.registration import Registration
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
    (nanoseconds), and where that is. `request` is one of its shape, or its own where it is held against another's;
    `retransmissions` came before its answer."""

    which: int
    id: int
    destination: Endpoint
    evidence: Evidence
    last: int
    answered_at: int
    final: Answer
    request: Message
    has_credentials: bool
    retransmissions: int
    provisional: tuple[int, ...] = ()
    aborted: None = None

    @property
    def first(self) -> int | None:
        """When its request came first."""
        return self.evidence.time

    @property
    def place(self) -> Place:
        """Where that is."""
        return self.evidence.place

    @property
    def status(self) -> int:
        """The status of its answer."""
        return self.final.status

    @property
    def challenged(self) -> bool:
        """Whether it is answered with a challenge."""
        return self.status == 401

    has_challenge = challenged


@dataclass(slots=True)
class Try:
    """An attempt that has its outcome; `is_behind` tells that it answers the challenge by which the one before was
    refused."""

    transactions: tuple[Turn, ...]
    purpose: Purpose
    outcome: Outcome
    status: int
    is_behind: bool = False
    notices: tuple[LogNotice, ...] = ()
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
        """Where and when its answer was seen."""
        return self.last.final.raw_message.evidence

    @property
    def credentialed(self) -> bool:
        """Whether it brought credentials."""
        return self.last.has_credentials

    @property
    def is_late_answer(self) -> bool:
        """Whether it began with credentials for a challenge that had ended the one before."""
        return self.is_behind


Concluded = Callable[[Try, Registration], None]
"""What is told of each attempt of a client that is refused, when its registration counts it."""
Causes = Callable[[int], str]
"""Tells why an attempt failed that ended with this transaction, as its class has it."""


def conclude(
    one: Registration,
    tries: Iterable[tuple[Turn, ...]],
    cause_of: Causes,
    concluded: Concluded,
    *,
    copies: int,
    detail: bool,
) -> None:
    """Let a registration count the attempts of its client, each the transactions of one, in order, as the object path
    does. `copies` are those of the last request, at the end."""
    bound = 0
    for turns in tries:
        one.attempts += 1
        one.refreshes += one.outcome == "registered"
        last = turns[-1]
        is_failed = last.status != 200
        outcome: Outcome = "rejected" if is_failed else "registered"
        attempt = Try(turns, "refresh" if bound else "register", outcome, last.status, turns[0].has_credentials)
        cause = cause_of(last.which) if is_failed else ""
        one.conclude(attempt, cause, bound=bound if is_failed else 0, detail=detail)  # type: ignore[arg-type]
        concluded(attempt, one)
        bound |= not is_failed
    one.last_transaction = replace(last, retransmissions=copies)  # type: ignore[assignment]
    one.seal()
