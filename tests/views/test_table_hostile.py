"""Whatever is on the wire, the table keeps its width and moves no cursor."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from analyzer.evidence import Evidence, Frame
from analyzer.judge.findings import Confidence, Finding
from analyzer.rules import all_rules
from analyzer.run.report import Report
from analyzer.views import LeadsWith
from tests.views.reports import LOGIN, drawn, lines_with, report_of, user

LONG_NAME = "日本語の名前がとても長いのでここで切られる必要があります田中太郎"
HOSTILE = "\n".join(
    [
        user("\x1b[2J\x1b[31mred", 403, "User-Agent: [red]x[/red] :smile: \u202eevil\u2066 \x9b31m"),
        user(LONG_NAME, 404, "User-Agent: Größe \u0301\u0301\u0301 \ufeff\u200b\u3164"),
        user("[link=http://x]boss[/link]", 500, "User-Agent: " + "W" * 300),
        user("x" * 500, 403, "User-Agent: \x00\x07\x08"),
        user("carol", 200, "User-Agent: " + "日" * 100),
    ]
)
ANYTHING = st.text(st.characters(codec=None), max_size=60)
WIDTHS = st.integers(60, 200)


def finding(text: str, number: int) -> Finding:
    return Finding(
        rule="R-x",
        sub=text,
        title=text,
        clause=text,
        force="MUST",
        proven_severity="error",
        confidence=Confidence.HIGH,
        at_fault=text,
        detail=text,
        fix=text,
        aor=text,
        call_id=text,
        registration=None,
        transaction=None,
        evidence=[Evidence(Frame(text, number), None)],
        user_agent=text,
    )


def assert_harmless(text: str, width: int) -> None:
    for line in text.split("\n"):
        assert cell_len(line) <= width, line
        assert line == line.rstrip()
        assert all(unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in line)


@pytest.mark.parametrize("width", [60, 61, 79, 80, 99, 100, 119, 120, 160, 200])
@pytest.mark.parametrize("leads_with", ["clients", "digests"])
def test_no_line_is_wider_than_the_terminal(width: int, leads_with: LeadsWith) -> None:
    report = report_of(HOSTILE + LOGIN % 403, rules=all_rules(), tail=60, passwords={"bob": "other"})
    for every in (False, True):
        assert_harmless(drawn(report, width, leads_with=leads_with, all=every), width)


def test_markup_and_escapes_are_shown_as_they_are() -> None:
    text = drawn(report_of(HOSTILE), 160)
    for shown in ("[red]x[/red] :smile:", "\\u202eevil\\u2066", "\\x9b31m", "\\x1b[2J", "日本語の名前"):
        assert shown in text


def test_colours_are_the_only_escapes() -> None:
    text = drawn(report_of(HOSTILE), 80, color=True)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert "\x1b" not in plain
    assert plain == drawn(report_of(HOSTILE), 80)


def hostile_report(texts: list[str]) -> Report:
    """A report in which every text that can come from the wire or from a file name is one of `texts`."""
    report = report_of(user("a", 403) + user("b", 404) + user("c") + LOGIN % 401, passwords={"bob": "other"})
    for number, one in enumerate(report.registrations):
        text = texts[number % len(texts)]
        one.aor, one.user_agent = text, text
        one.registrar = one.registrar._replace(endpoint=one.registrar.endpoint._replace(host=text))
        one.source = one.source._replace(host=text)
    for record in report.digests:
        record.username = record.realm = texts[-1]
        record.judged = record.judged.__class__(record.judged.verdict, texts[0], None, texts[-1])
    source = report.sources[0]
    source.title, source.quality, source.zone = texts[0], texts, texts[-1]
    for text in texts:
        source.defect("x", text)
    report.notes = texts
    report.findings = [finding(text, number) for number, text in enumerate(texts, 1)]
    return report


@settings(max_examples=60)
@given(st.lists(ANYTHING, min_size=1, max_size=4), WIDTHS, st.booleans())
def test_nothing_from_the_wire_reaches_the_terminal_unseen(texts: list[str], width: int, every: bool) -> None:
    assert_harmless(drawn(hostile_report(texts), width, all=every, encoding="utf-8"), width)


@settings(max_examples=30)
@given(st.lists(ANYTHING, min_size=1, max_size=3), WIDTHS)
def test_an_ascii_terminal_gets_ascii(texts: list[str], width: int) -> None:
    text = drawn(hostile_report(texts), width, encoding="ascii")
    assert_harmless(text, width)
    assert text.isascii()


@settings(max_examples=30)
@given(st.text(st.characters(codec=None), min_size=1, max_size=600), WIDTHS)
def test_the_place_is_whole(name: str, width: int) -> None:
    report = report_of(user("a", 403))
    report.registrations[0].aor = name
    report.registrations[0].since_place = Frame("flow", 123_456_789)
    (line,) = lines_with(drawn(report, width), "✗ refused")
    assert line.endswith("frame 123456789")
