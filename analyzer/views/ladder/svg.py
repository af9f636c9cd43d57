"""The ladder as SVG: for a page, a ticket or a slide; light and dark, with a title and a description for who hears it.

No script, no link, no event handler, no font from elsewhere: what a sender wrote is in text nodes alone, made visible
(`analyzer.escape`) and escaped by the XML library. Widths of letters are those of common monospaced fonts: 0.6 em.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import IO
from xml.etree import ElementTree as ET

from analyzer.escape import visible
from analyzer.judge.findings import Severity
from analyzer.views.ladder.model import Between, Ladder, Note, Step
from analyzer.views.words import count, sentence

_LETTER = 7.3
"""Width of a letter of 12 px."""
_SMALL = 6.7
"""The same of 11 px."""
_CLOCK = 180
_SPACING = {1: 320, 2: 500, 3: 380, 4: 300, 5: 250, 6: 220}
_MARGIN, _HEAD, _ARROW, _LINE, _BETWEEN = 24, 58, 50, 17, 34
_SIGN: dict[Severity, str] = {"error": "✗", "warning": "!", "info": "·"}
_STYLE = """
.back{fill:#fff}.band{fill:#f6f7f9}.ink{fill:#1b1f24}.soft{fill:#57606a}.line{stroke:#b6bec8;stroke-dasharray:3 4}
.lane{fill:#eef1f5;stroke:#b6bec8}.request{stroke:#0550ae;fill:#0550ae}.good{stroke:#116329;fill:#116329}
.ask{stroke:#7d4e00;fill:#7d4e00}.bad{stroke:#b3141e;fill:#b3141e}.provisional{stroke:#57606a;fill:#57606a}
.error{fill:#ffebe9;stroke:#b3141e}.warning{fill:#fff8c5;stroke:#7d4e00}.info{fill:#ddf0ff;stroke:#0550ae}
.error-ink{fill:#82071e}.warning-ink{fill:#5c3d00}.info-ink{fill:#0a3069}.pause{fill:#eef1f5}
text{font:12px ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace}
.title{font:600 20px system-ui,"DejaVu Sans",sans-serif}.under{font:13px system-ui,"DejaVu Sans",sans-serif}
.strong{font-weight:600}.small{font-size:11px}.arrow{stroke-width:1.6;fill:none}.head{stroke:none}
@media (prefers-color-scheme:dark){.back{fill:#0d1117}.band{fill:#151b23}.ink{fill:#e6edf3}.soft{fill:#9aa4b0}
.line{stroke:#485260}.lane,.pause{fill:#1d242d;stroke:#485260}.request{stroke:#79b8ff;fill:#79b8ff}
.good{stroke:#56d364;fill:#56d364}.ask{stroke:#e3b341;fill:#e3b341}.bad{stroke:#ff7b72;fill:#ff7b72}
.provisional{stroke:#9aa4b0;fill:#9aa4b0}.error{fill:#3b1216;stroke:#ff7b72}.warning{fill:#332701;stroke:#e3b341}
.info{fill:#0c2440;stroke:#79b8ff}.error-ink{fill:#ffc1ba}.warning-ink{fill:#f2d478}.info-ink{fill:#b6dcff}}
""".strip()


def render(ladder: Ladder, out: IO[str]) -> None:
    """Write one `<svg>`, ASCII but for what is escaped, and a line feed."""
    drawn = _Drawing(ladder).drawn()
    out.write(ET.tostring(drawn, encoding="us-ascii").decode("ascii") + "\n")


class _Drawing:
    """Draws from top to bottom: `y` is where the next thing begins."""

    def __init__(self, ladder: Ladder) -> None:
        self._ladder = ladder
        self._spacing = _SPACING.get(len(ladder.lanes), 220)
        self._left = _MARGIN + _CLOCK + 40
        self._box = min(self._spacing - 16, 250)
        last = self._left + self._spacing * (len(ladder.lanes) - 1)
        self._right = last + (self._box / 2 if len(ladder.lanes) > 1 else 400)
        self._width = self._right + _MARGIN
        self._bands = ET.Element("g")
        self._svg = ET.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "role": "img"})
        self._y = 0.0
        self._lines_from = 0.0

    def drawn(self) -> ET.Element:
        """The whole."""
        svg, ladder = self._svg, self._ladder
        svg.set("aria-labelledby", "ladder-title ladder-description")
        ET.SubElement(svg, "title", {"id": "ladder-title"}).text = visible(ladder.title)
        ET.SubElement(svg, "desc", {"id": "ladder-description"}).text = _described(ladder)
        ET.SubElement(svg, "style").text = _STYLE
        ET.SubElement(svg, "rect", {"class": "back", "width": "100%", "height": "100%"})
        self._bands = ET.SubElement(svg, "g", {"class": "band"})
        lines = ET.SubElement(svg, "g", {"class": "line"})
        self._y = 40
        self._text(_MARGIN, ladder.title, "title ink", self._width - 2 * _MARGIN, 11.5)
        self._y += 24
        self._text(_MARGIN, " · ".join(ladder.subtitle), "under soft", self._width - 2 * _MARGIN, 7.2)
        self._y += 20
        self._draw_heads()
        for number, row in enumerate(ladder.rows):
            if isinstance(row, Step):
                self._draw_step(row, shaded=number % 2 == 1)
            else:
                self._draw_between(row)
        for at in range(len(ladder.lanes)):
            x = _px(self._lane(at))
            ET.SubElement(lines, "line", {"x1": x, "x2": x, "y1": _px(self._lines_from), "y2": _px(self._y + 8)})
        self._draw_rest()
        height = self._y + _MARGIN
        svg.set("viewBox", f"0 0 {_px(self._width)} {_px(height)}")
        svg.set("width", _px(self._width))
        svg.set("height", _px(height))
        return svg

    def _lane(self, number: int) -> float:
        return self._left + number * self._spacing

    def _draw_heads(self) -> None:
        room = self._box
        for at, lane in enumerate(self._ladder.lanes):
            x = self._lane(at)
            box = {"x": _px(x - room / 2), "y": _px(self._y), "width": _px(room), "height": "42", "rx": "6"}
            ET.SubElement(self._svg, "rect", {"class": "lane", **box})
            top = self._y
            self._y = top + (18 if lane.agent else 25)
            self._text(x, lane.label, "strong ink", room - 12, _LETTER, anchor="middle")
            self._y = top + 34
            self._text(x, lane.agent, "small soft", room - 12, _SMALL, anchor="middle")
            self._y = top
        self._y += _HEAD
        self._lines_from = self._y - 16

    def _draw_step(self, step: Step, *, shaded: bool) -> None:
        message, kind = step.message, _kind(step)
        group = ET.SubElement(self._svg, "g")
        ET.SubElement(group, "title").text = visible(
            f"{step.clock}, {step.where}: {message.what} ({', '.join(step.facts)})"
        )
        if shaded:
            band = {"x": _px(_MARGIN / 2), "width": _px(self._width - _MARGIN), "height": str(_ARROW)}
            ET.SubElement(self._bands, "rect", {"y": _px(self._y), "rx": "4", **band})
        self._y += 20
        self._text(_MARGIN, step.clock, "ink", _CLOCK, _LETTER, parent=group)
        start, end = self._lane(step.start), self._lane(step.end)
        low, room = min(start, end), abs(end - start) - 24
        if start == end:
            room = max(200.0, self._right - start - 24)
        self._text(low + 12, message.what, f"strong {kind} head", room, _LETTER, parent=group)
        self._y += 8
        self._draw_arrow(group, start, end, kind)
        self._y += 14
        self._text(_MARGIN, step.where, "small soft", _CLOCK, _SMALL, parent=group)
        self._text(low + 12, " · ".join(step.facts), "small soft", self._right - low - 12, _SMALL, parent=group)
        self._y += _ARROW - 42
        for note in step.notes:
            self._draw_note(note)
        if step.more_notes:
            self._y += _LINE
            self._text(_MARGIN + 40, f"and {count(step.more_notes, 'more finding')} here", "small soft", 600, _SMALL)
            self._y += 6

    def _draw_arrow(self, group: ET.Element, start: float, end: float, kind: str) -> None:
        y = self._y
        if start == end:
            ET.SubElement(group, "circle", {"class": kind, "cx": _px(start), "cy": _px(y), "r": "4"})
            return
        way = 1 if end > start else -1
        x2 = _px(end - 7 * way)
        ET.SubElement(group, "line", {"class": f"arrow {kind}", "x1": _px(start), "x2": x2, "y1": _px(y), "y2": _px(y)})
        tip = f"{_px(end)},{_px(y)} {_px(end - 10 * way)},{_px(y - 5)} {_px(end - 10 * way)},{_px(y + 5)}"
        ET.SubElement(group, "polygon", {"class": f"head {kind}", "points": tip})

    def _draw_note(self, note: Note) -> None:
        left = _MARGIN + 40
        width = self._right - left
        source = f" [{note.source}]" if note.source else ""
        lines = _wrapped(f"{_SIGN[note.severity]} {note.word}: {sentence(note.text)}{source}", (width - 26) / _LETTER)
        height = _LINE * len(lines) + 10
        box = {"x": _px(left), "y": _px(self._y), "width": _px(width), "height": _px(height), "rx": "5"}
        group = ET.SubElement(self._svg, "g")
        ET.SubElement(group, "rect", {"class": note.severity, **box})
        self._y += 2
        for line in lines:
            self._y += _LINE
            self._text(left + 13, line, f"{note.severity}-ink", width, _LETTER, parent=group)
        self._y += 14

    def _draw_between(self, row: Between) -> None:
        room = self._right - _MARGIN - 40
        box = {"x": _px(_MARGIN + 40), "y": _px(self._y + 4), "width": _px(room), "height": "22", "rx": "11"}
        ET.SubElement(self._svg, "rect", {"class": "pause", **box})
        self._y += 19
        mark = "" if row.is_title else "⋮ "
        style = "strong ink" if row.is_cut or row.is_title else "soft"
        self._text(_MARGIN + 40 + room / 2, f"{mark}{row.text}", style, room - 20, _LETTER, anchor="middle")
        self._y += _BETWEEN - 19

    def _draw_rest(self) -> None:
        ladder = self._ladder
        self._y += 14
        if ladder.unplaced:
            self._y += _LINE
            self._text(_MARGIN, "Findings at no message that is drawn:", "strong ink", self._width, _LETTER)
            self._y += 10
            for note in ladder.unplaced:
                self._draw_note(note)
            if ladder.more_unplaced:
                self._y += _LINE
                self._text(_MARGIN + 40, f"and {ladder.more_unplaced:,} more", "soft", self._width, _LETTER)
        if not ladder.is_whole:
            self._y += _LINE
            self._text(_MARGIN, "Not all messages are drawn (--most N draws more).", "soft", self._width, _LETTER)

    def _text(
        self,
        x: float,
        text: str,
        style: str,
        room: float,
        letter: float,
        *,
        anchor: str = "",
        parent: ET.Element | None = None,
    ) -> None:
        """A line of text at the present height, cut in the middle to its room."""
        if not text:
            return
        where = {"x": _px(x), "y": _px(self._y), "class": style}
        if anchor:
            where["text-anchor"] = anchor
        ET.SubElement(self._svg if parent is None else parent, "text", where).text = _cut(text, int(room / letter))


def _px(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _kind(step: Step) -> str:
    message = step.message
    if message.is_error:
        return "bad"
    if not message.status:
        return "request"
    if message.status in (401, 407) or 300 <= message.status < 400:
        return "ask"
    return "good" if 200 <= message.status < 300 else "bad" if message.status >= 400 else "provisional"


def _cut(text: str, most: int) -> str:
    shown = visible(text)
    if len(shown) <= most:
        return shown
    half = max(1, (most - 1) // 2)
    return f"{shown[:half]}…{shown[-half:]}"


def _wrapped(text: str, letters: float) -> list[str]:
    return textwrap.wrap(visible(text), max(20, int(letters)))


def _described(ladder: Ladder) -> str:
    """What a listener is told: what was read, the lanes, and the story in one sentence for each message."""
    lanes = ", ".join(f"{lane.label} ({lane.agent})" if lane.agent else lane.label for lane in ladder.lanes)
    parts = [f"{', '.join(ladder.subtitle)}.", f"Between {lanes}." if lanes else ""]
    parts += [_told(row, ladder.lanes) for row in ladder.rows[:MOST_TOLD]]
    if len(ladder.rows) > MOST_TOLD:
        parts.append(f"And {count(len(ladder.rows) - MOST_TOLD, 'more row')}.")
    return visible(" ".join(part for part in parts if part))


MOST_TOLD = 60
"""Rows that the description tells."""


def _told(row: Step | Between, lanes: Sequence[object]) -> str:
    del lanes
    if isinstance(row, Between):
        return sentence(row.text)
    message = row.message
    way = f"from {message.source.written} to {message.destination.written}"
    notes = "".join(f" {note.word}: {sentence(note.text)}" for note in row.notes)
    return f"{row.clock} {way}: {message.what}.{notes}"
