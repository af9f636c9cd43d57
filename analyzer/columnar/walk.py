"""Where each record of a file begins: each tells where the next one does (docs/columnar.md).

One by one, that is a turn of the interpreter for each packet. So the file is cut into lanes, which are walked abreast:
a step of all of them is a few operations on columns. A lane begins at a guess, a place that looks like a record. It
counts only where the walk from the first record comes to that very place, so that what is found is what a walk of
single steps finds, whatever was guessed.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from analyzer.columnar.records import Unsuited
from analyzer.memory import memory

Octets = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.int64]
Guess = Callable[[memoryview, int, int], int]
"""A place in a part of a file, from one offset up to another, where a record may begin; -1 where none is found."""

_FIRST = 512
"""Records that are walked one by one; how long they are on average tells how many lanes are worth it."""
_LANE = 512
"""Records of a lane, about."""
_MOST_LANES = 1024
_FEW_LANES = 16
"""Fewer lanes are walked one after the other."""
_SOUGHT = 6
"""Records of average length in which the beginning of one is looked for."""
_LEFT = 1 / 16
"""Share of the lanes that are walked one after the other when the others are at their ends."""
_OF_RECORD = 64
"""Octets of memory that a record takes on the way, about; all of them may take half of what there is."""


class Chain(NamedTuple):
    """How the records of a file hang together: a number of 32 bits in the octet order `order` (`<` or `>`) stands
    `place` octets behind the beginning of each, and the next one begins that number plus `more` octets behind it. The
    number is `least` to `most`, and a multiple of `unit`, a power of two. `header` octets are the least that a record
    has; `guess` finds one in the midst of the file."""

    order: str
    place: int
    more: int
    least: int
    most: int
    unit: int
    header: int
    guess: Guess


def walk(octets: Octets, at: int, chain: Chain) -> tuple[Numbers, int]:
    """The offset of each record from `at` on, and where the walk stops: at the end of the file, or at the first record
    that is not wholly there or whose length cannot be one. Raises `Unsuited` for more records than there is memory
    for."""
    most = max(memory() // 2 // _OF_RECORD, _FIRST + 1)
    head, at = _one_by_one(octets.data, at, len(octets), chain, _FIRST)
    found, count = [head], len(head)
    starts = _lanes(octets, at, len(head), chain) if len(head) == _FIRST else np.array([at])
    parts, halts = _abreast(octets, starts, chain, most)
    ends = [*starts[1:].tolist(), len(octets)]
    for start, part, halt, end in zip(starts.tolist(), parts, halts, ends, strict=True):
        if at == start:
            found.append(part)
            count += len(part)
            at = halt
        if at < end:
            rest, at = _one_by_one(octets.data, at, end, chain, most + 1)
            found.append(rest)
            count += len(rest)
        if count > most:
            raise Unsuited("it has too many records")
        if at < end:
            break
    return np.concatenate(found), at


def _one_by_one(buffer: memoryview, at: int, until: int, chain: Chain, most: int | None = None) -> tuple[Numbers, int]:
    """The records from `at` on that begin before `until`, `most` of them at most, and where the walk stops."""
    _, place, more, least, longest, unit, header, _ = chain
    read, end = struct.Struct(chain.order + "I").unpack_from, len(buffer)
    places: list[int] = []
    until = min(until, end - header + 1)
    while at < until and len(places) != most:
        (size,) = read(buffer, at + place)
        after = at + size + more
        if not least <= size <= longest or size & unit - 1 or after > end:
            break
        places.append(at)
        at = after
    return np.array(places, np.int64), at


def _lanes(octets: Octets, at: int, walked: int, chain: Chain) -> Numbers:
    """Where lanes begin, the first of them at `at`, before which so many records are."""
    left, average = len(octets) - at, max(at // walked, chain.header)
    count = min(left // (average * _LANE), _MOST_LANES)
    if count < _FEW_LANES:
        return np.array([at])
    starts = [at]
    for place in range(at + left // count, len(octets), left // count):
        guess = chain.guess(octets.data, place, min(place + _SOUGHT * average, len(octets)))
        if guess > starts[-1]:
            starts.append(guess)
    return np.array(starts)


def _abreast(octets: Octets, starts: Numbers, chain: Chain, most: int) -> tuple[list[Numbers], list[int]]:
    """The records of each lane as far as it goes, and where it halts: where the next one begins, behind that, at a
    record that cannot be one, or on its way, when nearly all others are at their ends."""
    if len(starts) == 1:
        return [np.empty(0, np.int64)], starts.tolist()
    number: Any = np.ndarray((len(octets) - 3,), chain.order + "u4", octets, strides=(1,))
    limits = np.append(starts[1:], len(octets) - chain.header + 1)
    at, last = starts, len(octets) - chain.header
    steps, few = [at], int(len(starts) * _LEFT)
    while True:
        size = number[np.minimum(at, last) + chain.place].astype(np.int64)
        after = at + size + chain.more
        goes = (at < limits) & (size >= chain.least) & (size <= chain.most) & (after <= len(octets))
        if chain.unit > 1:
            goes &= size & chain.unit - 1 == 0
        if np.count_nonzero(goes) <= few:
            break
        at = np.where(goes, after, at)
        steps.append(at)
        if len(steps) * len(at) > most:
            raise Unsuited("it has too many records")
    lanes = np.array(steps).T
    moves = lanes[:, 1:] != lanes[:, :-1]
    bounds = np.cumsum(np.count_nonzero(moves, axis=1))[:-1]
    return np.split(lanes[:, :-1][moves], bounds), at.tolist()
