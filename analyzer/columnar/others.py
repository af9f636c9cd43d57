"""Requests of other methods than REGISTER that say nothing of any client, with their answers: OPTIONS by which a phone
or its registrar looks whether the way is open, and the like (docs/columnar.md).

There are more of them than of all else where phones stand behind NATs. The object path pairs each with its answer,
hears that its sender is there, asks the few rules that look at every method, and lists nothing. So they are counted
here, and who sent them is told as of messages of clients in columns. One Call-ID is wholly in columns, or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analyzer.columnar.clients import Clients
from analyzer.columnar.columns import Values, any_of, mixed, numbered
from analyzer.columnar.exchanges import REPEATED, Exchanges
from analyzer.columnar.facts import is_place
from analyzer.columnar.records import Flags, Numbers
from analyzer.columnar.shapes import MOST_SHAPES, Shapes
from analyzer.register.fleet import MOST_ANSWERING
from analyzer.sip.timers import TRYING_DUE

_OBJECTS = -1
"""The class of a transaction that is for the object path."""


@dataclass(slots=True)
class Others:
    """The transactions of other methods: `kind` is the class of each of all transactions, -1 of those that are none of
    them; `calls` tells the Call-IDs (clients, as `Clients` numbers them) of which all transactions have a class."""

    kind: Numbers
    calls: Flags

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
