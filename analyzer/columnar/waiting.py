"""Transactions without an answer: how they end, and when that is noticed (docs/columnar.md)."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from analyzer.columnar.exchanges import Exchanges
from analyzer.columnar.passing import Passing, numbered_by
from analyzer.columnar.records import Flags, Numbers
from analyzer.columnar.strangers import Odd
from analyzer.register.transaction import KEPT, State
from analyzer.sip.timers import TIMER_F


class Waiting:
    """What becomes of the transactions of a capture that nobody answers."""

    def __init__(self, exchanges: Exchanges, odd: Odd) -> None:
        self._exchanges, self._odd = exchanges, odd
        self._silent = exchanges.silent.data

    def is_silent(self, which: int) -> bool:
        """Whether a transaction has no answer."""
        return bool(self._silent[which])

    def state(self, which: int) -> State:
        """How it ends (`register/matching.py`): one without an answer was sent again, or it waits at the end."""
        if not self._silent[which]:
            return "answered"
        return "timeout" if self._is_over[which] else "open"

    def decided(self, which: int) -> int:
        """The number of its final response, or of the message at which it is noticed that there is none."""
        return int(self.all_decided[which])

    @cached_property
    def _is_over(self) -> Flags:
        exchanges = self._exchanges
        found: Flags = exchanges.packets.records.last - exchanges.begun >= TIMER_F
        return found

    @cached_property
    def all_decided(self) -> Numbers:
        """The same of each transaction."""
        exchanges = self._exchanges
        found = numbered_by(exchanges.packets, self._odd, exchanges.final)
        silent = np.flatnonzero(exchanges.silent)
        if len(silent):
            found[silent] = self.passing.over(exchanges.closes[silent])
        return found

    @cached_property
    def passing(self) -> Passing:
        """When time passes."""
        exchanges = self._exchanges
        asked = exchanges.packets.target[exchanges.first[exchanges.silent]] >> 16
        return Passing(exchanges.packets, self._odd, np.unique(asked))

    def copies(self, which: int) -> list[int]:
        """The rows of its first copies, as many as the object path keeps."""
        order, starts = self._sent
        at = int(np.searchsorted(starts, which))
        rows = order[at : int(np.searchsorted(starts, which, "right"))]
        found: list[int] = rows[1 : KEPT + 1].tolist()
        return found

    @cached_property
    def _sent(self) -> tuple[Numbers, Numbers]:
        """The messages of transactions without an answer, by transaction and in order, and the transaction of each."""
        of = self._exchanges.of
        wanted = np.append(self._exchanges.silent, False)  # the last is for messages of no transaction
        rows = np.flatnonzero(wanted[of])
        rows = rows[np.argsort(of[rows], kind="stable")]
        return rows, of[rows]
