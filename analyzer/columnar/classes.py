"""Classes of transactions, and what the rules answer of each: representatives are sent through the object path, which
judges them as anybody (docs/columnar.md).

There is no second set of rules here. All that is asked about one transaction (its messages, the step to it, what it
does to bindings, the attempt that it ends, its end) is written down for the representatives. Of each class there are
several, of different clients; only where all of them had the same answers, word for word, these are the class's. They
differ in each name that a sentence may have, unless the whole class has it in common: two that share a user name of
credentials, say, would be told alike, and those with another one as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from analyzer.columnar.clients import Clients
from analyzer.columnar.records import Flags, Numbers
from analyzer.evidence import Evidence
from analyzer.judge.context import CaptureContext
from analyzer.judge.dispatch import LACKING_BITS, missing_evidence
from analyzer.judge.findings import SINGLE, Answer, Rule, Violated
from analyzer.judge.tally import Tally
from analyzer.register.bounded import MessageCounter
from analyzer.register.digest_ledger import DigestRecord
from analyzer.register.history import FAILED
from analyzer.register.subjects import AttemptSubject, EndSubject, Subject, TransactionSubject

REPRESENTATIVES = 2
"""Transactions of a class whose answers have to be the same; of a class that has no more, all are judged."""
_LOOKED_AT = 48
"""Members of a class among which its representatives are chosen."""
_OF_ONE_CLIENT = 4
"""Transactions of one client and class whose answers are written down: those of a long course are alike, and to write
down takes longer than to judge."""


SPEAKING = (
    *("DET-auth-loop", "R3261-21.4-retry-unmodified", "R3261-21.5.4-retry-after"),
    *("R3261-22.1-same-credentials", "R5626-4.5-backoff"),
    *("R3261-17.2-unanswered", "R3261-10.2.7-retry-after-timeout"),
)
"""Rules that say of a client that is refused, or has no answer, what no class can say of others; each is asked
(`speaking.py`)."""


class Spoken(NamedTuple):
    """Stands for what one of these answers."""


SPOKEN = Spoken()


class Slot(NamedTuple):
    """A piece of evidence by what it is: the request of a transaction, or its final response; of the client's
    transaction so many `back`."""

    is_answer: bool
    back: int


class Told(NamedTuple):
    """What was answered about one subject: its type and kind (`judge/dispatch.py`), where it stands, whether it was
    asked before the final response, at it, or behind it (0, 1, 2), and the answers of the rules that were asked. Of an
    attempt that failed, `cause` is what it shows of the reason, and `has_failed` tells that it did."""

    subject: type
    kind: int
    at: Slot | None
    phase: int
    answers: tuple[tuple[str, tuple[Answer | Placed | Spoken, ...]], ...]
    cause: str = ""
    has_failed: bool = False


def chosen(clients: Clients, columnar: Flags) -> Flags:
    """Clients that represent the classes of the columnar ones."""
    kinds = clients.kind
    members = np.flatnonzero(columnar[clients.of] & (kinds >= 0))
    members = members[np.argsort(kinds[members], kind="stable")]
    cuts = np.flatnonzero(np.diff(kinds[members])) + 1
    wanted = {int(kinds[part[0]]): part for part in np.split(members, cuts) if len(part)}
    found = np.zeros(len(columnar), np.bool_)
    count: dict[int, int] = dict.fromkeys(wanted, 0)
    for kind, part in sorted(wanted.items(), key=lambda one: len(one[1])):
        while count[kind] < min(REPRESENTATIVES, len(part)):
            owners = dict.fromkeys(owner for owner in clients.of[part[:_LOOKED_AT]].tolist() if not found[owner])
            if not owners:
                owners = dict.fromkeys(owner for owner in clients.of[part].tolist() if not found[owner])
            if not owners:
                break
            best = max(owners, key=lambda owner: _worth(kinds[clients.exchanges(owner)], count))
            found[best] = True
            for one in set(kinds[clients.exchanges(best)].tolist()):
                count[one] += 1
        _tell_apart(clients, np.unique(clients.of[part]), found, count)
    return found


def _tell_apart(clients: Clients, owners: Numbers, found: Flags, count: dict[int, int]) -> None:
    """Choose more of the clients of a class, until those chosen differ in each name in which any of them do."""
    while True:
        names, told = clients.names[owners], clients.names[owners[found[owners]]]
        other = (names != told[0]) & (told == told[0]).all(axis=0)
        if not other.any():
            return
        best = int(owners[other.sum(axis=1).argmax()])
        found[best] = True
        for one in set(clients.kind[clients.exchanges(best)].tolist()):
            count[one] += 1


def _worth(kinds: Numbers, count: dict[int, int]) -> int:
    return sum(max(0, REPRESENTATIVES - count[kind]) for kind in set(kinds.tolist()))


class Witness:
    """Writes down what is asked about the transactions of representatives, and answered: about the first of each
    client and class. `numbers` tells transactions by the numbers of their first messages, `finals` are those of their
    final responses, `marks` what client and class each is of, `troubled` whose clients were in trouble by then; what
    the rules of `SPEAKING` said of those is `spoken`, by transaction and rule."""

    def __init__(
        self,
        rules: Sequence[Rule],
        numbers: dict[int, int],
        finals: dict[int, int],
        marks: dict[int, tuple[int, int]],
        troubled: Collection[int] = (),
    ) -> None:
        self.rules = [replace(rule, check=self._recorded(rule)) for rule in rules]
        seen = Counter[tuple[int, int]]()
        self.told: dict[int, list[Told]] = {}
        for which in sorted(numbers.values()):
            seen[marks[which]] += 1
            if seen[marks[which]] <= _OF_ONE_CLIENT:
                self.told[which] = []
        self.records: dict[int, list[DigestRecord]] = {}
        self._troubled = troubled
        self.spoken: dict[tuple[int, str], tuple[Answer, ...]] = {}
        self._numbers = numbers
        self._finals = finals
        self._answers: list[tuple[str, tuple[Answer, ...]]] = []

    def _recorded(self, rule: Rule) -> Callable[[Any, Any], tuple[Answer, ...]]:
        def check(subject: Any, context: Any) -> tuple[Answer, ...]:
            answers = rule.check(subject, context)
            several = (answers,) if isinstance(answers, SINGLE) else tuple(answers)
            self._answers.append((rule.id, several))
            return several

        return check

    def hearing(
        self,
        ask: Callable[[Subject], None],
        context: CaptureContext,
        slot_of: Callable[[int, Evidence], Slot | None],
        nonce_of: Callable[[int], str],
    ) -> Callable[[Subject], None]:
        """`ask`, with somebody who writes down. `nonce_of` tells the nonce of a transaction as sentences have it."""
        counter: MessageCounter = context.counter

        def hear(subject: Subject) -> None:
            self._answers = []
            which = self._numbers.get(subject.transaction.id)
            if which is None or type(subject) is EndSubject:
                ask(subject)
                return
            if isinstance(subject, TransactionSubject):
                self.records[which] = subject.digests
            if which not in self.told:
                ask(subject)
                return
            kind = subject.marks << LACKING_BITS | missing_evidence(subject, subject.transaction, context)
            ask(subject)
            number, final = counter.number, self._finals[which]
            phase = 2 if counter.ending or number > final else int(number == final)
            answers = tuple(
                (name, (SPOKEN,))
                if self._is_spoken(which, name, several)
                else (name, tuple(_placed(one, which, slot_of, nonce_of) for one in several))
                for name, several in self._answers
            )
            cause = _failure(subject)
            told = Told(type(subject), kind, slot_of(which, subject.evidence), phase, answers, cause or "")
            self.told[which].append(told._replace(has_failed=cause is not None))

        return hear

    def _is_spoken(self, which: int, name: str, several: tuple[Answer, ...]) -> bool:
        if name not in SPEAKING or which not in self._troubled:
            return False
        self.spoken[which, name] = several
        return True


def _failure(subject: Subject) -> str | None:
    """What an attempt that failed shows of the reason; None for any other subject."""
    if not isinstance(subject, AttemptSubject) or subject.attempt.outcome not in FAILED:
        return None
    # Silence shows nothing of the reason, and where it is known late, what came later may have been counted already.
    is_silent = subject.attempt.last.final is None
    return "" if is_silent else subject.registration.failures[-1].cause


NONCE = "\x00nonce\x00"
"""Stands in the sentence of a violation for the nonce of its transaction; no sentence has such characters."""


class Placed(NamedTuple):
    """A violation without its places, and these as slots (None: elsewhere), and without its nonce (`NONCE`)."""

    answer: Violated
    at: Slot | None
    related: tuple[Slot | None, ...]

    def named(self, nonce: str) -> str:
        """Its sentence about a transaction with this nonce."""
        return self.answer.detail.replace(NONCE, nonce)

    @property
    def has_nonce(self) -> bool:
        """Whether its sentence names a nonce."""
        return NONCE in self.answer.detail

    @property
    def is_placed(self) -> bool:
        """Whether all its places are those of the transactions of its client."""
        return None not in self.related and not (self.answer.at is not None and self.at is None)


_NO_EVIDENCE = Evidence(None, None)  # type: ignore[arg-type]


def _placed(
    answer: Answer, which: int, slot_of: Callable[[int, Evidence], Slot | None], nonce_of: Callable[[int], str]
) -> Any:
    if not isinstance(answer, Violated):
        return answer
    at = None if answer.at is None else slot_of(which, answer.at)
    related = tuple(slot_of(which, one) for one in answer.related)
    nonce, detail = nonce_of(which), answer.detail
    detail = detail.replace(nonce, NONCE) if nonce else detail
    bare = replace(answer, at=None if answer.at is None else _NO_EVIDENCE, related=(), detail=detail)
    return Placed(bare, at, related)


def is_constant(several: Iterable[Sequence[Told]], rules: dict[str, Rule]) -> bool:
    """Whether representatives had the same answers, and these can be given again for others."""
    first, *others = several
    if any(list(one) != list(first) for one in others):
        return False
    placed = [
        (rules[name], told, one)
        for told in first
        for name, answers in told.answers
        for one in answers
        if isinstance(one, Placed)
    ]
    violated = {rule.id for rule, _, _ in placed}
    violated |= {name for told in first for name, answers in told.answers if SPOKEN in answers}
    if any(told.has_failed for told in first) and any(_explains(rule, one) for rule, _, one in placed):
        return False  # the finding names the attempts that it explains
    return all(_is_repeatable(rule, told, one, violated) for rule, told, one in placed)


def _explains(rule: Rule, one: Placed) -> bool:
    return bool(rule.explains if one.answer.explains is None else one.answer.explains)


def _is_repeatable(rule: Rule, told: Told, one: Placed, violated: set[str]) -> bool:
    """Whether a violation can be told of others. Not one whose finding speaks for the whole run, is claimed for a time,
    or folds others; nor one that is seen when the transaction is over, between the messages of the client's next."""
    answer = one.answer
    if not one.is_placed or told.at is None or answer.count or answer.replaces or answer.gap is not None:
        return False
    if answer.up_to_cseq is not None or told.phase > 1:
        return False
    supersedes = rule.supersedes if answer.supersedes is None else answer.supersedes
    return not violated.intersection(supersedes)


