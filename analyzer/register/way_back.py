"""Which way an answer went, held against the way of its request: facts, for the rules and for the sentence of a client.

A user agent hears an answer that comes back to the address and port it sent from; and one that comes to the port that
its Via names, if nothing between translates addresses. That the answer did not arrive is seen from the request: it is
sent again, though its final response is there (RFC 3261 17.1.2.2). One copy may have crossed the response, so only
those count that came more than T1 after it; where nothing has a time, three after it.
"""

from __future__ import annotations

from typing import NamedTuple

from analyzer.evidence import Endpoint
from analyzer.register.transaction import Transaction, Way

_PROOF = 3
"""Copies after the final response that prove, without a clock, that they did not cross it."""


class WayBack(NamedTuple):
    """The way of a final response that the user agent has not heard. `source` is where the request came from,
    `sent_by` what its Via names (host and port, the default filled in), `to` where the response went; `answered_from`
    is where it came from, where that is not whom the request was sent to, and `other_via` what its Via names, where
    that is not what the request's does."""

    status: int
    source: Endpoint
    sent_by: Endpoint
    to: Endpoint
    asks_rport: bool
    answered_from: Endpoint | None = None
    other_via: str = ""

    @property
    def is_astray(self) -> bool:
        """The response went elsewhere than the request came from."""
        return self.to != self.source

    @property
    def is_translated(self) -> bool:
        """The Via names another host than the packet came from: an address is translated on the way (NAT)."""
        return self.sent_by.host != self.source.host


def is_repeated_late(transaction: Transaction) -> bool:
    """Whether the request was sent again after its final response, too late to have crossed it."""
    if transaction.late_copies:
        return True
    return transaction.answered_at is None and transaction.copies_after >= _PROOF


def ways_back(transaction: Transaction) -> list[Way]:
    """All ways that final responses took, the first one first; there is one at least where there is a response."""
    final = transaction.final
    if final is None:
        return []
    raw_message = final.raw_message
    first = (raw_message.destination, raw_message.source, raw_message.stream)
    return [first, *(way for way in transaction.response_ways if way != first)]


def sources_of(transaction: Transaction) -> list[Endpoint]:
    """Where the request was seen to come from; several where it was captured on both sides of a translator."""
    return [transaction.source, *(source for source, _, _ in transaction.request_ways)]


def sent_by_of(transaction: Transaction) -> Endpoint | None:
    """Host and port that the topmost Via of the request names, the transport's port where it names none; None without
    a readable Via. The host is as written, without brackets."""
    via = transaction.request.via if transaction.request is not None else None
    if via is None or not via.host:
        return None
    port = via.sent_by.rpartition(":")[2]
    return Endpoint(via.host, via.port if via.port is not None else int(port))


def unheard(transaction: Transaction) -> WayBack | None:
    """The way of the final response, where the request shows that it did not arrive; None where it may have."""
    if transaction.final is None or transaction.stream or not is_repeated_late(transaction):
        return None  # of nearly all; the Via is read of the rest alone
    sent_by = sent_by_of(transaction)
    if sent_by is None:
        return None
    ways, sources = ways_back(transaction), sources_of(transaction)
    to = next((client for client, _, _ in ways if client not in sources), ways[0][0])
    if any(client in sources for client, _, _ in ways):
        to = transaction.source
    via = transaction.request.via if transaction.request is not None else None
    asks = via is not None and via.rport is not None
    asked = {transaction.destination, *(destination for _, destination, _ in transaction.request_ways)}
    others = [server for _, server, _ in ways if server.port]
    elsewhere = others[0] if others and transaction.destination.port and asked.isdisjoint(others) else None
    return WayBack(transaction.status, transaction.source, sent_by, to, asks, elsewhere, other_via(transaction))


def other_via(transaction: Transaction) -> str:
    """Host and port in the topmost Via of the final response, where the request's names others; else empty."""
    request, final = transaction.request, transaction.final
    if request is None or final is None or request.via is None or final.via is None:
        return ""
    return "" if request.via.sent_by == final.via.sent_by else final.via.sent_by


def tells_source(transaction: Transaction) -> bool:
    """Whether the answer's topmost Via says at once where the request came from, as far as it must: by rport and
    received where the request asks for rport (RFC 3581 4), by received where its Via names another host than the
    packet's (RFC 3261 18.2.1)."""
    request, final = transaction.request, transaction.final
    if request is None or final is None or transaction.path is not None or transaction.request_ways:
        return False
    asked, via = request.via, final.via
    if asked is None or via is None:
        return False
    source, written = transaction.source, asked.raw
    if ";rport" in written and ";rport=" not in written:
        filled = f";received={source.host};" in (given := via.raw + ";") and f";rport={source.port};" in given
        return filled and ";received" not in written
    written = written.lower()
    return asked.host == source.host and "received" not in written and "rport" not in written
