"""What stands for a word: the same for the same word and key, of the same form, and never what stands for another.

A word is mapped letter by letter: a digit to a digit, a letter to a letter of the same case, a letter of hex to one of
hex where the whole word is hex. Which, an HMAC over the whole word says (RFC 2104, with SHA-256), so that nothing is
learned of a word by what stands for its like, and who has no key cannot try names.

What a program drew (nonces, branches, tags) has so many pseudonyms that two never meet, and needs no memory. All
others, telephone numbers and names, are noted in a first pass over the file: then each gets a pseudonym of its own,
which is no word of the original, nor has one in it, and what is noted can be looked for. Where the short ones are used
up, a pseudonym is longer by a letter. Numbers of which many come in a row are moved together (`rows.py`), and so are
nonces that count up (`counters.py`).
"""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial

from analyzer.escape import Told
from analyzer.redact.counters import Counters
from analyzer.redact.counters import moved as counted
from analyzer.redact.rows import moved, rows_of
from analyzer.redact.vocabulary import WORDS

MOST_WORDS = 4_000_000
"""Words that are noted: some 800 MB."""
_ENOUGH = 64.0
"""Bits of a word from which on two pseudonyms never meet."""
_TRIES, _STRICT_TRIES = 400, 200
_LEAST_HEX = 8
_SHORTEST_WITHIN = 4
"""Letters of an original from which on no pseudonym has it in it."""
_DIGITS, _HEX, _LETTERS = "0123456789", "abcdef", "abcdefghijklmnopqrstuvwxyz"
_TWO_OCTETS = "àáâãäåæçèéêëìíîïñòóôõöøùúûüý"


class TooManyWords(Told):
    """The file holds more names than are noted; the text says so."""


def is_hex(word: str) -> bool:
    """Whether a word, in small letters, looks like hex: eight digits or more, with a letter."""
    return len(word) >= _LEAST_HEX and not word.isdigit() and all(one in "0123456789abcdef" for one in word)


