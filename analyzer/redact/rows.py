"""Numbers that come in a row: moved together, so that they still do.

Who looks for users counts them up, and that the names are numbers in a row is what tells it from a house full of phones
(`DET-enum-users`). So of ten and more of them, each the next, the first is moved to a place that the key says, and all
others as far. Who knows one of such a row knows the others; shorter rows, and all other numbers, tell nothing of one
another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

LEAST = 10
"""Numbers that make a row: fewer users no rule takes for a search (`ENUM_USERS` of the judge)."""
MOST_DIGITS = 15
_TRIES = 400
_STRICT_TRIES = 200
"""Tries after which the row is moved to numbers of a digit more."""


def rows_of(words: Iterable[str]) -> Iterator[list[str]]:
    """The rows among words: numbers with as many digits, each one more than the one before."""
    numbers = sorted({int(word) for word in words if _is_number(word)})
    row: list[int] = []
    for number in numbers:
        if row and (number != row[-1] + 1 or len(str(number)) != len(str(row[-1]))):
            yield from _long_enough(row)
            row = []
        row.append(number)
    yield from _long_enough(row)


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdecimal() and word[0] != "0" and len(word) <= MOST_DIGITS


def _long_enough(row: list[int]) -> Iterator[list[str]]:
    if len(row) >= LEAST:
        yield [str(number) for number in row]


def moved(
    row: list[str], digest: Callable[[str, str], bytes], is_clean: Callable[[str], bool], is_free: Callable[[str], bool]
) -> dict[str, str]:
    """What stands for each of a row: the first place that `digest` says where all of them are clean, or, with a digit
    more, where all are free at least. Empty where there is none."""
    for count in range(_TRIES):
        is_late = count >= _STRICT_TRIES
        digits = len(row[0]) + is_late
        first, last = 10 ** (digits - 1), 10**digits - len(row)
        if last < first:
            continue
        drawn = int.from_bytes(digest("row", f"{count}\0{row[0]}")[:16], "big")
        start = first + drawn % (last - first + 1)
        made = [str(start + step) for step in range(len(row))]
        if all(map(is_free if is_late else is_clean, made)):
            return dict(zip(row, made, strict=True))
    return {}


__all__ = ["LEAST", "moved", "rows_of"]
