"""Marks spare the asking and change no answer: with every rule asked about everything, the report is the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from analyzer.capture.opener import open_sources
from analyzer.evidence import Endpoint, Frame, Item, RawMessage, Source
from analyzer.judge.findings import Example, Rule
from analyzer.judge.flowtext import read_flow
from analyzer.register import marks
from analyzer.register.subjects import MessageSubject
from analyzer.rules import all_rules
from analyzer.run.pipeline import Analysis
from analyzer.run.report import Report
from tests.judge.test_judge_engine import _rule
from tests.shared import LAB, ROOT, SHARED, shared

FOLDERS = [ROOT / "samples", SHARED / "captures" if SHARED else LAB]
NAMES = ("input.", "capture.", "full", "console", "messages")
SOURCES = [
    path
    for folder in FOLDERS
    for path in sorted(folder.rglob("*"))
    if path.name.startswith(NAMES) and path.is_file() and path.stat().st_size < 1 << 19
]
EXAMPLES = [(rule, example) for rule in all_rules() for example in rule.examples]


def report(items: list[Item], sources: list[Source], **given: Any) -> Report:
    analysis = Analysis(sources, **given)
    for item in items:
        analysis.feed(item)
    return analysis.finish()


def assert_same(items: list[Item], **given: Any) -> Report:
    spared = report(items, [Source("flow")], **given)
    asked = report(items, [Source("flow")], exhaustive=True, **given)
    assert spared.outcomes == asked.outcomes
    assert spared.findings == asked.findings
    return spared


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: "/".join(path.parts[-3:]))
def test_every_capture_and_log(path: Path) -> None:
    with open_sources([path]) as reading:
        assert_same(list(reading))


@pytest.mark.parametrize(
    ("rule", "example"), EXAMPLES, ids=[f"{rule.id}-{number}" for number, (rule, _) in enumerate(EXAMPLES)]
)
def test_every_example(rule: Rule, example: Example) -> None:
    del rule
    assert_same(list(read_flow(example.flow, log=example.log)))


def test_every_torture_message() -> None:
    here = Endpoint("192.0.2.1", 5060)
    items: list[Item] = [
        RawMessage(path.read_bytes(), number * 10**9, Frame("torture", number + 1), here, Endpoint("192.0.2.2", 5060))
        for number, path in enumerate(sorted(shared("torture").rglob("*.dat")))
    ]
    assert items
    assert_same(items)


def test_marks_settle_the_same_under_every_profile() -> None:
    items = list(read_flow("> REGISTER sip:h\nTo: <sip:bob@h>;tag=1\nFrom: <sip:bob@h>\n< 200"))
    for profile in ("rfc3261", "legacy2543", "ims", "modern"):
        assert_same(items, profile=profile)


def test_a_rule_is_spared_what_its_card_says() -> None:
    """That the tests above compare two ways: the check is not called without its mark, and the tally says what it
    would have answered."""
    called: list[str] = []

    def check(subject: MessageSubject, context: object) -> Any:
        del context
        called.append(subject.message.method or str(subject.message.status))
        return ()

    flow = "> REGISTER sip:h\n< 401\n> REGISTER sip:bob@h\n< 200"
    for card, asked, tally in (
        ({"applies_if": marks.CHALLENGE}, ["401"], (0, 3)),
        ({"violates_only_if": marks.RURI_USER}, ["REGISTER"], (3, 0)),
        ({"applies_if": marks.REQUEST, "violates_only_if": marks.RURI_USER}, ["REGISTER"], (1, 2)),
        ({}, ["REGISTER", "401", "REGISTER", "200"], (0, 0)),
    ):
        called.clear()
        rule = _rule(check, subject="message", observed_at="any", **card)
        found = report(list(read_flow(flow)), [Source("flow")], rules=[rule]).outcomes[rule.id]
        assert called == asked
        assert (found.passed, found.not_applicable) == tally


def test_marks_are_bits_of_their_own() -> None:
    values = [value for name, value in vars(marks).items() if name.isupper()]
    assert len(values) > 20
    assert sum(values) == (1 << len(values)) - 1
