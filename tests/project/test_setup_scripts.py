"""The way from a fresh machine: what is missing is said in one line, and nothing is installed by surprise."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.shared import ROOT

ABSENT = "no-such-program-of-sip"
AS_USER = {"id": "echo 1000", "sudo": "exit 1", "apt-get": 'echo surprise > "$MARK"'}
AS_SUDOER = {"id": "echo 1000", "sudo": 'shift; exec "$@"'}
AS_ROOT = {"id": "echo 0", "sudo": "exit 1"}
INSTALLS = {"apt-get": f'echo "$@" >> "$MARK"; cp "$0" "${{0%/*}}/{ABSENT}"'}


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """The folder that comes first on PATH; `plant` puts programs there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


def plant(folder: Path, programs: dict[str, str]) -> None:
    """Shell programs of one line each."""
    for name, line in programs.items():
        path = folder / name
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)


def run_script(machine: Path, *words: str, ci: str = "") -> subprocess.CompletedProcess[str]:
    """A script of scripts/ with `machine` first on PATH; $MARK is the file beside it in which programs leave word."""
    environment = {"PATH": f"{machine}{os.pathsep}{os.environ['PATH']}", "MARK": str(machine.parent / "mark"), "CI": ci}
    command = ["sh", str(ROOT / "scripts" / words[0]), *words[1:]]
    return subprocess.run(command, cwd=machine.parent, env=environment, capture_output=True, text=True, check=False)


def test_tools_that_are_there_need_nothing(machine: Path) -> None:
    plant(machine, AS_USER)
    run = run_script(machine, "tools.sh", "sh:dash", ci="true")
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


@pytest.mark.parametrize(("ci", "status"), [("", 0), ("true", 1)])
def test_user_is_told_the_line_and_nothing_is_installed(machine: Path, ci: str, status: int) -> None:
    plant(machine, AS_USER)
    run = run_script(machine, "tools.sh", "sh:dash", f"{ABSENT}:its-package", ci=ci)
    assert run.returncode == status
    assert "sudo apt-get install --no-install-recommends its-package" in run.stderr
    assert "dash" not in run.stderr
    assert not (machine.parent / "mark").exists()


@pytest.mark.parametrize("who", [AS_ROOT, AS_SUDOER], ids=["root", "sudo"])
def test_who_may_gets_it_installed(machine: Path, who: dict[str, str]) -> None:
    plant(machine, {**who, **INSTALLS})
    run = run_script(machine, "tools.sh", f"{ABSENT}:its-package", ci="true")
    assert run.returncode == 0, run.stderr
    said = (machine.parent / "mark").read_text().splitlines()
    assert said == ["update -qq", "install -y -qq --no-install-recommends its-package"]


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ('case "$*" in --version) echo Python 3.9.2;; *version_info*) exit 1;; esac', "Python 3.9.2 is too old"),
        ('case "$*" in *ensurepip*) exit 1;; esac', "has no venv module"),
        (None, "there is no python-of-the-test"),
    ],
)
def test_python_that_will_not_do_is_named(machine: Path, program: str | None, message: str) -> None:
    if program is not None:
        plant(machine, {"python-of-the-test": program})
    run = run_script(machine, "venv.sh", "python-of-the-test", "folder")
    assert run.returncode == 1
    assert message in run.stderr
    assert run.stderr.count("\n") == 1


@pytest.mark.parametrize(("status", "passes"), [(0, True), (1, True), (2, False), (3, False), (4, False)])
def test_demo_takes_findings_for_success_and_nothing_else(tmp_path: Path, status: int, passes: bool) -> None:
    folder = tmp_path / "venv"
    (folder / "bin").mkdir(parents=True)
    plant(folder / "bin", {"sipcheck": f"exit {status}", "python": "exit 0"})
    for stamp in (".created", ".installed"):
        (folder / stamp).touch()
    command = ["make", "demo", f"VENV={folder}"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (run.returncode == 0) is passes, run.stderr
