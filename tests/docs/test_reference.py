"""docs/python-reference.md: each field that it names is there, and holds something."""

from __future__ import annotations

import re
from typing import Any

import pytest

import analyzer
from tests.project.pages import code, read, rows, section
from tests.shared import ROOT

PAGE = read("docs/python-reference.md")
ROWS = [row for row in rows(PAGE.partition("## What a report holds")[2]) if row[0] != "of"]
SAMPLE = ROOT / "samples" / "wrong-password"


@pytest.fixture(scope="module")
def holders() -> dict[str, Any]:
    report = analyzer.analyze(SAMPLE / "input.pcapng", credentials=str(SAMPLE / "users.csv"))
    storm = analyzer.analyze(ROOT / "samples" / "storm-restart" / "input.pcap.gz")
    names = {"report": report, "storm_report": analyzer.storms(analyzer.tables(storm).transactions)}
    return {
        one: getattr(names[holder], attribute)
        for row in ROWS
        for one in code(row[0])
        for holder, attribute in [one.split(".")]
    }


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_field_is_there(row: list[str], holders: dict[str, Any]) -> None:
    values = _several(holders[code(row[0])[0]])
    for name, inner in re.findall(r"`(\w+)`(?: \(([^)]*)\))?", row[1]):
        _hold(values, name)
        for part in code(inner):
            _hold([one for value in values for one in _several(getattr(value, name))], part)


def _hold(values: list[Any], name: str) -> None:
    assert values and all(hasattr(one, name) for one in values), name
    assert any(getattr(one, name) not in (None, "", ()) for one in values), f"{name} is empty everywhere"


def _several(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def test_a_place_is_written_as_in_the_table(holders: dict[str, Any]) -> None:
    assert str(holders["report.digests"][0].place).startswith("frame ")
    assert "frame" in str(holders["report.transactions"][0].request)


def test_every_public_name_is_on_the_page() -> None:
    assert [name for name in analyzer.__all__ if name not in PAGE and name != "__version__"] == []
    assert "`ValueError`" in section(PAGE.replace("## Errors", "## 9. Errors"), "9")
