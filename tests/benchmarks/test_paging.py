"""The part on pages: both commands are measured on a real capture, and a page that is wrong or too large is a fault."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import paging as module
from benchmarks.measure import Measured
from benchmarks.paging import PAGE, PLAIN, Paging, as_record, paging, rows_of
from benchmarks.results import Results, as_json, as_markdown
from benchmarks.traffic import Traffic, storm_in


def silent(line: str) -> None:
    """Say nothing."""


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Paging:
    folder = tmp_path_factory.mktemp("page")
    return paging(storm_in(folder, 400, 40), folder, 2, silent)


def test_both_commands_are_measured_in_every_round(measured: Paging) -> None:
    assert [len(runs) for runs in measured.runs.values()] == [2, 2]
    assert measured.faults == []
    assert min(measured.sizes) > 50_000


def test_what_a_page_takes_more_is_told_round_by_round(measured: Paging) -> None:
    runs = {
        PLAIN: [Measured(0, wall, wall, 0.0, 1, 1) for wall in (10.0, 20.0, 30.0)],
        PAGE: [Measured(0, wall, wall, 0.0, 1, 1) for wall in (12.0, 21.0, 33.0)],
    }
    more = replace(measured, runs=runs).more("wall")
    assert (more.low, more.median, more.high) == (1.0, 2.0, 3.0)


def test_a_page_of_other_clients_is_a_fault(measured: Paging, tmp_path: Path) -> None:
    more = replace(measured.traffic.totals, users=41)
    result = paging(Traffic(measured.traffic.path, more), tmp_path, 1, silent)
    assert result.faults == ["the page does not tell of 41 clients"]
    assert Results({}, {}, paging=result).faults() == ["page: the page does not tell of 41 clients"]


def test_a_page_that_is_too_large_is_a_fault(measured: Paging, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_OCTETS", 1000)
    assert "more than 1,000" in paging(measured.traffic, tmp_path, 1, silent).faults[0]


def test_a_page_that_takes_too_long_is_a_fault(
    measured: Paging, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_SECONDS", 0.0)
    (fault,) = paging(measured.traffic, tmp_path, 1, silent).faults
    assert "s beyond the analysis, more than 0" in fault


def test_what_fails_is_said(measured: Paging, tmp_path: Path) -> None:
    result = paging(Traffic(tmp_path / "none.pcap", measured.traffic.totals), tmp_path, 3, silent)
    assert len(result.faults) == 1
    assert "no such file" in result.faults[0]
    assert "### Page" not in as_markdown(Results({}, {}, paging=result))


def test_it_is_printed_and_written(measured: Paging) -> None:
    results = Results({"cores": "2"}, {}, paging=measured)
    page = as_markdown(results)
    assert "### Page: 400 messages, 40 phones" in page
    assert page.count("\n| ") == 2 + len(list(rows_of(measured)))
    assert as_json(results)["page"] == as_record(measured)
    assert as_json(Results({}, {}))["page"] is None
