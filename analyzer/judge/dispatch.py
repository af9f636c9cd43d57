"""Which rules are asked about a subject: what their cards demand, held against what was seen (docs/rules/conventions.md
2, 4).

Subjects are alike: in a storm of a million messages some thirty kinds of subject, told by what the coverage shows of
them and by their marks, make up all but a few. So the question which rules have a say is answered once for each kind,
as a `DispatchPlan`; a subject then costs the call of those rules that must look at it, and nothing for the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from analyzer.evidence import SECOND, Fidelity, RawMessage
from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Need, NotJudged, Profile, Rule
from analyzer.judge.profiles import is_silent
from analyzer.register.subjects import MessageSubject, Subject, TransitionSubject
from analyzer.register.transaction import Transaction
from analyzer.sip.message import Message

CLOCK_STEPPED = "the clock steps back"
"""Reason for not judging the order of messages across such a step (docs/rules/traps.md T-CLOCK)."""

# What the coverage does not give; one bit each.
_UNMET = {need: 1 << bit for bit, need in enumerate(Need)}
_BYTES, _CLOCK, _SUBSECOND = _UNMET[Need.BYTES], _UNMET[Need.CLOCK], _UNMET[Need.SUBSECOND]
_WHOLE, _S2C, _C2S = _UNMET[Need.WHOLE], _UNMET[Need.S2C], _UNMET[Need.C2S]
_NOT_FIRST, _NOT_LAST, _STEPPED = (1 << bit for bit in range(len(_UNMET), len(_UNMET) + 3))

LACKING_BITS = len(_UNMET) + 3
"""Bits of what `missing_evidence` gives: a kind of subject is told by these, and its marks beside them."""


@dataclass(slots=True)
class DispatchPlan:
    """One kind of subject: the rules that look at it, what the others answer, and how many subjects there were."""

    asked: list[Rule] = field(default_factory=list)
    settled: list[tuple[Rule, Answer]] = field(default_factory=list)
    count: int = 0


def missing_evidence(subject: Subject, transaction: Transaction, context: CaptureContext) -> int:
    """What the coverage does not show of a subject, as bits; 0 for nearly all. TAIL and HEAD are for the check to
    decide: it knows how much of either it needs."""
    request = transaction.request
    message: Message | None
    if type(subject) is MessageSubject:
        message = subject.message
    else:
        message = request or transaction.final  # neither, where it was evicted before the source's end
    found = (
        0 if message is None or message.is_good_evidence else _lacks_of(message.raw_message, is_whole=message.is_whole)
    )
    if request is None:
        found |= _C2S
    if context.is_coarse:
        found |= _SUBSECOND
    if transaction.final is None and not context.answers_from(transaction.destination):
        found |= _S2C
    if transaction.path is not None:  # the hop nearer the user agent, or the registrar, is judged instead (T-FORK)
        found |= (0 if transaction.is_first_hop else _NOT_FIRST) | (0 if transaction.is_last_hop else _NOT_LAST)
    if type(subject) is TransitionSubject and _clock_stepped(subject):
        found |= _STEPPED
    return found


def _lacks_of(raw_message: RawMessage, *, is_whole: bool) -> int:
    found = 0
    if raw_message.time is None:
        found = _CLOCK | _SUBSECOND
    if not is_whole:
        found |= _WHOLE
    if raw_message.fidelity is Fidelity.TEXT_LOG and raw_message.flow_step is None:
        found |= _BYTES  # of a document what it prints is what its author wrote: no logger stands between
    return found


def _clock_stepped(step: TransitionSubject) -> bool:
    """T-CLOCK: what is told before carries a time more than a second after this, so their order is not known."""
    later = step.later.first
    if later is None:
        return False
    latest = later + SECOND
    earlier, last, same_call = step.earlier, step.stream.last, step.same_call
    return (
        (earlier is not None and earlier.first is not None and earlier.first > latest)
        or (last is not None and last is not earlier and last.first is not None and last.first > latest)
        or (
            same_call is not None and same_call is not last and same_call.first is not None and same_call.first > latest
        )
    )


def dispatch_plan(
    rules: Sequence[Rule],
    method: str,
    lacking: int,
    marks: int,
    *,
    profile: Profile = "rfc3261",
    exhaustive: bool = False,
) -> DispatchPlan:
    """What each rule answers of a kind of subject; `exhaustive` asks also those that its marks would settle."""
    made = DispatchPlan()
    for rule in rules:
        answer = NOT_APPLICABLE if is_silent(rule, profile) else unmet(rule, method, lacking)
        if answer is None and not exhaustive:
            answer = _by_marks(rule, marks)
        if answer is None:
            made.asked.append(rule)
        else:
            made.settled.append((rule, answer))
    return made


def unmet(rule: Rule, method: str, lacking: int) -> Answer | None:
    """What the card demands and the subject does not give."""
    if rule.methods and method not in rule.methods:
        return NOT_APPLICABLE
    if (rule.observed_at == "first" and lacking & _NOT_FIRST) or (rule.observed_at == "last" and lacking & _NOT_LAST):
        return NOT_APPLICABLE
    if lacking & _STEPPED:
        return NotJudged(CLOCK_STEPPED)
    return next((NotJudged(need.value) for need in rule.needs if lacking & _UNMET[need]), None)


def _by_marks(rule: Rule, marks: int) -> Answer | None:
    if rule.applies_if and not marks & rule.applies_if:
        return NOT_APPLICABLE
    if rule.violates_only_if and not marks & rule.violates_only_if:
        return PASSED
    return None
