"""Median and spread of what several rounds gave, and the ratio of two programs round by round.

A machine that is busy in one round slows both neighbours in it, so the ratio is taken within each round first and the
median of the ratios after, never the ratio of two medians.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Spread(NamedTuple):
    """The middle one of some values, the least, and the greatest."""

    median: float
    low: float
    high: float


def spread(values: Iterable[float]) -> Spread:
    """Median, least and greatest. ValueError: there are none."""
    values = sorted(values)
    if not values:
        raise ValueError("no round was measured")
    return Spread(statistics.median(values), values[0], values[-1])


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """How many times as much we have as they, within each round. ValueError: not the same rounds."""
    return spread(mine / their for mine, their in zip(ours, theirs, strict=True))
