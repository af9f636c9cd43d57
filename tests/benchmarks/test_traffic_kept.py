"""Captures are made once and kept; what is half made or of another edition is made anew."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks import traffic
from benchmarks.traffic import commands, media_in, storm_in


def test_kept_capture_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = storm_in(tmp_path, 100, 5)
    monkeypatch.setattr(traffic, "make_storm", None)
    assert storm_in(tmp_path, 100, 5) == first
    assert first.totals.messages == 100


def test_other_sizes_are_another_file(tmp_path: Path) -> None:
    paths = {storm_in(tmp_path, 100, 5).path, storm_in(tmp_path, 100, 6).path, storm_in(tmp_path, 100, 5, seed=2).path}
    paths.add(media_in(tmp_path, 1000, 5).path)
    assert len(paths) == 4


@pytest.mark.parametrize("harm", ["cut", "edition", "note", "no note", "gone"])
def test_what_is_not_whole_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: str) -> None:
    made = storm_in(tmp_path, 100, 5)
    whole = made.path.read_bytes()
    note = made.path.with_suffix(".json")
    if harm == "cut":
        made.path.write_bytes(whole[:500])
    elif harm == "edition":
        monkeypatch.setattr(traffic, "EDITION", traffic.EDITION + 1)
        made.path.write_bytes(bytes(len(whole)))
    elif harm == "note":
        note.write_text("[]")
    elif harm == "no note":
        note.unlink()
    else:
        made.path.unlink()
    assert storm_in(tmp_path, 100, 5) == made
    assert made.path.read_bytes() == whole


def test_broken_off_work_leaves_no_capture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(path: Path, plan: object) -> None:
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(traffic, "make_storm", breaks)
    with pytest.raises(KeyboardInterrupt):
        storm_in(tmp_path, 100, 5)
    assert [path.suffix for path in tmp_path.iterdir()] == [".part"]


def test_counts_of_a_slice(tmp_path: Path) -> None:
    made = media_in(tmp_path, 60_000, 5)
    assert made.counts() == made.counts(60_000) == made.counts(100_000)
    assert made.counts()["messages"] == 1200
    slices = [made.counts(packets) for packets in (1, 100, 30_000, 59_999)]
    assert [part["packets"] for part in slices] == [1, 100, 30_000, 59_999]
    messages = [part["messages"] for part in slices]
    assert messages == sorted(messages)
    assert 0 < messages[2] < 1200


@pytest.mark.parametrize(
    ("words", "messages"), [(["storm", "--messages", "60"], 60), (["media", "--packets", "1000"], 20)]
)
def test_command_writes_capture_and_passwords(tmp_path: Path, words: list[str], messages: int) -> None:
    out, users = tmp_path / "made.pcap", tmp_path / "users.csv"
    run = CliRunner().invoke(commands, [*words, "--users", "5", "-o", str(out), "--users-file", str(users)])
    assert run.exit_code == 0, run.output
    assert json.loads(run.stdout)["messages"] == messages
    assert out.stat().st_size > 1000
    assert len(users.read_text().splitlines()) == 6


@pytest.mark.parametrize("words", [["storm", "--messages", "3"], ["media", "--packets", "10"]])
def test_sizes_that_make_no_exchange_are_refused(tmp_path: Path, words: list[str]) -> None:
    run = CliRunner().invoke(commands, [*words, "--users", "5", "-o", str(tmp_path / "x.pcap")])
    assert run.exit_code == 2
    assert "is not in the range" in run.stderr
