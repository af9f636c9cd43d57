"""`make rule` and `make dialect` write a file that fails its own tests until it is filled in, and overwrite nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from analyzer.rules import all_rules
from analyzer.rules import module_name as name_of_rule
from scripts.new import KINDS, TEMPLATES, filled_in, module_name
from tests.plugins.folders import FOLDERS, loaded
from tests.shared import ROOT, RULES_JSON

pytestmark = pytest.mark.needs_tool("make")
NOT_COPIED = shutil.ignore_patterns(
    ".*", "build", "dist", "*.egg-info", "__pycache__", "notebooks", "benchmarks", "docs"
)
CATALOGUE = json.loads(RULES_JSON.read_text(encoding="utf-8"))
NEW = [
    ("rule", "R3261-99.9-of-the-test", "analyzer/rules/r3261_99_9_of_the_test.py"),
    ("dialect", "of-the-test", "analyzer/capture/dialects/of_the_test.py"),
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project once more, to be changed."""
    there = tmp_path_factory.mktemp("copy") / "project"
    shutil.copytree(ROOT, there, ignore=NOT_COPIED)
    return there


def make(copy: Path, kind: str, name: str) -> subprocess.CompletedProcess[str]:
    """`make rule` or `make dialect` in the copy."""
    variable = {"rule": "ID", "dialect": "NAME"}[kind]
    words = ["make", "-s", kind, f"{variable}={name}", f"PYTHON={sys.executable}"]
    return subprocess.run(words, cwd=copy, capture_output=True, text=True, check=False)


def run_tests(copy: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """pytest in the copy, where nothing may be left of this run's own options."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *words]
    return subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)


@pytest.mark.timeout(400)
@pytest.mark.parametrize(("kind", "name", "file"), NEW)
def test_the_file_fails_until_it_is_filled_in(kind: str, name: str, file: str, copy: Path) -> None:
    run = make(copy, kind, name)
    assert (run.returncode, run.stderr) == (0, "")
    path = copy / file
    try:
        said, command = run.stdout.splitlines()
        assert said.startswith(f"{file} is there")
        assert command == f".venv/bin/python -m pytest {KINDS[kind].tests} -k '{name} or {path.stem}'"
        for check in (["check"], ["format", "--check"]):
            subprocess.run([sys.executable, "-m", "ruff", *check, str(path)], cwd=copy, check=True, capture_output=True)
        chosen = run_tests(copy, "tests/plugins", "-k", f"{name} or {path.stem}")
        assert chosen.returncode == 1, chosen.stdout[-2000:]
        assert path.stem in chosen.stdout
        if kind == "rule":
            assert run_tests(copy, "tests/rules/test_rule_examples.py", "-k", f"{name} or {path.stem}").returncode == 1
    finally:
        path.unlink()


@pytest.mark.parametrize("row", CATALOGUE, ids=lambda row: row["id"])
def test_a_rule_of_the_catalogue_begins_with_its_row(row: dict[str, str]) -> None:
    lines = filled_in((TEMPLATES / "rule.txt").read_text(), row["id"]).splitlines()
    for key in ("title", "clause", "severity", "at_fault", "group"):
        assert f"    {key}={json.dumps(row[key], ensure_ascii=False)}," in lines
    assert len(lines) == len((TEMPLATES / "rule.txt").read_text().splitlines())


def test_what_the_catalogue_does_not_have_is_left_to_be_said() -> None:
    text = (TEMPLATES / "rule.txt").read_text()
    assert filled_in(text, "DET-of-the-test") == text


@pytest.mark.timeout(400)
def test_only_the_new_file_failed(copy: Path) -> None:
    """The same tests pass where it is not: what failed is what is to be said."""
    run = run_tests(copy, "tests/plugins/test_contracts.py", "-k", "not mypy")
    assert run.returncode == 0, run.stdout[-2000:]


@pytest.mark.parametrize(("kind", "name", "file"), NEW)
def test_nothing_is_overwritten(kind: str, name: str, file: str, copy: Path) -> None:
    path = copy / file
    path.write_text("mine\n")
    try:
        run = make(copy, kind, name)
        assert run.returncode != 0
        assert f"{file} is there already; nothing was written" in run.stderr
        assert path.read_text() == "mine\n"
    finally:
        path.unlink()


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("rule", ""),
        ("rule", "callid"),
        ("rule", "R3261-10.2-CallID"),
        ("rule", "R3261-10.2"),
        ("rule", "R3261-10.2-../../x"),
        ("rule", "r3261-10.2-callid"),
        ("rule", "DET-"),
        ("dialect", ""),
        ("dialect", "Kamailio"),
        ("dialect", "../x"),
        ("dialect", "9lives"),
        ("dialect", "a--b"),
    ],
)
def test_an_id_of_another_form_is_refused(kind: str, name: str, copy: Path) -> None:
    before = sorted((copy / KINDS[kind].folder).iterdir())
    run = make(copy, kind, name)
    assert run.returncode != 0
    assert "is no id of a" in run.stderr
    assert KINDS[kind].words in run.stderr
    assert sorted((copy / KINDS[kind].folder).iterdir()) == before


def test_every_id_that_is_there_would_be_taken() -> None:
    import re

    for rule in all_rules():
        assert re.fullmatch(KINDS["rule"].form, rule.id)
        assert module_name(rule.id) == name_of_rule(rule.id)
    for name in FOLDERS["dialect"].names():
        assert re.fullmatch(KINDS["dialect"].form, loaded("dialect", name).NAME)
        assert module_name(loaded("dialect", name).NAME) == name


def test_each_kind_has_its_template_with_something_to_be_said() -> None:
    assert {path.stem for path in TEMPLATES.iterdir()} == set(KINDS)
    for path in TEMPLATES.iterdir():
        assert path.read_text().count("TODO") > 4


def test_the_name_of_a_fuzz_target_is_no_name_of_a_dialect() -> None:
    run = subprocess.run(["make", "-n", "fuzz"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "-m tests.fuzz message" in run.stdout


def test_usage_is_told() -> None:
    run = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "new.py"), "view"], capture_output=True, text=True, check=False
    )
    assert run.returncode != 0
    assert run.stderr.startswith("usage: make rule ID=")
