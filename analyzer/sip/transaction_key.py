"""What two requests share that are one, sent again: the key of RFC 3261 17.2.3.

    1. the branch parameter of the top Via, which begins with the magic cookie,
    2. the sent-by value of the top Via,
    3. the method.

A branch without the cookie names nothing (RFC 2543): then Request-URI, To tag, From tag, Call-ID, CSeq and top Via are
compared. A server keeps its transactions by this key; who only reads a capture adds to it, since he meets clients that
use one branch for two requests.
"""

from __future__ import annotations

from analyzer.sip.address import Address
from analyzer.sip.message import Message

TransactionKey = tuple[object, ...]
LEGACY = "2543"
"""Stands first in the key of a request without the cookie, where others have a branch, which begins with it."""


def transaction_key(request: Message) -> TransactionKey:
    """Branch, sent-by and method; `LEGACY` and what RFC 2543 compares where the branch has no magic cookie. A CSeq that
    cannot be read counts as written; without a Via all that is left is compared."""
    via = request.via
    if via is not None and via.has_cookie:
        return (via.branch, via.sent_by, request.method)
    cseq = request.cseq
    told = request.first("cseq") or "" if cseq is None else (cseq.number, cseq.method)
    tags = (_tag(request.to), _tag(request.from_))
    return (LEGACY, request.request_uri, *tags, request.call_id, told, request.method, via.raw if via else "")


def _tag(address: Address | None) -> str:
    return (address.tag if address is not None else None) or ""
