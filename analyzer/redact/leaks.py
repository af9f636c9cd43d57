"""What must not be left: the words and addresses of the original, however they are written.

Words are looked for as they stand, in any case, and in what the octets say in other ways (`encodings.py`), one in
another as well; and IPv4 addresses turned round, as their names are (RFC 1035 3.5). The whole is linear in what is
looked through: each word is looked up, none is searched for. What stays on purpose, a word
of the protocol or a number that is the protocol's, is no leak, nor is what is shorter than `SHORTEST`: three letters
are in anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from analyzer.redact.encodings import readings
from analyzer.redact.lexer import PORT_DIGITS, SHORTEST
from analyzer.redact.vocabulary import LABELS, TOP_LEVEL, WORDS

_STAYING = WORDS | LABELS | TOP_LEVEL
_WORD = re.compile(rb"[0-9A-Za-z\x80-\xff]+")
_QUAD = re.compile(rb"(?<![0-9.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?!\.?[0-9])")
_DEPTH = 2
"""Encodings in one another that are looked into."""


class LeakSearch:
    """Looks for identifiers in octets. Numbers of at most five digits are not looked for: ports are like them."""

    def __init__(self, words: Iterable[str], addresses: Iterable[str]) -> None:
        kept = (word.lower() for word in words if len(word) >= SHORTEST)
        named = (word for word in kept if word not in _STAYING and not (word.isdigit() and len(word) <= PORT_DIGITS))
        self._words = {word.encode("utf-8", "surrogateescape") for word in named}
        self._addresses = {address.encode() for address in addresses}
        self._addresses |= {b".".join(reversed(one.split(b"."))) for one in self._addresses if b":" not in one}

    def found(self, octets: bytes) -> str:
        """The first identifier that is there, or nothing."""
        return next(self._found(octets), "")

    def _found(self, octets: bytes, depth: int = _DEPTH) -> Iterator[str]:
        yield from self._plain(octets)
        if depth:
            for text in readings(octets):
                if text != octets:  # what is no text was written by nobody, and holds nothing that was
                    yield from self._found(text, depth - 1 if text.isascii() else 0)

    def _plain(self, octets: bytes) -> Iterator[str]:
        low = octets.lower()
        for match in _WORD.finditer(low):
            if match[0] in self._words:
                yield match[0].decode("utf-8", "backslashreplace")
        if self._addresses:
            for match in _QUAD.finditer(low):
                if match[0] in self._addresses:
                    yield match[0].decode()
