"""A short run of every target, the same on every machine, with the work counted; and the cases kept, one by one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.__main__ import try_all
from tests.fuzz.targets import CASES, TARGETS, cases
from tests.shared import ROOT

RUNS = 150
SLOW = {"digest": 50, "file": 30, "talk": 40, "flow": 30, "lines": 25}
"""Targets that run the whole job, or the readers of all dialects one after the other, get fewer."""

KEPT = [(name, path) for name in TARGETS for path in cases(name)]


@pytest.mark.parametrize("name", TARGETS)
def test_mutants_break_nothing(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fuzz", name, "--runs", str(SLOW.get(name, RUNS)), "--found", str(tmp_path)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-4000:]


@pytest.mark.parametrize(("name", "path"), KEPT, ids=[f"{name}-{path.name}" for name, path in KEPT])
def test_what_was_found_stays_mended(name: str, path: Path) -> None:
    TARGETS[name].check(path.read_bytes())


def test_every_folder_of_cases_has_a_target() -> None:
    folders = {path.name for path in CASES.iterdir() if path.is_dir()}
    assert folders <= set(TARGETS)
    assert folders


@pytest.mark.parametrize("name", TARGETS)
def test_there_is_something_to_begin_with(name: str) -> None:
    seeds = TARGETS[name].seeds()
    assert len(seeds) > 2
    assert len(set(seeds)) > 2


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("octets", [b"", b"\0", b"\xff" * 9, b"\n" * 99])
def test_next_to_nothing(name: str, octets: bytes) -> None:
    TARGETS[name].check(octets)


def test_a_failure_is_kept_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def check(octets: bytes) -> None:
        assert b"x" not in octets

    assert try_all(check, [b"a", b"xyz", b"b"], tmp_path / "found") == 1
    (kept,) = (tmp_path / "found").iterdir()
    assert kept.read_bytes() == b"xyz"
    assert "3 octets in" in capsys.readouterr().err


def test_many_failures_end_the_run(tmp_path: Path) -> None:
    def check(octets: bytes) -> None:
        raise RecursionError

    assert try_all(check, (b"%d" % number for number in range(100)), tmp_path) == 10
