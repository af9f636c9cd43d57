"""The part on the replay: both programs register every user, and what did not register is a fault."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import tests.tools
from benchmarks import replaying as part
from benchmarks.measure import Measured
from benchmarks.replaying import OURS, THEIRS, Replaying, as_record, replaying, rows_of


def silent(line: str) -> None:
    """Say nothing."""


def took(wall: float, status: int = 0) -> Measured:
    return Measured(status, wall, wall / 2, wall / 4, 3 * 2**20, 2**20)


def known() -> Replaying:
    """100 users, two rounds of each."""
    return Replaying(100, {OURS: [took(1.0), took(2.0)], THEIRS: [took(0.5), took(0.5)]})


@pytest.mark.needs_tool("kamailio")
@pytest.mark.needs_tool("sipp")
def test_both_register_every_user(tmp_path: Path) -> None:
    said: list[str] = []
    result = replaying(30, tmp_path, 2, said.append)
    assert (result.faults, result.skipped) == ([], "")
    assert [len(runs) for runs in result.runs.values()] == [2, 2]
    assert [line.split(",")[0] for line in said] == [f"replay: {OURS}", f"replay: {THEIRS}"] * 2
    assert all(result.rates(program).low > 0 for program in (OURS, THEIRS))
    lines = (tmp_path / "sipp.csv").read_text(encoding="ascii").splitlines()
    assert (lines[0], lines[1], len(lines)) == ("SEQUENTIAL", "u00000;lab.invalid;u00000pw;u00000", 31)


@pytest.mark.needs_tool("kamailio")
@pytest.mark.needs_tool("sipp")
def test_users_with_a_wrong_password_are_faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.replay.peers.password", lambda user: "wrong")
    result = replaying(3, tmp_path, 1, silent)
    told = "\n".join(result.faults)
    assert f"replay, {OURS}: exit status 1" in told
    assert f"replay, {THEIRS}: exit status 1" in told
    assert told.count("the registrar has no binding of u00000, u00001, u00002") == 2


def test_rates_and_ratio_are_of_each_round() -> None:
    result = known()
    assert result.rates(OURS) == (75.0, 50.0, 100.0)
    assert result.rates(THEIRS) == (200.0, 200.0, 200.0)
    assert result.lead == (0.375, 0.25, 0.5)


def test_cells_of_the_table() -> None:
    assert list(rows_of(known())) == [
        (OURS, "75 (50-100)", "150", "1.12", "3"),
        (THEIRS, "200 (200-200)", "400", "0.38", "3"),
    ]


def test_each_run_is_recorded() -> None:
    record = as_record(known())
    assert (record["users"], record["skipped"], record["faults"]) == (100, "", [])
    assert [run["wall"] for run in record["runs"][OURS]] == [1.0, 2.0]
    json.dumps(record)


@pytest.mark.parametrize("lacking", [["kamailio"], ["sipp"], ["kamailio", "sipp"]])
def test_what_is_not_there_is_named(lacking: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tests.tools, "find_tool", lambda name: None if name in lacking else name)
    result = replaying(5, tmp_path, 1, silent)
    assert result.skipped == f"{' and '.join(lacking)} not installed"
    assert result.runs == {OURS: [], THEIRS: []}


@pytest.mark.parametrize(
    ("program", "status", "out", "err", "told"),
    [
        (OURS, 0, '{"same": 8}', "", []),
        (OURS, 0, '{"same": 7}', "", [f"replay, {OURS}: 7 of 8 as captured"]),
        (OURS, 3, "", "a\nno connection", [f"replay, {OURS}: exit status 3: no connection"]),
        (THEIRS, 0, "", "", []),
        (THEIRS, 1, "", "", [f"replay, {THEIRS}: exit status 1: "]),
    ],
)
def test_what_did_not_go_as_captured(
    program: str, status: int, out: str, err: str, told: list[str], tmp_path: Path
) -> None:
    (tmp_path / "stdout").write_text(out, encoding="utf-8")
    (tmp_path / "stderr").write_text(err, encoding="utf-8")
    assert list(part._faults(program, took(1.0, status), tmp_path, 8)) == told


@pytest.mark.parametrize(("users", "asked"), [(1, 1), (19, 19), (20, 20), (2000, 20), (2019, 21)])
def test_some_twenty_users_are_looked_at(users: int, asked: int) -> None:
    assert len(part._asked(users)) == asked
