"""Regular expressions that are compiled when they are first needed: all dialects are asked about each log, and few of
them have to look closer."""

from __future__ import annotations

import re
from collections.abc import Iterator


class Lazy:
    """A pattern over octets, with the methods of a compiled one that are used here."""

    __slots__ = ("_compiled", "_flags", "source")

    def __init__(self, source: bytes, flags: int = 0) -> None:
        self.source = source
        self._flags = flags
        self._compiled: re.Pattern[bytes] | None = None

    @property
    def compiled(self) -> re.Pattern[bytes]:
        """The compiled pattern."""
        if self._compiled is None:
            self._compiled = re.compile(self.source, self._flags)
        return self._compiled

    def match(self, text: bytes) -> re.Match[bytes] | None:
        """As `re.Pattern.match`."""
        return self.compiled.match(text)

    def search(self, text: bytes) -> re.Match[bytes] | None:
        """As `re.Pattern.search`."""
        return self.compiled.search(text)

    def finditer(self, text: bytes) -> Iterator[re.Match[bytes]]:
        """As `re.Pattern.finditer`."""
        return self.compiled.finditer(text)


def has_line(head: bytes, gate: bytes, pattern: Lazy, most: int = 4096) -> bool:
    """Whether a line that `pattern` matches stands in `head`. Lines are looked for by `gate`, which is in every such
    line; at most `most` are tried."""
    place = 0
    for _ in range(most):
        place = head.find(gate, place)
        if place < 0:
            return False
        begin, end = head.rfind(b"\n", 0, place) + 1, head.find(b"\n", place)
        end = len(head) if end < 0 else end
        if pattern.match(head[begin:end].rstrip(b"\r")):
            return True
        place = end
    return False
