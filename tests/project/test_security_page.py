"""SECURITY.md promises what a test shows, and has a threat for every part that reads, parses, shows or sends."""

from __future__ import annotations

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

from tests.project.pages import rows
from tests.shared import ROOT

PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
HEADS = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
ALL = rows(PAGE)
PROMISES = [row for row in ALL if len(row) == 2]
THREATS = [row for row in ALL if len(row) == 4]
LIBRARIES = [row for row in ALL if len(row) == 3]
PLUGINS = (
    "analyzer/capture/formats",
    "analyzer/capture/dialects",
    "analyzer/register/digest/credential_files",
    "analyzer/views/formats",
    "replay/views/formats",
)
"""Folders of readers and views: naming the folder is not enough there, each file has a row."""
PARTS = ("analyzer/capture", "analyzer/views", "analyzer/views/storm")
"""Folders of which each file and folder is named, or is in one that is."""
NO_THREAT = {
    "analyzer/__main__.py": "the command",
    "analyzer/plugins.py": "looks at our own files",
    "analyzer/spreadsheet.py": "is what CSV is held by",
    "analyzer/capture/__main__.py": "prints a page of the documents",
    "analyzer/capture/reads.py": "prints a page of the documents",
    "analyzer/views/gathered.py": "counts of our own words",
    "analyzer/views/json_schema.py": "prints the schema",
    "analyzer/views/states.py": "words of ours",
    "analyzer/views/times.py": "words of ours",
    "analyzer/views/words.py": "words of ours",
}
"""What takes nothing of what was sent, or is itself what holds, and why."""


def named_parts(cell: str) -> set[str]:
    """The files and folders that a first cell names: paths, and behind `folder`: the names of modules in it."""
    found, folder = set(), ""
    for before, name in re.findall(r"([^`]*)`([^`]+)`", cell):
        if "/" in name:
            folder = name
            found.add(name)
        elif folder and re.search(r"(?:: |, )\Z", before):
            found.discard(folder)
            found.add(f"{folder}/{name}.py")
    return found


PARTS_NAMED = {part for row in THREATS for part in named_parts(row[0])}


@cache
def functions_in(path: Path) -> frozenset[str]:
    """The names of the test functions of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def missing_tests(cell: str) -> list[str]:
    """What a cell names as shown by, and is not there; a file or folder has tests, `file::name` is one of them."""
    missing = []
    for name in re.findall(r"`(tests/[^`]+)`", cell):
        place, _, function = name.partition("::")
        path = ROOT / place
        files = list(path.rglob("test_*.py")) if path.is_dir() else [path]
        tests = {test for file in files if file.is_file() for test in functions_in(file) if test.startswith("test_")}
        if not (function in tests if function else tests):
            missing.append(name)
    return missing


def test_there_are_promises() -> None:
    assert len(PROMISES) > 10


@pytest.mark.parametrize("row", PROMISES, ids=lambda row: row[0][:50])
def test_every_promise_names_tests_that_are_there(row: list[str]) -> None:
    promise, shown = row
    assert promise.endswith(".")
    assert re.search(r"`tests/", shown)
    assert missing_tests(shown) == []


def test_every_row_is_looked_at() -> None:
    assert len(PROMISES) + len(THREATS) + len(LIBRARIES) == len(ALL)
    assert len(THREATS) > 40


@pytest.mark.parametrize("row", THREATS, ids=lambda row: row[0][:50])
def test_every_threat_names_what_holds_it_and_tests_that_are_there(row: list[str]) -> None:
    assert all(row) and re.search(r"`tests/", row[3])
    assert missing_tests(row[3]) == []


@pytest.mark.parametrize("row", THREATS, ids=lambda row: row[0][:50])
def test_every_threat_names_parts_that_are_there(row: list[str]) -> None:
    parts = named_parts(row[0])
    assert parts
    assert [part for part in parts if not (ROOT / part).exists()] == []


def modules(folder: str) -> list[str]:
    """The files and packages in a folder."""
    found = [path for path in (ROOT / folder).iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()]
    return sorted(str(path.relative_to(ROOT)) for path in found if path.name != "__init__.py")


@pytest.mark.parametrize("folder", PLUGINS)
def test_every_reader_and_view_has_a_row_of_its_own_name(folder: str) -> None:
    assert [part for part in modules(folder) if part not in PARTS_NAMED] == []
    assert folder not in PARTS_NAMED


@pytest.mark.parametrize("folder", ["analyzer", *PARTS])
def test_every_part_has_a_row(folder: str) -> None:
    """Itself, what it is in, or what is in it."""
    without = []
    for part in modules(folder):
        above = {str(one) for one in Path(part).parents if str(one) not in PARTS}
        within = any(named.startswith(f"{part}/") for named in PARTS_NAMED)
        if part not in PARTS_NAMED and not above & PARTS_NAMED and not within and part not in NO_THREAT:
            without.append(part)
    assert without == []


def test_what_needs_no_row_is_there_and_has_none() -> None:
    assert [part for part in NO_THREAT if not (ROOT / part).is_file() or part in PARTS_NAMED] == []


@pytest.mark.parametrize("part", [*(f"replay/{name}" for name in ("rewrite", "net", "sipp", "plan.py", "uas.py"))])
def test_what_sends_has_a_row(part: str) -> None:
    assert part in PARTS_NAMED


def test_the_cell_of_parts_is_read() -> None:
    assert named_parts("a (`x/y.py`, `x/z`: `one`, `two`; `x/w.py`)") == {
        "x/y.py",
        "x/z/one.py",
        "x/z/two.py",
        "x/w.py",
    }
    assert named_parts("`--jobs` (`a/run`)") == {"a/run"}


def test_a_test_that_is_not_there_is_found() -> None:
    here = "tests/project/test_security_page.py"
    assert missing_tests(f"`{here}`, `{here}::test_there_are_promises`, `tests/hardness`") == []
    assert missing_tests(f"`{here}::test_none`, `tests/none.py`, `tests/data`, `tests/project/pages.py`") == [
        f"{here}::test_none", "tests/none.py", "tests/data", "tests/project/pages.py"
    ]  # fmt: skip


def test_every_library_that_is_always_installed_is_told_of() -> None:
    """But for those that see nothing of what was sent."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {re.split(r"[>=\[]", name)[0] for name in project["dependencies"]}
    told = " ".join(row[0] for row in LIBRARIES)
    assert needed - {name for name in needed if name in told} == {"click", "packaging"}


def test_every_group_of_threats_is_a_table() -> None:
    groups = re.findall(r"^### (.+)$", PAGE.partition("## Threats, part by part")[2], re.MULTILINE)
    assert groups == [
        "Files and streams",
        "Packets",
        "Texts",
        "What is made of them",
        "Views",
        "Other processes and machines",
    ]


def test_it_says_how_to_report_and_what_is_not_promised() -> None:
    assert HEADS[0] == "Reporting" and HEADS[-1] == "What is not promised"
    assert not re.search(r"[\w.]+@[\w.]+\.\w+", PAGE)


@pytest.mark.parametrize("file", re.findall(r"`(docs/[^`]+)`", PAGE))
def test_the_pages_that_it_points_to_are_there(file: str) -> None:
    assert (ROOT / file).is_file()
