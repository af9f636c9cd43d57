"""What modules, tests and pages cite of `docs/` is there: sections, rules, traps. No page is cited that is not here."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from tests.project.test_text import faults, tracked
from tests.shared import ROOT

NUMBERED = (
    "architecture",
    "glossary",
    "interface",
    "lab",
    "pipelines",
    "rules/conventions",
    "rules/disagreements",
    "rules/documents",
    "rules/reconstruction",
)
PAGE = r"docs/(?P<page>(?:rules/)?[a-zA-Z]+)\.md"
PLACE = r"(?:\d+(?:\.\d+)*|item \d+|(?:R\d{4}|T|DET|PRAC)-[\w.-]*\w)"
CITATION = re.compile(
    rf"{PAGE}[`)\]]*\s+(?:#\s+)?(?P<places>{PLACE}(?:(?:,\s|;\s|\sand\s)(?:\d+(?:\.\d+)*|T-[A-Z0-9]+)\b)*)"
)
NAMED = re.compile(PAGE)
TRAP = re.compile(r"(?<![\w-])T-[A-Z][A-Z0-9]+\b")
TRAPS = "docs/rules/traps.md"
FOLDER = ROOT / "docs" / "rules"
OLD = {
    "a catalogue by its old name": r"\b[R]ULES (?:\d|T-|R\d|section)",
    "a page by its old name": r"[r]ule-catalogue",
    "a plan by its old name": r"\b[D]ESIGN\b",
    "an interface by its old name": r"(?<!OF )\b[C]ONTRACT\b(?!, TORT)",
    "a folder beside the checkout": r"\.\./[s]hared\b",
}


@cache
def places_of(page: str) -> frozenset[str]:
    """What can be cited of a page: numbers of its sections and items, ids of rules, codes of traps."""
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    numbers = re.findall(r"^#{2,4} (\d+(?:\.\d+)*)\.? ", text, re.MULTILINE)
    items = re.findall(r"^\| (\d+) \|", text, re.MULTILINE)
    rules = re.findall(r"^### (\S+)$", text, re.MULTILINE)
    traps = re.findall(r"^\| (T-[A-Z0-9]+) \|", text, re.MULTILINE)
    return frozenset((*numbers, *(f"item {item}" for item in items), *rules, *traps))


def citations(text: str) -> list[tuple[str, str]]:
    """Every (page, place) that a text cites; `1, 3` and `5; T-AUTH` are two places. Traps have one page."""
    found = []
    for match in CITATION.finditer(text):
        for place in re.split(r",\s|;\s|\sand\s", match["places"]):
            found.append(("rules/traps" if place.startswith("T-") else match["page"], place))
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
NO_PAGE = "docs/" + "nothing.md"


def test_all_pages_that_are_named_are_there() -> None:
    missing = {
        f"{name}: {page}"
        for name, text in TEXTS.items()
        for page in NAMED.findall(text)
        if not (ROOT / "docs" / f"{page}.md").is_file() and name != "tests/project/test_citations.py"
    }
    assert missing == set()


def test_all_citations_resolve() -> None:
    dangling = {
        f"{name}: {page} {place}"
        for name, text in TEXTS.items()
        for page, place in citations(text)
        if name != "tests/project/test_citations.py" and place not in places_of(page)
    }
    assert dangling == set()


def test_there_are_citations_of_each_numbered_page() -> None:
    cited = {page for text in TEXTS.values() for page, _ in citations(text)}
    assert cited >= {page for page in NUMBERED if page not in ("glossary", "pipelines", "rules/documents")}
    assert sum(len(citations(text)) for text in TEXTS.values()) > 80


def test_every_page_of_the_rules_is_listed() -> None:
    """What is in the folder can be found from its README."""
    listed = set(re.findall(r"\]\((\w+\.md)\)", (FOLDER / "README.md").read_text(encoding="utf-8")))
    assert listed == {path.name for path in FOLDER.glob("*.md")} - {"README.md"}


def test_every_trap_is_in_the_list_and_who_names_one_says_where() -> None:
    used = {name: set(TRAP.findall(text)) for name, text in TEXTS.items()}
    used = {name: codes for name, codes in used.items() if codes and name.endswith(".py")}
    unknown = {f"{name}: {code}" for name, codes in used.items() for code in codes - places_of("rules/traps")}
    assert unknown == set()
    assert {name for name in used if "docs/rules/" not in TEXTS[name]} == set()
    assert len(used) > 20


def test_traps_that_pages_of_the_rules_name_are_in_the_list() -> None:
    for path in FOLDER.glob("*.md"):
        codes = set(TRAP.findall(path.read_text(encoding="utf-8")))
        assert codes - places_of("rules/traps") == set(), path.name


@pytest.mark.parametrize("what", OLD)
def test_nothing_is_cited_that_is_not_in_the_repository(what: str) -> None:
    found = {name: lines for name, text in TEXTS.items() if (lines := faults(text, OLD[what]))}
    assert found == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("(docs/rules/reconstruction.md 2, 3)", [("rules/reconstruction", "2"), ("rules/reconstruction", "3")]),
        ("docs/rules/reconstruction.md\n    5, T-AUTH)", [("rules/reconstruction", "5"), ("rules/traps", "T-AUTH")]),
        ("docs/rules/traps.md T-LOSS; T-NAT", [("rules/traps", "T-LOSS"), ("rules/traps", "T-NAT")]),
        ("docs/rules/conventions.md\n# 3.", [("rules/conventions", "3")]),
        ("docs/rules/order.md R3261-10.2-callid).", [("rules/order", "R3261-10.2-callid")]),
        ("docs/rules/disagreements.md item 9)", [("rules/disagreements", "item 9")]),
        ("[the page](docs/interface.md) 3", [("interface", "3")]),
        ("docs/rules/reconstruction.md 7 step 7", [("rules/reconstruction", "7")]),
        ("docs/architecture.md says", []),
        ("docs/rules/precedence.md)", []),
    ],
)
def test_the_pattern_reads_every_way_of_citing(text: str, found: list[tuple[str, str]]) -> None:
    assert citations(text) == found


def test_the_check_sees_what_is_not_there() -> None:
    assert "5" in places_of("rules/conventions") and "9" not in places_of("rules/conventions")
    assert "T-NAT" in places_of("rules/traps") and "T-" + "NONE" not in places_of("rules/traps")
    assert "R3261-10.2-callid" in places_of("rules/order")
    assert "item 12" in places_of("rules/disagreements") and "item 13" not in places_of("rules/disagreements")
    assert "3.1" in places_of("interface") and "6" in places_of("architecture") and "5" in places_of("lab")
    assert NAMED.findall(NO_PAGE) == ["nothing"]


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("a catalogue by its old name", "see RUL" + "ES 1.2"),
        ("a page by its old name", "docs/rule" + "-catalogue.md"),
        ("a plan by its old name", "(DES" + "IGN 5)"),
        ("an interface by its old name", "as CONT" + "RACT has it"),
        ("a folder beside the checkout", "in ../sha" + "red"),
    ],
)
def test_the_old_names_are_found(what: str, line: str) -> None:
    assert faults(line, OLD[what]) == [line]


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "rules").glob("*.md")), ids=lambda page: page.name)
def test_links_to_rules_lead_to_their_heading(page: Path) -> None:
    for name, target, anchor in re.findall(r"\[([^]]+)\]\((\w+\.md)#([^)]+)\)", page.read_text(encoding="utf-8")):
        headings = re.findall(r"^### (\S+)$", (FOLDER / target).read_text(encoding="utf-8"), re.MULTILINE)
        assert name in headings
        assert anchor == name.lower().replace(".", "")
