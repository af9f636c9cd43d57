"""A string of octets that arrives in pieces: out of order, twice, overlapping. Both IP fragments and TCP need it.

The copy that came first is kept, and a later one that says something else is counted as a conflict: two systems may
have read two different things, and the reader should know. The pieces never overlap, so what is held is at most what
arrived, and putting a piece in costs its own length and one binary search.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from typing import NamedTuple


class Piece(NamedTuple):
    """Octets at an offset, with the mark of the packet that brought them."""

    start: int
    octets: bytes
    mark: object

    @property
    def end(self) -> int:
        """Offset of the first octet behind the piece."""
        return self.start + len(self.octets)


class Pieces:
    """What is held of a string with holes. `held` counts octets."""

    __slots__ = ("_pieces", "_starts", "held")

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._pieces: list[Piece] = []
        self.held = 0

    def __len__(self) -> int:
        return len(self._pieces)

    def __iter__(self) -> Iterator[Piece]:
        return iter(self._pieces)

    def add(self, start: int, octets: bytes, mark: object = None) -> bool:
        """Put a piece in where nothing is yet; True where it contradicts what is there."""
        end = start + len(octets)
        index = max(0, bisect.bisect_right(self._starts, start) - 1)
        conflict = False
        fresh: list[Piece] = []
        at = start
        first = index
        while index < len(self._pieces) and self._pieces[index].start < end:
            piece = self._pieces[index]
            if piece.end > at:
                if piece.start > at:
                    fresh.append(Piece(at, octets[at - start : piece.start - start], mark))
                    at = piece.start
                stop = min(piece.end, end)
                conflict |= piece.octets[at - piece.start : stop - piece.start] != octets[at - start : stop - start]
                at = stop
            index += 1
        if at < end:
            fresh.append(Piece(at, octets[at - start :], mark))
        self._insert(first, index, fresh)
        return conflict

    def _insert(self, first: int, last: int, fresh: list[Piece]) -> None:
        if len(fresh) > 1:
            merged = sorted(self._pieces[first:last] + fresh, key=lambda piece: piece.start)
            self._pieces[first:last] = merged
            self._starts[first:last] = [piece.start for piece in merged]
        elif fresh:
            index = bisect.bisect_left(self._starts, fresh[0].start)
            self._pieces.insert(index, fresh[0])
            self._starts.insert(index, fresh[0].start)
        self.held += sum(len(piece.octets) for piece in fresh)

    @property
    def end(self) -> int:
        """Offset behind the last octet held; 0 where nothing is."""
        return self._pieces[-1].end if self._pieces else 0

    def first(self) -> Piece | None:
        """The piece with the lowest offset."""
        return self._pieces[0] if self._pieces else None

    def pop(self) -> Piece:
        """Take the piece with the lowest offset out; IndexError where nothing is held."""
        piece = self._pieces.pop(0)
        self._starts.pop(0)
        self.held -= len(piece.octets)
        return piece

    def join(self) -> bytes:
        """All octets held, in order, holes left out."""
        return b"".join(piece.octets for piece in self._pieces)
