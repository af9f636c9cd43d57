"""The findings, grouped: one cause, one entry, with an example, its clause, whose fault it is and what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from rich.cells import cell_len
from rich.text import Text

from analyzer.judge.copied_text import is_known
from analyzer.judge.failures import INTERNAL
from analyzer.judge.findings import SEVERITIES, Confidence, Finding, Severity, TiedGap
from analyzer.judge.stacks import Fact
from analyzer.run.report import Report
from analyzer.views import ViewOptions
from analyzer.views.drawing.canvas import BAD, DIM, HINT, STRONG, WARN, Canvas, Piece
from analyzer.views.states import ClientSummary, commonest
from analyzer.views.words import SEVERITY_WORD, clause_words, count, listed, party, place_words, sentence, times

MOST_ENTRIES = 12
"""Entries; more only with --all."""
_SIGN: dict[Severity, tuple[str, str]] = {"error": ("✗", BAD), "warning": ("!", WARN), "info": ("·", DIM)}
LABEL = 9
"""Cells of a sign and the word for a severity."""


@dataclass(slots=True)
class Entry:
    """Findings of one rule and sub-code, alike in severity; `example` is on a client in trouble, if any is.

    `is_quiet`: it has one line at the end. `clients` are registrations, `beside` the Call-IDs of what belongs to none:
    calls, and answers without a request.
    """

    severity: Severity
    example: Finding
    occurrences: int = 0
    clients: set[int] = field(default_factory=set)
    beside: set[str] = field(default_factory=set)
    troubled: set[int] = field(default_factory=set)
    broken: set[int] = field(default_factory=set)
    gaps: set[TiedGap] = field(default_factory=set)
    is_quiet: bool = False
    agents: Counter[str] = field(default_factory=Counter)

    @property
    def is_cause(self) -> bool:
        """Whether it explains anything that failed."""
        return bool(self.broken or self.gaps)

    def take(self, finding: Finding, troubled: set[int]) -> None:
        """Count one more."""
        client = finding.registration
        self.occurrences += finding.count
        self.broken.update(finding.explains)
        self.gaps.update(finding.tied_gaps)
        self.agents[finding.user_agent] += 1
        if client is None:
            self.beside.add(finding.call_id)
            return
        self.clients.add(client)
        if client in troubled:
            if not self.troubled:
                self.example = finding
            self.troubled.add(client)


def grouped(findings: Iterable[Finding], troubled: set[int]) -> list[Entry]:
    """The entries: first what broke registrations, then the worst, then those on clients in trouble, or on most; last
    what nearly every capture has."""
    entries: dict[tuple[str, str, str, bool], Entry] = {}
    quiet = _quiet()
    for finding in findings:
        severity = finding.severity
        detail = finding.detail if finding.rule == INTERNAL else ""
        key = (finding.rule, f"{finding.sub}{detail}", severity, is_known(finding))
        is_quiet = (finding.rule, finding.sub) in quiet
        entry = entries.setdefault(key, Entry(severity, finding, is_quiet=is_quiet))
        entry.take(finding, troubled)
    return sorted(
        entries.values(),
        key=lambda one: (
            not one.is_cause,
            one.is_quiet,
            -SEVERITIES.index(one.severity),
            -len(one.troubled),
            -len(one.clients) - len(one.beside),
        ),
    )


def _quiet() -> frozenset[tuple[str, str]]:
    """The rules and sub-codes of which nearly every capture has one."""
    from analyzer.rules import all_rules

    return frozenset((rule.id, sub) for rule in all_rules() for sub in rule.quiet)


def draw_findings(canvas: Canvas, clients: ClientSummary, options: ViewOptions) -> None:
    """The sentence that counts them, then the entries."""
    entries = grouped(clients.report.findings, clients.troubled)
    if entries:
        _draw_entries(canvas, clients, entries, options)
    elif not _known(clients.report):
        _draw_nothing(canvas, clients)
    _draw_known(canvas, clients.report, alone=not entries)


def _draw_entries(canvas: Canvas, clients: ClientSummary, entries: list[Entry], options: ViewOptions) -> None:
    canvas.gap()
    canvas.line((headline(entries, clients), STRONG))
    shown = entries if options.all else entries[:MOST_ENTRIES]
    for entry in shown:
        _draw(canvas, clients, entry, options)
    rest = Counter(entry.severity for entry in entries[len(shown) :])
    if rest:
        canvas.line((f"and {_counted(rest)} (--all lists them)", DIM), indent=2)


def headline(entries: list[Entry], clients: ClientSummary) -> str:
    """How many of each kind, and what they explain: computed from the ties of findings to what they broke."""
    seen = Counter(entry.severity for entry in entries)
    whole = sum(seen.values())
    causes = [entry for entry in entries if entry.is_cause]
    if causes:
        broken = broken_words(causes)
        verb = "explain" if len(causes) > 1 else "explains"
        some = len(causes) < whole
        who = f"{len(causes)} of them {verb}" if some else f"which {verb}"
        if whole > len(causes) == 1 == seen[causes[0].severity]:
            return f"{_counted(seen)}; the {SEVERITY_WORD[causes[0].severity]} explains {broken}:"
        return f"{_counted(seen)}{';' if some else ','} {who} {broken}:"
    if not (clients.troubled or clients.failures or clients.gaps):
        if seen["error"]:
            none = "which broke no registration" if whole == 1 else "none of which broke a registration"
            return f"{_counted(seen)}, {none}:"
        none = "which explains no failure" if whole == 1 else "none of them explains a failure"
        return f"{count(whole, 'remark')}, {none}:"
    weighty = [entry for entry in entries if entry.severity != "info"]
    touching = sum(1 for entry in weighty if entry.troubled)
    if len(clients.states) == 1 or not weighty:
        return f"{_counted(seen)}:"
    if not touching:
        return f"{_counted(seen)}, {'not' if whole == 1 else 'none of them'} about a client in trouble:"
    if touching == whole:
        return f"{_counted(seen)}, {'all ' if whole > 1 else ''}about clients in trouble:"
    return f"{_counted(seen)}, {touching} of them about clients in trouble:"


def broken_words(causes: Iterable[Entry]) -> str:
    """`3 failed attempts and 1 gap without a binding`: what the entries explain together, each once."""
    attempts: set[int] = set().union(*(entry.broken for entry in causes))
    gaps: set[TiedGap] = set().union(*(entry.gaps for entry in causes))
    words = [count(len(attempts), "failed attempt")] if attempts else []
    return listed([*words, f"{count(len(gaps), 'gap')} without a binding"] if gaps else words)


def _counted(seen: Counter[Severity]) -> str:
    words = [count(seen[severity], SEVERITY_WORD[severity]) for severity in reversed(SEVERITIES) if seen[severity]]
    return listed(words)


def _known(report: Report) -> int:
    """Findings that a baseline has taken out."""
    return report.known.findings.total() if report.known is not None else 0


def _draw_known(canvas: Canvas, report: Report, *, alone: bool) -> None:
    """What a baseline has taken out, and what of it was not seen this time."""
    if report.known is None:
        return
    known, digests, unmet = _known(report), report.known.digests, report.known.unmet
    words = []
    if known:
        new = "No new finding: " if alone else ""
        words.append(f"{new}{count(known, 'known finding')} of the baseline not shown")
    if digests:
        do, are = ("does", "is") if digests == 1 else ("do", "are")
        words.append(f"{count(digests, 'response')} that {do} not match {are} known to it")
    if unmet:
        words.append(f"{count(unmet, 'entry')} of the baseline not seen this time")
    if words:
        canvas.gap()
        canvas.line((sentence("; ".join(words)), DIM))


def _draw_nothing(canvas: Canvas, clients: ClientSummary) -> None:
    report = clients.report
    asked = [tally.passed for tally in report.outcomes.values() if tally.passed]
    if asked:
        where = f"{count(report.summary.messages, 'message')} of {count(report.summary.registrations, 'registration')}"
        canvas.gap()
        passed = f"{count(sum(asked), 'check')} of {count(len(asked), 'rule')} passed on {where}"
        number = len(report.outcomes)
        some = "No rule is broken"
        if number < _all_rules():
            one, several = (
                "The one rule that was asked is not broken",
                f"None of the {number:,} rules that were asked is broken",
            )
            some = one if number == 1 else several
        canvas.line(f"{some}: {passed}.")


def _all_rules() -> int:
    from analyzer.rules import all_rules  # late: as the titles are

    return len(all_rules())


def severity_label(canvas: Canvas, severity: Severity) -> Text:
    """A sign and a word for how bad it is."""
    sign, style = _SIGN[severity]
    return canvas.text((f"{sign} {SEVERITY_WORD[severity]}", style))


def _draw(canvas: Canvas, clients: ClientSummary, entry: Entry, options: ViewOptions) -> None:
    finding = entry.example
    label = severity_label(canvas, entry.severity)
    if entry.is_quiet and not options.all:
        room = canvas.width - 4 - LABEL
        title = f"{finding.short_title or finding.title} ({times(entry.occurrences)}, {finding.rule})"
        canvas.columns([label, (canvas.cut(title, room), DIM)], [LABEL, room])
        return
    places = [place for place, _ in finding.evidence]
    place = place_words(*places) if places else ""
    file = canvas.cut(clients.file(places[0]), 56) if places else ""
    detail = canvas.cut(finding.detail, 3 * canvas.width)
    title = finding.short_title or finding.title
    words = canvas.text(sentence(f"{title}: {detail}" if detail else title))
    right = max(24, cell_len(place)) if canvas.wide else 0
    left = canvas.width - 2 - LABEL - 2 - (right + 2 if right else 0)
    if right:
        canvas.columns([label, words, (place, DIM)], [LABEL, left, right])
    else:
        canvas.columns([label, words], [LABEL, left])
    canvas.flow(list(_about(canvas, entry, clients, ("" if right else place, file))), indent=4 + LABEL, hang=0)
    if finding.fix and (entry.severity != "info" or options.all):
        canvas.line(("fix: ", HINT), sentence(finding.fix), indent=4 + LABEL, hang=5)
    if finding.stack is not None:
        _draw_stack(canvas, finding.stack)


def _draw_stack(canvas: Canvas, stack: Fact) -> None:
    """What is known of the program: that it does just this, and how to live with it."""
    pieces: list[Piece] = [("known: ", HINT), sentence(stack.told)]
    if stack.live_with:
        pieces.append(f" To live with it: {sentence(stack.live_with)}")
    canvas.line(*pieces, indent=4 + LABEL, hang=7)


def _about(canvas: Canvas, entry: Entry, clients: ClientSummary, places: tuple[str, str]) -> Iterator[Piece]:
    finding = entry.example
    yield _who(canvas, entry)
    number, beside = len(entry.clients), len(entry.beside)
    if len(clients.states) > 1 and "UAC" in finding.at_fault:  # what a server does is not this or that client's
        among = f" ({len(entry.troubled):,} in trouble)" if 0 < len(entry.troubled) < number else ""
        many = f", {times(entry.occurrences)}" if entry.occurrences > number + beside else ""
        whose = [count(number, "client") + among] if number else []
        whose += [count(beside, "other Call-ID" if number else "Call-ID")] if beside else []
        yield (" and ".join(whose) + many, DIM)
    elif entry.occurrences > 1:
        yield (times(entry.occurrences), DIM)
    if entry.is_cause:
        yield (f"explains {broken_words([entry])}", DIM)
    where = " ".join(part for part in places if part)
    if where:
        yield (where, DIM)
    if finding.clause:
        yield (clause_words(finding.clause), DIM)
    if finding.confidence is Confidence.LOW:  # medium is what every log gives: not worth a word
        yield ("low confidence", DIM)
    if is_known(finding):
        yield ("RFC 3665 is printed so", DIM)
    yield (finding.rule, DIM)


def _who(canvas: Canvas, entry: Entry) -> Text:
    fault = party(entry.example.at_fault)
    agent, kinds = commonest(entry.agents) if fault == "phone" else ("", "")
    return canvas.text((f"{fault} {canvas.cut(agent, 40)}".strip() + kinds, DIM))
