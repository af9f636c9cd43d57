"""Rules x subjects -> findings and outcomes.

The judge asks the rules of a subject's kind that have a say about it (`dispatch.py`). It tallies each of the five
outcomes, turns violations into findings, merges findings of one rule on one registration into one
with a count, and folds at the end what another finding explains (docs/rules/precedence.md). A rule that raises is an
outcome of its own, and an internal finding; the run goes on (docs/architecture.md 6).

One reading of docs/rules/precedence.md to know: DET-auth-loop is not dropped where the cause was found; it stays, and
names the cause, because the loop is what the administrator sees.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from analyzer.evidence import Evidence, Fidelity
from analyzer.judge.context import CaptureContext
from analyzer.judge.copied_text import told_of_flow
from analyzer.judge.dispatch import LACKING_BITS, DispatchPlan, dispatch_plan, missing_evidence
from analyzer.judge.failures import INTERNAL, failure_of
from analyzer.judge.findings import (
    PASSED,
    SEVERITIES,
    SINGLE,
    Answer,
    AnswerRecord,
    Confidence,
    Finding,
    Profile,
    Rule,
    SubjectKind,
    Violated,
    finding_of,
)
from analyzer.judge.profiles import effects_of, weighed
from analyzer.judge.tally import Tally
from analyzer.judge.ties import Ties, refute
from analyzer.register.bounded import Bounded
from analyzer.register.registration import Registration
from analyzer.register.subjects import (
    AttemptSubject,
    BindingSubject,
    ClosedSubject,
    EndSubject,
    MessageSubject,
    Subject,
    TransactionSubject,
    TransitionSubject,
)
from analyzer.register.transaction import Transaction

MAX_PLACES = 10
"""Places that one finding keeps; the count goes on."""
MAX_FINDINGS = 100_000
"""Findings that are kept apart; beyond it only the tallies go on, and the report says so."""
MOST_OCTETS = 256 * 1024 * 1024
"""Octets of their texts and names, which have 64 kB each where somebody wants it so; with the same end."""
MOST_FOLDS = 10_000
"""Transactions whose violations can still be folded: what folds comes within one transaction's life."""
MOST_LOSS = 0.02
"""Loss score from which findings that span messages are less sure (docs/rules/conventions.md 3)."""

_KINDS: dict[type, SubjectKind] = {
    MessageSubject: "message",
    TransactionSubject: "transaction",
    AttemptSubject: "attempt",
    TransitionSubject: "step",
    BindingSubject: "binding",
    ClosedSubject: "closed",
    EndSubject: "end",
}


