"""The part on the storm analysis: the table that is made, what is measured of it, and what is no result."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.storm.analysis import storms
from benchmarks.analysis import COLUMNS, Analysis, analyse, as_record, rows_of
from benchmarks.results import Results, as_json, as_markdown
from benchmarks.with_storms import transactions

PHONES = 600  # a registration each half second or so: a storm every hundred minutes is one in six thousand rows


def silent(line: str) -> None:
    """Say nothing."""


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> list[Analysis]:
    return analyse([6_000, 30_000], tmp_path_factory.mktemp("analysis"), 2, silent, phones=PHONES)


@pytest.mark.parametrize(("rows", "expected"), [(6_000, 0), (30_000, 2), (60_000, 5)])
def test_the_table_is_as_large_and_as_stormy_as_it_says(rows: int, expected: int) -> None:
    made, count = transactions(rows, PHONES)
    assert len(made) == pytest.approx(rows, rel=0.15)
    assert count == expected
    found = storms(made)
    assert [storm.causes[0].cause for storm in found.storms] == ["restart"] * expected
    assert all(storm.users >= 0.95 * PHONES // 3 for storm in found.storms)
    assert made["time"].is_monotonic_increasing
    assert made["status"].value_counts().to_dict() == {200: len(made) // 2, 401: len(made) // 2}


def test_the_same_sizes_make_the_same_table() -> None:
    assert transactions(6_000, PHONES)[0].equals(transactions(6_000, PHONES)[0])


def test_every_round_of_every_size_is_measured(measured: list[Analysis]) -> None:
    assert [one.rows for one in measured] == [6_000, 30_000]
    for one in measured:
        assert (len(one.found), one.faults) == (2, [])
        for found in one.found:
            assert found["analyzed"] == found["rows"]
            assert found["seconds"] > 0
            assert 0 < found["resident before"] <= found["peak"]
    assert measured[1].found[0]["storms"] == 2


def test_rates_and_octets_are_of_what_was_counted() -> None:
    run = {"rows": 1000, "seconds": 2.0, "resident before": 5000, "peak": 25_000, "storms": 1}
    one = Analysis(1000, [run, {**run, "seconds": 4.0, "peak": 45_000}, {**run, "seconds": 1.0, "peak": 35_000}])
    assert (one.seconds().low, one.seconds().median, one.seconds().high) == (1.0, 2.0, 4.0)
    assert one.rate().median == 500
    assert one.peak() == 35_000
    assert one.own() == 30


def test_what_was_not_seen_is_a_fault(measured: list[Analysis], tmp_path: Path) -> None:
    (few,) = analyse([30_000], tmp_path, 1, silent, phones=30)  # too few phones for a storm
    expected = few.found[0]["expected storms"]
    assert expected > 10
    assert few.faults == [f"0 storms, not {expected:,}"]
    assert Results({}, {}, analyses=[few]).faults() == [f"storm analysis: 0 storms, not {expected:,}"]
    assert [row[-1] for row in rows_of([measured[0], few])] == ["", "MISMATCH"]


def test_what_fails_is_said(tmp_path: Path) -> None:
    (failed,) = analyse([6_000], tmp_path, 3, silent, phones=-1)
    assert len(failed.faults) == 1
    assert failed.faults[0].startswith("exit status 1: ")
    assert failed.found == []
    assert next(iter(rows_of([failed])))[-1] == "MISMATCH"


def test_it_is_printed_and_written(measured: list[Analysis]) -> None:
    results = Results({"cores": "2"}, {}, analyses=measured)
    page = as_markdown(results)
    assert "### Storm analysis of tables in memory\n\n2 rounds;" in page
    assert page.count("\n| ") == 2 + len(measured)
    assert all(len(row) == len(COLUMNS) for row in rows_of(measured))
    assert as_json(results)["analysis"] == [as_record(one) for one in measured]
    assert as_json(Results({}, {}))["analysis"] == []
