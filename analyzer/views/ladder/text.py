"""The ladder as text: times, a lane for each endpoint with an arrow in it, what was sent, and where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO

from rich.text import Text

from analyzer.judge.findings import Severity
from analyzer.views import ViewOptions
from analyzer.views.drawing.canvas import BAD, DIM, GOOD, HINT, STRONG, WARN, Canvas, Piece, widest
from analyzer.views.ladder.model import Between, Ladder, Lane, Note, Step
from analyzer.views.words import count, sentence

_SIGN: dict[Severity, tuple[str, str]] = {"error": ("✗", BAD), "warning": ("!", WARN), "info": ("·", DIM)}
_SPACING = {1: 8, 2: 26, 3: 17, 4: 13, 5: 10, 6: 8}
"""Cells from one lane to the next, by the number of lanes."""
_NARROW = 30
"""Cells that a message should have at least."""
_LINES = {"│": "|", "├": "+", "┤": "+", "─": "-", "┆": ":", "●": "o"}


def render(ladder: Ladder, out: IO[str], options: ViewOptions) -> None:
    """Write it as wide as `options` say: 100 columns where they say nothing."""
    _Drawing(ladder, Canvas(out, options)).draw()


class _Drawing:
    """One ladder on one canvas."""

    def __init__(self, ladder: Ladder, canvas: Canvas) -> None:
        self._ladder = ladder
        self._canvas = canvas
        self._spacing = _SPACING.get(len(ladder.lanes), 8)
        self._clock = widest([step.clock for step in ladder.steps], 26)
        self._where = widest([step.where for step in ladder.steps], 16)
        while self._what < _NARROW and self._spacing > 4:
            self._spacing -= 1
        if self._what < _NARROW:  # the frame stands with the facts then
            self._where = -2
        if self._what < _NARROW:
            self._clock = min(self._clock, 12)
        can_draw = canvas.safe("│├┤─┆●") == "│├┤─┆●"
        self._signs = {} if can_draw else str.maketrans(_LINES)

    @property
    def _lanes(self) -> int:
        """Cells of all lanes."""
        return self._spacing * (len(self._ladder.lanes) - 1) + 1

    @property
    def _what(self) -> int:
        """Cells for what a message is."""
        return self._canvas.width - self._clock - 2 - self._lanes - 2 - 2 - self._where

    def draw(self) -> None:
        canvas, ladder = self._canvas, self._ladder
        canvas.line((ladder.title, STRONG))
        canvas.flow([(part, DIM) for part in ladder.subtitle])
        canvas.gap()
        self._draw_head()
        for row in ladder.rows:
            if isinstance(row, Step):
                self._draw_step(row)
            else:
                self._draw_between(row)
        self._draw_rest()

    def _draw_head(self) -> None:
        """The endpoints over their lanes where there is room, else a letter there and a line for each."""
        lanes, canvas = self._ladder.lanes, self._canvas
        labels = [lane.label for lane in lanes]
        rooms = [self._spacing - 1] * (len(lanes) - 1) + [self._what]
        if all(len(canvas.safe(label)) <= room for label, room in zip(labels, rooms, strict=True)):
            self._draw_over(labels, rooms, STRONG)
            if any(lane.agent for lane in lanes):
                self._draw_over([lane.agent for lane in lanes], rooms, DIM)
            return
        letters = [chr(ord("A") + at) for at in range(len(lanes))]
        for letter, lane in zip(letters, lanes, strict=True):
            canvas.line((f"{letter}  ", STRONG), *_named(canvas, lane), indent=2, hang=3)
        canvas.gap()
        self._draw_over(letters, rooms, STRONG)

    def _draw_over(self, labels: Sequence[str], rooms: Sequence[int], style: str) -> None:
        row = Text(" " * (self._clock + 2))
        for label, room in zip(labels, rooms, strict=True):
            shown = self._canvas.cut(label, room) if label else ""
            row = row + Text(shown, style) + Text(" " * max(1, room + 1 - Text(shown).cell_len))
        self._canvas.line(row[: len(row.plain.rstrip())])

    def _draw_step(self, step: Step) -> None:
        canvas, message = self._canvas, step.message
        style = _style(step)
        what = canvas.text((canvas.cut(message.what, 2 * self._what), style))
        where = step.where if self._where > 0 else ""
        words = step.facts if where else [*step.facts, step.where]
        facts = canvas.text((" · ".join(words), DIM)) if words else Text()
        dot = canvas.safe(" · ")
        together = what + Text(dot, DIM) + facts if words else what
        blocks = [together] if not words or together.cell_len <= self._what else [what, facts]
        lines = [line for block in blocks for line in canvas.wrapped(block, self._what)]
        for number, line in enumerate(lines):
            lane = self._arrow(step) if not number else self._idle()
            self._row(step.clock if not number else "", lane, line, where if not number else "")
        for note in step.notes:
            self._draw_note(note)
        if step.more_notes:
            self._row("", self._idle(), canvas.text((f"and {count(step.more_notes, 'more finding')} here", DIM)), "")

    def _draw_note(self, note: Note) -> None:
        canvas = self._canvas
        sign, style = _SIGN[note.severity]
        pieces: list[Piece] = [(f"{sign} {note.word}  ", style), sentence(note.text)]
        if note.source:
            pieces.append((f" [{note.source}]", DIM))
        whole, room = canvas.text(*pieces), self._what + 2 + self._where
        first, *more = canvas.wrapped(whole, room)
        self._row("", self._idle(), first, "")
        rest = whole[len(first.plain) :]
        rest = rest[len(rest.plain) - len(rest.plain.lstrip()) :]
        for line in canvas.wrapped(rest, room - 2) if more else ():
            self._row("", self._idle(), Text("  ") + line, "")

    def _draw_between(self, row: Between) -> None:
        canvas = self._canvas
        lane = self._idle("│" if row.is_title else "┆")
        style = STRONG if row.is_title else HINT if row.is_cut else DIM
        for number, line in enumerate(canvas.wrapped(canvas.text((row.text, style)), self._what)):
            self._row("" if number or row.is_title else canvas.safe("…"), lane, line, "")

    def _row(self, clock: str, lanes: str, what: Text, where: str) -> None:
        canvas = self._canvas
        left = Text(f"{clock[-self._clock :]:<{self._clock}}  ", DIM) + Text(lanes.translate(self._signs)) + Text("  ")
        blank = Text(" " * max(0, self._what - what.cell_len + 2)) if where else Text()
        canvas.draw(left + what + blank + Text(where, DIM))

    def _idle(self, line: str = "│") -> str:
        return (line + " " * (self._spacing - 1)) * (len(self._ladder.lanes) - 1) + line

    def _arrow(self, step: Step) -> str:
        """The lanes with an arrow between two of them; a point where both are one."""
        cells = list(self._idle())
        start, end = step.start * self._spacing, step.end * self._spacing
        if start == end:
            cells[start] = "●"
            return "".join(cells)
        low, high = sorted((start, end))
        cells[low + 1 : high] = "─" * (high - low - 1)
        cells[start] = "├" if start < end else "┤"
        cells[end - 1 if start < end else end + 1] = ">" if start < end else "<"
        return "".join(cells)

    def _draw_rest(self) -> None:
        canvas, ladder = self._canvas, self._ladder
        if ladder.unplaced:
            canvas.gap()
            canvas.line(("Findings at no message that is drawn:", STRONG))
            for note in ladder.unplaced:
                sign, style = _SIGN[note.severity]
                source = (f" [{note.source}]", DIM) if note.source else ""
                canvas.line((f"{sign} {note.word}  ", style), sentence(note.text), source, indent=2, hang=4)
            if ladder.more_unplaced:
                canvas.line((f"and {ladder.more_unplaced:,} more", DIM), indent=2)
        if not ladder.is_whole:
            canvas.gap()
            canvas.line(("Not all messages are drawn: --most N draws more, --aor and a shorter capture less.", DIM))


def _style(step: Step) -> str:
    message = step.message
    if message.is_error or (message.status >= 400 and message.status not in (401, 407)):
        return BAD
    if message.status >= 300:
        return WARN
    return GOOD if message.status >= 200 else STRONG


def _named(canvas: Canvas, lane: Lane) -> list[Piece]:
    return [lane.label, (f"  {canvas.cut(lane.agent, 60)}", DIM)] if lane.agent else [lane.label]
