"""What must not be left: the words and addresses of the original, however they are written.

Words are looked for as they stand, in any case, and in what the octets say in other ways (`encodings.py`), one in
another as well; IPv4 addresses turned round, as their names are (RFC 1035 3.5), IPv6 ones in each of their spellings.
The whole is linear in what is looked through: each word is looked up, none is searched for. What stays on purpose, a
word of the protocol or a number that is the protocol's, is no leak, nor is what is shorter than `SHORTEST`: three
letters are in anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from analyzer.redact.encodings import readings
from analyzer.redact.lexer import PORT_DIGITS, SHORTEST
from analyzer.redact.six import SixSearch
from analyzer.redact.vocabulary import LABELS, TOP_LEVEL, WORDS

_STAYING = WORDS | LABELS | TOP_LEVEL
_WORD = re.compile(rb"[0-9A-Za-z\x80-\xff]+")
_QUAD = re.compile(rb"(?<![0-9.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?!\.?[0-9])")
_COUNT = re.compile(r"000[0-9a-f]{5}\Z")
"""A nonce count (RFC 7616 3.4)."""
_DEPTH = 2
"""Encodings in one another that are looked into."""


class LeakSearch:
    """Looks for identifiers in octets. Not looked for are numbers of at most five digits, which ports are like, and
    what looks like a nonce count."""

    def __init__(self, words: Iterable[str], addresses: Iterable[str]) -> None:
        kept = (word.lower() for word in words if len(word) >= SHORTEST)
        named = (word for word in kept if word not in _STAYING and not _is_number(word))
        self._words = {word.encode("utf-8", "surrogateescape") for word in named}
        given = [address.lower() for address in addresses]
        self._six = SixSearch(given)
        self._addresses = {one.encode() for one in given if ":" not in one}
        self._addresses |= {b".".join(reversed(one.split(b"."))) for one in self._addresses}

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
        yield from self._six.found(low)


def _is_number(word: str) -> bool:
    return (word.isdigit() and len(word) <= PORT_DIGITS) or _COUNT.match(word) is not None
