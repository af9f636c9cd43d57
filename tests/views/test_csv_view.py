"""`--format csv`: the findings for a spreadsheet, none of them a formula to it."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.escape import visible
from analyzer.evidence import SECOND, Evidence, Frame, LogLines
from analyzer.run.report import Report
from analyzer.spreadsheet import cell, value_of
from analyzer.views import ViewOptions, load_view
from analyzer.views.formats.csv import COLUMNS
from analyzer.views.times import iso
from tests.views.findings import BORN, finding, with_findings

SIGNS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def written(report: Report) -> str:
    out = io.StringIO()
    load_view("csv")(report, out, ViewOptions())
    return out.getvalue()


def table(report: Report) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(written(report))))


def test_without_findings_there_is_the_head() -> None:
    assert written(with_findings()) == ",".join(COLUMNS) + "\n"


def test_a_finding_is_a_row() -> None:
    one = finding(
        7, count=3, explained=2, observed="sip:u7@example.com", expected="sip:example.com", user_agent="ph, 1"
    )
    (row,) = table(with_findings(one))
    assert set(row) == set(COLUMNS)
    assert row["severity"] == "error" and row["confidence"] == "high" and row["rule"] == one.rule
    assert row["title"] == one.short_title and row["detail"] == one.detail and row["fix"] == one.fix
    assert (row["observed"], row["expected"]) == ("sip:u7@example.com", "sip:example.com")
    assert (row["aor"], row["user_agent"], row["call_id"]) == (one.aor, "ph, 1", "call-7")
    assert (row["count"], row["explains"], row["places"]) == ("3", "2", "1")
    assert (row["source"], row["frame"], row["line"], row["end_line"]) == ("flow", "7", "", "")
    assert row["time"] == "2023-11-14T22:13:27.000000Z"


def test_a_place_in_a_log_has_lines() -> None:
    (row,) = table(with_findings(finding(evidence=[Evidence(LogLines("full", 3, 12), None)])))
    assert (row["frame"], row["line"], row["end_line"], row["time"]) == ("", "3", "12", "")


def test_a_finding_seen_nowhere_has_empty_cells() -> None:
    (row,) = table(with_findings(finding(evidence=[])))
    assert [row[name] for name in ("source", "frame", "line", "end_line", "time", "places")] == [""] * 5 + ["0"]


def test_the_order_is_that_of_the_report() -> None:
    rows = table(with_findings(*(finding(number) for number in (5, 3, 9))))
    assert [row["call_id"] for row in rows] == ["call-5", "call-3", "call-9"]


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("before", ["", ",", ";", '"', "|", ", ", "'", '";'])
def test_no_cell_is_a_formula(sign: str, before: str) -> None:
    text = f"{before}{sign}HYPERLINK(0)"
    (row,) = table(with_findings(finding(detail=text, aor=text, call_id=text, user_agent=text)))
    for name in ("detail", "aor", "call_id", "user_agent"):
        assert sign not in row[name]
        assert value_of(row[name]) == text


@given(st.text(st.characters(codec=None), max_size=40))
def test_whatever_a_finding_says_it_is_one_row(text: str) -> None:
    (row,) = table(with_findings(finding(detail=text, sub=text, aor=text)))
    assert row["detail"] == row["sub"] == row["aor"] == cell(text)
    assert value_of(row["detail"]) == visible(text)


def test_ten_thousand_findings_are_ten_thousand_rows() -> None:
    assert written(with_findings(*map(finding, range(1, 10_001)))).count("\n") == 10_001


@pytest.mark.parametrize(
    ("time", "shown"),
    [
        (None, ""),
        (0, "1970-01-01T00:00:00.000000Z"),
        (BORN + 123_456_789, "2023-11-14T22:13:20.123456Z"),
        (-SECOND, "1969-12-31T23:59:59.000000Z"),
        (2**62, "2116-02-20T23:53:38.427387Z"),
        (10**30, ""),
        (-(10**30), ""),
    ],
)
def test_times_of_the_calendar(time: int | None, shown: str) -> None:
    assert iso(time) == shown


def test_a_time_that_no_calendar_has_is_an_empty_cell() -> None:
    (row,) = table(with_findings(finding(evidence=[Evidence(Frame("flow", 1), 10**30)])))
    assert row["time"] == ""
