"""docs/rules/README.md and its data in `tests/data/rules` say the same, and have every rule that is asked."""

from __future__ import annotations

import csv
import json
import re
from typing import Any

import pytest

from analyzer.register.digest.diagnosis.engine import all_hypotheses
from analyzer.rules import all_rules
from analyzer.run.pipeline import analyze
from tests.project.pages import read, rows, section
from tests.shared import DATA, DIGEST_VECTORS, ROOT, RULES_JSON

PAGE = read("docs/rules/README.md")
CATALOGUE: list[dict[str, Any]] = json.loads(RULES_JSON.read_text(encoding="utf-8"))
DOCUMENTS: dict[str, list[dict[str, str]]] = json.loads((DATA / "rules" / "known_documents.json").read_text())
HEADINGS = re.findall(r"^##### (\S+)", PAGE, re.MULTILINE)
TABLES = {row[0]: row for row in rows(section(PAGE, "2")) if re.match(r"(R\d{4}|DET|PRAC)-", row[0])}


def test_the_page_and_the_data_have_the_same_rules() -> None:
    ids = [row["id"] for row in CATALOGUE]
    checks = [row for row in CATALOGUE if row["kind"] == "check"]
    core = sum(row["core"] for row in CATALOGUE)
    assert len(ids) == len(set(ids))
    assert f"{len(ids)} rows = {len(checks)} checks + {len(ids) - len(checks)} facts; {core} core" in PAGE
    assert set(TABLES) == set(ids)
    assert {row["id"] for row in CATALOGUE if row["kind"] == "check"} - set(HEADINGS) == set()


@pytest.mark.parametrize("row", CATALOGUE, ids=lambda row: row["id"])
def test_a_row_of_the_page_is_the_datas(row: dict[str, Any]) -> None:
    cells = TABLES[row["id"]]
    assert cells[1:6] == [row[key] for key in ("title", "clause", "strength", "at_fault", "severity")]
    assert (cells[6] == "C", cells[7]) == (row["core"], row["kind"])


def test_the_table_for_spreadsheets_is_the_same() -> None:
    with (DATA / "rules" / "rules.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    keys = ("id", "group", "title", "clause", "strength", "at_fault", "severity")
    assert table == [{key: row[key] for key in keys} for row in CATALOGUE]


def test_every_rule_that_claims_a_standard_is_in_the_catalogue() -> None:
    assert {rule.id for rule in all_rules() if not rule.clause.startswith("heuristic")} - set(TABLES) == set()


def test_every_hypothesis_is_in_the_page_and_has_a_vector_or_needs_none() -> None:
    listed = {row[0] for row in rows(section(PAGE, "3"))}
    assert {hypothesis.id for hypothesis in all_hypotheses()} - listed == set()
    vectors = {name.partition("-")[0] for name in json.loads(DIGEST_VECTORS.read_text())["vectors"]}
    assert vectors - listed == set()


def test_the_first_document_gets_its_findings() -> None:
    report = analyze(ROOT / "samples" / "asterisk-first-registration" / "input.txt")
    expected = {(row["rule"], row["sub"]) for row in DOCUMENTS["000 asterisk log"]}
    assert {(finding.rule, finding.sub) for finding in report.findings} == expected


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_speak_of_rules_that_are_there(name: str) -> None:
    assert {row["rule"] for row in DOCUMENTS[name]} - set(TABLES) == set()
