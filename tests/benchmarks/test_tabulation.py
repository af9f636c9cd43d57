"""The part on tables: every step is measured on a real capture, and a wrong count is a fault."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.results import Results, as_json, as_markdown
from benchmarks.tabulation import ANALYSES, FORMS, Tabulation, as_record, rows_of, tabulate
from benchmarks.traffic import Traffic, storm_in


def silent(line: str) -> None:
    """Say nothing."""


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Tabulation:
    folder = tmp_path_factory.mktemp("tables")
    return tabulate(storm_in(folder, 400, 40), folder, 2, silent)


def test_every_step_of_every_round_is_measured(measured: Tabulation) -> None:
    assert (len(measured.runs), len(measured.found), measured.faults) == (2, 2, [])
    for found in measured.found:
        assert set(found["seconds"]) == {*ANALYSES, "tables", *FORMS}
        assert min(found["seconds"].values()) > 0
        assert set(found["octets"]) == set(FORMS) and min(found["octets"].values()) > 0
        assert found["rows"]["messages"] == found["messages"] == 400


def test_rates_and_sizes_are_of_what_was_counted(measured: Tabulation) -> None:
    known = replace(measured, found=[dict(measured.found[0])])
    rows = {"messages": 400, "transactions": 200}
    known.found[0] |= {"rows": rows, "seconds": {"tables": 2.0, "analysis": 4.0, "pcap": 8.0}}
    known.found[0]["octets"] = {"csv": 2**20, "pcap": measured.traffic.path.stat().st_size}
    assert known.rates("tables").median == 300
    assert known.rates("analysis").median == 100
    assert known.rates("pcap").median == 50
    assert known.per_million("csv") == 2500
    assert known.share("pcap") == 1


def test_what_was_not_seen_is_a_fault(measured: Tabulation, tmp_path: Path) -> None:
    more = replace(measured.traffic.totals, messages=401)
    result = tabulate(Traffic(measured.traffic.path, more), tmp_path, 1, silent)
    assert result.faults == ["400 messages, not 401", "400 rows of messages, not 401"]
    assert Results({}, {}, tabulation=result).faults()[0].startswith("tables: 400 messages")


def test_what_fails_is_said(measured: Tabulation, tmp_path: Path) -> None:
    result = tabulate(Traffic(tmp_path / "none.pcap", measured.traffic.totals), tmp_path, 3, silent)
    assert len(result.faults) == 1 and "no such file" in result.faults[0]
    assert "### Tables" not in as_markdown(Results({}, {}, tabulation=result))


def test_it_is_printed_and_written(measured: Tabulation) -> None:
    results = Results({"cores": "2"}, {}, tabulation=measured)
    page = as_markdown(results)
    assert "### Tables: 400 messages" in page
    assert page.count("\n| ") == 2 + len(list(rows_of(measured)))
    assert as_json(results)["tables"] == as_record(measured)
    assert as_json(Results({}, {}))["tables"] is None
