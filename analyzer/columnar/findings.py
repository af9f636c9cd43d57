"""Tallies and findings of the columnar clients, from the answers of their classes (docs/columnar.md).

A tally is the answers of a class times its transactions. A finding is made by the judge itself, from the violation that
the representatives show and the places of each client's own messages; what is one finding for all clients of a server
is made from the first of them, and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from analyzer.columnar.classes import Placed, Told, count_told
from analyzer.columnar.records import Flags, Numbers
from analyzer.columnar.rows import Rows
from analyzer.columnar.turns import Try
from analyzer.evidence import Evidence
from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import Answer, Finding, Rule, Violated
from analyzer.judge.judge import MAX_PLACES, Judge
from analyzer.judge.tally import Tally
from analyzer.judge.ties import refute
from analyzer.register.registration import Registration
from analyzer.register.subjects import EndSubject
from analyzer.sip.message import Message


@dataclass(slots=True)
class Standing:
    """What the judge looks at of a transaction for which its class speaks."""

    id: int
    call_id: str
    request: Message
    destination: Any = None
    first: int | None = None
    place: Any = None
    final: None = None
    path: None = None
    method: str = "REGISTER"
    pairing: int = 1
    via_count: int = 1
    deadline: int = 0
    stream: int = 0
    source: Any = None

    @property
    def evidence(self) -> Evidence:
        """Where and when its request was seen."""
        return Evidence(self.place, self.first)


class _Subject(NamedTuple):
    """A subject for which its class speaks."""

    registration: Registration
    transaction: Standing
    evidence: Evidence


class _Violation(NamedTuple):
    """A violation of a class: in the order of what is told of one transaction."""

    rule: Rule
    told: Told
    placed: Placed


Settled = Callable[[type, int], Iterable[tuple[Rule, Answer]]]


class Verdicts:
    """Makes the tallies and findings of the columnar clients, which are `flags` among all."""

    def __init__(
        self, rows: Rows, rules: Sequence[Rule], context: CaptureContext, answers: dict[int, Sequence[Told]]
    ) -> None:
        self._rows = rows
        self._rules = {rule.id: rule for rule in rules}
        self._context = context
        self._answers = answers
        self._judge = Judge(rules, context)
        self._spoken: dict[str, Tally] = {}

    @property
    def found(self) -> list[Finding]:
        """The findings so far."""
        return self._judge.found

    def fit(self, judge: Judge) -> bool:
        """Whether there is room for all findings, those of another judge among them."""
        return self._judge.keeps_all_with(judge)

    def say(self, which: int, told: Told, rule: Rule, answers: tuple[Answer, ...], registration: Registration) -> None:
        """Take in what a rule answers that was asked about one client alone (`speaking.py`)."""
        for answer in answers:
            self._spoken.setdefault(rule.id, Tally()).add(answer)
            if isinstance(answer, Violated):
                assert told.at is not None
                subject = _Subject(registration, self._standing(which), self._rows.evidence(told.at, which))
                self._judge.take(rule, subject, answer)  # type: ignore[arg-type]

    def ended(self, attempt: Try, registration: Registration) -> None:
        """An attempt that was told about has its outcome: what was said explains it, or not."""
        self._judge.ties.conclude(attempt, registration, answers=True)  # type: ignore[arg-type]

    def tallies(self, counts: dict[int, int], settled: Settled) -> dict[str, Tally]:
        """How often each rule gave each outcome: those about clients at the end, and the answers of each class as
        often as it has transactions. `settled` tells what is answered of a kind of subject without asking."""
        whole = self._judge.tallies
        for kind, count in counts.items():
            for told in self._answers[kind]:
                count_told(whole, told, count, settled(told.subject, told.kind))
        for name, tally in self._spoken.items():
            whole[name].merge(tally)
        return whole

    def end(self, registrations: Sequence[Registration], last: Sequence[int]) -> None:
        """Ask the rules about clients at the end of the source; `last` are their latest transactions."""
        for registration, which in zip(registrations, last, strict=True):
            self._judge.ask(EndSubject(registration, self._standing(which)))  # type: ignore[arg-type]

    def _standing(self, which: int) -> Standing:
        rows = self._rows
        place, time = rows.request(which)
        example = rows.example(which)
        call_id, source, destination = rows.told(which)
        return Standing(rows.number(which), call_id, example, destination, time, place, source=source)

    def violations(self, columnar: Flags, registration_of: dict[int, Registration]) -> None:
        """Make the findings of all violations, in the order in which they were seen."""
        known: dict[tuple[int, str, Placed], Finding] = {}
        of = self._rows.capture.clients.of.tolist()
        for which, told in self._wanted(columnar, grouped=False):
            for violation in told:
                mark = of[which], violation.rule.id, violation.placed
                finding = None if violation.placed.has_nonce else known.get(mark)
                if finding is None:
                    made = self._violated(which, violation, registration_of[of[which]])
                    if made is not None:
                        known[mark] = made
                else:
                    self._count(finding, which, violation)
        counter = self._context.counter
        ending, number = counter.ending, counter.number
        counter.ending = False
        self._violations_of_all(columnar, registration_of)
        counter.ending, counter.number = ending, number

    def _count(self, finding: Finding, which: int, violation: _Violation) -> None:
        """Count a violation that says to the letter what one before in the same finding said, as the judge does."""
        finding.count += 1
        if len(finding.evidence) < MAX_PLACES:
            at = violation.placed.at or violation.told.at
            places = [at, *violation.placed.related]
            room = MAX_PLACES - len(finding.evidence)
            finding.evidence += [self._rows.evidence(slot, which) for slot in places[:room] if slot is not None]

    def _of(self, kind: int, *, grouped: bool) -> list[_Violation]:
        """The violations of a class that are findings of several clients together, or of each."""
        return [
            _Violation(self._rules[name], told, one)
            for told in self._answers[kind]
            for name, answers in told.answers
            for one in answers
            if isinstance(one, Placed) and (one.answer.group_key is not None) is grouped
        ]

    def _wanted(self, columnar: Flags, *, grouped: bool) -> list[tuple[int, list[_Violation]]]:
        """The transactions of columnar clients whose class has violations, with these."""
        clients = self._rows.capture.clients
        speaking = {kind: found for kind in self._answers if (found := self._of(kind, grouped=grouped))}
        rows = np.flatnonzero(columnar[clients.of] & np.isin(clients.kind, list(speaking)))
        return [(which, speaking[kind]) for which, kind in zip(rows.tolist(), clients.kind[rows].tolist(), strict=True)]

    def _violations_of_all(self, columnar: Flags, registration_of: dict[int, Registration]) -> None:
        """Findings of several clients: the first of each class make them, in order; the rest is counted."""
        clients = self._rows.capture.clients
        firsts: list[tuple[int, int, int, int, _Violation]] = []
        for kind in self._answers:
            members = np.flatnonzero(columnar[clients.of] & (clients.kind == kind))
            for place, violation in enumerate(self._of(kind, grouped=True)):
                numbers = self._when(members, violation)
                order = np.argsort(numbers, kind="stable")[:MAX_PLACES]
                firsts += [(int(numbers[at]), int(members[at]), place, len(members), violation) for at in order]
        counted: set[tuple[int, int]] = set()
        for number, which, place, count, violation in sorted(firsts, key=lambda one: one[:3]):
            self._context.counter.number = number
            finding = self._violated(which, violation, registration_of[int(clients.of[which])])
            mark = int(clients.kind[which]), place
            if mark not in counted and finding is not None:
                counted.add(mark)
                finding.count += count - min(count, MAX_PLACES)

    def _when(self, members: Numbers, violation: _Violation) -> Numbers:
        """The numbers of the messages at which a violation was seen."""
        exchanges, capture = self._rows.capture.exchanges, self._rows.capture
        return capture.numbers(exchanges.final[members] if violation.told.phase else exchanges.first[members])

    def _violated(self, which: int, violation: _Violation, registration: Registration) -> Finding | None:
        """Let the judge take in a violation in a transaction."""
        rule, told, placed = violation
        rows, standing = self._rows, self._standing(which)
        at = None if placed.at is None else rows.evidence(placed.at, which)
        related = tuple(rows.evidence(slot, which) for slot in placed.related if slot is not None)
        answer = replace(placed.answer, at=at, related=related)
        if placed.has_nonce:
            answer = replace(answer, detail=placed.named(rows.nonce(which)))
        assert told.at is not None
        subject = _Subject(registration, standing, rows.evidence(told.at, which))
        finding = self._judge.take(rule, subject, answer)  # type: ignore[arg-type]
        effects = rule.explains if answer.explains is None else answer.explains
        if finding is not None and (effects or rule.explains) and not rule.is_momentary and rows.is_granted(which):
            refute(finding)
        return finding
