"""Table, JSON and picture from numbers that are known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.alone import Need, Start
from benchmarks.measure import Measured
from benchmarks.plot import draw
from benchmarks.race import Race, Result
from benchmarks.results import Results, as_json, as_markdown
from benchmarks.spread import Spread
from benchmarks.storm import Totals
from benchmarks.traffic import Traffic

MACHINE = {"processor": "a processor", "cores": "2", "Python": "CPython 3.11", "tshark": "4.0"}
TRAFFIC = Traffic(Path("made.pcap"), Totals(packets=1000, messages=1000, users=50))


def took(wall: float, *, cpu: float = 1.0, mebibytes: int = 100, status: int = 0) -> Measured:
    """A run."""
    return Measured(status, wall, cpu, 0.0, mebibytes * 2**20, mebibytes * 2**19)


def contest() -> Race:
    """Us, one that is slower by 2, 3 and 5, one that failed, one that is not there."""
    ours = Result("sipcheck", "sipcheck pcap", 1000, runs=[took(1.0), took(2.0), took(1.0)])
    two = Result("sipcheck --jobs 2", "sipcheck pcap", 1000, runs=[took(0.5), took(1.0), took(0.6)])
    slow = Result("slow", "slow it", 1000, runs=[took(2.0, cpu=4.0), took(6.0, cpu=4.0), took(5.0, cpu=4.0)])
    sliced = Result("sliced", "sliced it", 100, runs=[took(1.0), took(2.0), took(1.0)])
    broken = Result("broken", "broken it", 1000, faults=["saw 1 messages, not 1,000"], runs=[took(0.1)] * 3)
    return Race(
        "storm", "messages/s", TRAFFIC, [ours, two, slow, sliced, broken, Result("none", "", 1000, "not there")]
    )


def lead_over(name: str, *, by_cpu: bool = False) -> Spread | None:
    """Our lead over the competitor of that name."""
    race = contest()
    return race.lead(next(result for result in race.results if result.tool == name), by_cpu=by_cpu)


@pytest.mark.parametrize(
    ("name", "lead"),
    [
        ("slow", Spread(3, 2, 5)),
        ("sliced", Spread(10, 10, 10)),
        ("sipcheck --jobs 2", Spread(0.5, 0.5, 0.6)),
        ("broken", None),
        ("none", None),
        ("sipcheck", None),
    ],
)
def test_lead(name: str, lead: Spread | None) -> None:
    found = lead_over(name)
    assert found == (pytest.approx(lead) if lead else None)


def test_lead_by_processor_time() -> None:
    assert lead_over("slow", by_cpu=True) == Spread(4, 4, 4)


def test_nobody_leads_where_we_failed() -> None:
    race = contest()
    race.results[0].blame(["saw nothing"])
    assert [race.lead(result) for result in race.results] == [None] * 6


def test_blame_is_kept_once() -> None:
    result = Result("tool", "", 1)
    result.blame(["a", "b"])
    result.blame(["a"])
    assert result.faults == ["a", "b"]


@pytest.fixture
def results() -> Results:
    """A whole run."""
    short, long = took(1.0, mebibytes=100), took(9.0, mebibytes=110)
    needs = [Need("storm", TRAFFIC, short, []), Need("ten times as long", TRAFFIC, long, [])]
    starts = [
        Start("python -c pass", [], runs=[took(wall, cpu=0.008) for wall in (0.010, 0.014, 0.011)]),
        Start("gone", [], missing="why"),
    ]
    return Results(MACHINE, {"rounds": 3}, [contest()], starts, needs)


def test_table_holds_the_numbers(results: Results) -> None:
    lines = as_markdown(results).splitlines()
    (slow,) = (line for line in lines if line.startswith("| slow"))
    assert slow == (
        "| slow | 200 (167-500) | 5.00 (2.00-6.00) | 4.00 (4.00-4.00) | 100 | 3.00 (2.00-5.00) | 4.00 (4.00-4.00) |"
    )
    assert any("`--jobs 2` is 2.00 (1.67-2.00) times as fast as one process" in line for line in lines)
    assert "| `python -c pass` | 11 (10-14) | 8 (8-8) |" in lines
    assert "| `gone` | skipped: why |  |" in lines
    assert "| ten times as long | 1,000 | 50 | 110 | 55 | 1.10 | 9.0 |  |" in lines
    assert "- processor: a processor" in lines


def test_rows_are_as_wide_as_their_head(results: Results) -> None:
    tables = [block.splitlines() for block in as_markdown(results).split("\n\n") if block.startswith("| ")]
    assert len(tables) == 4
    assert all(len({line.count("|") for line in table}) == 1 for table in tables)


def test_what_failed_is_said_first_and_has_no_number(results: Results) -> None:
    text = as_markdown(results)
    assert text.startswith("**Not to be relied on:**\n\n- storm, broken: saw 1 messages, not 1,000\n")
    assert "| broken | MISMATCH |" in text
    assert "| none | skipped: not there |" in text


def test_memory_fault_is_said() -> None:
    text = as_markdown(Results(MACHINE, {}, needs=[Need("storm", TRAFFIC, took(1.0), ["exit status 3"])]))
    assert "- memory, storm: exit status 3" in text


def test_json_holds_each_run(results: Results) -> None:
    document = json.loads(json.dumps(as_json(results)))
    slow = next(result for result in document["races"][0]["results"] if result["tool"] == "slow")
    assert [run["wall"] for run in slow["runs"]] == [2.0, 6.0, 5.0]
    assert slow["sipcheck_is_times_as_fast"] == {"median": 3.0, "low": 2.0, "high": 5.0}
    assert document["races"][0]["capture"]["messages"] == 1000
    assert document["memory"][1]["run"]["peak"] == 110 * 2**20
    assert document["faults"] == ["storm, broken: saw 1 messages, not 1,000"]


def test_picture_is_drawn(results: Results, tmp_path: Path) -> None:
    assert draw(results, tmp_path / "results.png")
    assert (tmp_path / "results.png").read_bytes().startswith(b"\x89PNG")


def test_no_picture_of_nothing(tmp_path: Path) -> None:
    assert not draw(Results(MACHINE, {}), tmp_path / "results.png")
    assert not (tmp_path / "results.png").exists()