class Pseudonyms:
    """The pseudonyms of one key. It begins with `noting` what there is, and after `settle` it tells. Which of two short
    words has to give way to the other depends on the file, so those that an earlier one was `given` come first."""

    def __init__(self, key: bytes, given: Mapping[str, str] | None = None) -> None:
        self._key = key
        self._given = given or {}
        self._known: dict[str, str] = {}
        self.counters = Counters()
        self._lengths: frozenset[int] = frozenset()
        self.noting = True
        self._long = lru_cache(maxsize=65536)(self._of_long)

    def __len__(self) -> int:
        return len(self._known)

    def settle(self) -> None:
        """All words were noted: give each its pseudonym, in an order that does not depend on the file's."""
        self.noting = False
        originals = sorted(self._known)
        self._lengths = frozenset(length for word in originals if (length := len(word)) >= _SHORTEST_WITHIN)
        used = set(self._given.values())
        together: dict[str, str] = {}
        for row in rows_of(word for word in originals if word not in self._given):
            is_clean, is_free = (partial(one, used) for one in (self._is_clean, self._is_free))
            found_of = moved(row, self.digest, is_clean, is_free)
            together |= found_of
            used.update(found_of.values())
        for run in self.counters.runs():
            found_of = counted(run, self.digest, partial(self._is_clean, used))
            together |= found_of
            used.update(found_of.values())
        for word in (*originals, *(together.keys() - self._known.keys())):
            found = self._given.get(word) or together.get(word) or self._settled(word, used)
            used.add(found)
            self._known[word] = found

    def known(self) -> Iterator[tuple[str, str]]:
        """The words that are noted, each with what stands for it, in small letters."""
        yield from self._known.items()

    def has(self, word: str) -> bool:
        """Whether a word, in whatever case, is one that was noted."""
        return word.lower() in self._known

    def digest(self, purpose: str, text: str) -> bytes:
        """32 octets for a text and a purpose, by the key."""
        return hmac.digest(self._key, f"{purpose}\0{text}".encode("utf-8", "surrogatepass"), hashlib.sha256)

    def of(self, word: str, *, is_drawn: bool = False) -> str:
        """What stands for a word; its letters keep their case, its separators stay. `is_drawn`: a program drew it."""
        low = word.lower()
        if len(low) != len(word):  # a letter of which the small one is two
            low = word
        found = self._known.get(low)
        if found is None:
            if is_drawn and _bits(low) >= _ENOUGH and not low.isalpha():
                return _cased(self._long(low), word)
            if not self.noting:
                return _cased(self._candidate(low, 0), word)
            if len(self._known) >= MOST_WORDS:
                raise TooManyWords(f"more than {MOST_WORDS:,} names")
            self._known[low] = found = low
        return _cased(found, word)

    def _of_long(self, word: str) -> str:
        candidates = (self._candidate(word, count) for count in range(_TRIES))
        return next((one for one in candidates if _alike(one, word)), "".join(reversed(word)))

    def _settled(self, word: str, used: set[str]) -> str:
        """The first candidate that is nobody's yet, and no word of the original; longer ones where there is none."""
        for count in range(_TRIES):
            found, is_late = self._candidate(word, count), count >= _STRICT_TRIES
            if is_late:
                found += _DIGITS[count % 10] if word[-1:].isdigit() else _LETTERS[count % 26]
            is_free = self._is_free(used, found) and _alike(found, word)
            if is_free and (is_late or not self._has_within(found)):
                return found
        return f"{found}{self.digest('more', word).hex()[:12]}"

    def _is_free(self, used: set[str], candidate: str) -> bool:
        return candidate not in used and candidate not in self._known and candidate not in WORDS

    def _is_clean(self, used: set[str], candidate: str) -> bool:
        return self._is_free(used, candidate) and not self._has_within(candidate)

    def _has_within(self, candidate: str) -> bool:
        """Whether an original stands within a candidate."""
        return any(
            candidate[at : at + length] in self._known
            for length in self._lengths
            if length < len(candidate)
            for at in range(len(candidate) - length + 1)
        )

    def _candidate(self, word: str, count: int) -> str:
        octets = _stream(lambda block: self.digest("word", f"{count}\0{block}\0{word}"))
        hexadecimal = is_hex(word)
        made = []
        for at, letter in enumerate(word):
            choice = _choice(letter, hexadecimal, first=at == 0 and len(word) > 1)
            made.append(letter if choice is None else choice[next(octets) % len(choice)])
        return "".join(made)


def _stream(block: Callable[[int], bytes]) -> Iterator[int]:
    number = 0
    while True:
        yield from block(number)
        number += 1


def _choice(letter: str, hexadecimal: bool, *, first: bool) -> str | None:
    """What a letter can become; None: it stays."""
    if letter in _DIGITS:
        return letter if letter == "0" and first else _DIGITS[1:] if first else _DIGITS
    if letter in _LETTERS:
        return _HEX if hexadecimal else _LETTERS
    if letter.isascii():
        return None
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:  # an octet that was no UTF-8
        return "".join(map(chr, range(0xDCE0, 0xDCF8)))
    if code < 0x800:
        return _TWO_OCTETS if letter.isalnum() else None
    if not letter.isalnum():
        return None
    start = 0x4E00 if code < 0x10000 else 0x20000
    return "".join(map(chr, range(start, start + 256)))


def _alike(candidate: str, word: str) -> bool:
    return candidate != word and is_hex(candidate) == is_hex(word)


def _bits(word: str) -> float:
    """About how many bits the pseudonyms of a word have."""
    letter = math.log2(6) if is_hex(word) else math.log2(26)
    return sum(math.log2(10) if one.isdigit() else letter if one.isalpha() else 0.0 for one in word)


def _cased(found: str, word: str) -> str:
    """`found` with capitals where `word` has them."""
    if word.islower() or not any(map(str.isupper, word)):
        return found
    raised = [one.upper() if at < len(word) and word[at].isupper() else one for at, one in enumerate(found)]
    return "".join(one if len(one) == 1 else found[at] for at, one in enumerate(raised))
