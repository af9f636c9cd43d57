"""Times are moved by whole steps of the clock that told them."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.capture.opener import open_sources
from analyzer.evidence import SECOND
from analyzer.redact.redaction import Wishes
from analyzer.redact.sameness import differences
from analyzer.run.pipeline import analyze
from tests.redact.redacted import redacted
from tests.shared import ROOT


def times(path: Path) -> tuple[int, list[int]]:
    with open_sources([path]) as reading:
        found = [item.time for item in reading if item.time is not None]
        return reading.sources[0].resolution, found


@pytest.mark.parametrize(
    ("asked", "done"),
    [(0.4, 0), (0.5, 1), (-0.6, -1), (86_400.25, 86_400), (-1.5, -1)],
)
@pytest.mark.parametrize("name", ["pjsip-log/input.log", "text-twinkle/input.txt"])
def test_a_clock_of_seconds_is_moved_by_seconds(name: str, asked: float, done: int, tmp_path: Path) -> None:
    path, out = ROOT / "samples" / name, tmp_path / "out"
    step, before = times(path)
    if step < SECOND:
        done = round(asked * SECOND) // step * step
    else:
        done *= SECOND
    redaction, _ = redacted(path, out, wishes=Wishes(shift=round(asked * SECOND)))
    assert redaction.shift == done
    assert times(out) == (step, [time + done for time in before])
    assert differences(analyze(path), analyze(out)) == []
