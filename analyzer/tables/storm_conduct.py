"""Whether clients wait when they are asked to: Retry-After (RFC 3261 20.33), and the back-off of RFC 5626 4.5.

After n failures in a row a client waits at least half of min(1800 s, 30 s times 2 to the n): 30 s after the first, 60 s
after the second, and so on. Base time 30 s is that of a client all of whose flows have failed, the shortest there is.
"""

from __future__ import annotations

import numpy as np

from analyzer.tables.storm_marks import Marks
from analyzer.tables.storm_traffic import SECOND, UNKNOWN, Flags, Traffic
from analyzer.tables.storm_values import Obedience

_BASE, _LONGEST = 30, 1800
_TOLERANCE = 0.95
"""Clocks are not exact, and a client counts from when it received the answer."""


def retry_after_of(traffic: Traffic, marks: Marks, within: Flags) -> Obedience:
    """The answers with Retry-After among the transactions `within`, and whether their clients waited as long."""
    asked = within & (traffic.retry_after >= 0) & (traffic.final != UNKNOWN)
    judged = np.flatnonzero(asked & (marks.following >= 0))
    waited = (traffic.time[marks.following[judged]] - traffic.final[judged]) / SECOND
    obeyed = int((waited >= _TOLERANCE * traffic.retry_after[judged]).sum())
    return Obedience(int(asked.sum()), len(judged), obeyed)


def back_off_of(traffic: Traffic, marks: Marks, within: Flags) -> Obedience:
    """The failures among the transactions `within`, and whether their clients backed off before the next attempt."""
    failed = within & (marks.refused | marks.silent | (traffic.status >= 500)) & (traffic.status != 423)
    judged = np.flatnonzero(failed & (marks.following >= 0))
    following = marks.following[judged]
    ended = np.where(traffic.final[judged] == UNKNOWN, traffic.last[judged], traffic.final[judged])
    in_a_row = np.minimum(np.maximum(marks.failures[following], 1), 16)
    due = np.minimum(_LONGEST, _BASE * 2.0**in_a_row) / 2
    waited = (traffic.time[following] - ended) / SECOND
    return Obedience(int(failed.sum()), len(judged), int((waited >= _TOLERANCE * due).sum()))
