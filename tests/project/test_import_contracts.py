"""The import contracts hold: lint-imports passes on the tree, and catches each kind of planted breach."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
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
    """The two packages under the project's contracts, every module empty, to break them."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for path in [*(ROOT / "analyzer").rglob("*.py"), *(ROOT / "replay").rglob("*.py")]:
        empty = tmp_path / path.relative_to(ROOT)
        empty.parent.mkdir(parents=True, exist_ok=True)
        empty.touch()
    return tmp_path


ALLOWED = [
    ("analyzer/dataframes/frames", "pandas"),
    ("analyzer/storm/analysis", "pandas"),
    ("analyzer/storm/traffic", "analyzer.sip.timers"),
    ("analyzer/cluster/rows", "pyarrow"),
    ("analyzer/cluster/executor", "distributed"),
    ("analyzer/cli/run", "click"),
    ("analyzer/capture/tshark/dissection", "pyshark"),
    ("analyzer/capture/ip", "dpkt"),
    ("analyzer/run/pipeline", "analyzer.columnar.door"),
    ("analyzer/columnar/scan", "numpy"),
    ("analyzer/cli/run", "analyzer.views.formats.table"),
    ("analyzer/run/report", "analyzer.views.page.notebook"),
    ("analyzer/run/report", "analyzer.views.schema"),
    ("replay/net/play", "asyncio"),
    ("replay/rewrite/auth", "analyzer.sip.uri"),
]


def test_what_has_its_home_is_let_in(house: Path) -> None:
    for module, imported in ALLOWED:
        with (house / f"{module}.py").open("a") as file:
            file.write(f"import {imported}\n")
    run = lint_imports(house)
    assert run.returncode == 0, run.stdout + run.stderr


BREACHES = [
    ("analyzer/defect", "analyzer.sip.uri", "analyzer points down"),
    ("analyzer/register/binding", "analyzer.capture.formats.pcap", "analyzer points down"),
    ("analyzer/judge/judge", "analyzer.rules", "analyzer points down"),
    ("analyzer/run/report", "analyzer.views.catalogue", "analyzer points down"),
    ("analyzer/surplus", "analyzer.defect", "analyzer points down"),
    ("analyzer/run/report", "analyzer.run.pipeline", "a run points down"),
    ("analyzer/columnar/scan", "analyzer.columnar.shapes", "the columns point down"),
    ("analyzer/cli/run", "analyzer.columnar.door", "the pipeline alone knows the columns"),
    ("analyzer/run/pipeline", "analyzer.columnar.scan", "the pipeline alone knows the columns"),
    ("analyzer/register/digest/arithmetic", "analyzer.register.digest.verdict", "digest points down"),
    ("analyzer/storm/values", "analyzer.evidence", "the storm analysis stands on DataFrames alone"),
    ("analyzer/storm/values", "analyzer.sip.scalar", "the storm analysis stands on DataFrames alone"),
    ("analyzer/sip/timers", "analyzer.evidence", "the timers stand alone"),
    ("analyzer/rules/det_weak_md5", "analyzer.rules.det_auth_loop", "folders of plug-ins know nothing of each other"),
    ("analyzer/capture/text/lines", "analyzer.capture.asterisk.banners", "what every text log needs knows no dialect"),
    ("replay/rewrite/auth", "replay.net.play", "replay points down"),
    ("analyzer/cli/run", "replay.net", "analyzer never imports replay"),
    ("analyzer/sip/uri", "rich", "sip imports no third party"),
    ("analyzer/views/formats/table", "pandas", "pandas in three folders only"),
    ("analyzer/storm/analysis", "dask", "dask in four modules of the cluster only"),
    ("analyzer/views/formats/table", "click", "click in cli modules only"),
    ("replay/net/play", "dpkt", "dpkt in capture only, pyshark in one module only"),
    ("analyzer/capture/udp", "pyshark", "dpkt in capture only, pyshark in one module only"),
    ("analyzer/storm/values", "rich", "rich in views and cli only"),
    ("analyzer/register/binding", "time", "sockets and clocks at the I/O boundary only"),
    ("replay/rewrite/auth", "socket", "sockets and clocks at the I/O boundary only"),
]


def test_every_contract_is_broken_by_something_here() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    assert {contract["name"] for contract in contracts} == {name for *_, name in BREACHES}


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
