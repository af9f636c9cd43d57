"""A comparison for a person: the verdict in a sentence, what is worse before what is better, the figures, what is not
known. What is alike is one line with a count; who is the same on both sides is only counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO, NamedTuple

from rich.text import Text

from analyzer.compare.side import Side
from analyzer.compare.values import ClientChange, Comparison, Figure, FindingChange, Verdict
from analyzer.evidence import SECOND, Place
from analyzer.views import ViewOptions
from analyzer.views.drawing.canvas import BAD, DIM, GOOD, STRONG, WARN, Canvas, Piece, widest
from analyzer.views.drawing.output import DEFAULT_WIDTH
from analyzer.views.words import (
    SEVERITY_WORD,
    Clock,
    capital,
    clause_words,
    clock_of,
    count,
    duration,
    listed,
    place_words,
    sentence,
    source_names,
)

MOST_LINES = 20
"""Lines of a kind; more only with --all."""
_STYLES: dict[Verdict, str] = {"worse": BAD, "better": f"bold {GOOD}", "new": WARN, "gone": DIM, "changed": WARN}
_TITLES: dict[Verdict, str] = {
    "worse": "Worse",
    "better": "Better",
    "changed": "Changed, neither better nor worse by itself",
    "new": "New: only after",
    "gone": "Gone: only before",
    "not compared": "Cannot be told apart",
}
_LABEL, _PLACE, _NAME, _NUMBER = 12, 28, 34, 14


class _Line(NamedTuple):
    """Clients, or findings, that changed alike: what they are now, what is said of them, where the first is seen."""

    label: str
    text: Text
    place: str


class _Names:
    """The short name of each source, and its clock. A place names its file where a side has several, and its side
    where that is the first."""

    def __init__(self, before: Side, after: Side) -> None:
        sources = [*before.sources, *after.sources]
        self.of = source_names(sources)
        self._clocks = {source.name: clock_of(source) for source in sources}
        self._several = {source.name for side in (before, after) for source in side.sources if len(side.sources) > 1}

    def place(self, place: Place, *, is_before: bool) -> str:
        """`frame 981`, `before: frame 12`, `frame 981 of monday.pcap`."""
        file = f" of {self.of.get(place.source, place.source)}" if place.source in self._several else ""
        return f"{'before: ' if is_before else ''}{place_words(place)}{file}"

    def at(self, source: str, time: int) -> str:
        """`11:47:09`, by the clock of a source."""
        return (self._clocks.get(source) or Clock()).at(time)


def write_words(out: IO[str], options: ViewOptions, before: Side, after: Side, found: Comparison) -> None:
    """Everything that there is to say, with `options.all` without an end."""
    canvas, names = Canvas(out, options), _Names(before, after)
    most = len(found.clients) + len(found.findings) if options.all else MOST_LINES
    for word, side in (("before", before), ("after", after)):
        _draw_side(canvas, names, word, side)
    canvas.gap()
    _draw_verdict(canvas, found)
    for verdict, title in _TITLES.items():
        clients = [one for one in found.clients if one.verdict == verdict]
        findings = [one for one in found.findings if one.verdict == verdict]
        lines = [*_client_lines(canvas, names, clients), *_finding_lines(canvas, names, findings)]
        _draw_lines(canvas, (title, _STYLES.get(verdict, STRONG)), lines, most)
    _draw_figures(canvas, found.figures)
    _draw_rest(canvas, before, after, found)


def _draw_side(canvas: Canvas, names: _Names, word: str, side: Side) -> None:
    first = canvas.cut(names.of[side.sources[0].name], canvas.width // 2)
    more = f" and {count(len(side.sources) - 1, 'more file')}" if len(side.sources) > 1 else ""
    span = duration(side.span) if side.span is not None else "no clock"
    clients = count(len(side.clients) + side.unlisted, "client")
    parts = [side.kind, span, clients, count(side.summary.register_requests, "REGISTER")]
    canvas.flow([canvas.text((f"{word:<8}", DIM), (first + more, STRONG)), *parts])
    if side.interrupted:
        canvas.line(("interrupted: this is what was read so far.", BAD), indent=8)


def _draw_verdict(canvas: Canvas, found: Comparison) -> None:
    worse, better = _counted(found, "worse"), _counted(found, "better")
    if found.verdict == "same":
        both = found.counts["same"] + found.counts["changed"]
        told = f": {count(both, 'client')} in both, none of them better or worse" if both else ""
        canvas.line(("Nothing got better or worse", STRONG), f"{told}.")
        return
    pieces: list[tuple[str, str]] = []
    if worse:
        pieces.append((f"Worse: {worse}.", BAD))
    if better:
        pieces.append((f"{' ' if worse else ''}Better: {better}.", f"bold {GOOD}"))
    canvas.line(*pieces)


def _counted(found: Comparison, verdict: Verdict) -> str:
    both = sum(found.counts[word] for word in ("worse", "better", "changed", "same"))
    parts = []
    if found.counts[verdict]:
        parts.append(f"{found.counts[verdict]:,} of {count(both, 'client')} in both")
    findings = sum(1 for one in found.findings if one.verdict == verdict)
    if findings:
        parts.append(count(findings, "finding"))
    figures = sum(1 for one in found.figures if one.verdict == verdict)
    if figures:
        parts.append(count(figures, "figure"))
    return listed(parts)


def _client_lines(canvas: Canvas, names: _Names, changes: Sequence[ClientChange]) -> list[_Line]:
    """Those that changed alike in one line: the same states, the same status."""
    same: dict[tuple[object, ...], list[ClientChange]] = {}
    for change in changes:
        states = [None if one is None else (one.state, one.status) for one in (change.before, change.after)]
        same.setdefault((change.reason, *states), []).append(change)
    return [_client_line(canvas, names, several) for several in same.values()]


def _client_line(canvas: Canvas, names: _Names, several: Sequence[ClientChange]) -> _Line:
    head, one = several[0], several[0].one
    more = f" +{len(several) - 1:,}" if len(several) > 1 else ""
    name = canvas.cut(one.aor.removeprefix("sip:") or "(no address)", 40) + more
    text = canvas.text((name, STRONG), f"  {_what(names, head)}")
    return _Line(one.state, text, names.place(one.place.place, is_before=head.after is None))


def _what(names: _Names, change: ClientChange) -> str:
    before, after = change.before, change.after
    if before is not None and after is not None:
        now = _state(after.state, after.status)
        since = f" since {names.at(after.place.place.source, after.since)}" if after.since is not None else ""
        reason = f"; {change.reason}" if change.reason else ""
        return f"{_state(before.state, before.status)} before, now {now}{since}{reason} (matched by {change.matched})"
    if change.reason:
        return change.reason
    status = f"{change.one.status}; " if change.one.status >= 300 else ""
    return f"{status}nothing is seen of it after" if after is None else status.removesuffix("; ")


def _state(state: str, status: int) -> str:
    return f"{state} ({status})" if status >= 300 else state


def _finding_lines(canvas: Canvas, names: _Names, changes: Sequence[FindingChange]) -> list[_Line]:
    same: dict[tuple[object, ...], list[FindingChange]] = {}
    for change in changes:
        key = (change.reason, change.key.rule, change.one.title, change.one.severity)
        same.setdefault(key, []).append(change)
    return [_finding_line(canvas, names, several) for several in same.values()]


def _finding_line(canvas: Canvas, names: _Names, several: Sequence[FindingChange]) -> _Line:
    head, one = several[0], several[0].one
    reason = head.reason or {"worse": "not there before", "better": "not there any more"}.get(head.verdict, "")
    if head.before is not None and head.after is not None:
        reason += f" ({head.before.number:,} before, {head.after.number:,} after)"
    whom = list(dict.fromkeys(filter(None, (_whom(change) for change in several))))
    others = f" and {len(whom) - 1:,} more" if len(whom) > 1 else ""
    clause = clause_words(one.clause)
    told = [
        sentence(one.title),
        clause if clause.startswith("RFC") else "",
        *(f"{capital(reason)}." for _ in [reason] if reason),
    ]
    told += [f"About {canvas.cut(whom[0], 40)}{others}."] if whom else []
    text = canvas.text((told[0], STRONG), " ".join(["", *told[2:]]), (f" {told[1]}", DIM))
    place = names.place(one.evidence.place, is_before=head.after is None) if one.evidence is not None else ""
    return _Line(SEVERITY_WORD[one.severity], text, place)


def _whom(change: FindingChange) -> str:
    """Whom a finding is about: names and addresses of what it is known by, not the words that only part findings."""
    words = [word.removeprefix("sip:") for word in change.key.about if any(sign in word for sign in ".:@")]
    return ", ".join(words)


def _draw_lines(canvas: Canvas, title: tuple[str, str], lines: Sequence[_Line], most: int) -> None:
    if not lines:
        return
    canvas.gap()
    canvas.line(title)
    shown = lines[:most]
    first = widest([line.label for line in shown], _LABEL)
    place = widest([line.place for line in shown], _PLACE)
    for line in shown:
        cells: list[Piece] = [(line.label, title[1]), line.text, (line.place, DIM)]
        canvas.columns(cells, [first, max(canvas.width - 6 - first - place, 16), place])
    if len(lines) > len(shown):
        canvas.line((f"... and {count(len(lines) - len(shown), 'more line')} (--all lists them)", DIM), indent=2)


def _draw_figures(canvas: Canvas, figures: Sequence[Figure]) -> None:
    canvas.gap()
    number = _NUMBER if canvas.width >= DEFAULT_WIDTH else _NUMBER - 3
    name = min(_NAME, canvas.width - 8 - 2 * number - _LABEL)
    heads: list[Piece] = [("Figures", STRONG), ("before", DIM), ("after", DIM)]
    canvas.columns(heads, [name + 2, number, number], indent=0)
    for figure in figures:
        if figure.before is None and figure.after is None:
            continue
        told = figure.verdict if figure.verdict in ("worse", "better", "not compared") else ""
        numbers = [_number(figure, value) for value in (figure.before, figure.after)]
        style = _STYLES.get(figure.verdict, DIM)
        canvas.columns([figure.name, *numbers, (told, style)], [name, number, number, _LABEL])


def _number(figure: Figure, value: float | None) -> str:
    if value is None:
        return "-"
    if not value:
        return "0"
    if figure.unit == "share":
        return f"{value:.1%}".replace("%", " %")
    if figure.unit == "seconds":
        return duration(round(value * SECOND)) if value >= 0.0005 else "less than 1 ms"
    if figure.unit == "per client-hour":
        return f"{value:,.2f} an hour" if value < 100 else f"{value:,.0f} an hour"
    return f"{value:,.0f}"


def _draw_rest(canvas: Canvas, before: Side, after: Side, found: Comparison) -> None:
    canvas.gap()
    same = found.counts["same"]
    findings = sum(1 for one in found.findings if one.verdict == "same")
    canvas.line((f"The same in both: {count(same, 'client')}, {count(findings, 'finding')}.", DIM))
    only = [
        f"{count(number, 'client')} only {word}"
        for number, word in ((found.counts["gone"], "before"), (found.counts["new"], "after"))
        if number
    ]
    told = [*found.not_compared]
    if only:
        told.append(f"what became of {listed(only)}: who is not in a capture is not broken for that")
    reasons: dict[str, list[str]] = {}
    for figure in found.figures:
        if figure.verdict == "not compared":
            reasons.setdefault(figure.reason, []).append(figure.name)
    told += [f"{'; '.join(several)} ({reason})" for reason, several in reasons.items()]
    for one in told:
        canvas.line((f"Not compared: {sentence(one)}", DIM), hang=2)
    for side in (before, after):
        for note in side.notes:
            canvas.line((capital(sentence(note)), DIM), hang=2)
