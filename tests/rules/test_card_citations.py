"""A citation is data: the id of a rule, its RFC and its section stand together, on the card and in the catalogue."""

from __future__ import annotations

import csv
import json
import re
from typing import NamedTuple

import pytest

from analyzer.judge.findings import Rule
from analyzer.rules import all_rules
from analyzer.views.words import clause_words
from tests.shared import DATA, RULES_JSON

_ID = re.compile(r"R(?P<rfc>\d+)(?:-(?P<section>\d+(?:\.\d+)*))?(?:-(?P<step>\d))?-[a-z0-9][a-z0-9-]*")
_CITED = re.compile(r"RFC (?P<rfc>\d+)|§(?P<section>\d+(?:\.\d+)*)")
_STEPS = re.compile(r"steps? (\d)(?:-(\d))?")
_CLAUSES = {row["id"]: row["clause"] for row in json.loads(RULES_JSON.read_text(encoding="utf-8"))}


class Cited(NamedTuple):
    """A section of an RFC; an empty one is the RFC itself."""

    rfc: str
    section: str


def cited(clause: str) -> set[Cited]:
    """What a clause cites: each section belongs to the RFC named last before it."""
    rfc, found = "", set()
    for match in _CITED.finditer(clause):
        rfc = match["rfc"] or rfc
        found.add(Cited(rfc, match["section"] or ""))
    return found


def steps(clause: str) -> set[int]:
    """The numbers of steps that a clause names; `steps 3-5` are three."""
    return {number for first, last in _STEPS.findall(clause) for number in range(int(first), int(last or first) + 1)}


def lacks(name: str, clause: str) -> str:
    """What the clause of a rule should cite by the rule's id, and does not; empty where nothing is missing."""
    match = _ID.fullmatch(name)
    if match is None:
        return "an id" if not name.startswith(("DET-", "PRAC-")) else ""
    places = {one for one in cited(clause) if one.rfc == match["rfc"]}
    section = match["section"]
    if not places:
        return f"RFC {match['rfc']}"
    if section and not any(f"{one.section}.".startswith(f"{section}.") for one in places):
        return f"RFC {match['rfc']} {section}"
    if match["step"] and int(match["step"]) not in steps(clause):
        return f"step {match['step']}"
    return ""


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.id)
def test_a_card_cites_what_its_id_names(rule: Rule) -> None:
    assert lacks(rule.id, rule.clause) == ""
    assert all(one.rfc for one in cited(rule.clause)), "a section without its RFC"


@pytest.mark.parametrize("name", _CLAUSES)
def test_a_row_of_the_catalogue_cites_what_its_id_names(name: str) -> None:
    assert lacks(name, _CLAUSES[name]) == ""
    assert all(one.rfc for one in cited(_CLAUSES[name]))


def test_the_table_for_spreadsheets_has_the_same_clauses() -> None:
    with (DATA / "rules" / "rules.csv").open(encoding="utf-8", newline="") as file:
        assert {row["id"]: row["clause"] for row in csv.DictReader(file)} == _CLAUSES


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.id)
def test_what_is_shown_of_a_clause_keeps_its_sections(rule: Rule) -> None:
    shown = clause_words(rule.clause, whole=True)
    for one in cited(rule.clause):
        assert one.section in shown
        assert one.rfc in shown


@pytest.mark.parametrize(
    ("name", "clause", "missing"),
    [
        ("R3261-10.2-callid", "RFC 3261 §10.2", ""),
        ("R3261-10.2-callid", "RFC 3261 §10.2.4", ""),
        ("R3261-10.2-callid", "RFC 3261 §10.20", "RFC 3261 10.2"),
        ("R3261-10.2-callid", "RFC 5626 §10.2", "RFC 3261"),
        ("R3261-10.2-callid", "RFC 5626 §10.2; RFC 3261 §8", "RFC 3261 10.2"),
        ("R3261-10.3-7-423", "RFC 3261 §10.3 step 7", ""),
        ("R3261-10.3-7-423", "RFC 3261 §10.3 steps 6-8", ""),
        ("R3261-10.3-7-423", "RFC 3261 §10.3 step 6", "step 7"),
        ("R3261-10.2.8-423-retry", "RFC 3261 §10.2.8", ""),
        ("R7616-digest-verify", "RFC 7616 §3.4.1", ""),
        ("DET-herd", "heuristic", ""),
        ("nonsense", "RFC 3261", "an id"),
    ],
)
def test_the_check_sees_what_is_missing(name: str, clause: str, missing: str) -> None:
    assert lacks(name, clause) == missing


def test_a_section_belongs_to_the_rfc_before_it() -> None:
    assert cited("RFC 3261 §10.2, §8.1; RFC 5627 §4.1") == {
        Cited("3261", ""),
        Cited("3261", "10.2"),
        Cited("3261", "8.1"),
        Cited("5627", ""),
        Cited("5627", "4.1"),
    }
