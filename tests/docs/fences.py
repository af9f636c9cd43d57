"""The fences of a page: what a reader copies, and what is shown as printed."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from tests.project.pages import read
from tests.shared import ROOT

PAGES = sorted(str(path.relative_to(ROOT)) for path in [*(ROOT / "docs").glob("*.md"), ROOT / "README.md"])
_FENCE = re.compile(r"(?:<!-- not run: (?P<why>[^\n]+) -->\n)?^```(?P<language>\S*)\n(?P<text>.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Fence:
    """One fence: its language, its text, and why nobody runs it (empty: it is run)."""

    page: str
    line: int
    language: str
    text: str
    why: str

    def __str__(self) -> str:
        return f"{Path(self.page).name}:{self.line}"

    @property
    def printed(self) -> tuple[list[str], list[str]] | None:
        """The command under `$ sipcheck`, and the lines that it is said to print; None for other text."""
        head, _, rest = self.text.partition("\n")
        if not head.startswith("$ sipcheck "):
            return None
        return shlex.split(head)[1:], [line for line in rest.splitlines() if line.strip() not in ("", "...")]


def fences(page: str) -> list[Fence]:
    """All of a page, in their order."""
    text = read(page)
    return [
        Fence(page, text.count("\n", 0, one.start("language")) + 1, one["language"], one["text"], one["why"] or "")
        for one in _FENCE.finditer(text)
    ]
