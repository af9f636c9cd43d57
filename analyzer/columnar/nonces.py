"""Which nonces and credentials the object path would still remember, had it heard of those of clients in columns
(docs/columnar.md).

It remembers so many, and forgets what was given out or used longest ago (`register/challenges.py`, `nonce_counts.py`,
`replays.py`). How many others came between is counted from columns, when it is asked; none of them is told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from analyzer.columnar.columns import firsts, mixed, numbered
from analyzer.columnar.records import Flags, Numbers
from analyzer.register import nonce_counts, replays
from analyzer.register.bounded import Bounded

if TYPE_CHECKING:
    from analyzer.columnar.shared import Capture
    from analyzer.register.reconstruct import Reconstructor

K = TypeVar("K")
V = TypeVar("V")


@dataclass(slots=True)
class Told:
    """The entries of clients in columns: `issued` are the numbers of the messages that made them, in order; `touched`
    those of all messages by which one counts as used, in order, and `which` it is."""

    issued: Numbers
    touched: Numbers
    which: Numbers


class Remembered(Bounded[K, V]):
    """The entries of clients on the object path, which are remembered as if it heard of all. `now` tells the number of
    the message that it is at."""

    def __init__(self, limit: int, told: Told, now: Callable[[], int]) -> None:
        self._made = 0
        super().__init__(limit)
        self._told = told
        self._now = now
        self._times = 0
        self._used: dict[K, tuple[int, int]] = {}

    @property
    def evicted(self) -> int:
        """How many had to go: all that there were but those that are remembered."""
        return max(0, self._made + int(np.searchsorted(self._told.issued, self._now(), "left")) - self.limit)

    @evicted.setter
    def evicted(self, value: int) -> None:
        """Nothing: it is counted."""

    def get(self, key: K) -> V | None:
        """The value, which thereby counts as used; None where it is not remembered."""
        found = super().get(key) if key in self else None
        if found is not None:
            self._note(key)
        return found

    def __setitem__(self, key: K, value: V) -> None:
        self._made += key not in self
        super().__setitem__(key, value)
        self._note(key)
        if len(self._used) > 2 * self.limit:  # those that had to go are still in it
            self._used = {one: self._used[one] for one in self._entries}

    def __contains__(self, key: K) -> bool:
        if key not in self._entries:
            return False
        if self._is_forgotten(key):
            del self._entries[key], self._used[key]
            return False
        return True

    def _note(self, key: K) -> None:
        self._times += 1
        self._used[key] = self._now(), self._times

    def _is_forgotten(self, key: K) -> bool:
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


def count_credentials(capture: Capture, columnar: Flags, to: Reconstructor, now: Callable[[], int]) -> None:
    """Let the ledgers of credentials know how many those of clients in columns are."""
    exchanges, shapes, clients = capture.exchanges, capture.shapes, capture.clients
    which = np.flatnonzero(columnar[clients.of] & shapes.carry(exchanges.first))
    first = exchanges.first[which]
    nonce, nonces = numbered(mixed(capture.values.key(first, "nonce"), clients.of[which]))
    used = capture.numbers(first)
    counts = Told(np.sort(used[firsts(nonce, nonces)]), used, nonce)
    to.digests.counts.remember(Remembered(nonce_counts.MOST_SESSIONS, counts, now))
    order = np.argsort(exchanges.final[which], kind="stable")
    answered = capture.numbers(exchanges.final[which][order])
    keys = mixed(capture.values.key(first, "nonce", "response"), clients.of[which])[order]
    response, responses = numbered(keys)
    sent = Told(np.sort(answered[firsts(response, responses)]), answered, response)
    to.surroundings.signs.replays.remember(Remembered(replays.MOST_SENT, sent, now))


__all__ = ["Remembered", "Told", "count_credentials"]
