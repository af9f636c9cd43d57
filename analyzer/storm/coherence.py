"""Whether refreshes keep step: Rayleigh's test on the phase of each refresh within the fleet's refresh interval.

Independent clients refresh at phases that are spread evenly, and the mean of their unit vectors is close to nothing;
clients that were started together, and add no jitter, point the same way. For `n` refreshes and a mean vector of length
R, nR² is about exponential when there is no coherence, so p = exp(-nR²) is the chance of as much by accident.
"""

from __future__ import annotations

import numpy as np

from analyzer.storm.marks import Marks
from analyzer.storm.traffic import SECOND, Ints, Traffic
from analyzer.storm.values import Coherence

_SLICES = 24
_FEWEST = 20
_ACCIDENT = 1e-6
_IN_STEP = 0.5


def coherence_of(traffic: Traffic, rows: Ints, marks: Marks) -> Coherence | None:
    """The coherence of refreshes `rows`; None where there are too few, or they do not hold two waves."""
    if len(rows) < _FEWEST:
        return None
    period = float(np.median(marks.since[rows]))
    span = float(np.ptp(traffic.time[rows])) / SECOND
    if not period > 0 or span < 0.9 * period:
        return None
    phase = ((traffic.time[rows] - traffic.time[rows].min()) / SECOND / period) % 1.0
    vector = np.exp(2j * np.pi * phase).mean()
    length = float(abs(vector))
    chance = float(np.exp(-len(rows) * length**2))
    histogram = np.bincount((phase * _SLICES).astype(np.int64) % _SLICES, minlength=_SLICES)
    return Coherence(period, len(rows), length, chance, tuple(histogram.tolist()))


def in_step(coherence: Coherence | None) -> bool:
    """Whether that is synchronised: neither an accident nor a slight tendency."""
    return coherence is not None and coherence.p < _ACCIDENT and coherence.length >= _IN_STEP
