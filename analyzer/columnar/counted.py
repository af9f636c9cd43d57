"""What is counted of requests of other methods and their answers (`others.py`): some of each class are read by the
object path, and where no rule finds anything in these, the class is counted (docs/columnar.md)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from analyzer.columnar.classes import REPRESENTATIVES, Placed, Spoken, Told, Witness, answers_of, count_told
from analyzer.columnar.clients import Clients
from analyzer.columnar.exchanges import Exchanges
from analyzer.columnar.facts import end_of
from analyzer.columnar.others import Others
from analyzer.columnar.records import Flags
from analyzer.columnar.shapes import Shapes
from analyzer.judge.findings import Answer, Rule
from analyzer.judge.tally import Tally
from analyzer.register.fleet import FleetLedger
from analyzer.register.subjects import TransactionSubject
from analyzer.run.report import Summary


def left_of(others: Others, clients: Clients) -> Flags:
    """The Call-IDs of other methods without those that represent their classes, which the object path reads."""
    which = np.flatnonzero(others.kind >= 0)
    order = which[np.argsort(others.kind[which], kind="stable")]
    starts = np.flatnonzero(np.diff(others.kind[order], prepend=-1))
    nth = np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order))))
    found = others.calls.copy()
    found[clients.of[order[nth < REPRESENTATIVES]]] = False
    return found


class Counted:
    """What the classes of `others` tell of the Call-IDs `left` to columns; `unknown` are classes of which it is not
    known what the rules answer."""

    def __init__(self, others: Others, left: Flags, clients: Clients, witness: Witness, rules: Sequence[Rule]) -> None:
        self.which = np.flatnonzero((others.kind >= 0) & left[clients.of])
        own = Counter(others.kind[self.which].tolist())
        found, unknown = answers_of(others.kind, self.which, witness, rules)
        speaking = {kind for kind, several in found.items() if not all(map(_is_silent, several))}
        self.unknown = unknown | speaking
        self._answers = {kind: (several, own[kind]) for kind, several in found.items()}

    def count(self, whole: dict[str, Tally], settled: Callable[[int], Sequence[tuple[Rule, Answer]]]) -> None:
        """Add to tallies; `settled` tells what is answered of a kind of transaction without asking."""
        for several, count in self._answers.values():
            for told in several:
                count_told(whole, told, count, settled(told.kind))

    def sum_up(self, summary: Summary, fleet: FleetLedger, shapes: Shapes, exchanges: Exchanges) -> None:
        """Add to the sums of a run."""
        asks = exchanges.first[self.which]
        summary.messages += 2 * len(asks)
        for number, count in zip(*np.unique(shapes.of[asks], return_counts=True), strict=True):
            summary.methods[shapes.all[number].example.method] += int(count)
        fleet.answering.update(map(end_of, np.unique(exchanges.packets.target[asks]).tolist()))


def _is_silent(told: Told) -> bool:
    """Whether no rule found anything, asked about the transaction with its answer."""
    answers = (one for _, several in told.answers for one in several)
    return told.subject is TransactionSubject and not any(isinstance(one, Placed | Spoken) for one in answers)
