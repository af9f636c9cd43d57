"""From what rules answered of exchanges to a verdict for each purpose.

`Observer` stands between the judge and the rules: it hands the judge copies of the cards whose checks also note, for
each transaction, what they answered. The judge asks them always (marks settle nothing, and what the coverage lacks is
looked up here), so that nothing that a rule says of an exchange is lost; they answer the same.

A purpose passes where a rule that names it passed (all, if it says so) on an exchange that exercises it and shows what
it needs to, and none of its rules was broken or stayed unjudged. It fails by a finding of the report, on such an
exchange, that is at least a warning, sure, and the fault of whom the purpose asks. Everything between is inconclusive,
with the reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from analyzer.evidence import Evidence
from analyzer.judge.conformance.exchange import Exchange, exchanges_of
from analyzer.judge.conformance.purpose import Purpose, Side
from analyzer.judge.conformance.purposes import PURPOSES
from analyzer.judge.context import CaptureContext
from analyzer.judge.dispatch import missing_evidence, unmet
from analyzer.judge.findings import (
    NEED_TEXT,
    SINGLE,
    Answer,
    Confidence,
    NotApplicable,
    NotJudged,
    Passed,
    Profile,
    Rule,
    Violated,
)
from analyzer.judge.profiles import effects_of, weighed
from analyzer.register.subjects import Subject
from analyzer.register.transaction import Transaction

MOST_TRANSACTIONS = 20_000
"""Transactions that are held against the purposes; their messages are kept."""
MOST_PLACES = 3
_ARITHMETIC = "R7616-digest-verify"
"""The rule that says whether a digest matches the known password."""
_FAULTS: dict[str, Side] = {"UAC": "UAC", "sender": "UAC", "registrar": "registrar"}
"""Whose fault is one side's for sure, by the words of a card."""

Outcome = Literal["pass", "fail", "inconclusive", "not exercised"]
OUTCOMES: tuple[Outcome, ...] = ("fail", "inconclusive", "pass", "not exercised")


class Note(NamedTuple):
    """What a rule answered of a transaction."""

    rule: str
    answer: Answer


@dataclass(slots=True)
class Verdict:
    """The answer to a purpose. `exercised` counts the exchanges that put its question, `rules` what each rule that
    names it answered of them; `reason` says why it is no pass, `evidence` are the first places of the exchanges that
    decided."""

    purpose: Purpose
    outcome: Outcome = "not exercised"
    reason: str = ""
    exercised: int = 0
    rules: dict[str, Counter[str]] = field(default_factory=dict)
    evidence: list[Evidence] = field(default_factory=list)


class Observer:
    """Notes what rules answer; `rules` are the cards for the judge, `verdicts` what comes of it."""

    def __init__(self, rules: Iterable[Rule], profile: Profile = "rfc3261") -> None:
        self._profile = profile
        self._all = tuple(rules)
        self._cards = [rule for rule in self._all if rule.etsi]
        self._notes: dict[int, list[Note]] = {}
        self._transactions: dict[int, Transaction] = {}
        self._failed: set[str] = set()
        self.left_out: set[int] = set()
        """Transactions beyond `MOST_TRANSACTIONS`, by number, as far as they are counted."""

    @property
    def rules(self) -> list[Rule]:
        """The cards for the judge: those that name a purpose have checks that are listened to. The others are asked
        because they may explain what these find."""
        return [self._listened_to(rule) if rule.etsi else rule for rule in self._all]

    def _listened_to(self, rule: Rule) -> Rule:
        effects = effects_of(rule, self._profile)

        def check(subject: Subject, context: CaptureContext) -> Answer | Iterable[Answer]:
            """Ask the rule, unless the coverage does not give what it needs, and note what it answers."""
            transaction = subject.transaction
            lacking = unmet(rule, transaction.method, missing_evidence(subject, transaction, context))
            if lacking is not None:
                self._note(rule, transaction, lacking)
                return lacking
            try:
                answers = rule.check(subject, context)
                several = (answers,) if isinstance(answers, SINGLE) else tuple(answers)
            except Exception:
                self._failed.add(rule.id)
                raise
            for answer in several:
                heard = weighed(answer, effects) if isinstance(answer, Violated) else answer
                self._note(rule, transaction, heard)
            return several

        return replace(rule, check=check, needs=(), applies_if=0, violates_only_if=0)

    def _note(self, rule: Rule, transaction: Transaction, answer: Answer) -> None:
        if transaction.method != "REGISTER":
            return
        if transaction.id not in self._transactions:
            if len(self._transactions) >= MOST_TRANSACTIONS:
                self.left_out.add(transaction.id)
                return
            self._transactions[transaction.id] = transaction
        if not isinstance(answer, NotApplicable):
            self._notes.setdefault(transaction.id, []).append(Note(rule.id, answer))

    def verdicts(self, found: Collection[str]) -> list[Verdict]:
        """The verdict for each purpose, in their order; `found` are the rules that have a finding in the report: what
        another finding explains is no fault of its own (docs/rules/precedence.md)."""
        hearings = [_Hearing(purpose, self._cards) for purpose in PURPOSES]
        for exchange in exchanges_of(self._transactions[number] for number in sorted(self._transactions)):
            notes = self._notes.get(exchange.transaction.id, [])
            exchange.is_wrong = any(one.rule == _ARITHMETIC and isinstance(one.answer, Violated) for one in notes)
            for hearing in hearings:
                hearing.hear(exchange, notes, found)
        return [hearing.verdict(self._failed) for hearing in hearings]


