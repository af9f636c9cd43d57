"""When what waits for an answer has waited long enough: at which message that is noticed, and what is known by then
(docs/columnar.md).

Time passes by the messages of all clients, whichever path reads them. The object path ends a transaction at the first
message that is later than its deadline, before it reads that message; or at the end of the source.
"""

from __future__ import annotations

import numpy as np

from analyzer.columnar.facts import number_of
from analyzer.columnar.hearsay import Index
from analyzer.columnar.packets import Packets
from analyzer.columnar.records import Numbers
from analyzer.columnar.strangers import Odd


def numbered_by(packets: Packets, odd: Odd, rows: Numbers) -> Numbers:
    """The numbers of messages among all messages of the capture, from 1."""
    before = np.searchsorted(np.array(odd.rows, np.int64), packets.plain[rows], "left")
    found: Numbers = rows.astype(np.int64) + 1 + before
    return found


class Passing:
    """The times of all messages of a capture, in their order, and of some `servers` when they were heard (addresses as
    columns have them). Messages are numbered from 1; the number behind the last stands for the end of the source."""

    def __init__(self, packets: Packets, odd: Odd, servers: Numbers) -> None:
        rows = np.concatenate([np.array(odd.rows, np.int64), packets.plain])
        order = np.argsort(rows, kind="stable")
        self._time = np.concatenate([np.array(odd.times, np.int64), packets.records.time[packets.plain]])[order]
        self._latest = np.maximum.accumulate(self._time)
        self._end = packets.records.last
        hosts = np.concatenate([np.array(odd.hosts, np.int64), packets.source >> 16])[order]
        self._places = np.flatnonzero(np.isin(hosts, servers))
        self._heard = Index(hosts[self._places])

    def over(self, deadlines: Numbers) -> Numbers:
        """The number of the message at which it is noticed that each deadline has passed (nanoseconds)."""
        found: Numbers = np.searchsorted(self._latest, deadlines, "right") + 1
        return found

    def end_at(self, number: int) -> int:
        """The latest time of all up to a message."""
        return int(self._latest[number - 1]) if number <= len(self._latest) else self._end

    def heard_by(self, host: str, number: int) -> int | None:
        """When a server was heard last, before a message."""
        own = self._heard.places(number_of(host))
        at = int(np.searchsorted(self._places[own], number - 1, "left")) - 1
        return int(self._time[self._places[own[at]]]) if at >= 0 else None
