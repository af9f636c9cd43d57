"""docs/architecture.md describes the tree that is there: every folder, every contract, every subject of a rule."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import get_args

import pytest

from analyzer.judge.findings import SubjectKind
from analyzer.rules import all_rules
from tests.project.pages import code, paths, read, rows, section
from tests.shared import ROOT

PAGE = read("docs/architecture.md")
FOLDERS = [code(row[0])[0] for row in rows(section(PAGE, "2"))]
PARTS = ("analyzer", "replay")


def packages(folder: Path) -> list[str]:
    """The packages right below a folder, with a slash at the end."""
    return sorted(f"{one.parent.relative_to(ROOT)}/" for one in folder.glob("*/__init__.py"))


@pytest.mark.parametrize("path", paths(PAGE))
def test_every_path_is_there(path: str) -> None:
    assert (ROOT / path).exists() or (ROOT / "docs" / path).exists()


@pytest.mark.parametrize("part", PARTS)
def test_every_folder_of_a_package_is_described(part: str) -> None:
    assert set(packages(ROOT / part)) - set(FOLDERS) == set()


def test_folders_of_folders_are_described_where_they_hold_plug_ins_or_are_shared() -> None:
    below = {one for part in ("capture", "register") for one in packages(ROOT / "analyzer" / part)}
    assert below - set(FOLDERS) == set()


def test_every_folder_of_the_repository_is_described() -> None:
    found = {f"{one.name}/" for one in ROOT.iterdir() if one.is_dir() and not one.name.startswith(".")}
    made = {"build/", "dist/", "sipcheck.egg-info/", "htmlcov/"}
    assert found - made - set(FOLDERS) == set()


def test_no_folder_is_described_twice() -> None:
    assert len(FOLDERS) == len(set(FOLDERS)) > 30


def test_every_module_beside_the_folders_is_named() -> None:
    modules = {f"analyzer/{one.name}" for one in (ROOT / "analyzer").glob("*.py") if not one.name.startswith("__")}
    assert modules - set(paths(section(PAGE, "2"))) == set()


def test_every_contract_is_explained() -> None:
    project = tomllib.loads(read("pyproject.toml"))
    contracts = {contract["name"] for contract in project["tool"]["importlinter"]["contracts"]}
    explained = {name for row in rows(section(PAGE, "7")) for name in row[0].split("; ")}
    assert explained == contracts


def test_the_subjects_are_those_of_the_code() -> None:
    table = rows(section(PAGE, "5"))
    assert {code(row[0])[0] for row in table} == set(get_args(SubjectKind))
    subjects = {rule.id: rule.subject for rule in all_rules()}
    assert [row for row in table if subjects[code(row[2])[0]] != code(row[0])[0]] == []


def test_the_sections_are_numbered_one_after_the_other() -> None:
    numbers = [line.split()[1] for line in PAGE.splitlines() if line.startswith("## ")]
    assert numbers == [f"{number}." for number in range(1, len(numbers) + 1)]
