"""A canvas that draws for a page: what the table draws as lines in a terminal becomes paragraphs of styled words.

So a page says the same in the same words as the table, by the same code. Words are made visible in `Canvas.text` as in
every view; the template escapes what HTML obeys.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from rich.text import Text

from analyzer.views import ViewOptions
from analyzer.views.drawing.canvas import BAD, DIM, GOOD, HINT, STRONG, WARN, Canvas, Piece
from analyzer.views.drawing.output import WIDEST

_CLASSES = {BAD: "bad", WARN: "warn", GOOD: "good", DIM: "dim", STRONG: "strong", HINT: "hint", f"bold {GOOD}": "good"}


class Run(NamedTuple):
    """Words of one style; `style` is a class of the page's style sheet, or empty."""

    text: str
    style: str


class Block(NamedTuple):
    """A paragraph: its words, part by part where there are several (columns, parts of a flow), and whether a gap is
    before it."""

    parts: list[list[Run]]
    indent: int
    gap: bool

    @property
    def text(self) -> str:
        """All words."""
        return " ".join("".join(run.text for run in part) for part in self.parts)


def runs_of(text: Text) -> list[Run]:
    """The words of a text by their style."""
    runs: list[Run] = []
    edges = sorted({0, len(text.plain), *(edge for span in text.spans for edge in (span.start, span.end))})
    for start, end in pairwise(edges):
        style = next((str(span.style) for span in text.spans if span.start <= start < span.end), str(text.style))
        runs.append(Run(text.plain[start:end], _CLASSES.get(style, "")))
    return runs


class PageCanvas(Canvas):
    """Takes what is drawn as blocks."""

    def __init__(self) -> None:
        super().__init__(io.StringIO(), ViewOptions(width=WIDEST))
        self.blocks: list[Block] = []
        self._is_after_gap = False

    def gap(self) -> None:
        """A gap before what is drawn next."""
        self._is_after_gap = True

    def line(self, *pieces: Piece, indent: int = 0, hang: int = 0) -> None:
        """A paragraph."""
        del hang
        self._add([self.text(*pieces)], indent)

    def flow(self, parts: Sequence[Piece], *, indent: int = 0, hang: int = 2) -> None:
        """Parts in a row."""
        del hang
        self._add([self.text(part) for part in parts], indent)

    def columns(self, cells: Sequence[Piece], widths: Sequence[int], *, indent: int = 2, gap: int = 2) -> None:
        """Cells side by side."""
        del widths, gap
        self._add([self.text(cell) for cell in cells], indent)

    def verbatim(self, text: str, *, indent: int, style: str = "") -> None:
        """Lines that keep their breaks."""
        for line in text.splitlines():
            self._add([self.text((line, style))], indent)

    def _add(self, texts: Sequence[Text], indent: int) -> None:
        parts = [runs for text in texts if (runs := runs_of(text))]
        if parts:
            self.blocks.append(Block(parts, min(indent, 8), self._is_after_gap and bool(self.blocks)))
        self._is_after_gap = False
