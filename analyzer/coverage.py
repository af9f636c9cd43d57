"""Which rules are asked about a subject: what their cards demand, held against what was seen (RULES 0.2, 0.4).

Subjects are alike: in a storm of a million messages some thirty kinds of subject, told by what the coverage shows of
them and by their marks, make up all but a few. So the question which rules have a say is answered once for each kind,
as a `Plan`; a subject then costs the call of those rules that must look at it, and nothing for the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from analyzer.evidence import SECOND, Datagram, Fidelity
from analyzer.findings import NOT_APPLICABLE, PASSED, Answer, Need, NotJudged, Rule
from analyzer.register.subjects import MessageSubject, StepSubject, Subject
from analyzer.sight import Sight

CLOCK_STEPPED = "the clock steps back"
"""Reason for not judging the order of messages across such a step (T-CLOCK)."""

# What the coverage does not give; one bit each.
_UNMET = {need: 1 << bit for bit, need in enumerate(Need)}
_BYTES, _CLOCK, _SUBSECOND = _UNMET[Need.BYTES], _UNMET[Need.CLOCK], _UNMET[Need.SUBSECOND]
_WHOLE, _S2C, _C2S = _UNMET[Need.WHOLE], _UNMET[Need.S2C], _UNMET[Need.C2S]
_NOT_FIRST, _NOT_LAST, _STEPPED = (1 << bit for bit in range(len(_UNMET), len(_UNMET) + 3))


@dataclass(slots=True)
class Plan:
    """One kind of subject: the rules that look at it, what the others answer, and how many subjects there were."""

    asked: list[Rule] = field(default_factory=list)
    settled: list[tuple[Rule, Answer]] = field(default_factory=list)
    count: int = 0


def lacks(subject: Subject, sight: Sight) -> int:
    """What the coverage does not show of a subject, as bits. TAIL and HEAD are for the check to decide: it knows how
    much of either it needs."""
    transaction = subject.transaction
    request = transaction.request
    message = subject.message if isinstance(subject, MessageSubject) else request or transaction.final
    assert message is not None
    datagram: Datagram = message.datagram
    found = 0
    if datagram.time is None:
        found = _CLOCK | _SUBSECOND
    elif sight.is_coarse:
        found = _SUBSECOND
    if datagram.missing or not message.complete_headers:
        found |= _WHOLE
    if request is None:
        found |= _C2S
    if (request or message).datagram.fidelity is Fidelity.PRINTED:
        found |= _BYTES
    if not sight.answers_from(transaction.destination):
        found |= _S2C
    if transaction.path is not None:  # the hop nearer the user agent, or the registrar, is judged instead (T-FORK)
        found |= (0 if transaction.is_first_hop else _NOT_FIRST) | (0 if transaction.is_last_hop else _NOT_LAST)
    if isinstance(subject, StepSubject) and _clock_stepped(subject):
        found |= _STEPPED
    return found


def _clock_stepped(step: StepSubject) -> bool:
    """T-CLOCK: what is told before carries a time more than a second after this, so their order is not known."""
    later = step.later.first
    if later is None:
        return False
    latest = later + SECOND
    for one in (step.earlier, step.same_call, step.stream.last):
        if one is not None and one.first is not None and one.first > latest:
            return True
    return False


def plan(rules: Sequence[Rule], method: str, lacking: int, marks: int, *, exhaustive: bool = False) -> Plan:
    """What each rule answers of a kind of subject; `exhaustive` asks also those that its marks would settle."""
    made = Plan()
    for rule in rules:
        answer = _unmet(rule, method, lacking)
        if answer is None and not exhaustive:
            answer = _by_marks(rule, marks)
        if answer is None:
            made.asked.append(rule)
        else:
            made.settled.append((rule, answer))
    return made


def _unmet(rule: Rule, method: str, lacking: int) -> Answer | None:
    """What the card demands and the subject does not give."""
    if rule.methods and method not in rule.methods:
        return NOT_APPLICABLE
    if (rule.hop == "first" and lacking & _NOT_FIRST) or (rule.hop == "last" and lacking & _NOT_LAST):
        return NOT_APPLICABLE
    if lacking & _STEPPED:
        return NotJudged(CLOCK_STEPPED)
    return next((NotJudged(need.value) for need in rule.needs if lacking & _UNMET[need]), None)


def _by_marks(rule: Rule, marks: int) -> Answer | None:
    if rule.concerns and not marks & rule.concerns:
        return NOT_APPLICABLE
    if rule.suspects and not marks & rule.suspects:
        return PASSED
    return None


def methods_of(rules: Iterable[Rule]) -> frozenset[str]:
    """The methods that any card names."""
    return frozenset(method for rule in rules for method in rule.methods)
