"""The attack on patterns finds what it must, and leaves the others alone."""

from __future__ import annotations

import re

import pytest

from analyzer.sip.text import QUOTED
from tests.hardness import patterns
from tests.hardness.patterns import attacks, square, ways


def test_all_patterns_are_attacked() -> None:
    found = patterns.patterns()
    assert QUOTED in found
    assert len(found) > 60
    assert {name.split(".")[1] for name in found.values()} >= {
        "sip",
        "capture",
        "register",
        "rules",
        "escape",
        "spreadsheet",
    }


def test_a_pattern_is_used_as_its_module_uses_it() -> None:
    assert ways("analyzer.capture.websocket._UPGRADE") == {"search"}
    assert ways("analyzer.capture.text.wrappers._STAMPED") == {"match"}


def test_an_attack_is_made_of_what_the_pattern_holds() -> None:
    units = {unit for _, unit, _ in attacks(re.compile(r"INSERT INTO\s*\(([^)]*)\)"))}
    assert "INSERT INTO(" in units
    assert "(" in units
    assert "$" not in units


@pytest.mark.parametrize("source", [r"(a+)+b", r"[ ]+\n", r" *\d+", r"INTO \(([^)]*)\)"])
def test_a_square_is_found(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by its seconds: any time is long enough, and any ratio."""
    monkeypatch.setattr(patterns, "LEAST", 0.0)
    monkeypatch.setattr(patterns, "RATIO", 0.0)
    monkeypatch.setattr(patterns, "SMALL", 4)
    monkeypatch.setattr(patterns, "LARGE", 16)
    monkeypatch.setattr(patterns, "ways", lambda name: {"search"})
    assert next(square(re.compile(source), "example"), "").startswith("example.search: ")


def test_nothing_is_said_where_time_is_too_short_to_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "LEAST", 1e9)
    monkeypatch.setattr(patterns, "ways", lambda name: set(patterns._WAYS))
    assert list(square(re.compile(r"a*b?"), "example")) == []
