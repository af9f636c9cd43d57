"""The version as Python tells it, and that the package warns of nothing."""

from __future__ import annotations

import subprocess
import sys
import tomllib

from click.testing import CliRunner

import analyzer
from analyzer.cli import sipcheck
from tests.shared import ROOT


def test_it_is_that_of_the_command_and_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert analyzer.__version__ == project["version"]
    assert CliRunner().invoke(sipcheck, ["--version"]).output == f"sipcheck {project['version']}\n"
    assert "__version__" in analyzer.__all__


def test_nothing_is_warned_of_at_import() -> None:
    names = "; ".join(f"analyzer.{name}" for name in analyzer.__all__)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"import analyzer; {names}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
