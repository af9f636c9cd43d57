"""Whether clients wait when they are asked to: Retry-After (RFC 3261 20.33), and the back-off of RFC 5626 4.5.

After n failures in a row a client waits at least half of min(1800 s, 30 s times 2 to the n): 30 s after the first, 60 s
after the second, and so on. Base time 30 s is that of a client all of whose flows have failed, the shortest there is.
Where the answer itself says how long to wait, that is held against the client and no more; a guesser owes nobody.
"""

from __future__ import annotations

import numpy as np

from analyzer.storm.marks import Marks
from analyzer.storm.traffic import SECOND, UNKNOWN, Flags, Floats, Ints, Traffic
from analyzer.storm.values import RetryAfterCompliance

_BASE, _LONGEST = 30, 1800
_TOLERANCE = 0.95
"""Clocks are not exact, and a client counts from when it received the answer."""


def retry_after_of(traffic: Traffic, marks: Marks, within: Flags) -> RetryAfterCompliance:
    """The answers with Retry-After among the transactions `within`, and whether their clients waited as long."""
    asked = within & (traffic.retry_after >= 0) & (traffic.final != UNKNOWN)
    return _obedience(marks, asked, traffic.final, traffic.retry_after)


def back_off_of(traffic: Traffic, marks: Marks, within: Flags) -> RetryAfterCompliance:
    """The failures among the transactions `within`, and whether their clients backed off before the next attempt."""
    failed = within & marks.failed & ~marks.scan & ~(traffic.retry_after >= 0)
    in_a_row = np.clip(marks.failures, 1, 16)
    return _obedience(marks, failed, traffic.ended, np.minimum(_LONGEST, _BASE * 2.0**in_a_row) / 2)


def _obedience(marks: Marks, asked: Flags, since: Ints, due: Floats) -> RetryAfterCompliance:
    """How many of those `asked` begin their next transaction no sooner than `due` seconds after `since`."""
    judged = np.flatnonzero(asked & (marks.next_time != UNKNOWN))
    waited = (marks.next_time[judged] - since[judged]) / SECOND
    return RetryAfterCompliance(int(asked.sum()), len(judged), int((waited >= _TOLERANCE * due[judged]).sum()))
