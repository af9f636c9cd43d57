"""A mapping with a bound: the entry that was used longest ago makes room for a new one, and is counted."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

from analyzer.escape import Told

K = TypeVar("K")
V = TypeVar("V")


class Bounded(Generic[K, V]):
    """At most `limit` entries; `given_up` counts those that had to go, so that a report can say so."""

    def __init__(self, limit: int) -> None:
        self._entries: OrderedDict[K, V] = OrderedDict()
        self.limit = limit
        self.given_up = 0

    def get(self, key: K) -> V | None:
        """The value, which thereby counts as used; None without one."""
        value = self._entries.get(key)
        if value is not None:
            self._entries.move_to_end(key)
        return value

    def __setitem__(self, key: K, value: V) -> None:
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) > self.limit:
            self._entries.popitem(last=False)
            self.given_up += 1

    def __contains__(self, key: K) -> bool:
        return key in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def pop(self, key: K) -> V | None:
        """Remove an entry and return it; None without one."""
        return self._entries.pop(key, None)


class Notes(Generic[K, V]):
    """At most `limit` facts under keys; beyond it the key that was first noted longest ago is forgotten.

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

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def __len__(self) -> int:
        return len(self._entries)


class Ordinal:
    """Which message a run is at, counted from 1. All that a run numbers can be told by it, whoever else runs beside:
    `shared` says that somebody does. `ending`: the source has ended, and what is left is closed in order."""

    __slots__ = ("ending", "number", "shared")

    def __init__(self) -> None:
        self.number = 0
        self.shared = False
        self.ending = False


class Inseparable(Told):
    """A capture cannot be shared out among workers; the text says why."""