class Judge:
    """Asks the rules; `found` and `tallies` hold the result, `ties` what may still explain an attempt."""

    def __init__(
        self,
        rules: Sequence[Rule],
        context: CaptureContext,
        *,
        profile: Profile = "rfc3261",
        exhaustive: bool = False,
    ) -> None:
        self.context = context
        self._profile = profile
        self.ties = Ties()
        self._exhaustive = exhaustive
        self._effects = {rule.id: effects for rule in rules if (effects := effects_of(rule, profile))}
        self._tallies: dict[str, Tally] = {rule.id: Tally() for rule in rules}
        self._rules: dict[str, list[Rule]] = defaultdict(list)
        for rule in rules:
            for kind in (rule.subject, *rule.also):
                self._rules[kind].append(rule)
        self._plans: dict[tuple[type, str], dict[int, DispatchPlan]] = defaultdict(dict)
        self.register_plans = {kind: self._plans[(kind, "REGISTER")] for kind in _KINDS}
        self._methods = frozenset(method for rule in rules for method in rule.methods)
        self._foldable = {folded for rule in rules for folded in rule.supersedes}
        self._findings: dict[tuple[object, ...], Finding] = {}
        self._folders: Bounded[int, dict[str, Finding]] = Bounded(MOST_FOLDS)
        self._unfolded: Bounded[int, dict[str, list[Finding]]] = Bounded(MOST_FOLDS)
        self.evicted_findings = self._octets = 0
        self.fresh: list[Finding] | None = None
        """Findings that are new, in their order, for somebody who empties it as he goes; None where nobody does."""

    def ask(self, subject: Subject) -> None:
        """Ask every rule that has a say about a complete subject."""
        transaction, context = subject.transaction, self.context
        lacking, marks = missing_evidence(subject, transaction, context), subject.marks
        if transaction.method == "REGISTER":
            plans = self.register_plans[type(subject)]
        else:
            plans = self.plans(type(subject), transaction.method)
        kind = marks << LACKING_BITS | lacking
        made = plans.get(kind)
        if made is None:
            made = dispatch_plan(
                self._rules[_KINDS[type(subject)]],
                transaction.method,
                lacking,
                marks,
                profile=self._profile,
                exhaustive=self._exhaustive,
            )
            plans[kind] = made
        made.count += 1
        for rule in made.asked:
            try:
                answers = rule.check(subject, context)
                if answers is PASSED:
                    self._tallies[rule.id].passed += 1
                    continue
                for answer in (answers,) if isinstance(answers, SINGLE) else tuple(answers):
                    if answer is PASSED:
                        self._tallies[rule.id].passed += 1
                    else:
                        self._note(rule, subject, answer)
            except Exception as error:  # a rule's bug must not end the run (docs/architecture.md 6)
                self._failed(rule, subject, error)
        if type(subject) is AttemptSubject:
            heard = context.answers_from(transaction.destination) > 0
            self.ties.conclude(subject.attempt, subject.registration, answers=heard)
        elif type(subject) is ClosedSubject and self.ties.has_notes(transaction):
            self.ties.close(transaction, subject.attempt)

    def plans(self, subject: type, method: str) -> dict[int, DispatchPlan]:
        """The plans of a type of subjects and a method other than REGISTER; those that no card names are one."""
        return self._plans[(subject, method if method in self._methods else "")]

    @property
    def tallies(self) -> dict[str, Tally]:
        """How often each rule gave each outcome so far."""
        whole = {name: tally.copy() for name, tally in self._tallies.items()}
        for made in (made for plans in self._plans.values() for made in plans.values()):
            for rule, answer in made.settled:
                whole[rule.id].add(answer, made.count)
        return whole

    @property
    def found(self) -> list[Finding]:
        """The findings so far, in no order and as sure as they are by themselves: `finished` is for the rest."""
        return [finding for finding in self._findings.values() if finding.count > 0]

    def keeps_all_with(self, other: Judge) -> bool:
        """Whether one judge would have had room for the findings of both."""
        is_full = self.evicted_findings or other.evicted_findings or self._octets + other._octets > MOST_OCTETS
        return not is_full and len(self._findings) + len(other._findings) <= MAX_FINDINGS

    def _note(self, rule: Rule, subject: Subject, answer: Answer) -> None:
        if rule.id in self._effects and isinstance(answer, Violated):
            answer = weighed(answer, self._effects[rule.id])
        self._tallies[rule.id].add(answer)
        if isinstance(answer, Violated):
            self.take(rule, subject, answer)

    def take(self, rule: Rule, subject: Subject, answer: Violated) -> Finding | None:
        """Make a finding of a violation, or count one more of it; None where there are too many."""
        registration = subject.registration
        per = answer.group_key if answer.group_key is not None else _per(subject)
        key = (rule.id, per, "" if rule.join_subs else answer.sub)
        finding = self._findings.get(key)
        places: list[Evidence] = []
        if finding is None or len(finding.evidence) < MAX_PLACES:
            places = [subject.evidence if answer.at is None else answer.at, *answer.related]
        taken_over = self._findings.pop((rule.id, per, answer.replaces), None) if answer.replaces else None
        if finding is None:
            if len(self._findings) >= MAX_FINDINGS or self._octets > MOST_OCTETS:
                self.evicted_findings += 1
                return None
            finding = self._findings[key] = _finding(rule, subject, answer, places)
            self._octets += len(finding.aor) + len(finding.call_id) + len(finding.detail)
            finding.key = key
            if self.fresh is not None:
                self.fresh.append(finding)
        else:
            _merge(finding, rule, answer, places, _doubts(rule, subject.transaction))
        if answer.group_key is not None and self.context.counter.shared:
            self._remember(finding, rule, subject, answer, places)
        if taken_over is not None:
            finding.count += 0 if answer.count else taken_over.count
            finding.evidence = [*taken_over.evidence, *finding.evidence][:MAX_PLACES]
        if registration is not None and not finding.user_agent:
            finding.user_agent = registration.user_agent
        self.ties.note(subject.transaction, registration, rule, finding, answer)
        supersedes = rule.supersedes if answer.supersedes is None else answer.supersedes
        self._fold(rule, supersedes, subject.transaction.id, finding, whole=answer.count > 0)
        return finding

    def _remember(
        self, finding: Finding, rule: Rule, subject: Subject, answer: Violated, places: list[Evidence]
    ) -> None:
        """Keep an answer that shaped a finding which another worker may have a share in: one with new places, or with
        more to say than the ones before."""
        counter, transaction = self.context.counter, subject.transaction
        shape = (finding.sub, finding.proven_severity, finding.confidence)
        if places or finding.answers[-1].shape != shape:
            ending = counter.ending
            order = (counter.number + ending, 0 if ending else transaction.deadline, transaction.id)
            if type(subject) is EndSubject:  # clients end in the order in which they began, after all transactions
                order = (counter.number + ending, 1, subject.registration.id)
            finding.answers.append(AnswerRecord(order, answer, places, _doubts(rule, transaction), shape))

    def _fold(
        self, rule: Rule, supersedes: tuple[str, ...], transaction: int, finding: Finding, *, whole: bool
    ) -> None:
        """Take one violation back that another rule's on the same transaction explains, whichever came first; all of
        them where the latest speaks for the `whole` finding."""
        if supersedes:
            folders = self._folders.get(transaction)
            if folders is None:
                folders = self._folders[transaction] = {}
            unfolded = self._unfolded.get(transaction) or {}
            for name in supersedes:
                folders.setdefault(name, finding)
                for found in unfolded.pop(name, ()):
                    self._take_back(found, finding, transaction)
        if rule.id in self._foldable:
            folder = (self._folders.get(transaction) or {}).get(rule.id)
            if folder is not None:
                self._take_back(finding, folder, transaction)
                finding.count = 0 if whole else finding.count
            else:
                waiting = self._unfolded.get(transaction)
                if waiting is None:
                    waiting = self._unfolded[transaction] = {}
                waiting.setdefault(rule.id, []).append(finding)

    def _take_back(self, finding: Finding, folder: Finding, transaction: int) -> None:
        """One violation less: `folder` explains it, and says so."""
        finding.count -= 1
        if finding.rule not in folder.folded:
            folder.folded.append(finding.rule)
        self.ties.withdraw(transaction, finding)

    def _failed(self, rule: Rule, subject: Subject, error: Exception) -> None:
        self._tallies[rule.id].failed += 1
        key = (INTERNAL, rule.id)
        if key in self._findings:
            self._findings[key].count += 1
            return
        finding = failure_of(rule, error)
        finding.evidence = [subject.evidence]
        finding.confidence = Confidence.HIGH.lowered(_doubts(rule, subject.transaction))
        _place(finding, subject)
        self._findings[key] = finding
        if self.fresh is not None:
            self.fresh.append(finding)


