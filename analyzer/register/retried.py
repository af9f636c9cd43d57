"""Which request a new one stands in for: the answers after which a user agent sends its request again, changed as they
ask (RFC 3261 8.1.3.5).

By 401 and 407 it is given a challenge, by 420 extensions to leave out; these go on within an attempt. 413, 415 and 416
end the attempt, so there the next request of the client stands in only if it comes at once.
"""

from __future__ import annotations

from analyzer.register.attempt import Attempt
from analyzer.register.timers import AUTH_LINK
from analyzer.register.transaction import Transaction

_WITHIN = frozenset((401, 407, 420))
_AT_ONCE = frozenset((413, 415, 416))


def retried(later: Transaction, attempt: Attempt, earlier: Transaction | None) -> Transaction | None:
    """The transaction that `later` tries again, where its request is still at hand; `earlier` is its client's before
    it, `attempt` the one that it belongs to."""
    links = attempt.transactions
    if len(links) > 1 and links[-1] is later:
        before: Transaction | None = links[-2]
        return before if before is not None and before.status in _WITHIN and before.request is not None else None
    if earlier is None or earlier.status not in _AT_ONCE or earlier.request is None:
        return None
    begun, answered = later.first, earlier.answered_at
    return earlier if begun is None or answered is None or begun - answered <= AUTH_LINK else None


def keeps_ids(before: Transaction, later: Transaction) -> bool:
    """Whether a retry is seen at once to have Call-ID, From and To of the request that it tries again."""
    request, again = before.request, later.request
    if request is None or again is None or later.call_id != before.call_id:
        return False
    return request.has_lines_of(again, "from", "to")
