"""Requests of other methods than REGISTER that say nothing of any client, with their answers: OPTIONS by which a phone
or its registrar looks whether the way is open, and the like (docs/columnar.md).

There are more of them than of all else where phones stand behind NATs. The object path pairs each with its answer,
hears that its sender is there, asks the few rules that look at every method, and lists nothing. So they are counted
here, and who sent them is told as of messages of clients in columns. One Call-ID is wholly in columns, or not at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from analyzer.columnar.classes import REPRESENTATIVES, Placed, Told, Witness, answers_of
from analyzer.columnar.clients import Clients
from analyzer.columnar.columns import Values, any_of, mixed, numbered
from analyzer.columnar.exchanges import REPEATED, Exchanges
from analyzer.columnar.facts import end_of, is_place
from analyzer.columnar.records import Flags, Numbers
from analyzer.columnar.shapes import MOST_SHAPES, Shapes
from analyzer.judge.findings import Answer, Rule
from analyzer.judge.tally import Tally
from analyzer.register.fleet import MOST_ANSWERING, FleetLedger
from analyzer.register.subjects import TransactionSubject
from analyzer.run.report import Summary
from analyzer.sip.timers import TRYING_DUE

_OBJECTS = -1
"""The class of a transaction that is for the object path."""


@dataclass(slots=True)
class Others:
    """The transactions of other methods: `kind` is the class of each of all transactions, -1 of those that are none of
    them; `calls` tells the Call-IDs (clients, as `Clients` numbers them) of which all transactions have a class."""

    kind: Numbers
    calls: Flags

    def left(self, clients: Clients) -> Flags:
        """The Call-IDs without those that represent their classes, which the object path reads."""
        which = np.flatnonzero(self.kind >= 0)
        order = which[np.argsort(self.kind[which], kind="stable")]
        place = np.arange(len(order))
        starts = np.flatnonzero(np.diff(self.kind[order], prepend=_OBJECTS))
        nth = place - np.repeat(starts, np.diff(np.append(starts, len(order))))
        found = self.calls.copy()
        found[clients.of[order[nth < REPRESENTATIVES]]] = False
        return found

    def without(self, unknown: set[int], clients: Clients) -> Others:
        """Those of other classes: what the rules answer of these is not known."""
        wrong = any_of(np.isin(self.kind, list(unknown)), clients.of, len(self.calls))
        kind = np.where(wrong[clients.of], _OBJECTS, self.kind)
        return Others(kind, self.calls & ~wrong)


def others_of(values: Values, shapes: Shapes, exchanges: Exchanges, clients: Clients, ends: set[int]) -> Others:
    """Tell the transactions of other methods that are one request and one answer, sent once; nobody may have had a
    network error at either of their `ends`."""
    packets = values.scanned.packets
    first, final = exchanges.first, exchanges.final
    right = shapes.other[first] & shapes.other[final] & clients.alone & (final != first)
    right &= ~packets.is_response[first] & packets.is_response[final]
    right &= (exchanges.copies == 0) & (exchanges.finals == 1) & (exchanges.last == final)
    at = np.flatnonzero(right)
    asks, answers = first[at], final[at]
    fine = (packets.source[asks] == packets.target[answers]) & (packets.target[asks] == packets.source[answers])
    wait = packets.time(answers) - packets.time(asks)
    fine &= (wait >= 0) & (wait <= TRYING_DUE)
    fine &= shapes.methods(asks) == shapes.methods(answers)  # the object path pairs by it, too
    fine &= values.equal(answers, asks, *REPEATED) & _names_places(values, asks) & _names_places(values, answers)
    fine &= ~np.isin(packets.source[asks], list(ends)) & ~np.isin(packets.target[asks], list(ends))
    if len(np.unique(packets.target[asks])) > MOST_ANSWERING // 2:
        fine[:] = False  # which of them the object path would remember depends on their order
    hop, hops = numbered(mixed(exchanges.call, values.scanned.cseq[first]))
    right[at] = fine & (np.bincount(hop, minlength=hops)[hop[at]] == 1)
    calls = ~any_of(~right, clients.of, len(clients.ordinary))
    right &= calls[clients.of]
    kind = np.where(right, shapes.of[first].astype(np.int64) * MOST_SHAPES + shapes.of[final], _OBJECTS)
    return Others(kind, calls)


def _names_places(values: Values, rows: Numbers) -> Flags:
    """Whether all that should be addresses and ports in some messages are, where they are no literal parts of their
    lines."""
    found = np.ones(len(rows), np.bool_)
    for name in ("sent_by", "uri_place", "contact_place", "contact_seen", "received", "rport"):
        own = np.flatnonzero(values.scanned.size(name, rows) > 0)
        texts = values.texts(rows[own], name)
        right = {text for text in set(texts) if (is_place(text) if name != "rport" else 0 < int(text) < 65536)}
        found[own] = [text in right for text in texts]
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
                for rule, answer in settled(told.kind):
                    whole[rule.id].add(answer, count)
                for name, answers in told.answers:
                    for one in answers:
                        assert not isinstance(one, Placed)
                        whole[name].add(one, count)

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
    return told.subject is TransactionSubject and not any(isinstance(one, Placed) for one in answers)
