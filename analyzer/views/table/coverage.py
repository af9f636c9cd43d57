"""What was not judged, and why; what the sources cannot show; what was evicted. Silence must not look like health."""

from __future__ import annotations

from dataclasses import dataclass, field

from analyzer.judge.findings import NEED_TEXT
from analyzer.views import ViewOptions
from analyzer.views.drawing.canvas import DIM, STRONG, Canvas
from analyzer.views.states import REGISTERED, ClientSummary
from analyzer.views.words import count, duration, listed, sentence

UNSTAMPED = "these messages have no time stamp of their own"
MOST_REASONS = 6
MOST_TITLES = 2


@dataclass(slots=True)
class Gap:
    """One reason, and the rules that it kept from judging: never, or sometimes (`partly`)."""

    reason: str
    times: int = 0
    never: list[str] = field(default_factory=list)
    partly: list[str] = field(default_factory=list)


def gaps_of(clients: ClientSummary) -> list[Gap]:
    """The reasons, those first that kept most rules from judging at all."""
    gaps: dict[str, Gap] = {}
    titles = _titles()
    for rule, tally in clients.report.outcomes.items():
        judged = tally.passed or tally.violated
        for reason, number in tally.not_judged.items():
            if reason.startswith("no password") and not clients.report.secrets_given:
                continue  # the digests' own sentence says it
            gap = gaps.setdefault(reason, Gap(reason))
            gap.times += number
            (gap.partly if judged else gap.never).append(titles.get(rule, rule))
    return sorted(gaps.values(), key=lambda gap: (-len(gap.never), -gap.times, gap.reason))


def _titles() -> dict[str, str]:
    from analyzer.rules import all_rules

    return {rule.id: rule.question or rule.title for rule in all_rules()}


def draw_coverage(canvas: Canvas, clients: ClientSummary, options: ViewOptions) -> None:
    """Not judged, facts, quality of the sources, notes."""
    report = clients.report
    gaps = [] if report.interrupted and not report.summary.messages else gaps_of(clients)
    shown = gaps if options.all else gaps[:MOST_REASONS]
    canvas.gap()
    if gaps:
        canvas.line(("Not judged", STRONG), ", and why:")
    for gap in shown:
        reason = reason_words(gap.reason, clients)
        canvas.line(f"{reason}: ", (_rules(gap), DIM), indent=2, hang=2)
    if options.all:
        _draw_facts(canvas, clients)
    if len(gaps) > len(shown):
        canvas.line((f"and for {count(len(gaps) - len(shown), 'more reason')} (--all lists them)", DIM), indent=2)
    _draw_notes(canvas, clients)


def _draw_facts(canvas: Canvas, clients: ClientSummary) -> None:
    """What is legal, was seen, and is worth knowing; only the long table has it."""
    seen = {rule: tally.seen for rule, tally in clients.report.outcomes.items() if tally.seen}
    titles = _titles()
    for number, (rule, facts) in enumerate(seen.items()):
        if not number:
            canvas.line(("Seen", STRONG), ", and no fault by itself:")
        told = ", ".join(f"{fact} {times:,} x" for fact, times in sorted(facts.items()))
        canvas.line(f"{titles.get(rule, rule)}: ", (told, DIM), indent=2, hang=2)


def reason_words(reason: str, clients: ClientSummary) -> str:
    """A reason in the words of a person; a flag of `Need` with what is known of it."""
    if reason == "TAIL":
        return _tail(clients)
    if reason == "CLOCK" and any(source.first is not None for source in clients.report.sources):
        return UNSTAMPED
    return NEED_TEXT.get(reason, reason)


def _tail(clients: ClientSummary) -> str:
    """How long the source goes on after the latest success: what a missing renewal can be told from."""
    latest = max(
        (
            (one.last_success, one)
            for one, state in clients.states
            if state is REGISTERED and one.last_success is not None
        ),
        key=lambda pair: pair[0],
        default=None,
    )
    end = clients.end(latest[1].place) if latest else None
    if latest is None or end is None:
        return NEED_TEXT["TAIL"]
    medium = clients.medium(latest[1].place)
    who = "it" if len(clients.states) == 1 else "the last client"
    return f"the {medium} ends {duration(end - latest[0])} after {who} registered"


def _rules(gap: Gap) -> str:
    """Which rules: named while they are few."""
    names = [*gap.never, *gap.partly]
    part = "" if gap.never else "in part, "
    if len(names) <= MOST_TITLES:
        return part + listed(names)
    also = f", {len(gap.partly)} of them only in part" if gap.never and gap.partly else ""
    return f"{part}{count(len(names), 'rule')}{also}"


def _draw_notes(canvas: Canvas, clients: ClientSummary) -> None:
    several = len(clients.report.sources) > 1
    said: dict[str, list[str]] = {}
    for source in clients.report.sources:
        for text in source.quality:
            said.setdefault(text, []).append(clients.names[source.name])
    canvas.gap()
    for text, names in said.items():
        where = f"{listed(names)}: " if several and len(names) <= 2 else ""
        canvas.line("Note: ", f"{where}{sentence(canvas.cut(text, 4 * canvas.width))}", hang=6)
    for note in clients.report.notes:
        canvas.line("Note: ", sentence(note), hang=6)
