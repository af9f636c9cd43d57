"""Requests that come after a later one of their Call-ID (RFC 3261 10.3 steps 6 and 7).

A registrar keeps with each binding the Call-ID and CSeq of the request that made or renewed it; a request with the same
Call-ID and a CSeq that is no higher must leave it as it is. What the registrar keeps is seen here by its answers: the
transaction that granted a binding last is the one whose numbers count.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from analyzer.evidence import Evidence
from analyzer.register.binding import Binding
from analyzer.register.transaction import Transaction


class Overtaken(NamedTuple):
    """A binding that a request names although one of its own Call-ID, with a CSeq (`cseq`) that is no lower, has made
    it: by `evidence`, sent first at `sent` and answered at `learned`, until `end`. Times in nanoseconds or None."""

    contact: str
    cseq: int
    evidence: Evidence
    sent: int | None
    learned: int | None
    end: int | None


def note_overtaken(transaction: Transaction, known: Sequence[Binding]) -> None:
    """Note it of a transaction that has its final response, before that is taken into the bindings `known` so far. One
    that has run out is none any more."""
    for binding in known:
        by = binding.transaction
        if by is None or by.cseq < transaction.cseq or by.call_id != transaction.call_id or transaction.cseq < 0:
            continue
        if binding.certainty != "present" or by.id >= transaction.id or binding.is_over(transaction.answered_at):
            continue
        request = transaction.request
        if request is not None and any(one.star or binding.is_of(one) for one in request.contacts):
            given = binding.contact, by.cseq, by.evidence, by.first, binding.learned, binding.end
            transaction.overtaken = Overtaken(*given)
            return
