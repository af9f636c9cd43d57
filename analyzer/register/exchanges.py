"""The latest exchanges with their octets: a next step of a client may need their words.

Of the latest clients the last exchange is kept whole, by number and by octets, for a message may have 64 kB; of others
what was noted of it (number, times, outcome) is enough.
"""

from __future__ import annotations

import sys
from collections import OrderedDict

from analyzer.register.registration import Registration
from analyzer.register.transaction import Transaction

MOST_EXCHANGES = 20_000
"""Exchanges that are kept with their octets, some two kB each."""
MOST_OCTETS = 256 * 1024 * 1024
"""Octets of all of them; exchanges of ordinary size take a sixth of it."""


class Exchanges:
    """The transactions that are over and kept whole, the latest of each client and Call-ID; `evicted` counts those that
    had to give their messages up.

    It remembers for rules, which get a client's last exchange as the `earlier` and `same_call` of a step: its messages,
    as long as there is room for them; where they had to go, `request` and `final` are None.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[int, str], tuple[Registration, Transaction, int]] = OrderedDict()
        self._octets = 0
        self._most, self._most_octets = MOST_EXCHANGES, MOST_OCTETS
        self.evicted = 0

    def keep_all(self) -> None:
        """Have none of them give its messages up, whatever memory that takes."""
        self._most = self._most_octets = sys.maxsize

    def keep(self, registration: Registration, transaction: Transaction) -> None:
        """Take in a transaction at its end; it replaces an older one of the same client and Call-ID."""
        key = (registration.id, transaction.call_id)
        before = self._kept.get(key)
        if before is not None and before[1].id > transaction.id:
            return  # it waited longer for a response than the next one: nobody asks for it any more
        self._take(key)
        size = sum(len(message.raw) for message in (transaction.request, transaction.final) if message is not None)
        self._kept[key] = (registration, transaction, size)
        self._octets += size
        while len(self._kept) > self._most or (self._octets > self._most_octets and len(self._kept) > 1):
            _, (owner, oldest, size) = self._kept.popitem(last=False)
            self._octets -= size
            self.evicted += owner.evict_exchange(oldest)

    def forget(self, registration: Registration) -> None:
        """A client is evicted, and its exchanges with it."""
        for call_id in registration.call_ids:
            self._take((registration.id, call_id))

    def _take(self, key: tuple[int, str]) -> None:
        before = self._kept.pop(key, None)
        if before is not None:
            self._octets -= before[2]
