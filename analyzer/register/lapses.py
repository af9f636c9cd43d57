"""Bindings that nobody renewed: each is looked at again when twice its interval has passed after its end.

A phone that comes back late renews by then; one whose host is still heard, and which does not ask again, has let its
binding lapse (RFC 3261 10.2.4). Silence alone proves nothing: the phone may be switched off.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Collection, Iterator

from analyzer.evidence import SECOND
from analyzer.register.binding import Binding, BindingEvent, BindingTable
from analyzer.register.bounded import Notes
from analyzer.register.registration import Registration

_LONGEST_WATCH = 7 * 86400  # seconds; an expiry beyond it outlives the capture


class LapseWatch:
    """The bindings that are watched, by the instant at which each is due. It remembers for rules on bindings, which it
    tells of each that `lapsed`. `heard` says when a host was heard last."""

    def __init__(self, bindings: BindingTable, heard: Notes[str, int]) -> None:
        self._bindings = bindings
        self.heard = heard
        self._due: list[tuple[int, int, Binding, Registration]] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._due)

    @property
    def next_due(self) -> float:
        """When something is due, nanoseconds since the epoch; infinite where nothing is."""
        return self._due[0][0] if self._due else math.inf

    def watch(self, binding: Binding, registration: Registration) -> None:
        """Look at a binding again. One entry a binding: a refresh moves the instant, it does not add another."""
        if binding.end is None or not binding.granted or binding.granted > _LONGEST_WATCH or binding.watched:
            return
        binding.watched = True
        self._count += 1
        heapq.heappush(self._due, (binding.end + 2 * binding.granted * SECOND, self._count, binding, registration))

    def forget(self, registrations: Collection[int]) -> None:
        """Registrations by number were evicted."""
        self._due = [watched for watched in self._due if watched[3].id not in registrations]
        heapq.heapify(self._due)

    def lapsed(self, now: int) -> Iterator[tuple[BindingEvent, Registration]]:
        """The bindings that have lapsed by `now`, nanoseconds since the epoch."""
        while self._due and self._due[0][0] <= now:
            due, _, binding, registration = heapq.heappop(self._due)
            binding.watched = False
            if not self._bindings.is_present(binding) or binding.end is None or not binding.granted:
                continue
            if due < binding.end + 2 * binding.granted * SECOND:
                self.watch(binding, registration)
                continue
            heard, granted_by = self.heard.get(registration.source.host), binding.transaction
            if heard is not None and heard > binding.end and not binding.asked_again and granted_by is not None:
                yield BindingEvent("lapsed", binding, granted_by), registration