def finished(findings: list[Finding], loss: float, rules: Sequence[Rule]) -> list[Finding]:
    """The findings of a run, the worst first, then in the order of the evidence. What several workers have a share in
    is one finding; `loss` is the share that the capture lost, which makes findings that span messages less sure."""
    cards = {rule.id: rule for rule in rules}
    same: dict[tuple[object, ...], list[Finding]] = {}
    for finding in findings:
        same.setdefault(finding.key, []).append(finding)
    whole = [_together(several, cards.get(several[0].rule)) for several in same.values()]
    for finding in whole if loss > MOST_LOSS else ():
        card = cards.get(finding.rule)
        if card is not None and card.subject != "message":  # one message proves itself, whatever else is lost
            finding.confidence = finding.confidence.lowered()
    return ranked(whole)


def ranked(findings: Iterable[Finding]) -> list[Finding]:
    """Findings in the order in which they are told: the worst first, then in the order of the evidence."""
    return sorted(findings, key=_rank)


def _together(several: list[Finding], rule: Rule | None) -> Finding:
    """One finding of those that workers have of the same thing: told again from the answers that shaped them."""
    if len(several) == 1:
        return several[0]
    several.sort(key=lambda finding: finding.answers[0].order if finding.answers else (0, 0, 0))
    base, count = several[0], sum(finding.count for finding in several)
    if rule is not None and all(finding.answers for finding in several):
        first, *rest = sorted((one for finding in several for one in finding.answers), key=lambda one: one.order)
        base.sub, base.evidence = first.answer.sub, first.places[:MAX_PLACES]
        _tell(base, first.answer)
        base.proven_severity, base.fix = first.answer.severity or rule.severity, first.answer.fix or rule.fix
        base.at_fault = first.answer.at_fault or rule.at_fault
        base.title, base.short_title = rule.titles(base.sub)
        base.confidence = first.answer.confidence.lowered(first.doubts)
        for one in rest:
            _merge(base, rule, one.answer, one.places, one.doubts)
    base.count = count
    base.user_agent = next((finding.user_agent for finding in several if finding.user_agent), "")
    base.folded = list(dict.fromkeys(name for finding in several for name in finding.folded))
    base.explained = sum(finding.explained for finding in several)
    base.explains = sorted(one for finding in several for one in finding.explains)
    base.gaps = [gap for finding in several for gap in finding.gaps]
    if any(finding.is_harmless for finding in several):
        refute(base)
    return base


