"""The documents become a site without a warning, and every link of it leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lxml import html

from tests.shared import ROOT

WRITTEN = {path.stem for path in (ROOT / "docs").glob("*.md")}


def test_every_page_is_in_it_and_in_the_contents(site: Path) -> None:
    assert {f"{name}.html" for name in WRITTEN} <= {path.name for path in site.glob("*.html")}
    contents = (site / "index.html").read_text(encoding="utf-8")
    assert [name for name in WRITTEN - {"index"} if f'href="{name}.html"' not in contents] == []


def test_every_link_within_leads_somewhere(site: Path) -> None:
    trees = {path: html.parse(str(path)) for path in site.rglob("*.html")}
    known = {path: set(tree.xpath("//@id")) | {""} for path, tree in trees.items()}
    broken = []
    for path, tree in trees.items():
        for link in [*tree.xpath("//a/@href"), *tree.xpath("//img/@src")]:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            there = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not there.exists() or (
                there in known and parts.fragment and unquote(parts.fragment) not in known[there]
            ):
                broken.append(f"{path.name}: {link}")
    assert broken == []


def test_the_reference_has_the_public_names(site: Path) -> None:
    import analyzer

    text = (site / "python-reference.html").read_text(encoding="utf-8")
    missing = [
        name for name in analyzer.__all__ if name != "__version__" and not re.search(rf'id="[\w.]*\.{name}"', text)
    ]
    assert missing == []


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    """A reader without a network sees the same, and nobody learns what he reads."""
    loading = "//script/@src | //link[@rel='stylesheet']/@href | //img/@src"
    for path in site.rglob("*.html"):
        assert [one for one in html.parse(str(path)).xpath(loading) if urlsplit(one).netloc] == [], path.name


def test_the_schema_can_be_had_from_the_site(site: Path) -> None:
    """The very file that the command prints."""
    (link,) = html.parse(str(site / "schema.html")).xpath("//a[contains(@href, 'sipcheck-1.schema.json')]/@href")
    schema = ROOT / "analyzer" / "views" / "sipcheck-1.schema.json"
    assert (site / unquote(link)).read_text(encoding="utf-8") == schema.read_text(encoding="utf-8")


def test_pages_at_the_top_of_the_repository_are_on_it(site: Path) -> None:
    """Whole, and linked by their place on the site."""
    for name, heading in {
        "security": "Threats, part by part",
        "contributing": "Add a view",
        "changelog": "Fixed",
    }.items():
        tree = html.parse(str(site / f"{name}.html"))
        assert heading in " ".join(tree.xpath("//h2//text() | //h3//text()"))
    for page in ("install", "python", "stability"):
        assert html.parse(str(site / f"{page}.html")).xpath(
            "//article//a[contains(@href, 'contributing.html') or contains(@href, 'changelog.html')]"
        ), page
