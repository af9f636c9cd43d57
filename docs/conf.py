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
exclude_patterns = ["man"]
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
html_static_path = ["pictures"]
templates_path: list[str] = []
highlight_language = "none"
linkcheck_ignore = [r"https?://192\.0\.2\..*"]


def setup(app: Sphinx) -> None:
    """Pages are read in the repository, too, where they link to files that are no part of the site."""
    app.connect("source-read", _without_repository_links)


def _without_repository_links(app: Sphinx, name: str, source: list[str]) -> None:
    del app
    above = "../" * (name.count("/") + 1)
    source[0] = re.sub(rf"\[([^\]]+)\]\({re.escape(above)}[^)]+\)", r"\1", source[0])
