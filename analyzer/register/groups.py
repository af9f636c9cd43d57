"""What lies under one key, in the order of arrival, where nearly every key has one thing alone.

Such a key costs one entry of a dictionary; only a second thing makes a dictionary of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable
from itertools import islice
from typing import Generic, TypeVar

T = TypeVar("T")


class Groups(Generic[T]):
    """Things under keys, each with a number by which it is taken out again."""

    def __init__(self) -> None:
        self._single: dict[Hashable, tuple[int, T]] = {}
        self._several: dict[Hashable, dict[int, T]] = {}

    def add(self, key: Hashable, number: int, thing: T) -> None:
        """Put one more thing under `key`."""
        one = self._single.setdefault(key, pair := (number, thing))
        if one is not pair:
            self._several.setdefault(key, {one[0]: one[1]})[number] = thing

    def remove(self, key: Hashable, number: int) -> None:
        """Take the thing with this number out; nothing happens where it is not there."""
        group = self._several.get(key)
        if group is None:
            one = self._single.get(key)
            if one is not None and one[0] == number:
                del self._single[key]
            return
        group.pop(number, None)
        if len(group) < 2:
            del self._several[key]
            del self._single[key]
            for left in group.items():
                self._single[key] = left

    def of(self, key: Hashable) -> Collection[T]:
        """What lies under `key`, the oldest first."""
        group = self._several.get(key)
        if group is not None:
            return group.values()
        one = self._single.get(key)
        return () if one is None else (one[1],)

    def is_single(self, key: Hashable) -> bool:
        """Whether there is at most one thing under `key`."""
        return key not in self._several

    def holds(self, key: Hashable, number: int) -> bool:
        """Whether the thing with this number is there."""
        group = self._several.get(key)
        if group is not None:
            return number in group
        one = self._single.get(key)
        return one is not None and one[0] == number

    def latest(self, key: Hashable, most: int) -> list[T]:
        """At most so many of the things under `key`, the newest first."""
        group = self._several.get(key)
        return list(self.of(key)) if group is None else list(islice(reversed(group.values()), most))

    def __len__(self) -> int:
        """How many keys have something."""
        return len(self._single)

    def clear(self) -> None:
        """Take everything out."""
        self._single.clear()
        self._several.clear()
