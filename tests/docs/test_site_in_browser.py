"""The site in a real browser: every page accessible by axe-core, and no wider than the window, on a phone and on a
laptop, by day and by night."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize

from tests.shared import ROOT
from tests.tools import require_tool
from tests.views.page.browser import LAPTOP, PHONE, chromium, opened
from tests.views.page.test_page_in_browser import violations

DOCS = ROOT / "docs"
NAMES = [str(path.relative_to(DOCS).with_suffix("")) for path in sorted(DOCS.rglob("*.md"))] + ["genindex", "search"]
DARK = ["index", "install", "tutorial", "schema", "python-reference", "rules/README"]
"""A page of each make: colours come from the theme alone."""


@pytest.fixture(scope="module")
def browser(site: Path) -> Iterator[Browser]:
    del site
    with chromium(require_tool("chromium", __name__)) as running:
        yield running


def fits(page: Page, size: dict[str, int]) -> bool:
    width: int = page.evaluate("document.documentElement.scrollWidth")
    return width <= size["width"]


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_accessible_and_fits(browser: Browser, site: Path, name: str) -> None:
    with opened(browser, site / f"{name}.html", viewport=PHONE) as (page, heard):
        assert [line for line in heard.console if line.startswith("error")] == []
        assert page.locator("h1").count() == 1
        assert fits(page, PHONE) and violations(page) == []
        page.set_viewport_size(ViewportSize(width=LAPTOP["width"], height=LAPTOP["height"]))
        assert fits(page, LAPTOP)
        # Pages of rules are printed alike and long: of them the contents are looked at on the laptop, too.
        assert (name.startswith("rules/") and name != "rules/README") or violations(page) == []


@pytest.mark.parametrize("name", DARK)
def test_a_page_is_readable_by_night(browser: Browser, site: Path, name: str) -> None:
    with opened(browser, site / f"{name}.html", viewport=PHONE, color_scheme="dark") as (page, _):
        assert violations(page) == []


def test_no_page_of_the_site_is_left_out(site: Path) -> None:
    assert {str(path.relative_to(site).with_suffix("")) for path in site.rglob("*.html")} == {*NAMES}


def test_the_search_finds_a_page_without_a_server(browser: Browser, site: Path) -> None:
    with opened(browser, site / "search.html", viewport=PHONE) as (page, _):
        page.goto(f"{(site / 'search.html').as_uri()}?q=redact")
        page.locator("#search-results a", has_text="Redaction").first.wait_for(timeout=20_000)
        assert violations(page) == []


def test_a_phone_reaches_every_page_by_the_menu(browser: Browser, site: Path) -> None:
    with opened(browser, site / "tutorial.html", viewport=PHONE) as (page, _):
        link = page.locator("aside.sidebar-drawer a", has_text="Recipes")
        assert link.bounding_box() is None or link.bounding_box()["x"] < 0  # type: ignore[index]
        page.locator("label.nav-overlay-icon").first.click()
        link.click()
        page.wait_for_url("**/recipes.html")
