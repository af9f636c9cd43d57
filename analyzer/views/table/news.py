"""A finding at the moment when it is new, while a log is followed: one entry, short enough to be read as it passes.

Of one rule and sub-code the first few clients are named; then it is said at 10, 100, 1,000 of them how many there are.
A storm of one fault does not drive everything else from the screen, and the report has them all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from analyzer.evidence import Source
from analyzer.judge.findings import Finding
from analyzer.views.drawing.canvas import DIM, HINT, Canvas, Piece
from analyzer.views.table.remarks import LABEL, severity_label
from analyzer.views.words import clause_words, clock_of, party, place_words, sentence

NAMED = 3
"""Clients of one rule and sub-code that are told by themselves."""


class News:
    """Draws findings as they come."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        self._seen: Counter[tuple[str, str]] = Counter()

    def draw(self, finding: Finding, source: Source) -> None:
        """Draw a finding, or how many of its kind there are."""
        kind = (finding.rule, finding.sub)
        self._seen[kind] += 1
        count = self._seen[kind]
        if count <= NAMED:
            self._draw(finding, source)
        elif _is_round(count):
            title = finding.short_title or finding.title
            self._canvas.line((f"  so far of {count:,} clients: ", DIM), f"{title}.", (f" {finding.rule}", DIM))

    def _draw(self, finding: Finding, source: Source) -> None:
        canvas = self._canvas
        title = finding.short_title or finding.title
        detail = canvas.cut(finding.detail, 3 * canvas.width)
        words = sentence(f"{title}: {detail}" if detail else title)
        time = finding.evidence[0].time if finding.evidence else None
        when = clock_of(source).at(time) if time is not None else "-"
        label, indent = severity_label(canvas, finding.severity), len(when) + 2 + LABEL + 2
        canvas.columns([(when, DIM), label, words], [len(when), LABEL, canvas.width - indent], indent=0)
        canvas.flow(list(_about(finding)), indent=indent, hang=0)
        if finding.fix and finding.severity != "info":
            canvas.line(("fix: ", HINT), sentence(finding.fix), indent=indent, hang=5)


def _about(finding: Finding) -> Iterator[Piece]:
    yield finding.aor.removeprefix("sip:") or finding.call_id or "-"
    yield party(finding.at_fault)
    places = [place for place, _ in finding.evidence]
    if places:
        yield (place_words(*places), DIM)
    if finding.clause:
        yield (clause_words(finding.clause), DIM)
    yield (finding.rule, DIM)


def _is_round(count: int) -> bool:
    return count >= 10 and str(count).strip("0") == "1"
