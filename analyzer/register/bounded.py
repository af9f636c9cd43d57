"""A mapping with a bound: the entry that was used longest ago makes room for a new one, and is counted."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable, ItemsView
from hashlib import blake2b
from typing import Generic, TypeVar

from analyzer.escape import Told

K = TypeVar("K")
V = TypeVar("V")
LONG = 256
"""Octets of a value from the wire from which on it counts by its length."""
MOST_OCTETS = 64 * 1024 * 1024
"""Octets of the long values of one table."""


def brief(value: str) -> str:
    """A value that only has to be told from others: a long one by its beginning and a hash of it all."""
    if len(value) <= LONG:
        return value
    return f"{value[:32]}...{blake2b(value.encode('utf-8', 'surrogateescape'), digest_size=16).hexdigest()}"


class Bounded(Generic[K, V]):
    """At most `limit` entries; `evicted` counts those that had to go, so that a report can say so. With `size`, which
    tells the octets of an entry, those of more than `LONG` together have at most `MOST_OCTETS`."""

    def __init__(self, limit: int, size: Callable[[K, V], int] | None = None) -> None:
        self._entries: OrderedDict[K, V] = OrderedDict()
        self._size = size
        self._long: dict[K, int] = {}
        self._octets = 0
        self.limit = limit
        self.evicted = 0

    def get(self, key: K) -> V | None:
        """The value, which thereby counts as used; None without one."""
        value = self._entries.get(key)
        if value is not None:
            self._entries.move_to_end(key)
        return value

    def __setitem__(self, key: K, value: V) -> None:
        self._entries[key] = value
        self._entries.move_to_end(key)
        if self._size is not None:
            self._weigh(key, self._size(key, value))
        while len(self._entries) > self.limit or (self._octets > MOST_OCTETS and len(self._entries) > 1):
            oldest, _ = self._entries.popitem(last=False)
            self._weigh(oldest, 0)
            self.evicted += 1

    def _weigh(self, key: K, size: int) -> None:
        if key in self._long:
            self._octets -= self._long.pop(key)
        if size > LONG:
            self._long[key] = size
            self._octets += size

    def __contains__(self, key: K) -> bool:
        return key in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def keep_all(self) -> None:
        """Have no entry make room for want of it, whatever memory that takes."""
        self.limit = sys.maxsize

    def items(self) -> ItemsView[K, V]:
        """All entries, those used longest ago first; none of them thereby counts as used."""
        return self._entries.items()

    def pop(self, key: K) -> V | None:
        """Remove an entry and return it; None without one."""
        if self._long:
            self._weigh(key, 0)
        return self._entries.pop(key, None)


class Notes(Generic[K, V]):
    """At most `limit` facts under keys; beyond it the key that was first noted longest ago is evicted.

    For what is noted with every message and costs nothing to learn again: an entry that is there stays where it is.
    """

    def __init__(self, limit: int) -> None:
        self._entries: OrderedDict[K, V] = OrderedDict()
        self.limit = limit

    def note(self, key: K, value: V) -> None:
        """Keep the newest fact under `key`."""
        entries = self._entries
        if key not in entries and len(entries) >= self.limit:
            entries.popitem(last=False)
        entries[key] = value

    def get(self, key: K) -> V | None:
        """The newest fact, None without one."""
        return self._entries.get(key)

    def items(self) -> ItemsView[K, V]:
        """All facts, those first that were noted first."""
        return self._entries.items()

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def __len__(self) -> int:
        return len(self._entries)


class MessageCounter:
    """Which message a run is at, counted from 1. All that a run numbers can be told by it, whoever else runs beside:
    `shared` says that somebody has a share of the same capture, `joined` that one report tells of others, too, whose
    numbers must be others. `ending`: the source has ended, and what is left is closed in order."""

    __slots__ = ("ending", "joined", "number", "shared")

    def __init__(self) -> None:
        self.number = 0
        self.shared = self.joined = False
        self.ending = False


class Inseparable(Told):
    """A capture cannot be shared out among workers; the text says why."""
