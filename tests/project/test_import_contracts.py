"""The import contracts hold: lint-imports passes on the tree, and catches each kind of planted breach."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shared import ROOT


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the contracts of `folder/pyproject.toml` on the packages in `folder`."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(folder), "NO_COLOR": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_contracts_hold() -> None:
    run = lint_imports(ROOT)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """Two small packages under the project's contracts, to break them."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    modules = ["analyzer/capture/formats/deep", "analyzer/sip/uri", "analyzer/register/binding", "analyzer/defect"]
    modules += ["analyzer/cli", "analyzer/views/table", "analyzer/dataframes/frames", "replay/net", "replay/rewrite"]
    for module in modules:
        path = tmp_path / f"{module}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for folder in {path.parent for path in tmp_path.rglob("*.py")} | {tmp_path / "analyzer" / "capture"}:
        (folder / "__init__.py").touch()
    return tmp_path


ALLOWED = [
    ("analyzer/dataframes/frames", "pandas"),
    ("analyzer/cli", "click"),
    ("analyzer/capture/formats/deep", "pyshark"),
    ("analyzer/capture/formats/deep", "dpkt"),
    ("analyzer/cli", "analyzer.views.formats.table"),
    ("replay/net", "asyncio"),
    ("replay/rewrite", "analyzer.sip.uri"),
]


def test_what_has_its_home_is_let_in(house: Path) -> None:
    for module, imported in ALLOWED:
        with (house / f"{module}.py").open("a") as file:
            file.write(f"import {imported}\n")
    run = lint_imports(house)
    assert run.returncode == 0, run.stdout + run.stderr


BREACHES = [
    ("analyzer/defect", "analyzer.sip.uri", "analyzer points down"),
    ("analyzer/register/binding", "analyzer.capture.formats.deep", "analyzer points down"),
    ("analyzer/surplus", "analyzer.defect", "analyzer points down"),
    ("replay/rewrite", "replay.net", "replay points down"),
    ("analyzer/cli", "replay.net", "analyzer never imports replay"),
    ("analyzer/sip/uri", "rich", "sip imports no third party"),
    ("analyzer/views/table", "pandas", "pandas in tables only"),
    ("analyzer/views/table", "click", "click in cli modules only"),
    ("replay/net", "dpkt", "dpkt in capture only, pyshark in its formats only"),
    ("analyzer/capture/udp", "pyshark", "dpkt in capture only, pyshark in its formats only"),
    ("analyzer/register/binding", "time", "sockets and clocks at the rim only"),
    ("replay/rewrite", "socket", "sockets and clocks at the rim only"),
]


@pytest.mark.parametrize(("module", "imported", "contract"), BREACHES)
def test_breach_is_seen(module: str, imported: str, contract: str, house: Path) -> None:
    (house / f"{module}.py").write_text(f"def late() -> None:\n    import {imported}\n")  # lateness is no excuse
    run = lint_imports(house)
    assert run.returncode == 1, run.stdout + run.stderr
    assert f"{contract} BROKEN" in run.stdout


def test_pyshark_has_one_home() -> None:
    statement = re.compile(r"^\s*(import|from) pyshark\b", re.MULTILINE)
    homes = [path for path in (ROOT / "analyzer").rglob("*.py") if statement.search(path.read_text(encoding="utf-8"))]
    assert len(homes) <= 1, homes
