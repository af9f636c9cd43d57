"""SECURITY.md promises what a test shows."""

from __future__ import annotations

import re

import pytest

from tests.shared import ROOT

PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
ROWS = [row.strip("| ").split(" | ") for row in PAGE.splitlines() if row.startswith("| ") and "---" not in row]
PROMISES = [row for row in ROWS if len(row) == 2 and row != ["promise", "shown by"]]
THREATS = [row for row in ROWS if len(row) == 4 and row[0] != "part"]


def test_there_are_promises() -> None:
    assert len(PROMISES) > 10


@pytest.mark.parametrize("row", PROMISES, ids=lambda row: row[0][:50])
def test_every_promise_names_tests_that_are_there(row: list[str]) -> None:
    promise, shown = row
    assert promise.endswith(".")
    named = re.findall(r"`(tests/[^`]+)`", shown)
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_row_is_looked_at() -> None:
    assert len(PROMISES) + len(THREATS) + ROWS.count(["promise", "shown by"]) + 1 == len(ROWS)
    assert len(THREATS) > 12


@pytest.mark.parametrize("row", THREATS, ids=lambda row: row[0][:50])
def test_every_threat_names_what_holds_it_and_tests_that_are_there(row: list[str]) -> None:
    named = re.findall(r"`(tests/[^`]+)`", row[3])
    assert all(row) and named
    assert [name for name in named if not (ROOT / name).exists()] == []
    assert [name for name in re.findall(r"`(analyzer/[^`]+)`", row[0]) if not (ROOT / name).exists()] == []


def test_it_says_how_to_report_and_what_is_not_promised() -> None:
    heads = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    assert heads[0] == "Reporting" and heads[-1] == "What is not promised"
    assert not re.search(r"[\w.]+@[\w.]+\.\w+", PAGE)


@pytest.mark.parametrize("file", re.findall(r"`(docs/[^`]+)`", PAGE))
def test_the_pages_that_it_points_to_are_there(file: str) -> None:
    assert (ROOT / file).is_file()
