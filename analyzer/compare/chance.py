"""Whether two counts differ by more than chance: things that come one by one, at a rate of their own on each side.

Of `n` things that come at the same rate on both sides, how many come on one of them is binomial, with its share of the
exposure (the conditional test of two Poisson rates: Przyborowski and Wilenski, Biometrika 31, 1940). What fails that
test is told apart only if it also differs by half, because with many things the smallest difference passes it.
"""

from __future__ import annotations

from math import erfc, exp, lgamma, log, sqrt

IMPROBABLE = 0.001
"""Chance below which two counts are called different."""
NOTICEABLE = 1.5
"""Times as much that a rate must be, beside that."""
_MOST_SUMMED = 2000


def direction(before: float, exposure: float, after: float, later: float) -> int:
    """1 where the rate after is higher, -1 where it is lower, 0 where that may be chance or is not worth a word.

    `before` and `after` are counts, `exposure` and `later` what they were counted over (hours, requests)."""
    if exposure <= 0 or later <= 0 or not (before or after):
        return 0
    rate, rate_later = before / exposure, after / later
    if max(rate, rate_later) < NOTICEABLE * min(rate, rate_later):
        return 0
    total, share = round(before + after), later / (exposure + later)
    rising = rate_later > rate
    chance = _at_least(round(after), total, share) if rising else _at_least(round(before), total, 1 - share)
    return 0 if chance >= IMPROBABLE / 2 else 1 if rising else -1


def _at_least(count: int, total: int, share: float) -> float:
    """The chance that of `total` things `count` or more come where each comes with the chance `share`."""
    if not 0 < share < 1:
        return 1.0
    if total > _MOST_SUMMED:
        return 0.5 * erfc((count - 0.5 - total * share) / sqrt(2 * total * share * (1 - share)))
    whole = lgamma(total + 1)
    return sum(
        exp(whole - lgamma(many + 1) - lgamma(total - many + 1) + many * log(share) + (total - many) * log(1 - share))
        for many in range(count, total + 1)
    )
