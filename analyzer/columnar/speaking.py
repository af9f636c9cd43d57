"""What is said of a client that is refused, or has no answer, with numbers of its own: how often, for how long, after
how many seconds (docs/columnar.md).

No class can answer that for others. So the rules themselves are asked, about each such client, and are given what they
look at: its registration at that time, the credentials that were refused before, the tries that failed in a row. All
this is put together by the object path's own ledgers. Of the representatives the answers have to be those that the
object path gave.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

import numpy as np

from analyzer.columnar.classes import SPEAKING, SPOKEN, Told
from analyzer.columnar.records import Unsuited
from analyzer.columnar.rows import Rows
from analyzer.columnar.shared import Capture
from analyzer.columnar.turns import Listener, Try, Turn
from analyzer.evidence import Endpoint
from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import SINGLE, Answer, Rule
from analyzer.register.digest_ledger import DigestRecord, accepted
from analyzer.register.refused_credentials import Refusal, Refusals
from analyzer.register.registration import Registration
from analyzer.register.retries import Retries
from analyzer.register.signs import Signs
from analyzer.register.subjects import AttemptSubject, TransactionSubject, TransitionSubject


class Hearer(Protocol):
    """Who hears what the rules say."""

    def say(self, which: int, told: Told, rule: Rule, answers: tuple[Answer, ...], registration: Registration) -> None:
        """What a rule answers about a transaction."""

    def ended(self, attempt: Try, registration: Registration) -> None:
        """An attempt without an answer has its outcome."""


class _Context:
    """The view of the capture at message `number`, with the tries of one columnar client in place of others'."""

    def __init__(self, context: CaptureContext, capture: Capture) -> None:
        self._context, self.retries = context, Retries()
        self._waiting, self._answering = capture.waiting, capture.answering
        self.number = 1

    @property
    def end(self) -> int:
        """The latest time so far."""
        return self._waiting.passing.end_at(self.number)

    def last_heard(self, host: str) -> int | None:
        """When anything was last heard from a host."""
        return self._waiting.passing.heard_by(host, self.number)

    def port_answers(self, server: Endpoint) -> bool:
        """Whether any answer was seen from this very port; in columns, it is the first of its address that answers."""
        return self._answering.since(server) < self.number

    answers_from = port_answers

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)


