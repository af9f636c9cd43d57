"""What modules, tests and pages cite of `docs/` is there: sections, rules, traps. No page is cited that is not here."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from tests.project.test_text import faults, tracked
from tests.shared import ROOT

PAGES = ("architecture", "glossary", "interface", "lab", "pipelines", "rule-catalogue")
CITATION = re.compile(
    rf"docs/(?P<page>{'|'.join(PAGES)})\.md[`)\]]*\s+(?:#\s+)?"
    r"(?P<places>(?:\d+(?:\.\d+)*|(?:R\d{4}|T|DET)-[\w.-]*\w)(?:(?:,\s|;\s|\sand\s)(?:\d+(?:\.\d+)*|T-[A-Z0-9]+)\b)*)"
)
TRAP = re.compile(r"(?<![\w-])T-[A-Z][A-Z0-9]+\b")
CATALOGUE = "docs/rules/README.md"
OLD = {
    "a catalogue by its old name": r"\b[R]ULES (?:\d|T-|R\d|section)",
    "a plan by its old name": r"\b[D]ESIGN\b",
    "an interface by its old name": r"(?<!OF )\b[C]ONTRACT\b(?!, TORT)",
    "a folder beside the checkout": r"\.\./[s]hared\b",
}


@cache
def places_of(page: str) -> frozenset[str]:
    """What can be cited of a page: numbers of its sections, ids of rules and of traps."""
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    numbers = re.findall(r"^#{2,4} (\d+(?:\.\d+)*)\.? ", text, re.MULTILINE)
    rules = re.findall(r"^#{5} (\S+)", text, re.MULTILINE)
    traps = re.findall(r"^\| (T-[A-Z0-9]+) \|", text, re.MULTILINE)
    return frozenset((*numbers, *rules, *traps))


def citations(text: str) -> list[tuple[str, str]]:
    """Every (page, place) that a text cites; `1.2, 1.3` and `1.5; T-AUTH` are two places."""
    found = []
    for match in CITATION.finditer(text):
        for place in re.split(r",\s|;\s|\sand\s", match["places"]):
            found.append((match["page"], place))
    return found


def texts() -> dict[str, str]:
    """The text of every tracked file that can cite: sources, tests, pages, what is around them."""
    found = {}
    for path in tracked():
        name = str(path.relative_to(ROOT))
        if path.suffix in (".py", ".md", ".toml", ".ipynb", ".sh") or path.name == "Makefile":
            found[name] = path.read_text(encoding="utf-8")
    return found


TEXTS = texts()


def test_all_citations_resolve() -> None:
    dangling = {
        f"{name}: {page} {place}"
        for name, text in TEXTS.items()
        for page, place in citations(text)
        if place not in places_of(page)
    }
    assert dangling == set()


def test_there_are_citations_of_each_numbered_page() -> None:
    cited = {page for text in TEXTS.values() for page, _ in citations(text)}
    assert cited >= {"architecture", "interface", "lab", "rule-catalogue"}
    assert sum(len(citations(text)) for text in TEXTS.values()) > 80


def test_every_trap_is_in_the_catalogue_and_says_where() -> None:
    used = {name: set(TRAP.findall(text)) for name, text in TEXTS.items()}
    used = {name: codes for name, codes in used.items() if codes and name.endswith(".py")}
    unknown = {f"{name}: {code}" for name, codes in used.items() for code in codes - places_of("rule-catalogue")}
    assert unknown == set()
    assert {name for name in used if CATALOGUE not in TEXTS[name]} == set()
    assert len(used) > 20


@pytest.mark.parametrize("what", OLD)
def test_nothing_is_cited_that_is_not_in_the_repository(what: str) -> None:
    found = {name: lines for name, text in TEXTS.items() if (lines := faults(text, OLD[what]))}
    assert found == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("(docs/rules/reconstruction.md 2, 3)", [("rule-catalogue", "1.2"), ("rule-catalogue", "1.3")]),
        ("docs/rules/README.md\n    1.5; T-AUTH)", [("rule-catalogue", "1.5"), ("rule-catalogue", "T-AUTH")]),
        ("docs/rules/README.md\n# 1.5.", [("rule-catalogue", "1.5")]),
        ("docs/rules/order.md R3261-10.2-callid).", [("rule-catalogue", "R3261-10.2-callid")]),
        ("[the page](docs/interface.md) 3", [("interface", "3")]),
        ("docs/rules/reconstruction.md 7 step 7", [("rule-catalogue", "1.7")]),
        ("docs/architecture.md says", []),
    ],
)
def test_the_pattern_reads_every_way_of_citing(text: str, found: list[tuple[str, str]]) -> None:
    assert citations(text) == found


def test_the_check_sees_what_is_not_there() -> None:
    assert "0.7" in places_of("rule-catalogue") and "9.9" not in places_of("rule-catalogue")
    assert "T-NAT" in places_of("rule-catalogue") and "T-" + "NONE" not in places_of("rule-catalogue")
    assert "R3261-10.2-callid" in places_of("rule-catalogue")
    assert "3.1" in places_of("interface") and "6" in places_of("architecture") and "5" in places_of("lab")


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("a catalogue by its old name", "see RUL" + "ES 1.2"),
        ("a plan by its old name", "(DES" + "IGN 5)"),
        ("an interface by its old name", "as CONT" + "RACT has it"),
        ("a folder beside the checkout", "in ../sha" + "red"),
    ],
)
def test_the_old_names_are_found(what: str, line: str) -> None:
    assert faults(line, OLD[what]) == [line]


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
