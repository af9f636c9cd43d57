"""A branch that a client has used before (RFC 3261 8.1.1.7), told from the requests that it is compared with anyway.

It is the name of a transaction, unique over all that a user agent ever sends. What is held against it are the client's
request before, the one before under the same Call-ID to the same destination, and the one before under the Call-ID to
any: so a number that never changes is seen at once, and nothing more has to be kept.
"""

from __future__ import annotations

from typing import NamedTuple

from analyzer.evidence import Evidence
from analyzer.register.transaction import Transaction
from analyzer.sip.via import MAGIC_COOKIE


class EarlierUse(NamedTuple):
    """The transaction that had the branch: its Call-ID and CSeq, where it was seen, when it ended (its answer, or else
    its last copy; nanoseconds or None), and the status of its answer (0 without one)."""

    call_id: str
    cseq: int
    evidence: Evidence
    ended: int | None
    status: int


def earlier_use(transaction: Transaction, *others: Transaction | None) -> EarlierUse | None:
    """The first of the others that has the branch and sent-by of this transaction; None where all have their own.
    Without the magic cookie a branch names nothing."""
    branch = transaction.branch
    for one in others:
        if one is not None and one.branch == branch and _is_reused(transaction, one):
            ended = one.last if one.answered_at is None else one.answered_at
            return EarlierUse(one.call_id, one.cseq, one.evidence, ended, one.status)
    return None


def _is_reused(transaction: Transaction, before: Transaction) -> bool:
    branch = transaction.branch
    has_cookie = branch.startswith(MAGIC_COOKIE) and branch != MAGIC_COOKIE
    return has_cookie and before.sent_by == transaction.sent_by and before.id < transaction.id


def is_complete(transaction: Transaction) -> bool:
    """Whether there is something to say of a transaction at its end: it was answered, or its branch is not its own, or
    its copies differ."""
    return transaction.final is not None or transaction.reuses is not None or bool(transaction.changed)
