"""Which servers answer, and whom: what silence has to be held against (docs/rules/traps.md T-ONESIDE)."""

from __future__ import annotations

from collections import defaultdict

from analyzer.evidence import Endpoint, RawMessage
from analyzer.register.bounded import Notes
from analyzer.register.transaction import Transaction
from analyzer.sip.timers import T1

MOST_PAIRS = 200_000
"""Servers with hosts that they answered, and addresses with ports that answered, the latest."""
MOST_UNHEARD = 10_000
"""Requests without an answer of which it is open what that means."""


class Answering:
    """The responses that were seen so far. `hosts` counts them by the address they came from, `ports` holds the
    addresses with ports that answered, the latest `MOST_PAIRS` of them.

    It remembers for rules, which ask `context.answers_from` and `context.port_answers`: whether silence means anything.
    """

    def __init__(self) -> None:
        self.hosts: dict[str, int] = defaultdict(int)
        self.ports: Notes[Endpoint, bool] = Notes(MOST_PAIRS)
        self.pairs: Notes[tuple[str, str], int | None] = Notes(MOST_PAIRS)
        self.unheard: dict[tuple[Endpoint, Endpoint], int] = {}

    def note(self, answer: RawMessage, asked: Endpoint | None = None) -> None:
        """Take in a response; `asked` is where its request went, whatever port the server sends from."""
        source = answer.source
        self.hosts[source.host] += 1
        self.ports.note(source, True)
        if asked is not None and asked != source:
            self.ports.note(asked, True)
        self.pairs.note((source.host, answer.destination.host), answer.time)
        if self.unheard:
            self.unheard.pop((source, answer.destination), None)

    def is_silence(self, transaction: Transaction) -> bool:
        """Whether a request without an answer met silence, and its answer is not merely missing in the source: that
        holds the direction of its answers, and no user agent would have stopped so. Over UDP one that hears nothing
        repeats itself after T1 (RFC 3261 17.1.2.2). Where it did not, the answer may be lost; unless nothing ever came
        from that port, or the next request of the same client has no answer either: that is how this client waits."""
        if transaction.is_holed or not self.reaches(transaction):
            return False
        if transaction.destination not in self.ports:
            return True
        return not transaction.would_be_repeated or self._is_unheard_again(transaction)

    def reaches(self, transaction: Transaction) -> bool:
        """Whether the source holds the direction of its answers: of this pair of hosts over UDP, else of the server."""
        server, client = transaction.destination, transaction.source
        if transaction.transport == "UDP" and not transaction.stream:
            return (server.host, client.host) in self.pairs
        return self.hosts.get(server.host, 0) > 0

    def _is_unheard_again(self, transaction: Transaction) -> bool:
        server, client, first = transaction.destination, transaction.source, transaction.first
        before, heard = self.unheard.get((server, client)), self.pairs.get((server.host, client.host))
        if first is None or (before is not None and first - before > T1):  # sooner it would not go on without an answer
            return True
        if (heard is None or heard < first) and len(self.unheard) < MOST_UNHEARD:
            self.unheard[(server, client)] = first
        return False
