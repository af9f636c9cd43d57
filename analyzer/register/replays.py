"""Credentials that were sent before, whoever sent them: user by user, told by nonce and response.

Not meant are the hops of one path and the retransmissions of one request (they are one transaction, or a path), the
next leg behind a server that passes credentials on, the same request to another server (RFC 3261 8.1.2), and a phone
that goes on with its own Call-ID.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from analyzer.evidence import Evidence
from analyzer.register.bounded import Bounded, brief
from analyzer.register.digest_ledger import DigestRecord
from analyzer.register.transaction import Transaction

MOST_SENT = 50_000
"""Credentials that are remembered."""


class Sent(NamedTuple):
    """Credentials as they were sent first: by which transaction, from where to where, and when (nanoseconds)."""

    transaction: int
    call_id: str
    cseq: int
    source: str
    server: str
    time: int | None
    evidence: Evidence


class Replays:
    """Who sent which credentials first, bounded.

    It remembers for rules, as `replay` of a transaction's signs: that these were sent before, from another address.
    """

    def __init__(self) -> None:
        self._sent: Bounded[tuple[str, str, str], Sent] = Bounded(MOST_SENT, lambda key, _: sum(map(len, key)))

    def remember(self, table: Bounded[tuple[str, str, str], Sent]) -> None:
        """Keep what was sent in a table that knows how many others there are."""
        self._sent = table

    def take(self, transaction: Transaction, aor: str, records: Sequence[DigestRecord]) -> Sent | None:
        """Take in the credentials of a transaction; where they were sent before, if that was from elsewhere."""
        found = None
        for record in records:
            if not record.response or not record.nonce or record.is_cut or record.place != transaction.place:
                continue
            key = (aor, brief(record.nonce), record.response[:128])
            before = self._sent.get(key)
            if before is None:
                self._sent[key] = Sent(
                    transaction.id,
                    transaction.call_id,
                    transaction.cseq,
                    transaction.source.host,
                    transaction.destination.host,
                    transaction.first,
                    record.evidence,
                )
            elif before.transaction != transaction.id and _is_from_elsewhere(before, transaction):
                found = before
        return found


def _is_from_elsewhere(before: Sent, transaction: Transaction) -> bool:
    source, server = transaction.source.host, transaction.destination.host
    if source in (before.source, before.server) or server == before.source:
        return False  # its own sender, or the next leg of the same way
    return transaction.call_id != before.call_id or transaction.cseq <= before.cseq
