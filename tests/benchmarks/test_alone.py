"""Starts and memory: what failed is said, what is measured is the command itself."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks import alone
from benchmarks.alone import Start, needs, starts
from benchmarks.storm import Totals
from benchmarks.traffic import Traffic, storm_in


def silent(line: str) -> None:
    """Say nothing."""


def python(name: str, code: str, *, accepted: tuple[int, ...] = (0,), missing: str = "") -> Start:
    """A start of a Python program."""
    return Start(name, [sys.executable, "-c", code], accepted=accepted, missing=missing)


def test_starts_run_in_turn_and_the_first_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "order"
    both = [python(name, f"open({str(log)!r}, 'a').write('{name}')") for name in "ab"]
    monkeypatch.setattr(alone, "_commands", lambda: both)
    assert starts(tmp_path, silent, rounds=3) == both
    assert log.read_text() == "abababab"
    assert [len(start.runs) for start in both] == [3, 3]


@pytest.mark.parametrize(("accepted", "missing", "runs"), [((0,), "exit status 1", 0), ((0, 1), "", 2)])
def test_status_that_is_not_accepted_is_said(
    accepted: tuple[int, ...], missing: str, runs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = python("fails", "raise SystemExit(1)", accepted=accepted)
    monkeypatch.setattr(alone, "_commands", lambda: [command])
    starts(tmp_path, silent, rounds=2)
    assert (command.missing, len(command.runs)) == (missing, runs)


def test_what_is_missing_is_not_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = python("gone", "raise SystemExit(1)", missing="is not installed")
    monkeypatch.setattr(alone, "_commands", lambda: [command])
    heard: list[str] = []
    starts(tmp_path, heard.append, rounds=1)
    assert (command.missing, command.runs) == ("is not installed", [])
    assert all("gone" not in line for line in heard)


def test_the_real_starts_work(tmp_path: Path) -> None:
    found = {start.name: start for start in starts(tmp_path, silent, rounds=1)}
    assert [name for name, start in found.items() if not start.runs and not start.missing] == []
    assert not found["sipcheck --help"].missing
    assert not found[f"sipcheck log {alone.SAMPLE}"].missing


def test_memory_is_that_of_a_whole_run(tmp_path: Path) -> None:
    traffic = storm_in(tmp_path, 60, 5)
    (need,) = needs([("storm", traffic)], tmp_path, silent)
    assert (need.name, need.faults, need.measured.status) == ("storm", [], 0)
    assert need.measured.peak > 2**23


@pytest.mark.parametrize(
    ("content", "totals", "fault"),
    [(None, Totals(packets=61, messages=60), "saw 60 packets, not 61"), (b"no capture", Totals(), "exit status 3")],
)
def test_memory_of_another_run_is_worthless(content: bytes | None, totals: Totals, fault: str, tmp_path: Path) -> None:
    path = storm_in(tmp_path, 60, 5).path
    if content is not None:
        path.write_bytes(content)
    (need,) = needs([("storm", Traffic(path, totals))], tmp_path, silent)
    assert need.faults[0] == fault
