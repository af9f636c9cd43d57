"""Measuring a child: its status, its time, its memory and that of its own children, and not that of its parent."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.measure import Measured, run

MEBI = 2**20
HOLD = "import time; held = b'x' * {size}; time.sleep({seconds})"


def python(code: str, folder: Path, **given: float) -> Measured:
    """Measure a Python program."""
    return run([sys.executable, "-c", code], folder, **given)


def test_output_lies_in_the_folder(tmp_path: Path) -> None:
    measured = python("import sys; print('said'); print('blamed', file=sys.stderr)", tmp_path)
    assert measured.status == 0
    assert (tmp_path / "stdout").read_text() == "said\n"
    assert (tmp_path / "stderr").read_text() == "blamed\n"


def test_output_of_an_earlier_run_is_gone(tmp_path: Path) -> None:
    python("print('long' * 1000)", tmp_path)
    python("print('short')", tmp_path)
    assert (tmp_path / "stdout").read_text() == "short\n"


@pytest.mark.parametrize(
    ("code", "status"), [("raise SystemExit(3)", 3), ("import os; os.kill(os.getpid(), 9)", -9), ("pass", 0)]
)
def test_status(tmp_path: Path, code: str, status: int) -> None:
    assert python(code, tmp_path).status == status


def test_missing_program_is_an_error_and_no_measurement(tmp_path: Path) -> None:
    python("pass", tmp_path)
    with pytest.raises(OSError, match="no-such-program-of-sip"):
        run(["no-such-program-of-sip"], tmp_path)


def test_waiting_costs_time_and_no_processor(tmp_path: Path) -> None:
    measured = python("import time; time.sleep(0.5)", tmp_path)
    assert measured.wall >= 0.5
    assert measured.cpu == measured.user + measured.system < measured.wall


def test_memory_of_the_child_is_seen(tmp_path: Path) -> None:
    measured = python(HOLD.format(size=100 * MEBI, seconds=0.4), tmp_path)
    assert 100 * MEBI < measured.peak < 200 * MEBI
    assert 100 * MEBI < measured.own < 200 * MEBI


def test_short_peak_is_seen_too(tmp_path: Path) -> None:
    assert python("held = b'x' * (100 << 20); del held", tmp_path).peak > 100 * MEBI


def test_memory_of_the_parent_is_not_counted(tmp_path: Path) -> None:
    held = b"x" * (200 * MEBI)
    assert python("pass", tmp_path).peak < 60 * MEBI
    assert len(held) == 200 * MEBI


def test_children_are_added_up(tmp_path: Path) -> None:
    child = HOLD.format(size=80 * MEBI, seconds=2)
    code = f"import subprocess, sys; both = [subprocess.Popen([sys.executable, '-c', {child!r}]) for _ in '12']\n"
    code += "for one in both: one.wait()"
    measured = python(code, tmp_path)
    assert 160 * MEBI < measured.peak < 300 * MEBI
    assert measured.own > 160 * MEBI


def test_mapped_file_is_not_the_programs_own(tmp_path: Path) -> None:
    path = tmp_path / "mapped"
    path.write_bytes(bytes(100 * MEBI))
    code = f"import mmap, time; f = open({str(path)!r}, 'rb'); m = mmap.mmap(f.fileno(), 0, access=1)\n"
    code += "touched = [m[at] for at in range(0, len(m), 4096)]; time.sleep(0.3)"
    measured = python(code, tmp_path)
    assert measured.peak > 100 * MEBI
    assert measured.own < 60 * MEBI


def test_what_hangs_is_killed(tmp_path: Path) -> None:
    measured = python("import time; time.sleep(60)", tmp_path, limit=0.3)
    assert measured.status == -9
