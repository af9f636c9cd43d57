"""docs/checklists.md is printed from the rule catalogue, the cards and the samples, and leaves no line out."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from analyzer.rules import all_rules
from scripts.checklist import as_markdown, entries, example_of, named, samples_of
from tests.project.pages import read, rows
from tests.shared import ROOT

PAGE = read("docs/checklists.md")
CLIENT = [row for row in rows(PAGE) if re.fullmatch(r"[CH]\d+", row[0])]


def test_the_page_is_what_is_printed() -> None:
    assert as_markdown() == PAGE, "run `make docs`"


def test_the_module_prints_the_page() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.checklist"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == PAGE


def test_every_line_of_the_checklist_is_there() -> None:
    assert [row[0] for row in CLIENT] == [f"C{n:02}" for n in range(1, 23)] + [f"H{n}" for n in range(1, 11)]


def test_every_statement_of_the_notes_is_there() -> None:
    statements = [entry.cells[0] for entry in entries("4")]
    assert len(statements) == 9
    assert [row[0] for row in rows(PAGE) if row[0] in statements] == statements


@pytest.mark.parametrize("row", CLIENT, ids=[row[0] for row in CLIENT])
def test_every_rule_is_shown(row: list[str]) -> None:
    """By a sample that has it, or by name with an example; or it is told why there is nothing to be shown."""
    names = re.findall(r"`([^`]+)`", row[3])
    assert names
    for name in names:
        links = [f"[{sample}](../samples/{sample})" for sample in samples_of(name)]
        assert any(link in row[4] for link in links) or f"`{name}`: " in row[4]


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)]+)\)", PAGE)
    assert len(links) > 20
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []


def test_what_never_is_a_finding_says_so() -> None:
    facts = {rule.id for rule in all_rules() if rule.is_fact}
    told = dict(re.findall(r"`((?:R\d|DET|PRAC)[^`]+)`: (a permission|hardly to be seen in traffic);", PAGE))
    assert set(told) == facts
    assert told["R3261-10.2-route"] == "a permission"
    assert told["R3261-10.1-ls-rw"] == "hardly to be seen in traffic"


@pytest.mark.parametrize(
    ("cell", "ids"),
    [
        ("R3261-10.2-callid, R3261-8.1.3.5-retry-ids", ["R3261-10.2-callid", "R3261-8.1.3.5-retry-ids"]),
        ("R3261-10.2-cseq-increment, -cseq-gap", ["R3261-10.2-cseq-increment", "R3261-10.2-cseq-gap"]),
        ("R3261-10.2.2-star-form, -remove-form", ["R3261-10.2.2-star-form", "R3261-10.2.2-remove-form"]),
        ("R3261-10.2-to-aor (R5630-... in modern)", ["R3261-10.2-to-aor", "R5630-5.1.1.1-sips-registration"]),
        ("binding timeline 1.7", []),
    ],
)  # fmt: skip
def test_ids_in_a_cell(cell: str, ids: list[str]) -> None:
    assert named(cell) == ids


def test_whole_sections_and_groups() -> None:
    assert len(named("R3261-10.2.4-*")) == 4
    assert len(named("whole group E")) == 18


def test_an_example_is_named_by_what_tells_it() -> None:
    cards = {rule.id: rule for rule in all_rules()}
    assert example_of(cards["R3261-8.1.1-mandatory"]) == "`max-forwards`"
    assert all(example_of(card) for card in cards.values())
    assert not any("\n" in example_of(card) for card in cards.values())


def test_samples_of_a_rule() -> None:
    assert samples_of("R3261-10.2-ruri-userinfo") == ["asterisk-json-log", "userinfo-in-request-uri"]
    assert samples_of("R3261-10.2-nothing") == []