def _per(subject: Subject) -> object:
    """The default for "one finding": the registration; without one, the Call-ID."""
    registration: Registration | None = subject.registration
    return registration.id if registration is not None else (subject.transaction.call_id, subject.transaction.method)


def _finding(rule: Rule, subject: Subject, answer: Violated, places: list[Evidence]) -> Finding:
    confidence = answer.confidence.lowered(_doubts(rule, subject.transaction))
    finding = finding_of(rule, answer, confidence, places[:MAX_PLACES])
    _place(finding, subject)
    return finding


def _place(finding: Finding, subject: Subject) -> None:
    """Say of a finding about whom it is, and in which transaction."""
    registration, transaction = subject.registration, subject.transaction
    finding.call_id, finding.transaction = transaction.call_id, transaction.id
    if finding.evidence:
        finding.flow_step, finding.tags = told_of_flow(transaction, finding.evidence[0].place, finding)
    if registration is not None:
        finding.aor, finding.registration = registration.aor, registration.id


def _doubts(rule: Rule, transaction: Transaction) -> int:
    """Steps by which confidence falls (docs/rules/conventions.md 3): pairing by time or Call-ID only, a log instead of
    the wire (T-LOG), and one whose lines had to be mended, a hop between us and the blamed."""
    doubts = {1: 0, 2: 0, 3: 1}.get(transaction.pairing, 2)
    if rule.observed_at == "first" and transaction.request is not None and transaction.via_count > 1:
        doubts += 1  # docs/rules/reconstruction.md 4: the capture is upstream of the user agent
    message = transaction.request or transaction.final
    if message is not None and message.raw_message.fidelity is Fidelity.TEXT_LOG:
        doubts += 1 + message.raw_message.is_repaired
    return doubts


def _merge(finding: Finding, rule: Rule, answer: Violated, places: list[Evidence], doubts: int) -> None:
    """Count one more violation. The worst one speaks for all; joined sub-codes add their sentences."""
    finding.count = answer.count or finding.count + 1
    if answer.count:
        _tell(finding, answer)
    if len(finding.evidence) < MAX_PLACES:
        finding.evidence.extend(places[: MAX_PLACES - len(finding.evidence)])
    severity = answer.severity or rule.severity
    if rule.join_subs:
        _join(finding, rule, answer)
    if SEVERITIES.index(severity) > SEVERITIES.index(finding.proven_severity):
        finding.proven_severity, finding.fix = severity, answer.fix or rule.fix
        finding.at_fault = answer.at_fault or rule.at_fault
        if not rule.join_subs:
            _tell(finding, answer)
    finding.confidence = Confidence(max(finding.confidence, answer.confidence.lowered(doubts)))


def _tell(finding: Finding, answer: Violated) -> None:
    """Let this violation be the one that the finding tells of."""
    finding.detail, (finding.observed, finding.expected) = answer.detail, answer.values


def _join(finding: Finding, rule: Rule, answer: Violated) -> None:
    """Add the sub-codes that the finding does not have yet, and their sentence."""
    known = finding.sub.split(",")
    fresh = [part for part in answer.sub.split(",") if part and part not in known]
    if fresh:
        finding.sub = ",".join([*filter(None, known), *fresh])
        finding.title, finding.short_title = rule.titles(finding.sub)
        finding.detail = f"{finding.detail}; {answer.detail}"
        finding.observed = "; ".join(filter(None, (finding.observed, answer.values.observed)))
        finding.expected = "; ".join(filter(None, (finding.expected, answer.values.expected)))


def _rank(finding: Finding) -> tuple[int, int, int, str, int, str, str]:
    """Total, so that the order does not depend on who found what first."""
    place = finding.evidence[0].place if finding.evidence else ("", 0, 0)
    severity = SEVERITIES.index(finding.severity)
    return (
        -severity,
        -int(finding.confidence),
        place[1],
        place[0],
        finding.transaction or 0,
        finding.rule,
        f"{finding.sub} {finding.detail}",
    )
