"""The site in a real browser: accessible by axe-core, and no wider than the window, on a phone and on a laptop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.tools import require_tool
from tests.views.page.browser import LAPTOP, PHONE, chromium, opened
from tests.views.page.test_page_in_browser import violations

PAGES = ["index", "tutorial", "recipes", "interface", "tables", "python-reference", "rules/README", "rules/digest"]


@pytest.fixture(scope="module")
def browser(site: Path) -> Iterator[Browser]:
    del site
    with chromium(require_tool("chromium", __name__)) as running:
        yield running


@pytest.mark.parametrize("size", [PHONE, LAPTOP], ids=["phone", "laptop"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible_and_fits(browser: Browser, site: Path, name: str, size: dict[str, int]) -> None:
    with opened(browser, site / f"{name}.html", viewport=size) as (page, _):
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        assert page.locator("h1").count() == 1
