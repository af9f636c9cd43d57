"""What is said of a client that is refused with numbers of its own: how often, for how long, after how many seconds
(docs/columnar.md).

No class can answer that for others. So the rules themselves are asked, about each such client, and are given what they
look at: its registration at that time, the credentials that were refused before, the tries that failed in a row. All
this is put together by the object path's own ledgers. Of the representatives the answers have to be those that the
object path gave.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from analyzer.columnar.classes import SPEAKING, SPOKEN, Told
from analyzer.columnar.records import Unsuited
from analyzer.columnar.rows import Rows
from analyzer.columnar.turns import Try, Turn
from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import SINGLE, Answer, Rule
from analyzer.register.digest_ledger import DigestRecord, accepted
from analyzer.register.refused_credentials import Refusal, Refusals
from analyzer.register.registration import Registration
from analyzer.register.retries import Retries
from analyzer.register.signs import Signs
from analyzer.register.subjects import AttemptSubject, TransactionSubject, TransitionSubject

Say = Callable[[int, Told, Rule, tuple[Answer, ...], Registration], None]
"""What is done with the answers of a rule about a transaction."""


class _Context:
    """The view of the capture, with the tries of one columnar client in place of those of others."""

    def __init__(self, context: CaptureContext) -> None:
        self._context, self.retries = context, Retries()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)


@dataclass(slots=True)
class _Subject:
    """A step, an attempt or a transaction, as far as the rules of `SPEAKING` look at it."""

    registration: Registration
    attempt: Try | None = None
    transaction: Turn | None = None
    digests: Sequence[DigestRecord] = ()
    signs: Signs | None = None
    earlier: Turn | None = None
    later: Turn | None = None
    same_attempt: bool = False


class _Challenged(NamedTuple):
    """A challenge in force, as `register/refused_credentials.py` looks at it."""

    header: str
    nonces: tuple[str, ...]
    time: int


class Speaker:
    """Asks the rules that speak about clients that are refused; `examples` are credentials of each class."""

    def __init__(
        self,
        rows: Rows,
        rules: Sequence[Rule],
        context: CaptureContext,
        answers: Mapping[int, Sequence[Told]],
        examples: Mapping[int, DigestRecord],
    ) -> None:
        self._rows, self._answers, self._examples = rows, answers, examples
        self._rules = {rule.id: rule for rule in rules if rule.id in SPEAKING}
        self._context = _Context(context)
        self._kinds = rows.capture.clients.kind.data
        self._wanted: dict[tuple[int, type], list[tuple[Told, Rule]]] = {}
        self._records: dict[int, DigestRecord] = {}

    def registration(self, client: int, say: Say) -> Registration:
        """The registration of a client, all of whose rules that speak are asked."""
        rows = self._rows
        if not rows.is_refused(client):
            return rows.registration(client)
        tries: list[Try] = []

        def concluded(attempt: Try, registration: Registration) -> None:
            tries.append(attempt)
            subject = _Subject(registration, attempt)
            self._ask(attempt.last.which, AttemptSubject, subject, say)

        found = rows.registration(client, self._cause, concluded)
        self._ask_of_steps(tries, found, say)
        self._ask_of_credentials(tries, found, say)
        return found

    def _cause(self, which: int) -> str:
        """Why an attempt failed that ended with a transaction, as was told of its class."""
        told = self._answers.get(self._kinds[which], ())
        return next((one.cause for one in told if one.subject is AttemptSubject), "")

    def _speaking(self, which: int, subject: type) -> list[tuple[Told, Rule]]:
        """The rules that speak about a transaction, or what it ends, with what was told of its class."""
        kind = self._kinds[which]
        found = self._wanted.get((kind, subject))
        if found is None:
            found = self._wanted[kind, subject] = [
                (told, self._rules[name])
                for told in self._answers.get(kind, ())
                for name, answers in told.answers
                if told.subject is subject and SPOKEN in answers
            ]
        return found

    def _ask(self, which: int, kind: type, subject: _Subject, say: Say) -> None:
        for told, rule in self._speaking(which, kind):
            try:
                answers: Any = rule.check(subject, self._context)
                several = (answers,) if isinstance(answers, SINGLE) else tuple(answers)
            except Exception as error:  # of what columns tell it nothing, or by a bug: the object path says which
                raise Unsuited(f"columns cannot tell {rule.id} what it asks") from error
            say(which, told, rule, several, subject.registration)

    def _ask_of_steps(self, tries: Sequence[Try], registration: Registration, say: Say) -> None:
        """Ask about each transaction and the one before."""
        turns = [(turn, turn is not attempt.first) for attempt in tries for turn in attempt.transactions]
        if not any(self._speaking(turn.which, TransitionSubject) for turn, _ in turns):
            return
        needs_tries = any(_is_tried_again(turn) for turn, _ in turns)
        self._context.retries = Retries()
        for (earlier, _), (later, same_attempt) in pairwise(turns):
            if not (needs_tries or self._speaking(later.which, TransitionSubject)):
                continue
            subject = _Subject(registration, earlier=earlier, later=later, same_attempt=same_attempt)
            if needs_tries:
                self._note(subject, earlier, later)
            self._ask(later.which, TransitionSubject, subject, say)

    def _note(self, subject: _Subject, earlier: Turn, later: Turn) -> None:
        """Let the ledger of tries hold two requests against each other: themselves, where their shapes differ."""
        capture = self._rows.capture
        rows = capture.exchanges.first[[earlier.which, later.which]].tolist()
        one, two = capture.shapes.of[rows].tolist()
        if one != two:
            earlier, later = (
                replace(turn, request=capture.values.scanned.message(row))
                for turn, row in zip((earlier, later), rows, strict=True)
            )
        self._context.retries.note(replace(subject, earlier=earlier, later=later))  # type: ignore[arg-type]

    def _ask_of_credentials(self, tries: Sequence[Try], registration: Registration, say: Say) -> None:
        """Ask about each transaction with credentials, and those that were refused before."""
        turns = [turn for attempt in tries for turn in attempt.transactions]
        if not any(self._speaking(turn.which, TransactionSubject) for turn in turns):
            return
        refusals, username = Refusals(), self._usernames[registration.id]
        asked: Turn | None = None
        for turn in turns:
            if turn.has_credentials and asked is not None:
                record = self._record(turn, username)
                in_force = {record.realm: [_Challenged(record.header, (record.nonce,), asked.answered_at)]}
                refusal = _taken(refusals, turn, registration, record, in_force)
                subject = _Subject(registration, None, turn, [record], Signs(refusal))
                self._ask(turn.which, TransactionSubject, subject, say)
            asked = turn if turn.challenged else asked

    @cached_property
    def _usernames(self) -> dict[int, str]:
        """The name that each client that is refused has in its credentials, by the number of its registration."""
        capture = self._rows.capture
        clients, exchanges = capture.clients, capture.exchanges
        which = clients.order[clients.troubled[clients.order] & capture.shapes.carry(exchanges.first[clients.order])]
        _, first = np.unique(clients.of[which], return_index=True)
        names = capture.values.texts(exchanges.first[which[first]], "username")
        begins = clients.order[clients.starts[clients.of[which[first]]]]
        return {self._rows.number(one): name for one, name in zip(begins.tolist(), names, strict=True)}

    def _record(self, turn: Turn, username: str) -> DigestRecord:
        """The credentials of a transaction, as far as they are looked at here; they answer the challenge in force, so
        which nonce that is matters not."""
        kind = self._kinds[turn.which]
        record = self._records.get(kind)
        if record is None:
            example = self._examples[kind]
            record = self._records[kind] = replace(example, accepted=accepted(example.header, turn.status))
        record.username, record.place, record.time = username, turn.place, turn.first
        return record


def _is_tried_again(turn: Turn) -> bool:
    """Whether rules look at how soon a request like this was tried again, and whether unchanged: one that was refused
    without credentials, or one of a client that manages flows (RFC 5626)."""
    is_refused = turn.status >= 400 and not turn.challenged and not turn.has_credentials
    return is_refused or b"outbound" in turn.request.raw.lower()


def _taken(
    refusals: Refusals,
    turn: Turn,
    registration: Registration,
    record: DigestRecord,
    in_force: Mapping[str, Sequence[_Challenged]],
) -> Refusal | None:
    return refusals.take(turn, registration, [record], in_force)  # type: ignore[arg-type]