class _Hearing:
    """One purpose, while exchanges are gone through."""

    def __init__(self, purpose: Purpose, cards: Sequence[Rule]) -> None:
        self._purpose = purpose
        self._cards = {rule.id: rule for rule in cards if purpose.id in rule.etsi}
        self._verdict = Verdict(purpose, rules={name: Counter() for name in self._cards})
        self._is_shown = False
        self._fault = self._doubt = ""
        self._unjudged: dict[str, str] = {}

    def hear(self, exchange: Exchange, notes: Sequence[Note], found: Collection[str]) -> None:
        """Look whether the exchange exercises the purpose, and what the rules said of it."""
        purpose, transaction = self._purpose, exchange.transaction
        is_near = transaction.is_first_hop if purpose.side == "UAC" else transaction.is_last_hop
        if not is_near or not purpose.exercised(exchange):
            return
        self._verdict.exercised += 1
        is_shown = purpose.shown(exchange)
        self._is_shown |= is_shown
        decides = False
        for note in notes:
            if note.rule in self._cards:
                decides |= self._take(note, transaction, found, is_shown=is_shown)
        if decides and not self._fault:
            self._place(transaction.evidence)

    def _take(self, note: Note, transaction: Transaction, found: Collection[str], *, is_shown: bool) -> bool:
        """Count an answer; whether it speaks for a pass."""
        counts, answer = self._verdict.rules[note.rule], note.answer
        if isinstance(answer, NotJudged):
            counts["not_judged"] += 1
            self._unjudged.setdefault(note.rule, NEED_TEXT.get(answer.reason, answer.reason))
        elif isinstance(answer, Violated):
            self._hold(note.rule, answer, transaction, found)
        elif isinstance(answer, Passed):
            counts["passed"] += is_shown
            return is_shown
        return False

    def _hold(self, rule: str, answer: Violated, transaction: Transaction, found: Collection[str]) -> None:
        """A rule was broken: that is a failure, or casts a doubt, or concerns another purpose."""
        purpose, card = self._purpose, self._cards[rule]
        if purpose.only and not set(answer.sub.split(",")) & set(purpose.only):
            return
        self._verdict.rules[rule]["violated"] += 1
        severity, at_fault = answer.severity or card.severity, answer.at_fault or card.at_fault
        if rule not in found:
            doubt = "another finding explains what was seen"
        elif _FAULTS.get(at_fault) != purpose.side:
            doubt = f"the fault is that of {at_fault}"
        elif severity == "info":
            doubt = "it is a remark"
        elif answer.confidence is Confidence.LOW:
            doubt = "that is not sure"
        elif not self._fault:
            self._fault = f"{rule}: {answer.detail}"
            self._verdict.evidence = []
            for place in (answer.at or transaction.evidence, *answer.related):
                self._place(place)
            return
        else:
            return
        self._doubt = self._doubt or f"{rule}: {answer.detail}; {doubt}"

    def _place(self, place: Evidence) -> None:
        if len(self._verdict.evidence) < MOST_PLACES and place not in self._verdict.evidence:
            self._verdict.evidence.append(place)

    def verdict(self, failed: Collection[str]) -> Verdict:
        """What comes of all that was heard."""
        verdict, purpose = self._verdict, self._purpose
        passed = [name for name, counts in verdict.rules.items() if counts["passed"]]
        silent = {name: why for name, why in self._unjudged.items() if name not in passed}
        broken = next((name for name in self._cards if name in failed), None)
        if not verdict.exercised:
            verdict.reason = f"needs {purpose.needs}"
        elif self._fault:
            verdict.outcome, verdict.reason = "fail", self._fault
        else:
            verdict.outcome = "inconclusive"
            if broken is not None:
                verdict.reason = f"{broken} failed to run"
            elif self._doubt:
                verdict.reason = self._doubt
            elif not self._is_shown:
                verdict.reason = purpose.limit
            elif silent:
                verdict.reason = "; ".join(f"{name}: {why}" for name, why in silent.items())
            elif passed and set(purpose.by) <= set(passed):
                verdict.outcome = "pass"
            else:
                missing = next(
                    (f"{name} has no" for name in purpose.by if name not in passed), "none of its rules has a"
                )
                verdict.reason = f"{missing} say about what was seen"
        return verdict


def counts_of(verdicts: Iterable[Verdict]) -> dict[Outcome, int]:
    """How many purposes have each outcome, all four named."""
    counted: Counter[Any] = Counter(verdict.outcome for verdict in verdicts)
    return {outcome: counted[outcome] for outcome in OUTCOMES}
