"""Marks (`marks.py`) by which the rules about transport and extensions know what concerns them: what can be told of a
message or a transaction without reading anything anew."""

from __future__ import annotations

from analyzer.register import marks
from analyzer.register.transaction import Transaction
from analyzer.register.way_back import tells_source
from analyzer.sip.layout import SAFE_OVER_UDP


def transport_marks(transaction: Transaction) -> int:
    """What can be told of a transaction that is answered, or is not."""
    request, final = transaction.request, transaction.final
    found = 0 if tells_source(transaction) else marks.ODD_RETURN
    if request is not None and len(request.raw) + request.raw_message.missing > SAFE_OVER_UDP:
        found |= marks.LARGE
    if final is not None and len(final.raw) + final.raw_message.missing > SAFE_OVER_UDP:
        found |= marks.LARGE
    return found
