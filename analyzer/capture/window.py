"""A window that slides over a stream: large reads, small looks, no seek.

The record walk reads headers at fixed offsets of one big buffer. `need` makes sure that the wanted octets are in it,
so that a record costs one comparison, not one read call.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import BinaryIO

CHUNK = 1 << 18
KEPT = 3
"""Zeros that stay in the buffer when the end of zeros is looked for: the number that follows may begin with some."""

_find_other = re.compile(rb"[^\0]").search


class Window:
    """`buffer[at:]` are the octets that follow offset `position` of the stream."""

    __slots__ = ("_base", "_ended", "_read", "at", "buffer")

    def __init__(self, stream: BinaryIO) -> None:
        # read1 hands over what a pipe has now; read would wait for the whole chunk on a live capture.
        self._read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
        self._base = 0
        self._ended = False
        self.buffer = b""
        self.at = 0

    @property
    def position(self) -> int:
        """Offset in the stream of the octet at `at`."""
        return self._base + self.at

    @property
    def left(self) -> int:
        """Octets that are in the buffer from `at` on."""
        return len(self.buffer) - self.at

    def need(self, count: int) -> bool:
        """Make `count` octets available from `at` on; False where the stream ends before."""
        if len(self.buffer) - self.at >= count:
            return True
        if self._ended:
            return False
        pieces = [self.buffer[self.at :]]
        held = len(pieces[0])
        while held < count:
            chunk = self._read(CHUNK)
            if not chunk:
                self._ended = True
                break
            pieces.append(chunk)
            held += len(chunk)
        self._base += self.at
        self.at = 0
        self.buffer = b"".join(pieces)
        return held >= count

    def skip(self, count: int) -> bool:
        """Move `count` octets on without keeping them; False where the stream ends before."""
        while count > self.left:
            count -= self.left
            self.at = len(self.buffer)
            if not self.need(1):
                return False
        self.at += count
        return True

    def zeros(self, most: int) -> tuple[int, bool]:
        """Move over the zeros at `at`, `most` octets or somewhat more; how many they are, and whether the stream ends
        there. The last `KEPT` of them stay in the buffer before `at`."""
        begin = self.position
        while (other := _find_other(self.buffer, self.at)) is None:
            passed = self.position + self.left - begin
            self.at = max(self.at, len(self.buffer) - KEPT)
            more = passed < most and self.need(self.left + 1)
            if not more:
                self.at = len(self.buffer)
                return passed, passed < most
        self.at = other.start()
        return self.position - begin, False
