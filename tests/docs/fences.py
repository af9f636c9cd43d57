"""The blocks of a page: what a reader copies, and what is shown as printed.

A block is run by the tests of this folder, or the line above it says what it is: `<!-- run by: FILE -->` names the test
that does, `<!-- output: of what -->` that nobody types it.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from markdown_it import MarkdownIt

from tests.project.pages import read
from tests.shared import ROOT

PAGES = sorted(str(path.relative_to(ROOT)) for path in [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"])
_MARK = re.compile(r"<!-- (run by|output): (.+) -->")


@dataclass(frozen=True)
class Fence:
    """One block: its language, its text, and how the line above it is marked (empty: not at all)."""

    page: str
    line: int
    language: str
    text: str
    mark: str
    said: str

    def __str__(self) -> str:
        return f"{self.page.removeprefix('docs/')}:{self.line}"

    @property
    def printed(self) -> tuple[list[str], list[str]] | None:
        """The command under `$ sipcheck`, and the lines that it is said to print; None for other text."""
        head, _, rest = self.text.partition("\n")
        if not head.startswith("$ sipcheck "):
            return None
        return shlex.split(head)[1:], [line for line in rest.splitlines() if line.strip() not in ("", "...")]


def fences(page: str) -> list[Fence]:
    """All of a page, in their order; blocks that are told by an indentation too, with the language `indented`."""
    return blocks(page, read(page))


def blocks(page: str, text: str) -> list[Fence]:
    """The same of a text."""
    lines = text.splitlines()
    found = []
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.type in ("fence", "code_block"):
            assert token.map is not None
            first = token.map[0]
            mark = _MARK.fullmatch(lines[first - 1].strip()) if first else None
            language = token.info.strip() if token.type == "fence" else "indented"
            found.append(Fence(page, first + 1, language, token.content, *(mark.groups() if mark else ("", ""))))
    return found
