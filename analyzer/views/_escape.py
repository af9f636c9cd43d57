"""The one place where wire text is made harmless for a person's eyes (DESIGN 5).

Everything that a terminal, an editor or a reader could act on is shown as what it is: control characters, undecodable
octets, bidirectional controls, other invisible format characters, line and paragraph separators.
"""

from __future__ import annotations

import unicodedata

_ESCAPED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0", "\\": "\\"}


def visible(text: str) -> str:
    """`text` with everything invisible or active written out: `\\x1b`, `\\u202e`, `\\xff` for an undecodable octet."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_written(character) for character in text)


def _written(character: str) -> str:
    if character.isprintable() and unicodedata.category(character) not in _ESCAPED:
        return character
    if character == " " or character in _NAMED:
        return _NAMED.get(character, character)
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # surrogateescape: the octet that was no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def middle_cut(text: str, width: int) -> str:
    """`text` cut in the middle to `width` characters, its ends kept."""
    if len(text) <= width or width < 4:
        return text[:width] if width < 4 else text
    head = (width - 1) // 2
    return f"{text[:head]}…{text[len(text) - (width - 1 - head):]}"
