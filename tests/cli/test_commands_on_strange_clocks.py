"""Every command takes a capture whose clock is out of its mind: no traceback, one defect, nothing lost."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from analyzer.cli import sipcheck
from analyzer.dataframes import tables
from tests.capture.strange_clocks import ABSURD, CLOCKS

COMMANDS: dict[str, tuple[str, ...]] = {
    "pcap": ("pcap", "IN"),
    "json": ("pcap", "IN", "--format", "json"),
    "ndjson": ("pcap", "IN", "--format", "ndjson"),
    "jobs": ("pcap", "IN", "--jobs", "2"),
    "verify-digest": ("verify-digest", "IN", "--credentials", "USERS"),
    "storm": ("storm", "IN"),
    "storm json": ("storm", "IN", "--format", "json"),
    "parquet": ("export", "IN", "--to", "parquet", "-o", "OUT"),
    "csv": ("export", "IN", "--to", "csv", "-o", "OUT"),
    "records": ("export", "IN", "--to", "ndjson", "-o", "OUT"),
    "messages": ("export", "IN", "--to", "pcap", "-o", "OUT"),
    "plan": ("replay", "plan", "IN", "--aor", "user1@lab.invalid"),
    "sipp": ("replay", "sipp", "IN", "--aor", "user1@lab.invalid", "-o", "OUT", "--csv", "OUT.csv"),
}


@pytest.fixture(params=CLOCKS)
def capture(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    """A capture, and what is strange about it."""
    path = tmp_path / "in.pcap"
    path.write_bytes(CLOCKS[request.param])
    return request.param, path


def run(*arguments: str | Path) -> Result:
    """The command, which lets no exception of ours out."""
    done = CliRunner().invoke(sipcheck, [*map(str, arguments)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_minds(capture: tuple[str, Path], tmp_path: Path, command: str) -> None:
    _, path = capture
    (tmp_path / "users.csv").write_text("user1,,secret\n", encoding="ascii")
    words = {"IN": path, "OUT": tmp_path / "out", "OUT.csv": tmp_path / "out.csv", "USERS": tmp_path / "users.csv"}
    done = run(*(words.get(word, word) for word in COMMANDS[command]))
    assert done.exit_code in (0, 1), done.output


def test_it_is_told_once_and_the_messages_are_there(capture: tuple[str, Path]) -> None:
    name, path = capture
    done = run("pcap", path, "--format", "json")
    source: dict[str, Any] = json.loads(done.stdout)["sources"][0]
    assert source["messages"] == source["frames"] > 7 and source["defects"] == (name in ABSURD)
    assert any("impossible time" in one for one in source["quality"]) == (name in ABSURD)
    told = run("storm", path).stdout
    assert ("times outside of 1970 to 2106 are taken as not known" in " ".join(told.split())) == (name in ABSURD)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_processes_that_share_the_work_tell_the_same(capture: tuple[str, Path], jobs: str) -> None:
    _, path = capture
    assert (
        run("storm", path, "--format", "json", "--jobs", jobs).stdout == run("storm", path, "--format", "json").stdout
    )


def test_without_any_time_a_storm_is_not_denied(tmp_path: Path) -> None:
    path = tmp_path / "in.pcapng"
    path.write_bytes(CLOCKS["never"])
    told = run("storm", path).stdout
    assert "Of 200 REGISTERs none has a time." in told and "200 transactions without a time were left out" in told


def test_tables_have_no_other_time_than_the_source(tmp_path: Path) -> None:
    from analyzer.run.pipeline import analyze

    path = tmp_path / "in.pcapng"
    path.write_bytes(CLOCKS["offsets of 2^63 s"])
    frames = tables(analyze([str(path)]))
    times = frames.messages["time"]
    assert 0 < times.isna().sum() < len(times) == 400
    for _, frame in frames:
        for column in frame.select_dtypes("datetimetz"):
            assert frame[column].dropna().dt.year.between(1970, 2250).all(), column


def test_messages_that_are_exported_stay(tmp_path: Path, capture: tuple[str, Path]) -> None:
    name, path = capture
    run("export", path, "--to", "pcap", "-o", tmp_path / "out.pcap")
    run("export", path, "--to", "csv", "-o", tmp_path / "out")
    again = json.loads(run("pcap", tmp_path / "out.pcap", "--format", "json").stdout)["sources"][0]
    with (tmp_path / "out" / "messages.csv").open(encoding="ascii") as file:
        assert again["messages"] == sum(1 for _ in csv.DictReader(file)) == (8 if name.startswith("pcap") else 400)
    assert again["defects"] == 0
