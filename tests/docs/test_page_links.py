"""Links as they are read in the repository: every file and every heading that one leads to is there."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.shared import ROOT

PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), *(ROOT / "samples").glob("*/README.md")])
_LINK = re.compile(r"(?<!\\)\[(?:[^\]\[]|\[[^\]]*\])*\]\(([^)\s]+)\)")
_OUTSIDE = {"keepachangelog.com", "semver.org", "pipx.pypa.io", "docs.astral.sh"}
"""Where links lead beyond the repository: no more than these, so that somebody can look at them now and then."""


def prose(path: Path) -> str:
    """A page without its blocks and what stands in backquotes, where a link is none."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`", "", text)


def links(path: Path) -> list[str]:
    return _LINK.findall(prose(path))


@cache
def headings(path: Path) -> frozenset[str]:
    """What a heading is called in an address: as GitHub and MyST make it."""
    found = re.findall(r"^#{1,6} (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    plain = [re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", one) for one in found]
    return frozenset(re.sub(r"[^\w\- ]", "", one.lower()).strip().replace(" ", "-") for one in plain)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for link in links(page):
        parts = urlsplit(link)
        if parts.scheme:
            assert parts.scheme == "https" and parts.netloc in _OUTSIDE, link
            continue
        there = (page.parent / unquote(parts.path)).resolve() if parts.path else page
        inside = there.is_relative_to(ROOT) and there.exists()
        if not inside or (parts.fragment and parts.fragment not in headings(there)):
            broken.append(link)
    assert broken == []


def test_there_are_links_and_headings() -> None:
    assert sum(len(links(page)) for page in PAGES) > 300
    assert "1-what-became-of-a-client" in headings(ROOT / "docs" / "verdicts.md")
    assert {urlsplit(link).netloc for page in PAGES for link in links(page)} - {""} == _OUTSIDE


def test_every_page_is_reached_from_the_readme() -> None:
    """By links alone, within a few steps."""
    reached, new = set[Path](), {ROOT / "README.md"}
    while new:
        reached |= new
        pages = {
            (page.parent / urlsplit(link).path).resolve()
            for page in new
            for link in links(page)
            if not urlsplit(link).scheme and urlsplit(link).path.endswith(".md")
        }
        new = pages - reached
    stubs = {ROOT / "docs" / f"{name}.md" for name in ("changelog", "contributing", "security", "index")}
    assert {
        path for path in PAGES if path.parent.name != "samples" and "samples" not in path.parts
    } - reached - stubs == set()
