"""Whether an answer repeats what identifies its request (RFC 3261 8.2.6.2), or belongs to an older one: some servers
keep answers by Call-ID and CSeq alone; and whether a further one is another."""

from __future__ import annotations

from collections.abc import Iterable

from analyzer.register.transaction import Transaction
from analyzer.sip.message import Message


def note_old_answer(transaction: Transaction, message: Message, same_call: Iterable[Transaction]) -> None:
    """Take in that the final response of `transaction` came once more: to a newer one of the `same_call` (Call-ID and
    CSeq) from the same client that waits, it may be meant as an answer, with the Via of the older (RFC 3261 8.2.6.2
    forbids it)."""
    for other in same_call:
        if other.id > transaction.id and other.final is None and other.source == transaction.source:
            other.old_answer = other.old_answer or message


def is_other_final(first: Message, again: Message) -> bool:
    """Whether a further final response of a transaction is not the first once more: by its status, or the tag of To
    (RFC 3261 8.2.7, 17.2.2)."""
    if first.status != again.status:
        return True
    return not again.repeats(first, "to") and _tag(first) != _tag(again)


def _tag(message: Message) -> str | None:
    return message.to.tag if message.to is not None else None


def is_echo(transaction: Transaction) -> bool:
    """Whether the final response repeats From, Call-ID and CSeq octet for octet, and To but for a tag that it adds,
    with no more Via values, and neither is cut; True without one, unless an older one's answer came instead."""
    request, final = transaction.request, transaction.final
    if request is None or final is None:
        return transaction.old_answer is None
    is_same = final.repeats(request, "from", "call-id", "cseq") or (
        final.repeats(request, "from") and request.call_id == final.call_id and request.cseq == final.cseq
    )
    return (
        is_same
        and final.goes_on(request, "to")
        and len(final.vias) <= len(request.vias)
        and not (request.raw_message.missing or final.raw_message.missing)
    )
