"""Questions that an exchange puts to the timers of a user agent (RFC 3261 17.1.2.2): over UDP a request is sent again
after T1, then after twice the interval before, up to T2, until 64*T1 have passed; after a provisional one T2 apart.
"""

from __future__ import annotations

from itertools import pairwise

from analyzer.judge.conformance.exchange import Exchange
from analyzer.sip.timers import T1, T2

_NEAR = 10
"""An interval is that of a timer where it differs by no more than one part in so many."""
_HALF_OF_F = 32 * T1
"""Who repeats a request for so long without an answer is at the end of Timer F, or never stops."""


def _copies(exchange: Exchange, least: int) -> bool:
    return exchange.transaction.transport == "UDP" and len(exchange.copies) >= least


def _is_near(interval: int, due: int) -> bool:
    return abs(interval - due) * _NEAR <= due


def one_copy(exchange: Exchange) -> bool:
    """Over UDP, sent at least twice."""
    return _copies(exchange, 1)


def at_t1(exchange: Exchange) -> bool:
    """The first copy came T1 after the request."""
    return one_copy(exchange) and _is_near(exchange.copies[0], T1)


def two_copies(exchange: Exchange) -> bool:
    """Over UDP, sent at least three times."""
    return _copies(exchange, 2)


def doubled(exchange: Exchange) -> bool:
    """Each interval is twice the one before, up to T2."""
    intervals = exchange.copies
    return two_copies(exchange) and all(_is_near(two, min(2 * one, T2)) for one, two in pairwise(intervals))


def five_copies(exchange: Exchange) -> bool:
    """Over UDP, sent at least six times."""
    return _copies(exchange, 5)


def at_t2(exchange: Exchange) -> bool:
    """From the fourth interval on copies came T2 apart."""
    return five_copies(exchange) and all(_is_near(interval, T2) for interval in exchange.copies[3:])


def gave_up(exchange: Exchange) -> bool:
    """Over UDP, repeated, and never answered."""
    return one_copy(exchange) and exchange.transaction.state == "timeout" and exchange.transaction.trying is None


def _since_trying(exchange: Exchange) -> list[int]:
    """The intervals that began after the first provisional response."""
    transaction, trying = exchange.transaction, exchange.transaction.trying
    if trying is None or trying.time is None or transaction.transport != "UDP" or transaction.first is None:
        return []
    times = [transaction.first, *(copy.time for copy in transaction.copies if copy.time is not None)]
    return [two - one for one, two in pairwise(times) if one >= trying.time]


def trying_before_copy(exchange: Exchange) -> bool:
    """A provisional response came before the first copy."""
    trying, transaction = exchange.transaction.trying, exchange.transaction
    if trying is None or trying.time is None or not one_copy(exchange) or not transaction.copies:
        return False
    return transaction.copies[0].time is not None and trying.time <= transaction.copies[0].time


def trying_at_t1(exchange: Exchange) -> bool:
    """The first copy came T1 after the request, though a provisional response was there."""
    return trying_before_copy(exchange) and _is_near(exchange.copies[0], T1)


def copies_after_trying(exchange: Exchange) -> bool:
    """Two copies after a provisional response."""
    return bool(_since_trying(exchange))


def trying_at_t2(exchange: Exchange) -> bool:
    """Copies after a provisional response came T2 apart."""
    intervals = _since_trying(exchange)
    return bool(intervals) and all(_is_near(interval, T2) for interval in intervals)


def gave_up_after_trying(exchange: Exchange) -> bool:
    """Over UDP, a provisional response and never a final one."""
    transaction = exchange.transaction
    if transaction.transport != "UDP" or transaction.trying is None or transaction.state != "timeout":
        return False
    first, last = transaction.first, transaction.last
    return first is not None and last is not None and last - first > _HALF_OF_F
