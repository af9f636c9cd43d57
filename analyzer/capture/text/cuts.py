"""Lines that were cut at a width: by `cut -c1-80`, a terminal that wraps nothing, a column of a table.

What is behind the width is lost, and nothing in a line says so. It shows in lines of just that length, none longer, of
which headers end within a value, while the next line begins something: no width broke them (`wraps.py`). Such a header
is not what was sent. What is whole of it is kept, if the message cannot be told without it; else it is left out, as if
it stood in the part of the message that was cut.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from analyzer.capture.text.breaks import header_begins
from analyzer.capture.text.marks import SIGN
from analyzer.capture.text.payload import is_unfinished
from analyzer.capture.text.wraps import NARROWEST, WIDEST_TERMINAL

_NEEDED = re.compile(rb"(?:via|v|from|f|to|t|contact|m)[ \t]*:", re.IGNORECASE)
_LEAST = 2


def cut_at(text: bytes) -> int:
    """The width at which the lines of a text were cut; 0 where they were not, or do not show it. What sipcheck writes
    is never cut, and says so of messages that look like it (`marks.py`)."""
    if SIGN in text:
        return 0
    lines = [line.rstrip(b"\r") for line in text.split(b"\n")[:-1]]
    width = max(map(len, lines), default=0)
    if not NARROWEST <= width <= WIDEST_TERMINAL:
        return 0
    full = [(line, rest) for line, rest in pairwise(lines) if len(line) == width and header_begins(line)]
    begun = [line for line, rest in full if header_begins(rest) or not rest.strip(b" \t.")]
    unfinished = sum(map(is_unfinished, begun))
    return width if len(begun) >= _LEAST and unfinished and 2 * len(begun) >= len(full) else 0


def whole(texts: Sequence[bytes], cut: frozenset[int]) -> list[bytes]:
    """The lines of a message, of which those at the places `cut` were cut, without what may not be all of a value."""
    kept: list[bytes] = []
    for place, text in enumerate(texts):
        if place not in cut or not place:
            kept.append(text)
        elif _NEEDED.match(text) and (end := max(text.rfind(b";"), text.rfind(b">") + 1)) > 0:
            kept.append(text[:end])
    return kept
