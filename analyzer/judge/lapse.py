"""Spans of time in sentences: only where the source's clock can tell them.

A log without stamps, or with one stamp for many lines, gives equal times; a clock of whole seconds cannot tell half of
one. A figure that nobody measured is worse than none.
"""

from __future__ import annotations

from analyzer.evidence import SECOND


def lapse(first: int | None, last: int | None, tick: int) -> str:
    """`31.5 s`, `40 ms`, or `31 s` by a clock whose `tick` (nanoseconds) is a second; empty where a time is missing,
    where the clock stepped back, and where both times lie within one tick."""
    if first is None or last is None or last - first < max(tick, 1):
        return ""
    span = last - first
    if tick >= SECOND:
        return f"{round(span / SECOND)} s"
    return f"{span / SECOND:.1f} s" if span >= SECOND // 10 else f"{max(1, round(span * 1000 / SECOND))} ms"
