"""The one command on tiny sizes, with sipcheck alone: it measures, writes, and says when a result is worthless."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from benchmarks import __main__ as command
from tests.shared import ROOT

SIZES = ["--messages", "80", "--users", "8", "--packets", "2000", "--media-users", "8", "--memory-messages", "40"]
TABLES = ["--table-messages", "80", "--analysis", "20000", "--replay-users", "20", "--text-megabytes", "1"]
TEXTS = ["--text-messages", "80"]
LONG = ("grown", "long", "storms")
PARTS = [word for part in command.PARTS if part not in LONG for word in ("--part", part)]
"""All but those that run the storm again, and the samples that are grown, which are no tiny capture."""

ROUNDS = ["--rounds", "2", "--start-rounds", "1"]


def benchmark(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it as a user would."""
    command = [sys.executable, "-m", "benchmarks", *SIZES, *TABLES, *TEXTS, *ROUNDS, "--tool", "sipcheck", *words]
    places = ["--captures", str(folder / "captures"), "-o", str(folder / "results")]
    merged = {**os.environ, **environment}
    return subprocess.run([*command, *places], cwd=ROOT, env=merged, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The parts once."""
    folder: Path = tmp_path_factory.mktemp("benchmark")
    return folder, benchmark(folder, *PARTS)


def document(folder: Path) -> dict[str, Any]:
    """What it wrote for programs."""
    loaded: dict[str, Any] = json.loads((folder / "results" / "results.json").read_text())
    return loaded


def test_all_parts_are_measured(whole: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, run = whole
    assert run.returncode == 0, run.stderr
    found = document(folder)
    assert [race["name"] for race in found["races"]] == ["storm", "mostly media"]
    for race, packets in zip(found["races"], (80, 2000), strict=True):
        ours = race["results"][0]
        assert (ours["tool"], ours["packets"], ours["faults"]) == ("sipcheck", packets, [])
        assert len(ours["runs"]) == 2
        assert ours["rate"]["low"] <= ours["rate"]["median"] <= ours["rate"]["high"]
    assert [need["capture"]["messages"] for need in found["memory"]] == [40, 400]
    assert {start["name"] for start in found["start"]} >= {"sipcheck --help", "python -c pass"}
    assert [step["messages"] for step in found["tables"]["steps"]] == [80, 80]
    assert len(found["page"]["octets"]) == 2
    assert [one["rows"] for one in found["analysis"]] == [20000]
    assert len(found["analysis"][0]["runs"]) == 2
    replayed = found["replay"]
    assert replayed["users"] == 20
    if not replayed["skipped"]:  # it needs Kamailio and SIPp
        assert [len(runs) for runs in replayed["runs"].values()] == [2, 2]
    assert found["settings"]["rounds"] == 2
    assert "captures" not in found["settings"]


def test_long_storm_is_run_once_and_analyzed_both_ways(tmp_path: Path) -> None:
    run = benchmark(tmp_path, "--part", "long", "--part", "storms")
    assert run.returncode == 0, run.stderr
    found = document(tmp_path)
    assert [race["name"] for race in found["races"]] == ["long storm", "storm analysis"]
    results = [result for race in found["races"] for result in race["results"] if not result["skipped"]]
    assert {result["tool"] for result in results} >= {
        "sipcheck",
        "sipcheck storm",
        "sipcheck storm, message by message",
    }
    assert all((result["packets"], result["faults"], len(result["runs"])) == (400, [], 1) for result in results)
    assert "`sipcheck storm`, against message by message" in {aim["work"] for aim in found["targets"]}


def test_table_is_printed_and_written(whole: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, run = whole
    assert run.stdout.rstrip("\n") == (folder / "results" / "results.md").read_text().rstrip("\n")
    assert "| sipcheck | " in run.stdout
    assert "### Tables: 80 messages" in run.stdout and "| parquet | " in run.stdout
    assert "### Replay: one registration as 20 users" in run.stdout
    assert (folder / "results" / "results.png").stat().st_size > 10_000


def test_captures_are_kept(whole: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, _ = whole
    kept = sorted(path.name for path in (folder / "captures").glob("*.pcap"))
    assert len(kept) == 4
    run = benchmark(folder, "--part", "storm")
    assert run.returncode == 0
    assert document(folder)["memory"] == document(folder)["start"] == []
    assert sorted(path.name for path in (folder / "captures").glob("*.pcap")) == kept


def test_worthless_result_fails(whole: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path) -> None:
    """A kept capture that is not what its note says: sipcheck reads it truly, and that is not the count."""
    shutil.copytree(whole[0] / "captures", tmp_path / "captures")
    (note,) = (tmp_path / "captures").glob("storm-80-*.json")
    note.write_text(note.read_text().replace('"messages": 80', '"messages": 81'))
    run = benchmark(tmp_path, "--part", "storm")
    assert run.returncode == 1
    assert run.stdout.startswith("**Not to be relied on:**\n\n- storm, sipcheck: saw 80 messages, not 81\n")


def test_what_was_finished_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken off in the second part, the first is written."""
    monkeypatch.setattr(command, "grown_in", None)
    words = [*SIZES, *ROUNDS, "--tool", "nothing", "--captures", str(tmp_path), "-o", str(tmp_path / "results")]
    run = CliRunner().invoke(command.main, words)
    assert isinstance(run.exception, TypeError)
    assert [race["name"] for race in document(tmp_path)["races"]] == ["storm"]


def test_unknown_part_is_usage(tmp_path: Path) -> None:
    run = benchmark(tmp_path, "--part", "nothing")
    assert run.returncode == 2
    assert "'nothing' is not one of" in run.stderr
