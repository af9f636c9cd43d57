"""Since when servers answer, and ask for credentials: before that silence means something else (docs/columnar.md).

A rule that looks for answers is told whether the server has answered anybody so far. That is the same for nearly all
that a capture holds, but for its beginning; there it is part of a transaction's class.
"""

from __future__ import annotations

import numpy as np

from analyzer.columnar.exchanges import Exchanges
from analyzer.columnar.facts import number_of
from analyzer.columnar.packets import Packets
from analyzer.columnar.passing import numbered_by
from analyzer.columnar.records import Flags, Numbers
from analyzer.columnar.shapes import Shapes
from analyzer.columnar.strangers import Odd
from analyzer.evidence import Endpoint

_NEVER = 2**62
_ANSWERS, _ASKS = 1, 2


class Answering:
    """The servers of a capture, by the numbers of the messages by which they answered first and asked first. It is not
    `certain` of a server whose address answered from another port before, or in a message that is in no columns."""

    def __init__(self, packets: Packets, shapes: Shapes, odd: Odd) -> None:
        self._odd = odd
        self._packets = packets
        rows = np.flatnonzero(packets.is_response)
        numbers = numbered_by(packets, odd, rows)
        source = packets.source[rows]
        is_common = shapes.ordinary[rows]
        self._ends, first = np.unique(source, return_index=True)
        self._answers = numbers[first]
        hosts, by_host = np.unique(source >> 16, return_index=True)
        of_host = numbers[by_host][np.searchsorted(hosts, self._ends >> 16)]
        self._certain = (of_host == self._answers) & is_common[first]
        self._certain &= ~np.isin(self._ends >> 16, list(odd.answering))
        self._hosts = {int(host) for host in hosts} | odd.answering
        challenges = np.flatnonzero(shapes.statuses(rows) == 401)
        asking, first = np.unique(source[challenges], return_index=True)
        self._asks = np.full(len(self._ends), _NEVER)
        self._asks[np.searchsorted(self._ends, asking)] = numbers[challenges][first]

    def since(self, server: Endpoint) -> int:
        """The number of the message by which a server answered first; 0 where that is not certain, as nobody is asked
        about it in columns before it has."""
        end = number_of(server.host) << 16 | server.port
        at = int(np.searchsorted(self._ends, end))
        if at < len(self._ends) and self._ends[at] == end:
            return int(self._answers[at]) if self._certain[at] else 0
        return 0 if end >> 16 in self._hosts else _NEVER

    def stages(self, exchanges: Exchanges, decided: Numbers) -> tuple[Numbers, Flags]:
        """For each transaction, whose end is noticed at message `decided`: what its server had done when it began, and
        by its end, as one number; and whether it is too early for columns: what its server had done is not certain, or
        it is answered before the server was seen to ask for credentials."""
        targets, of = np.unique(self._packets.target[exchanges.first], return_inverse=True)
        place = np.minimum(np.searchsorted(self._ends, targets), max(len(self._ends) - 1, 0))
        known = np.zeros(len(targets), np.bool_)
        answers, asks, certain = np.full(len(targets), _NEVER), np.full(len(targets), _NEVER), ~known
        if len(self._ends):
            known = self._ends[place] == targets
            answers[known], asks[known] = self._answers[place[known]], self._asks[place[known]]
            certain[known] = self._certain[place[known]]
        certain &= known | ~np.isin(targets >> 16, list(self._hosts))
        begun = numbered_by(self._packets, self._odd, exchanges.first)
        stages = [_ANSWERS * (answers[of] < at) + _ASKS * (asks[of] < at) for at in (begun, decided)]
        early = np.where(certain[of], ~exchanges.silent & (asks[of] >= decided), asks[of] >= begun)
        return stages[0] + 4 * stages[1], early
