"""Pages of the project as the tests look at them: their tables, their commands, the paths that they name."""

from __future__ import annotations

import re
import shlex

from tests.shared import ROOT

FENCE = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEAD = r"(?:analyzer|replay|tests|samples|docs|benchmarks|notebooks|scripts)"
PATH = re.compile(rf"(?<![\w/.])({HEAD}/[\w./-]*\w/?|[\w.]+\.(?:toml|lock|md)|Makefile)")


def read(name: str) -> str:
    """The text of a page."""
    return (ROOT / name).read_text(encoding="utf-8")


def section(text: str, number: str) -> str:
    """The text under the heading that begins with `number`, up to the next heading of its level or above."""
    match = re.search(rf"^(#+) {re.escape(number)}\.? .*$", text, re.MULTILINE)
    assert match is not None, number
    rest = text[match.end() :]
    end = re.search(rf"^#{{2,{len(match[1])}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def rows(text: str) -> list[list[str]]:
    """The cells of every row of the tables in `text`, without heads; `\\|` is a bar within a cell."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    found = []
    for at, line in enumerate(lines):
        is_head = at + 1 < len(lines) and set(lines[at + 1]) <= set("|-: ")
        if not is_head and not set(line) <= set("|-: "):
            found.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return found


def code(text: str) -> list[str]:
    """What stands between backquotes."""
    return re.findall(r"`([^`]+)`", text)


def words_of(fence: str) -> list[list[str]]:
    """The command lines of a fence in words; comments are left out, continued lines joined."""
    lines = fence.replace("\\\n", " ").splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def commands(text: str) -> list[list[str]]:
    """The command lines of all fences that a shell is to run, in words."""
    return [words for fence in FENCE.findall(text) for words in words_of(fence)]


def paths(text: str) -> list[str]:
    """Paths of the repository that a page names: in backquotes, in links, or in commands."""
    named = [*code(text), *re.findall(r"\]\(([^)#]+)\)", text), *(word for line in commands(text) for word in line)]
    return sorted({path for name in named for path in PATH.findall(name) if "*" not in name})
