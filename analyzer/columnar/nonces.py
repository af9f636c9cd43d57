"""Which nonces the object path would still remember, had it heard of those of clients in columns (docs/columnar.md).

It remembers so many, and forgets the one that was given out or used longest ago (`register/challenges.py`). How many
others came between is counted from columns, when it is asked; none of them is told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from analyzer.columnar.records import Numbers
from analyzer.register.bounded import Bounded
from analyzer.register.challenges import NonceUse

Key = tuple[str, str, str]


@dataclass(slots=True)
class Told:
    """The nonces of clients in columns, each given out in one transaction: `issued` are the numbers of the messages
    that gave them out first; `touched` those of all messages by which one counts as used, in order, and `which` it
    is."""

    issued: Numbers
    touched: Numbers
    which: Numbers


class RememberedNonces(Bounded[Key, NonceUse]):
    """The nonces of clients on the object path, which are remembered as if it heard of all. `now` tells the number of
    the message that it is at."""

    def __init__(self, limit: int, told: Told, now: Callable[[], int]) -> None:
        self._made = 0
        super().__init__(limit)
        self._told = told
        self._now = now
        self._times = 0
        self._used: dict[Key, tuple[int, int]] = {}

    @property
    def evicted(self) -> int:
        """How many had to go: all that there were but those that are remembered."""
        return max(0, self._made + int(np.searchsorted(self._told.issued, self._now(), "left")) - self.limit)

    @evicted.setter
    def evicted(self, value: int) -> None:
        """Nothing: it is counted."""

    def get(self, key: Key) -> NonceUse | None:
        """The use of a nonce, which thereby counts as used; None where it is not remembered."""
        found = super().get(key) if key in self else None
        if found is not None:
            self._note(key)
        return found

    def __setitem__(self, key: Key, value: NonceUse) -> None:
        self._made += key not in self
        super().__setitem__(key, value)
        self._note(key)
        if len(self._used) > 2 * self.limit:  # those that had to go are still in it
            self._used = {one: self._used[one] for one in self._entries}

    def __contains__(self, key: Key) -> bool:
        if key not in self._entries:
            return False
        if self._is_forgotten(key):
            del self._entries[key], self._used[key]
            return False
        return True

    def _note(self, key: Key) -> None:
        self._times += 1
        self._used[key] = self._now(), self._times

    def _is_forgotten(self, key: Key) -> bool:
        """Whether so many others were used since."""
        told = self._told
        since, times = self._used[key]
        own, (begin, end) = self._times - times, np.searchsorted(told.touched, (since, self._now()), "left")
        if own + end - begin < self.limit:
            return False
        first, last = np.searchsorted(told.issued, (since, self._now()), "left")
        if last - first >= self.limit:
            return True
        others = len(np.unique(told.which[begin:end]))
        for other in reversed(self._entries):
            if other == key:
                break
            others += 1
        return others >= self.limit


__all__ = ["RememberedNonces", "Told"]