def count_told(whole: dict[str, Tally], told: Told, count: int, settled: Iterable[tuple[Rule, Answer]]) -> None:
    """Add to tallies what was answered of a subject, so many times; `settled` is what is answered of its kind without
    asking."""
    for rule, answer in settled:
        whole[rule.id].add(answer, count)
    for name, answers in told.answers:
        for one in answers:
            if not isinstance(one, Spoken):
                whole[name].add(one.answer if isinstance(one, Placed) else one, count)


def answers_of(
    kinds: Numbers, which: Numbers, witness: Witness, rules: Sequence[Rule]
) -> tuple[dict[int, Sequence[Told]], set[int]]:
    """What the rules answer of each class that some transactions have, of `kinds` of all; and the classes of which that
    is not known."""
    by_kind: dict[int, list[Sequence[Told]]] = {}
    for one, told in witness.told.items():
        by_kind.setdefault(int(kinds[one]), []).append(told)
    cards = {rule.id: rule for rule in rules}
    wanted = np.unique(kinds[which]).tolist()
    known = {kind: by_kind[kind] for kind in wanted if len(by_kind.get(kind, ())) >= REPRESENTATIVES}
    found = {kind: several[0] for kind, several in known.items() if is_constant(several, cards)}
    return found, set(wanted) - found.keys()
