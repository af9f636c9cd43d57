"""docs/extending.md: both files are whole, and pass what the page says that they pass."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.fences import fences
from tests.project.pages import code, read, rows, section
from tests.project.test_new_files import NOT_COPIED, make, run_tests
from tests.shared import ROOT

pytestmark = pytest.mark.needs_tool("make")
PAGE = read("docs/extending.md")
RULE, DIALECT = (fence.text for fence in fences("docs/extending.md") if fence.mark)
MADE = [
    ("rule", "PRAC-no-user-agent", "analyzer/rules/prac_no_user_agent.py", RULE),
    ("dialect", "fieldphone", "analyzer/capture/dialects/fieldphone.py", DIALECT),
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project once more, to be changed."""
    there = tmp_path_factory.mktemp("copy") / "project"
    shutil.copytree(ROOT, there, ignore=NOT_COPIED)
    return there


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("kind", "name", "file", "text"), MADE, ids=["rule", "dialect"])
def test_the_file_of_the_page_is_done(kind: str, name: str, file: str, text: str, copy: Path) -> None:
    said = make(copy, kind, name).stdout.splitlines()
    assert said[0].startswith(f"{file} is there")
    path = copy / file
    path.write_text(text, encoding="utf-8")
    try:
        for words in (["check"], ["format", "--check"]):
            subprocess.run([sys.executable, "-m", "ruff", *words, str(path)], cwd=copy, capture_output=True, check=True)
        command = said[1].split(" -m pytest ")[1]
        folders, _, chosen = command.partition(" -k ")
        assert f"`.venv/bin/python -m pytest {folders} -k " in PAGE
        done = run_tests(copy, "-p", "no:xdist", *folders.split(), "-k", chosen.strip("'"))
        assert done.returncode == 0, done.stdout[-3000:]
        passed = re.search(r"(\d+) passed", done.stdout)
        assert passed is not None and int(passed[1]) > 10
    finally:
        path.unlink()


def test_the_dialect_reads_what_it_is_an_example_of(copy: Path, tmp_path: Path) -> None:
    path, log = copy / "analyzer/capture/dialects/fieldphone.py", tmp_path / "trace.txt"
    path.write_text(DIALECT, encoding="utf-8")
    log.write_text(DIALECT.split('b"""')[1].split('"""')[0])
    try:
        done = subprocess.run(
            [sys.executable, "-m", "analyzer", "log", str(log)], cwd=copy, capture_output=True, text=True, check=False
        )
    finally:
        path.unlink()
    assert "trace of a field phone" in done.stdout and "1 client" in done.stdout, done.stderr


def test_the_parts_of_the_tables_are_parts() -> None:
    for number, text in (("1", RULE), ("2", DIALECT)):
        words = [code(row[0])[0] for row in rows(section(PAGE, number)) if code(row[0])]
        assert len(words) > 3
        assert [word for word in words if word not in text and word != "needs"] == []


def test_what_a_rule_may_answer_is_what_there_is() -> None:
    from analyzer.judge import findings

    named = set(re.findall(r"`(PASSED|NOT_APPLICABLE|Violated|NotJudged)\b", PAGE))
    assert len(named) == 4
    assert [name for name in named if not hasattr(findings, name)] == []
