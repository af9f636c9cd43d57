"""A span of time is only said where the clock of the source can tell it: every rule and the table, on every example."""

from __future__ import annotations

import io
import re

import pytest

from analyzer.evidence import SECOND, Fidelity, Item, RawMessage
from analyzer.judge.findings import Example
from analyzer.judge.flowtext import read_flow
from analyzer.judge.lapse import lapse
from analyzer.rules import all_rules
from analyzer.run.pipeline import analyze_items
from analyzer.run.report import Report
from analyzer.views import ViewOptions, load_view

EXAMPLES = [
    pytest.param(example, id=f"{rule.id}-{number}")
    for rule in all_rules()
    for number, example in enumerate(rule.examples)
]
_SPAN = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?) ?(?:ms|s|min|h|days?|seconds?)\b(?! of RFC)")
_OF_THE_TEXT = re.compile(r"\d+")


def said(report: Report) -> str:
    out = io.StringIO()
    load_view("table")(report, out, ViewOptions(width=200, all=True))
    return out.getvalue() + "\n".join(finding.detail for finding in report.findings)


def spans(text: str, example: Example) -> list[str]:
    """The figures of time that are said, but for those that the messages themselves name (what was granted)."""
    written = {"3600", *_OF_THE_TEXT.findall(re.sub(r"@[\d.]+", "", example.flow))}
    return [found for found in _SPAN.findall(text) if found not in written]


def reported(items: list[Item]) -> Report:
    return analyze_items(items)


def items_of(example: Example) -> list[Item]:
    return list(read_flow(example.flow, tail=example.tail, log=True))


@pytest.mark.parametrize("example", EXAMPLES)
def test_without_a_clock_no_span_is_said(example: Example) -> None:
    items = items_of(example)
    for item in items:
        item.time = None
    assert spans(said(reported(items)), example) == []


@pytest.mark.parametrize("example", EXAMPLES)
def test_by_one_stamp_for_all_no_span_is_said(example: Example) -> None:
    """As in a console log whose only stamps stand far from the messages."""
    items = items_of(example)
    for item in items:
        item.time = 1_500_000_000 * SECOND
    assert spans(said(reported(items)), example) == []


@pytest.mark.parametrize("example", EXAMPLES)
def test_by_one_stamp_and_a_later_one_no_span_is_nought(example: Example) -> None:
    """The log goes on long after, so all of it is judged."""
    items = items_of(example)
    for item in items[:-1]:
        item.time = 1_500_000_000 * SECOND
    items[-1].time = 1_500_000_500 * SECOND
    assert [one for one in spans(said(reported(items)), example) if not float(one)] == []


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_clock_of_whole_seconds_tells_no_tenths(example: Example) -> None:
    found = spans(said(reported(items_of(example))), example)
    assert [one for one in found if "." in one or not int(one)] == []


@pytest.mark.parametrize(
    ("first", "last", "tick", "text"),
    [
        (0, 31_500_000_000, 1000, "31.5 s"),
        (0, 40_000_000, 1000, "40 ms"),
        (0, 400_000, 1000, "1 ms"),
        (5, 5, 1000, ""),
        (5, 4, 1000, ""),
        (5, 999, 1000, ""),
        (None, 5, 1000, ""),
        (5, None, 1000, ""),
        (0, SECOND, SECOND, "1 s"),
        (0, 31_500_000_000, SECOND, "32 s"),
        (0, SECOND - 1, SECOND, ""),
        (0, 5 * SECOND, 10 * SECOND, ""),
        (0, 0, 0, ""),
    ],
)
def test_lapse(first: int | None, last: int | None, tick: int, text: str) -> None:
    assert lapse(first, last, tick) == text


def test_a_wire_still_tells_them() -> None:
    """The property above would hold of a tool that says nothing."""
    example = next(rule for rule in all_rules() if rule.id == "R3261-17.2-unanswered").examples[1]
    report = reported(list(read_flow(example.flow, tail=example.tail)))
    assert "11 copies of the request to 198.51.100.1:5060 in 31.5 s" in report.findings[0].detail
    assert all(isinstance(item, RawMessage) and item.fidelity is Fidelity.TEXT_LOG for item in items_of(example))
