"""What a rule is, and what it answers.

A rule has a card (`Rule`) and a check. The check is asked about one subject that is complete, and answers one of five
outcomes (docs/architecture.md 4): not applicable, not judged (with the missing flag as reason), passed, violated,
failed to run. The last is the engine's: it is what a check that raises has answered. A rule that is a fact (`is_fact`)
looks for what is legal and worth knowing: it answers that it has seen it, which is counted, and is never a finding. "No
findings" never means "did not look", because every answer is tallied.

Severity follows docs/rules/conventions.md 3: `error` is a MUST broken with effect and proven, `warning` a SHOULD broken
or a MUST without effect, `info` hygiene. Force is the standard's own word. Confidence is apart from both: a capture may
have missed packets.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from analyzer.escape import visible
from analyzer.evidence import Evidence, FlowStep
from analyzer.judge.examples import Example as Example
from analyzer.judge.examples import bad as bad
from analyzer.judge.examples import good as good
from analyzer.judge.examples import seen as seen

if TYPE_CHECKING:
    from analyzer.judge.stacks import Fact

Severity = Literal["error", "warning", "info"]
Force = Literal["MUST", "SHOULD", "MAY", "none"]
Profile = Literal["rfc3261", "modern", "ims", "legacy2543"]
PROFILES: tuple[Profile, ...] = get_args(Profile)
SubjectKind = Literal["message", "transaction", "attempt", "step", "binding", "closed", "end", "fleet"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "error")


class Confidence(enum.IntEnum):
    """How sure a finding is; each doubt of docs/rules/conventions.md 3 lowers it one step."""

    LOW = 0
    MEDIUM = 1
    HIGH = 2

    def lowered(self, steps: int = 1) -> Confidence:
        """Lower by `steps`, not below LOW."""
        return Confidence(max(0, self - steps))

    @property
    def word(self) -> Literal["high", "medium", "low"]:
        """The word that reports print."""
        return ("low", "medium", "high")[self]


class Need(enum.Enum):
    """What a rule demands of the coverage (docs/rules/conventions.md 2); unmet, the rule is `not judged` with this as
    the reason."""

    C2S = "C2S"
    S2C = "S2C"
    BYTES = "BYTES"
    CLOCK = "CLOCK"
    SUBSECOND = "TS<1s"
    TAIL = "TAIL"
    HEAD = "HEAD"
    WHOLE = "WHOLE"


NEED_TEXT = {
    "C2S": "requests of the client are not visible",
    "S2C": "answers of the registrar are not visible",
    "BYTES": "a printed log does not keep the octets",
    "CLOCK": "the source has no clock",
    "TS<1s": "the log's clock has one-second steps",
    "TAIL": "the source ends too early",
    "HEAD": "the stream's beginning is not visible",
    "WHOLE": "the message is cut",
}
"""Plain words for each flag of `Need`."""


@dataclass(frozen=True, slots=True)
class Passed:
    """The subject keeps the rule."""


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """The rule has nothing to say about this subject."""


@dataclass(frozen=True, slots=True)
class NotJudged:
    """The precondition was not seen; `reason` is a flag of docs/rules/conventions.md 2 or a short phrase."""

    reason: str


class PerRun(str):
    """A part of a `group_key` that differs in every run, as a Call-ID does: it parts findings of one run, and tells
    nothing in the next one (`run/baseline.py`)."""


Effect = int | Literal["silence", "no answer", "given up", "gap"]
"""What a violation can bring about: a refusal with this status, no answer of a server that does answer, no answer for
whatever reason, an attempt that the client gave up after a challenge, a time without a binding."""


class Values(NamedTuple):
    """What was seen, and what the rule asks to stand there: as it would stand on the wire, or in few words."""

    observed: str = ""
    expected: str = ""


NO_VALUES = Values()


@dataclass(frozen=True, slots=True)
class Violated:
    """The subject breaks the rule.

    `detail` is one sentence with the values seen. `at` is the primary evidence (default: the subject's), `related` the
    others. `severity`, `force`, `at_fault` and `fix` default to the card's. Findings of one rule with equal `group_key`
    (default: the registration) and `sub` are one finding with a count. A `count` given here is that of the whole
    finding so far, and its detail the newest. `replaces` names a sub-code whose finding this one takes over.

    `explains` is what this very violation can bring about, where that is not what the card says. `up_to_cseq`: requests
    of the same Call-ID are broken in the same way as long as their CSeq is no higher. `gap` is a time, from and to in
    nanoseconds, in which the client had no binding because of it. `supersedes` are the rules whose findings on the same
    transaction this very violation explains, where those are not all that the card names.

    `values` are what was seen and what should be there, where the fault is one value.
    """

    detail: str
    sub: str = ""
    severity: Severity | None = None
    force: Force | None = None
    confidence: Confidence = Confidence.HIGH
    count: int = 0
    replaces: str = ""
    at: Evidence | None = None
    related: tuple[Evidence, ...] = ()
    group_key: object = None
    at_fault: str = ""
    fix: str = ""
    explains: tuple[Effect, ...] | None = None
    up_to_cseq: int | None = None
    gap: tuple[int, int] | None = None
    supersedes: tuple[str, ...] | None = None
    values: Values = NO_VALUES


@dataclass(frozen=True, slots=True)
class Seen:
    """The subject shows a fact (docs/rules/README.md): in one word which, and how often."""

    fact: str
    count: int = 1


Answer = Passed | NotApplicable | NotJudged | Violated | Seen
SINGLE = (Passed, NotApplicable, NotJudged, Violated, Seen)
"""The classes of `Answer`: what a check returns that gives one answer."""
PASSED = Passed()
NOT_APPLICABLE = NotApplicable()


class InProfile(NamedTuple):
    """What a profile makes of a rule's findings: `subs` are the sub-codes concerned (none: all of them), `severity` is
    what they weigh there; None: they are no findings there."""

    profile: Profile
    subs: tuple[str, ...] = ()
    severity: Severity | None = None


def brings_about(effects: tuple[Effect, ...], outcome: str, status: int, *, answers: bool = True) -> bool:
    """Whether a violation with these effects can be why an attempt ended so; `answers`: the server does answer."""
    if outcome == "rejected":
        return status in effects
    if outcome == "timeout":
        return "no answer" in effects or (answers and "silence" in effects)
    return outcome == "abandoned" and "given up" in effects


class ServerClients(NamedTuple):
    """What a whole capture shows of programs, by their User-Agent: those that answered a challenge of one server, and
    those that answered none of what they were offered anywhere, each with that."""

    answering: tuple[str, ...]
    unanswering: tuple[tuple[str, str], ...]


Check = Callable[[Any, Any], Answer | Iterable[Answer]]
"""`check(subject, context)`: the subject's type goes with the card's `subject`; several answers are allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule's card. `id` equals the file's name (dots and hyphens written as underscores) and carries no severity.

    `also` are further subjects that it is asked about, where all that it looks at is not there at one time. `title` is
    the catalogue's; `short_title` says the same in the words of who must mend it; `sub_titles` are the short titles of
    those sub-codes that say something else, which then are the finding's only title. `question` is what the rule looks
    at, as `whether ...`, for the list of what was not judged. `observed_at` says where along a path of proxies the rule
    looks: `first` for what the user agent wrote, `last` for what the registrar answered, `any` for both. `methods` are
    the methods it is asked about (empty: every one). `supersedes` names the rules whose findings on the same
    transaction this one explains (docs/rules/precedence.md). `applies_if` and `violates_only_if` are marks
    (`register/marks.py`): a subject with none of the former is not applicable, one with none of the latter passes, and
    the check is not called. It must answer the same if it is; 0 means ask always. `profiles` says what a profile
    silences or sharpens, `only_in` which profiles have the rule at all (empty: every one). `explains` are the effects
    that a violation can have on the attempt that it is in: the judge ties it to those that ended so (`judge/ties.py`).
    `is_momentary`: whether it has them depends on what the registrar holds at the time; of any other rule a violation
    that the registrar accepted shows that its like broke nothing there. `is_fact`: it answers `Seen`. `quiet` are
    sub-codes of which nearly every capture has one: a table has a single line for each. `advice` adds to
    the fix of a finding whose `group_key` begins with a server's host what clients in the whole capture mean for it.
    `more_subs` is a pattern of sub-codes that its examples do not show, where there are too many. `etsi` are the
    purposes of ETSI TS 102 027 that it answers, `disputed` where specifications disagree. What programs were seen to do
    about it stands in the table of `judge/stacks`.
    """

    id: str
    title: str
    clause: str
    force: Force
    severity: Severity
    at_fault: str
    subject: SubjectKind
    check: Check
    fix: str
    why: str
    examples: tuple[Example, ...]
    short_title: str = ""
    sub_titles: Mapping[str, str] = field(default_factory=dict)
    question: str = ""
    group: str = ""
    also: tuple[SubjectKind, ...] = ()
    observed_at: Literal["first", "last", "any"] = "first"
    methods: tuple[str, ...] = ("REGISTER",)
    needs: tuple[Need, ...] = ()
    supersedes: tuple[str, ...] = ()
    join_subs: bool = False
    applies_if: int = 0
    violates_only_if: int = 0
    explains: tuple[Effect, ...] = ()
    is_momentary: bool = False
    is_fact: bool = False
    quiet: tuple[str, ...] = ()
    profiles: tuple[InProfile, ...] = ()
    only_in: tuple[Profile, ...] = ()
    advice: Callable[[ServerClients], str] | None = None
    more_subs: str = ""
    etsi: tuple[str, ...] = ()
    disputed: str = ""

    @property
    def stacks(self) -> tuple[str, ...]:
        """What programs were seen to do, a sentence for each."""
        from analyzer.judge.stacks import facts_on, sentences  # late: who explains a rule asks

        return sentences(facts_on(self.id))

    def titles(self, sub: str) -> tuple[str, str]:
        """Title and short title of a finding with this sub-code; of joined ones those of the rule."""
        own = self.sub_titles.get(sub)
        return (own, own) if own else (self.title, self.short_title)


class AnswerRecord(NamedTuple):
    """One answer that a finding is made of: when in the run it was given, its places, by how many doubts it is less
    sure, and what the finding was like after it."""

    order: tuple[int, int, int]
    answer: Violated
    places: list[Evidence]
    doubts: int
    shape: tuple[object, ...]


class TiedGap(NamedTuple):
    """A time without a binding that a finding explains: whose, from when, and to when, None where it lasts."""

    registration: int
    start: int
    end: int | None


@dataclass(slots=True, repr=False)
class Finding:
    """A violated rule, with its evidence: the first `MAX_PLACES` places, and how often it was seen (`count`).
    `proven_severity` is what it weighs where it is sure, `severity` what it weighs as sure as it is. `explains` are the
    failed attempts that it brought about, by the numbers of their first transactions, `explained` counts all of them;
    `is_harmless`: the registrar took the like of it, so that it explains none. `gaps` are times without a binding, from
    and to in nanoseconds, that it is claimed for, `tied_gaps` those of its client (or clients) that it explains.
    `observed` and `expected` are the two values where the violation that `detail` tells of has them. `stack` is what
    the table of programs (`judge/stacks`) says, where it says exactly this of the program at fault.
    `flow_step` says where in a document of flows it is, and `tags` what is known of such text (`judge/copied_text.py`).
    `key` tells what is one finding; `answers` keeps the answers that shaped it, where several workers may have a share.
    """

    rule: str
    sub: str
    title: str
    clause: str
    force: Force
    proven_severity: Severity
    confidence: Confidence
    at_fault: str
    detail: str
    fix: str
    aor: str
    call_id: str
    registration: int | None
    transaction: int | None
    evidence: list[Evidence]
    count: int = 1
    user_agent: str = ""
    short_title: str = ""
    folded: list[str] = field(default_factory=list)
    explains: list[int] = field(default_factory=list)
    explained: int = 0
    is_harmless: bool = False
    gaps: list[tuple[int, int]] = field(default_factory=list)
    tied_gaps: list[TiedGap] = field(default_factory=list)
    observed: str = ""
    expected: str = ""
    flow_step: FlowStep | None = None
    tags: tuple[str, ...] = ()
    stack: Fact | None = None
    key: tuple[object, ...] = ()
    answers: list[AnswerRecord] = field(default_factory=list, repr=False, compare=False)

    @property
    def severity(self) -> Severity:
        """How much it weighs, in every output alike: an error that is hardly sure weighs as a warning
        (docs/rules/conventions.md 3)."""
        if self.proven_severity == "error" and self.confidence is Confidence.LOW:
            return "warning"
        return self.proven_severity

    def __repr__(self) -> str:
        sub = f"/{self.sub}" if self.sub else ""
        place = f" at {self.evidence[0].place}" if self.evidence else ""
        return visible(f"<Finding {self.rule}{sub}: {self.severity}, {self.count} x, {self.detail!r}{place}>")


def finding_of(rule: Rule, answer: Violated, confidence: Confidence, evidence: list[Evidence]) -> Finding:
    """The finding that a violation is, about nobody yet."""
    title, short_title = rule.titles(answer.sub)
    return Finding(
        rule=rule.id,
        sub=answer.sub,
        title=title,
        short_title=short_title,
        clause=rule.clause,
        force=answer.force or rule.force,
        proven_severity=answer.severity or rule.severity,
        confidence=confidence,
        at_fault=answer.at_fault or rule.at_fault,
        detail=answer.detail,
        fix=answer.fix or rule.fix,
        aor="",
        call_id="",
        registration=None,
        transaction=None,
        evidence=evidence,
        count=answer.count or 1,
        observed=answer.values.observed,
        expected=answer.values.expected,
    )
