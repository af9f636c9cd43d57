"""SECURITY.md promises what a test shows."""

from __future__ import annotations

import re

import pytest

from tests.shared import ROOT

PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
ROWS = [row.strip("| ").split(" | ") for row in PAGE.splitlines() if row.startswith("| ") and "---" not in row]
PROMISES = [row for row in ROWS if row != ["promise", "shown by"]]


def test_there_are_promises() -> None:
    assert len(PROMISES) > 10


@pytest.mark.parametrize("row", PROMISES, ids=lambda row: row[0][:50])
def test_every_promise_names_tests_that_are_there(row: list[str]) -> None:
    promise, shown = row
    assert promise.endswith(".")
    named = re.findall(r"`(tests/[^`]+)`", shown)
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_it_says_how_to_report_and_what_is_not_promised() -> None:
    heads = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    assert heads[0] == "Reporting" and heads[-1] == "What is not promised"
    assert not re.search(r"[\w.]+@[\w.]+\.\w+", PAGE)


@pytest.mark.parametrize("file", re.findall(r"`(docs/[^`]+)`", PAGE))
def test_the_pages_that_it_points_to_are_there(file: str) -> None:
    assert (ROOT / file).is_file()
