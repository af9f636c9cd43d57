"""What a run that was asked to end (`stop.py`) may tell: what happened until the first of its readers gave up.

Readers are at different places of the run by then. One that is in the midst of a file, or of its share of one, knows
nothing of what comes there, while others may be hours ahead, in files that were begun later. What lies beyond would
have holes, and a hole looks like phones that fell silent and registrars that do not answer. So all files are taken up
to the earliest time at which a file was left, as one process that reads them together would have been interrupted
there. A file that nobody had begun is as if it had not been named; who reports says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from analyzer.cluster.read import LATEST, Capture, clocks_path, errors_path
from analyzer.evidence import Source


class Trimmed(NamedTuple):
    """The captures as far as they are told, in their order. `until` is the time of the last item before the first gap,
    in nanoseconds since the epoch (None where that has none); `untold` names files of which nothing is told: nothing
    was read, or only what comes after that time (a log comes after all captures)."""

    captures: list[Capture]
    until: int | None = None
    untold: tuple[str, ...] = ()


def of_shares(shares: Sequence[Capture]) -> Capture:
    """What was read of a file by the tasks that share it: as far as the slowest of them came. Where one could not read
    the file, that is what is to be said."""
    unreadable = next((one for one in shares if one.unreadable), None)
    if unreadable is not None:
        return unreadable
    if not any(one.cut for one in shares):
        return shares[0]
    slowest = min(shares, key=lambda one: one.items)
    return slowest._replace(cut=True, spans_packets=any(one.spans_packets for one in shares))


def trimmed(folder: Path, captures: Sequence[Capture]) -> Trimmed:
    """The captures up to the end of the one that ends first of those that were cut."""
    there = [one for one in captures if one.items or not one.cut]
    latest = min((one.end for one in there if one.cut), default=None)
    if latest is not None:
        there = [_until(folder, one, latest) for one in there]
    told = {one.name for one in there if one.items or not _had_items(one, captures)}
    untold = tuple(dict.fromkeys(one.name for one in captures if one.name not in told))
    return Trimmed(there, None if latest is None else _time(latest), untold)


def _had_items(capture: Capture, captures: Sequence[Capture]) -> bool:
    return any(one.items for one in captures if one.name == capture.name)


def _until(folder: Path, capture: Capture, latest: int) -> Capture:
    if not capture.items:
        return capture
    clocks: npt.NDArray[np.int64] = np.load(clocks_path(folder, capture.part), mmap_mode="r")[: capture.items]
    items = int(np.searchsorted(clocks, latest, side="right"))
    errors: npt.NDArray[np.int64] = np.load(errors_path(folder, capture.part))
    messages = items - int(np.searchsorted(errors, items))
    return capture._replace(
        items=items,
        messages=messages,
        begin=int(clocks[0]) if items else 0,
        end=int(clocks[items - 1]) if items else 0,
        source=_source(capture.source, latest, messages, told=items > 0),
    )


def _source(source: Source | None, latest: int, messages: int, *, told: bool) -> Source | None:
    if source is None:
        return None
    if not told or source.last is None:
        return replace(source, messages=messages, first=None, last=None)
    until = _time(latest) if (source.kind == "log") == (latest >= LATEST) else None
    return replace(source, messages=messages, last=source.last if until is None else min(source.last, until))


def _time(clock: int) -> int | None:
    """The time that a clock shows; None for that of a log without times."""
    return (clock - LATEST or None) if clock >= LATEST else clock
