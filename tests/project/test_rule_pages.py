"""The pages of `docs/rules` say what the cards and `tests/data/rules` say, and these have every rule that is asked."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from typing import Any

import pytest

from analyzer.judge.conformance.purposes import PURPOSES
from analyzer.judge.findings import NEED_TEXT, PROFILES, Need, Rule
from analyzer.register.digest.diagnosis.engine import all_hypotheses
from analyzer.rules import all_rules
from analyzer.run.pipeline import analyze
from analyzer.views.catalogue import GROUPS, flow_of
from scripts import rule_pages
from tests.project.pages import read, rows, section
from tests.shared import DATA, DIGEST_VECTORS, ROOT, RULES_JSON

CATALOGUE: list[dict[str, Any]] = json.loads(RULES_JSON.read_text(encoding="utf-8"))
DOCUMENTS: dict[str, list[dict[str, str]]] = json.loads((DATA / "rules" / "known_documents.json").read_text())
IDS = {row["id"] for row in CATALOGUE}
PRINTED = rule_pages.as_pages()
ID = re.compile(r"(?<![\w.-])(?:R\d{4}-[\w.-]*[a-z][\w-]*|(?:DET|PRAC)-[a-z][\w-]+)")
GROUP_PAGES = [f"{name}.md" for name in rule_pages.NAMES.values()]


@pytest.mark.parametrize("name", PRINTED)
def test_a_printed_page_is_up_to_date(name: str) -> None:
    assert read(f"docs/rules/{name}") == PRINTED[name], "run `make docs`"


def test_the_command_writes_every_page(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule_pages, "FOLDER", tmp_path / "rules")
    rule_pages.main()
    assert {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "rules").iterdir()} == PRINTED


def test_the_makefile_prints_them() -> None:
    assert "-m scripts.rule_pages" in section_of_makefile("pages")
    done = subprocess.run(
        [sys.executable, "-c", "import scripts.rule_pages"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def section_of_makefile(target: str) -> str:
    """What a target does."""
    return read("Makefile").split(f"\n{target}:", 1)[1].split("\n\n", 1)[0]


def test_ids_are_unique_and_groups_known() -> None:
    assert len(IDS) == len(CATALOGUE)
    assert {row["group"] for row in CATALOGUE} == set(GROUPS) == set(rule_pages.NAMES)


def test_each_rule_and_row_has_its_part_on_one_page() -> None:
    parts = [name for page in GROUP_PAGES for name in re.findall(r"^### (\S+)$", PRINTED[page], re.MULTILINE)]
    assert len(parts) == len(set(parts))
    assert set(parts) == IDS | {rule.id for rule in all_rules()}


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.id)
def test_the_part_about_a_rule_has_all_that_its_card_says(rule: Rule) -> None:
    part = part_about(rule.id, rule.group)
    for text in (rule.title, rule.why[1:], rule.fix[1:], *rule.stacks, rule.disputed[1:], *rule.etsi, *rule.supersedes):
        assert text.rstrip(".") in part
    for need in rule.needs:
        assert NEED_TEXT[need.value] in part
    shown = [example for example in rule.examples if example.expect or example.facts][:1]
    shown += [example for example in rule.examples if not (example.expect or example.facts)][:1]
    assert shown
    for example in shown:
        assert flow_of(example).splitlines()[0] in part


def part_about(name: str, group: str) -> str:
    """What a page says of one rule."""
    page = PRINTED[f"{rule_pages.NAMES[group]}.md"]
    return page.split(f"\n### {name}\n", 1)[1].split("\n### ", 1)[0]


@pytest.mark.parametrize("row", CATALOGUE, ids=lambda row: row["id"])
def test_the_part_about_a_row_says_how_it_is_decided(row: dict[str, Any]) -> None:
    part = part_about(row["id"], row["group"])
    for key in ("proc", "traps", "view", "key"):
        assert row[key] in part
    asked = row["id"] in {rule.id for rule in all_rules()}
    assert ("Not asked" in part) == (not asked)


def test_every_row_is_asked() -> None:
    missing = {row["id"]: row["kind"] for row in CATALOGUE if row["id"] not in {rule.id for rule in all_rules()}}
    assert missing == {}


def test_the_table_for_spreadsheets_is_the_same() -> None:
    with (DATA / "rules" / "rules.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    keys = ("id", "group", "title", "clause", "strength", "at_fault", "severity")
    assert table == [{key: row[key] for key in keys} for row in CATALOGUE]


def test_every_rule_that_claims_a_standard_is_in_the_catalogue() -> None:
    assert {rule.id for rule in all_rules() if not rule.clause.startswith("heuristic")} - IDS == set()


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "rules").glob("*.md")), ids=lambda page: page.name)
def test_a_page_names_rules_that_are_there(page: Any) -> None:
    known = IDS | {rule.id for rule in all_rules()}
    named = {name for name in ID.findall(page.read_text(encoding="utf-8")) if not name.endswith(("-", ".py"))}
    assert {
        name for name in named if name not in known and not any(one.startswith(f"{name}-") for one in known)
    } == set()


def test_flags_and_profiles_are_those_of_the_code() -> None:
    page = read("docs/rules/conventions.md")
    flags = dict(row[:2] for row in rows(section(page, "2")))
    assert flags == {f"`{need.value}`": NEED_TEXT[need.value] for need in Need}
    assert [row[0].strip("`") for row in rows(section(page, "4"))] == list(PROFILES)


def test_each_disagreement_names_rules_that_say_so() -> None:
    table = rows(read("docs/rules/disagreements.md"))
    cards = {rule.id: rule for rule in all_rules()}
    assert [row[0] for row in table] == [str(number) for number in range(1, 13)]
    named = {name for row in table for name in ID.findall(row[3])}
    assert named == {rule.id for rule in cards.values() if rule.disputed}


def test_the_purposes_are_listed_with_their_rules() -> None:
    table = {row[0]: row for row in rows(PRINTED["etsi.md"])}
    assert list(table) == [purpose.id for purpose in PURPOSES]
    for purpose in PURPOSES:
        named = {rule.id for rule in all_rules() if purpose.id in rule.etsi}
        assert set(re.findall(r"\[(\S+?)\]", table[purpose.id][3])) == named
        assert named or table[purpose.id][3].startswith("none: ")


def test_every_hypothesis_is_in_the_page_and_has_a_vector_or_needs_none() -> None:
    listed = {row[0] for row in rows(read("docs/rules/diagnosis.md"))}
    assert {hypothesis.id for hypothesis in all_hypotheses()} - listed == set()
    vectors = {name.partition("-")[0] for name in json.loads(DIGEST_VECTORS.read_text())["vectors"]}
    assert vectors - listed == set()


def test_the_first_document_gets_its_findings() -> None:
    report = analyze(ROOT / "samples" / "asterisk-first-registration" / "input.txt")
    expected = {(row["rule"], row["sub"]) for row in DOCUMENTS["000 asterisk log"]}
    assert {(finding.rule, finding.sub) for finding in report.findings} == expected


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_speak_of_rules_that_are_there(name: str) -> None:
    assert {row["rule"] for row in DOCUMENTS[name]} - IDS == set()
