"""Which servers answer, and whom: what silence has to be held against (docs/rule-catalogue.md T-ONESIDE)."""

from __future__ import annotations

from collections import defaultdict

from analyzer.evidence import Endpoint, RawMessage
from analyzer.register.bounded import Notes
from analyzer.register.transaction import Transaction

_MOST_PAIRS = 200_000


class Answering:
    """The responses that were seen so far. `hosts` counts them by the address they came from, `ports` holds the
    addresses with ports that answered, the latest `_MOST_PAIRS` of them.

    It remembers for rules, which ask `context.answers_from` and `context.port_answers`: whether silence means anything.
    """

    def __init__(self) -> None:
        self.hosts: dict[str, int] = defaultdict(int)
        self.ports: Notes[Endpoint, bool] = Notes(_MOST_PAIRS)
        self._pairs: Notes[tuple[str, str], bool] = Notes(_MOST_PAIRS)

    def note(self, answer: RawMessage) -> None:
        """Take in a response."""
        source = answer.source
        self.hosts[source.host] += 1
        self.ports.note(source, True)
        self._pairs.note((source.host, answer.destination.host), True)

    def reaches(self, transaction: Transaction) -> bool:
        """Whether the source holds the direction of its answers: of this pair of hosts over UDP, where a user agent
        that gets no response repeats itself and this one did not; else of the server."""
        if transaction.transport == "UDP" and not transaction.stream:
            return (transaction.destination.host, transaction.source.host) in self._pairs
        return self.hosts.get(transaction.destination.host, 0) > 0
