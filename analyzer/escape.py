"""The one place where wire text is made harmless for a person's eyes (docs/architecture.md 6).

Everything that a terminal, an editor or a reader could act on is shown as what it is: control characters, undecodable
octets, bidirectional controls, other invisible characters, line and paragraph separators, heaps of combining marks.

It lies below all else, because whatever is printed needs it: the views, the tables, and what `str` makes of a value or
of an exception of this project. Fields hold what was sent: `print(address)` is harmless, `print(address.raw)` is not.
"""

from __future__ import annotations

import re
import unicodedata

_ESCAPED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Printable to Unicode, nothing to the eye: fillers, variation selectors, the blank braille pattern."""
_MOST_MARKS = 2
"""Combining marks on one letter that are drawn; more are written out, as they would climb over other lines."""


def visible(text: str) -> str:
    """`text` with everything invisible or active written out: `\\x1b`, `\\u202e`, `\\xff` for an undecodable octet."""
    if text.isascii() and text.isprintable():
        return text
    shown = []
    marks = _MOST_MARKS  # a mark without a letter would sit on whatever stands before the text
    for character in text:
        mark = unicodedata.category(character) in ("Mn", "Me")
        marks = marks + 1 if mark else 0
        shown.append(_code(character) if marks > _MOST_MARKS else _written(character))
    return "".join(shown)


NO_FORMULAS = "tex2jax_ignore mathjax_ignore"
"""The classes of what a notebook shows as HTML: MathJax (2 and 3) would set what a sender put between dollars."""


class Told(Exception):
    """An exception whose text may quote a sender, a file or a peer. What `str`, and so a traceback, gives is visible
    text; `args` and its other attributes hold what was quoted as it is."""

    def __str__(self) -> str:
        return visible(super().__str__())


def _written(character: str) -> str:
    if character.isprintable() and unicodedata.category(character) not in _ESCAPED:
        return _code(character) if _INVISIBLE.match(character) else character
    return _NAMED.get(character) or _code(character)


def _code(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # surrogateescape: the octet that was no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
