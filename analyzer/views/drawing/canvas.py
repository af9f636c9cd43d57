"""Where the views for a person draw: lines of words in columns, no wider than asked, safe for any terminal.

Everything passes through `Canvas.text`, the one gate: there wire text is made visible (`escape`), and what the
output's encoding cannot write is written out, before anything is measured. Widths are terminal cells, not characters.
`rich` measures, wraps and colours; its markup is never read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import IO

from rich.cells import cell_len, get_character_cell_size
from rich.console import Console
from rich.text import Text

from analyzer.escape import visible
from analyzer.views import ViewOptions
from analyzer.views.drawing.output import DEFAULT_WIDTH, WIDEST

Piece = str | Text | tuple[str, str]
"""Words, words already made, or words with a style."""

BAD, WARN, GOOD, DIM, STRONG, HINT = "bold red", "yellow", "green", "dim", "bold", "cyan"
NARROWEST = 50
WIDE = 120
"""From this width on, what else stands on a line of its own stands in a column of its own."""
_ASCII_SIGNS = {"…": "...", "·": "-", "✓": "+", "✗": "x", "–": "-"}


class Canvas:
    """A page of `width` cells on `out`."""

    def __init__(self, out: IO[str], options: ViewOptions) -> None:
        self._out = out
        self._color = options.color
        self._encoding = str(getattr(out, "encoding", None) or "utf-8")
        self._plain = str.maketrans(
            {sign: ascii for sign, ascii in _ASCII_SIGNS.items() if not _writes(self._encoding, sign)}
        )
        self.width = min(max(NARROWEST, options.width or DEFAULT_WIDTH), WIDEST)
        self._console = Console(
            file=out,
            width=self.width + 1,
            height=1000,  # with both given, nothing is asked of the terminal or the environment
            force_terminal=options.color,
            color_system="standard" if options.color else None,
            no_color=not options.color,
            legacy_windows=False,
        )
        self._drawn = self._gap = False

    @property
    def wide(self) -> bool:
        """Whether there is room for columns that otherwise take lines of their own."""
        return self.width >= WIDE

    def safe(self, text: str) -> str:
        """`text` as this output can show it: nothing invisible, nothing active, nothing unwritable."""
        shown = visible(text)
        if not _writes(self._encoding, shown):
            shown = shown.translate(self._plain).encode(self._encoding, "backslashreplace").decode(self._encoding)
        return shown

    def text(self, *pieces: Piece) -> Text:
        """Pieces put together; each string is made safe."""
        whole = Text(end="")
        for piece in pieces:
            if isinstance(piece, Text):
                whole.append_text(piece)
            elif isinstance(piece, tuple):
                whole.append(self.safe(piece[0]), piece[1])
            else:
                whole.append(self.safe(piece))
        return whole

    def cut(self, text: str, width: int) -> str:
        """`text` made safe and cut in the middle to `width` cells, its ends kept."""
        shown = self.safe(text)
        if len(shown) <= width and cell_len(shown) <= width:
            return shown
        mark = self.safe("…")
        room = width - len(mark)
        tail = _fitting(reversed(shown[-width:]), room - room // 2)[::-1]
        return _fitting(iter(shown), room // 2) + mark + tail

    def gap(self) -> None:
        """Leave one blank line before what is drawn next."""
        self._gap = self._drawn

    def line(self, *pieces: Piece, indent: int = 0, hang: int = 0) -> None:
        """A paragraph, wrapped between words; its later lines are indented by `hang` more."""
        whole = self.text(*pieces)
        head, *more = self.wrapped(whole, self.width - indent)
        self.draw(Text(" " * indent) + head)
        if more:
            rest = whole[len(head.plain) :]
            rest = rest[len(rest.plain) - len(rest.plain.lstrip()) :]
            for text in self.wrapped(rest, self.width - indent - hang):
                self.draw(Text(" " * (indent + hang)) + text)

    def flow(self, parts: Sequence[Piece], *, indent: int = 0, hang: int = 2) -> None:
        """Parts in a row with a dot between, broken between parts."""
        dot = self.safe(" · ")
        row = Text()
        for part in (self.text(part) for part in parts):
            if not row.plain:
                row = part
            elif cell_len(row.plain) + len(dot) + cell_len(part.plain) <= self.width - indent - hang:
                row = row + Text(dot, DIM) + part
            else:
                self.line(row, indent=indent, hang=hang)
                row, indent, hang = part, indent + hang, 0
        if row.plain:
            self.line(row, indent=indent, hang=hang)

    def joined(self, parts: Sequence[Text], width: int) -> Text:
        """Parts for a cell of `width`: with a dot between if they fit in a line, else a line each."""
        dot = Text(self.safe(" · "), DIM)
        row = dot.join(parts)
        return row if cell_len(row.plain) <= width else Text("\n").join(parts)

    def columns(self, cells: Sequence[Piece], widths: Sequence[int], *, indent: int = 2, gap: int = 2) -> None:
        """Cells side by side, each wrapped in the width of its column."""
        blocks = [self.wrapped(self.text(cell), width) for cell, width in zip(cells, widths, strict=True)]
        for row in zip_longest(*blocks):
            drawn = Text(" " * indent)
            for text, width in zip(row, widths, strict=True):
                text = text if text is not None else Text()
                drawn = drawn + text + Text(" " * (width - cell_len(text.plain) + gap))
            self.draw(drawn)

    def verbatim(self, text: str, *, indent: int, style: str = "") -> None:
        """Lines that keep their breaks and blanks; only what is too long is folded."""
        for line in text.splitlines():
            for part in self.wrapped(self.text((line, style)), self.width - indent):
                self.draw(Text(" " * indent) + part)

    def wrapped(self, text: Text, width: int) -> list[Text]:
        """The lines that a text takes in `width` cells; it was made by `text`."""
        if cell_len(text.plain) <= width and "\n" not in text.plain:
            return [text]
        return list(text.wrap(self._console, max(width, 4), overflow="fold"))

    def draw(self, text: Text) -> None:
        """A line of what was made by `text` and is no wider than the page."""
        text.rstrip()
        if self._gap:
            self._out.write("\n")
        self._drawn, self._gap = True, False
        if self._color:
            self._console.print(text, soft_wrap=True, end="\n", markup=False, emoji=False, highlight=False)
        else:
            self._out.write(text.plain + "\n")


def _writes(encoding: str, text: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeError:
        return False
    return True


def _fitting(characters: Iterable[str], width: int) -> str:
    """As many of the first characters as `width` cells take, and no more than so many characters."""
    taken: list[str] = []
    left = width
    for character in characters:
        left -= get_character_cell_size(character)
        if left < 0 or len(taken) >= width:
            break
        taken.append(character)
    return "".join(taken)


def widest(texts: Sequence[str], limit: int) -> int:
    """The width of a column that holds `texts`, at most `limit`."""
    return min(limit, max((cell_len(text) for text in texts), default=0))
