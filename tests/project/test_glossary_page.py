"""docs/glossary.md is sorted, gives each word a clause or a place, and has no word that nothing uses."""

from __future__ import annotations

import re
from functools import cache

import pytest

from tests.project.pages import code, paths, read, rows
from tests.project.test_text import tracked
from tests.shared import ROOT

PAGE = read("docs/glossary.md")
ROWS = rows(PAGE)
WORDS = [row[0] for row in ROWS]
WANTED = {
    "address-of-record (AOR)", "attempt", "binding", "branch", "Call-ID", "challenge", "confidence", "CSeq", "defect",
    "evidence", "finding", "hop", "nonce count", "not judged", "path", "registration", "shard", "storm", "transaction",
}  # fmt: skip


@cache
def elsewhere() -> str:
    """All sources and pages but the glossary, in lower case, spaces made one."""
    pages = (path for path in tracked() if path.suffix in (".py", ".md") and path.name != "glossary.md")
    return re.sub(r"[\s_]+", " ", " ".join(path.read_text(encoding="utf-8") for path in pages)).casefold()


def test_it_is_sorted_and_says_nothing_twice() -> None:
    folded = [word.casefold() for word in WORDS]
    assert folded == sorted(folded)
    assert len(folded) == len(set(folded)) > 60


def test_the_words_that_a_newcomer_meets_first_are_there() -> None:
    assert set(WORDS) >= WANTED


@pytest.mark.parametrize("word", WORDS)
def test_the_word_is_used(word: str) -> None:
    plain = re.sub(r" \(.*\)$", "", word).casefold()
    assert re.search(rf"\b{re.escape(plain)}", elsewhere())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_meaning_is_short(row: list[str]) -> None:
    """One to three sentences, the last of which may be the clause; a point within a number ends none."""
    assert len(row) == 2 and row[1].endswith(".")
    assert 1 <= len(re.findall(r"[.;](?:\s|$)", row[1])) <= 5
    assert len(row[1]) < 300


@pytest.mark.parametrize("path", paths(PAGE))
def test_every_place_is_there(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("row", [row for row in ROWS if "The class " in row[1]], ids=lambda row: row[0])
def test_every_class_is_there(row: list[str]) -> None:
    name = code(row[1])[-1]
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "analyzer").rglob("*.py"))
    assert any(re.search(rf"^class {name}\b", source, re.MULTILINE) for source in sources)
