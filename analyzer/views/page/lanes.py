"""The lanes of a ladder: who speaks to whom, in few columns, whatever ports a client changes between.

A lane is a transport address while there are few; where there are more, a host; where even these are too many, the
last lane is for all others. A source that does not say who sent a message (some logs) has a lane that says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from analyzer.escape import visible
from analyzer.evidence import Endpoint, RawMessage

MOST_LANES = 4
"""Lanes of a ladder: more cannot be read on a telephone."""
LONGEST_NAME = 40
NOT_TOLD = "address not told"
OTHERS = "other addresses"


class Lane(NamedTuple):
    """A column: what stands above it, its place in per cent of the width, and whose it is (`phone`, `server` or
    nothing, where it is neither of the two ends)."""

    name: str
    x: float
    role: str


class Lanes:
    """The lanes for some messages; `registrar` is where the client registers."""

    def __init__(self, messages: Sequence[RawMessage], requests: Iterable[RawMessage], registrar: Endpoint) -> None:
        ends = Counter(end for one in messages for end in (one.source, one.destination))
        self._by_host = len(ends) > MOST_LANES
        keys = list(dict.fromkeys(self._key(end) for one in messages for end in (one.source, one.destination)))
        self._server = self._key(registrar)
        phones = Counter(self._key(one.source) for one in requests)
        phones.pop(self._server, None)
        self._phone = phones.most_common(1)[0][0] if phones else ""
        keys.sort(key=lambda key: 0 if key == self._phone else 2 if key == self._server else 1)
        self._others = len(keys) > MOST_LANES
        if self._others:
            middle = [key for key in keys if key not in (self._phone, self._server)]
            kept = [key for key in (self._phone, *middle[: MOST_LANES - 3], "\0", self._server) if key]
            keys = list(dict.fromkeys(kept))
        self._places = {key: round((number + 0.5) * 100 / len(keys), 2) for number, key in enumerate(keys)}
        self.lanes = [Lane(_name(key), x, self._role(key)) for key, x in self._places.items()]

    def _key(self, end: Endpoint) -> str:
        return end.host if self._by_host else end.written

    def _role(self, key: str) -> str:
        return "phone" if key == self._phone else "server" if key == self._server else ""

    def x(self, end: Endpoint) -> float:
        """The place of an address in per cent of the width."""
        return self._places.get(self._key(end), self._places.get("\0", 50.0))

    def who(self, end: Endpoint) -> str:
        """An address in words: `the phone 10.9.0.1:5076`."""
        role = self._role(self._key(end))
        return f"{role} {visible(_short(end.written)) or NOT_TOLD}".strip()


def _name(key: str) -> str:
    return OTHERS if key == "\0" else visible(_short(key)) or NOT_TOLD


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[:20]}…{name[-18:]}"