class _Teller(Listener):
    """Asks about the attempts of a client when they end; `tries` are these, in the order in which they begin."""

    def __init__(self, speaker: Speaker, hearer: Hearer) -> None:
        self._speaker, self._hearer = speaker, hearer
        self.tries: list[Try] = []

    def cause(self, which: int) -> str:
        """Why an attempt failed, as was told of its class."""
        return self._speaker.cause(which)

    def silent(self, attempt: Try, registration: Registration) -> None:
        """Ask about a transaction without an answer."""
        last = attempt.last
        subject = _Subject(registration, attempt, last)
        self._speaker.ask(last.which, TransactionSubject, subject, self._hearer, last.decided)

    def concluded(self, attempt: Try, registration: Registration) -> None:
        """Ask about an attempt."""
        self.tries.append(attempt)
        last, subject = attempt.last, _Subject(registration, attempt, attempt.last)
        self._speaker.ask(last.which, AttemptSubject, subject, self._hearer, last.decided)
        if last.final is None:
            self._hearer.ended(attempt, registration)


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
    """Asks the rules that speak about clients in trouble; `examples` are credentials of each class."""

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
        self._context = _Context(context, rows.capture)
        self._kinds = rows.capture.clients.kind.data
        self._wanted: dict[tuple[int, type], list[tuple[Told, Rule]]] = {}
        self._records: dict[int, DigestRecord] = {}

    def registration(self, client: int, hearer: Hearer) -> Registration:
        """The registration of a client, all of whose rules that speak are asked."""
        rows = self._rows
        if not rows.is_troubled(client):
            return rows.registration(client)
        teller = _Teller(self, hearer)
        found = rows.registration(client, teller)
        tries = sorted(teller.tries, key=lambda one: one.first.id)
        self._ask_of_steps(tries, found, hearer)
        self._ask_of_credentials(tries, found, hearer)
        return found

    def cause(self, which: int) -> str:
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

    def ask(self, which: int, kind: type, subject: _Subject, hearer: Hearer, number: int) -> None:
        """Ask the rules that speak about a transaction, or what it ends, when the run is at message `number`."""
        self._context.number = number
        for told, rule in self._speaking(which, kind):
            try:
                answers: Any = rule.check(subject, self._context)
                several = (answers,) if isinstance(answers, SINGLE) else tuple(answers)
            except Exception as error:  # of what columns tell it nothing, or by a bug: the object path says which
                raise Unsuited(f"columns cannot tell {rule.id} what it asks") from error
            hearer.say(which, told, rule, several, subject.registration)

    def _ask_of_steps(self, tries: Sequence[Try], registration: Registration, hearer: Hearer) -> None:
        """Ask about each transaction and the one before."""
        turns = [(turn, turn is not attempt.first) for attempt in tries for turn in attempt.transactions]
        if not any(self._speaking(turn.which, TransitionSubject) for turn, _ in turns):
            return
        needs_tries = any(_is_tried_again(turn) for turn, _ in turns)
        self._context.retries = Retries()
        for (earlier, _), (later, same_attempt) in pairwise(turns):
            if not (needs_tries or self._speaking(later.which, TransitionSubject)):
                continue
            subject = _Subject(registration, None, later, earlier=earlier, later=later, same_attempt=same_attempt)
            if needs_tries:
                self._note(subject, earlier, later)
            self.ask(later.which, TransitionSubject, subject, hearer, later.id)

    def _note(self, subject: _Subject, earlier: Turn, later: Turn) -> None:
        """Let the ledger of tries hold two requests against each other: themselves, where a try failed and their shapes
        differ."""
        has_failed = not (subject.same_attempt or earlier.status == 200 or earlier.challenged)
        if has_failed and self._rows.example(earlier.which) is not self._rows.example(later.which):
            subject = replace(
                subject,
                earlier=replace(earlier, request=self._rows.message(earlier.which)),
                later=replace(later, request=self._rows.message(later.which)),
            )
        self._context.retries.note(subject)  # type: ignore[arg-type]

    def _ask_of_credentials(self, tries: Sequence[Try], registration: Registration, hearer: Hearer) -> None:
        """Ask about each transaction with credentials, and those that were refused before."""
        turns = [turn for attempt in tries for turn in attempt.transactions if turn.final is not None]
        if not any(self._speaking(turn.which, TransactionSubject) for turn in turns):
            return
        refusals, username = Refusals(), self._usernames[registration.id]
        asked: Turn | None = None
        for turn in turns:
            if turn.has_credentials and asked is not None and asked.answered_at is not None:
                record = self._record(turn, username)
                in_force = {record.realm: [_Challenged(record.header, (record.nonce,), asked.answered_at)]}
                refusal = _taken(refusals, turn, registration, record, in_force)
                subject = _Subject(registration, None, turn, [record], Signs(refusal))
                self.ask(turn.which, TransactionSubject, subject, hearer, turn.decided)
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
    without credentials, or that has no answer, or one of a client that manages flows (RFC 5626)."""
    is_refused = turn.status >= 400 and not turn.challenged and not turn.has_credentials
    return is_refused or turn.final is None or b"outbound" in turn.request.raw.lower()


def _taken(
    refusals: Refusals,
    turn: Turn,
    registration: Registration,
    record: DigestRecord,
    in_force: Mapping[str, Sequence[_Challenged]],
) -> Refusal | None:
    return refusals.take(turn, registration, [record], in_force)  # type: ignore[arg-type]
