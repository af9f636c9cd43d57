"""How findings are told while they happen: the first clients of a fault by name, then how many there are."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from analyzer.evidence import Source
from analyzer.judge.findings import Finding
from analyzer.rules import all_rules
from analyzer.views import ViewOptions
from analyzer.views.drawing.canvas import Canvas
from analyzer.views.table.news import NAMED, News
from tests.views.reports import report_of, user

RULE = "R3261-10.2-ruri-userinfo"


def finding(**changes: object) -> tuple[Finding, Source]:
    """A finding that a report has, and its source."""
    report = report_of(user("bob").replace("REGISTER sip:", "REGISTER sip:bob@", 1), rules=all_rules())
    (found,) = [one for one in report.findings if one.rule == RULE]
    return replace(found, **changes), report.sources[0]  # type: ignore[arg-type]


def drawn(count: int, width: int = 100, **changes: object) -> str:
    """What is printed of as many findings of one kind."""
    out = io.StringIO()
    news = News(Canvas(out, ViewOptions(width=width, color=False, all=False, leads_with="clients")))
    found, source = finding(**changes)
    for number in range(count):
        news.draw(replace(found, aor=f"sip:u{number}@example.com"), source)
    return out.getvalue()


def test_one_finding_says_what_who_where_and_the_clause() -> None:
    text = drawn(1)
    for words in ("error", "u0@example.com", "frame 1", "RFC 3261 10.2", RULE, "fix: "):
        assert words in text
    assert "sip:u0@" not in text


def test_the_first_clients_are_named_then_counted() -> None:
    text = drawn(100)
    assert text.count("u0@") == 1
    assert text.count("@example.com") >= NAMED
    assert f"u{NAMED}@example.com" not in text
    assert [line.split("clients")[0].split()[-1] for line in text.splitlines() if "so far of" in line] == ["10", "100"]


@pytest.mark.parametrize("width", [60, 80, 160])
def test_no_line_is_longer_than_the_page(width: int) -> None:
    text = drawn(10, width=width, detail="x" * 500 + " " + "word " * 50)
    assert max(map(len, text.splitlines())) <= width


def test_without_a_time_and_a_place() -> None:
    text = drawn(1, evidence=[])
    assert text.startswith("-  ")


def test_a_note_has_no_fix() -> None:
    assert "fix: " not in drawn(1, proven_severity="info")


def test_octets_of_the_wire_are_harmless() -> None:
    text = drawn(1, detail="\x1b[2J\u202egnp", call_id="\x07")
    assert "\x1b" not in text
    assert "\u202e" not in text
