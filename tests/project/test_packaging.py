"""The distribution: whole packages, one command, and a lock that fits what pyproject.toml asks for."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.shared import ROOT

PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT: dict[str, Any] = PYPROJECT["project"]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PINS = [Requirement(line) for line in LOCK.splitlines() if line and not line.startswith("#")]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
ASKED = sorted({*PROJECT["dependencies"], *(asked for extra in EXTRAS.values() for asked in extra)})


@pytest.mark.parametrize("asked", ASKED)
def test_lock_fits_the_bound(asked: str) -> None:
    requirement = Requirement(asked)
    assert [spec.operator for spec in requirement.specifier] == [">="], "a lower bound, the lock says the rest"
    pins = [pin for pin in PINS if canonicalize_name(pin.name) == canonicalize_name(requirement.name)]
    assert len(pins) == 1
    (pin,) = pins[0].specifier
    assert requirement.specifier.contains(pin.version)


def test_lock_names_exact_versions_and_no_place() -> None:
    assert all(pin.url is None and [spec.operator for spec in pin.specifier] == ["=="] for pin in PINS)
    assert "://" not in LOCK
    assert "--" not in LOCK


def test_versions_agree() -> None:
    assert PROJECT["name"] == "sipcheck"
    assert PROJECT["scripts"] == {"sipcheck": "analyzer.cli:main"}
    assert PROJECT["requires-python"] == ">=3.11"


@pytest.mark.parametrize("package", ["analyzer", "replay"])
def test_every_folder_of_modules_is_a_package(package: str) -> None:
    folders = {path.parent for path in (ROOT / package).rglob("*.py")}
    bare = [str(folder.relative_to(ROOT)) for folder in folders if not (folder / "__init__.py").is_file()]
    assert sorted(bare) == []


@pytest.mark.parametrize("package", ["analyzer", "replay"])
def test_packages_say_that_they_are_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()


def test_test_files_have_names_of_their_own() -> None:
    seen: dict[str, Path] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        assert path.name not in seen, f"{path} and {seen[path.name]}"
        seen[path.name] = path
