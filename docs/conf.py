"""How the documents become a site: `make docs` builds it into build/site with Sphinx, MyST and furo."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

project = "sipcheck"
copyright = "the sipcheck authors"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["man", "static"]
root_doc = "index"
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
suppress_warnings = ["myst.header", "misc.highlighting_failure"]  # pages of rules begin at their own level
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
html_theme = "furo"
html_title = "sipcheck"
html_copy_source = False
html_show_sphinx = False
html_static_path = ["static"]
html_css_files = ["site.css"]
templates_path: list[str] = []
highlight_language = "none"
linkcheck_ignore = [r"https?://192\.0\.2\..*"]


REPOSITORY = {"changelog": "CHANGELOG.md", "contributing": "CONTRIBUTING.md", "security": "SECURITY.md"}
"""Pages that stand at the top of the repository: a page of `docs/` that only points there is that page on the site."""


def setup(app: Sphinx) -> None:
    """Pages are read in the repository, too, where they link to files that are no part of the site."""
    app.connect("source-read", _without_repository_links)
    app.connect("build-finished", _with_access)


def _without_repository_links(app: Sphinx, name: str, source: list[str]) -> None:
    del app
    above = "../" * (name.count("/") + 1)
    if name in REPOSITORY:
        text = (ROOT / REPOSITORY[name]).read_text(encoding="utf-8")
        source[0] = re.sub(r"\]\((?!https?:|#|docs/)", f"]({above}", text).replace("](docs/", "](")
    for page, file in REPOSITORY.items():
        source[0] = source[0].replace(f"]({above}{file})", f"]({above[3:]}{page}.md)")
    # What is no page is named only; a file of data can be had.
    source[0] = re.sub(rf"\[([^\]]+)\]\({re.escape(above)}(?![^)]+\.json\))[^)]+\)", r"\1", source[0])


def _with_access(app: Sphinx, exception: Exception | None) -> None:
    """What scrolls can be reached by keys, a heading says of which level it is, both columns at the side have names,
    and the page of the search has a heading (WCAG 2.1.1, 4.1.2, 2.4.6): the theme does none of it."""
    for path in Path(app.outdir).rglob("*.html") if exception is None else ():
        text = path.read_text(encoding="utf-8")
        text = text.replace('role="heading">', 'role="heading" aria-level="2">')
        text = text.replace("<pre>", '<pre tabindex="0">').replace("<pre id=", '<pre tabindex="0" id=')
        text = text.replace('<aside class="sidebar-drawer"', '<aside class="sidebar-drawer" aria-label="All pages"')
        text = text.replace('<aside class="toc-drawer', '<aside aria-label="This page" class="toc-drawer')
        text = text.replace('<div id="search-results">', '<h1>Search</h1>\n<div id="search-results">')
        text = re.sub(r'(<div class="table-wrapper[^"]*")', r'\1 tabindex="0"', text)
        path.write_text(text, encoding="utf-8")
