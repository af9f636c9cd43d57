"""What is installed and what is handed on: a wheel in which every example of the help runs, and a source distribution
that is the project."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from analyzer.cli.samples import MOST_OCTETS
from tests.project.test_text import tracked
from tests.shared import ROOT

COMMANDS = [
    *("", "log", "pcap", "verify-digest", "storm", "annotate", "compare", "export", "ladder", "redact", "report"),
    *("rules", "samples", "replay"),
]
"""The commands whose help has examples."""
ON_A_NETWORK = {"live"}
"""Commands whose examples need an interface: `tests/cli/test_live.py` runs them on one of its own."""
BUILD = "import setuptools.build_meta as build; build.build_sdist({0!r}); build.build_wheel({0!r})"
MADE = re.compile(r"PKG-INFO|setup\.cfg|sipcheck\.egg-info/.*")
"""What setuptools adds to a source distribution."""


def run(words: Sequence[str], folder: Path, installed: Path) -> subprocess.CompletedProcess[str]:
    """The installed command, in `folder`."""
    kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "SIPCHECK_PASSWORD")}
    return subprocess.run(
        [sys.executable, str(installed / "bin" / "sipcheck"), *words],
        cwd=folder,
        env=kept | {"PYTHONPATH": str(installed), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both distributions, built from a copy of the checkout without a network."""
    folder = tmp_path_factory.mktemp("build")
    for path in tracked():
        copy = folder / "checkout" / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    script = BUILD.format(str(folder))
    done = subprocess.run([sys.executable, "-c", script], cwd=folder / "checkout", capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return folder


@pytest.fixture(scope="module")
def installed(built: Path) -> Path:
    """A folder with the wheel installed in it; what it needs is taken from the environment of the tests."""
    (wheel,) = built.glob("*.whl")
    target = built / "installed"
    offline = ["--no-index", "--no-deps", "--quiet", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *offline, "--target", str(target), str(wheel)]
    subprocess.run(command, check=True, capture_output=True)
    return target


@pytest.fixture(scope="module")
def parent(built: Path, installed: Path) -> Path:
    """A folder in which `sipcheck samples samples` was run."""
    folder = built / "somewhere"
    folder.mkdir()
    assert run(["samples", "samples"], folder, installed).returncode == 0
    return folder


def test_the_wheel_has_the_packages_and_the_samples(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        size = sum(one.file_size for one in archive.infolist() if "/_samples/" in one.filename)
    modules = {str(path.relative_to(ROOT)) for top in ("analyzer", "replay") for path in (ROOT / top).rglob("*.py")}
    assert modules <= names
    assert {name for name in names if name.endswith(".py")} <= modules
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"analyzer", "replay", "sipcheck"}
    samples = {path.relative_to(ROOT) for path in tracked() if path.is_relative_to(ROOT / "samples")}
    assert {f"analyzer/_{path}" for path in samples if path.suffix != ".py"} == {
        name for name in names if "/_samples/" in name
    }
    assert 0 < size <= MOST_OCTETS


def test_the_wheel_has_the_manual_and_the_schema(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    pages = {name.rpartition("/")[2] for name in names if "/data/share/man/man1/" in name}
    assert pages == {path.name for path in (ROOT / "docs" / "man").glob("*.1")} != set()
    assert "analyzer/views/sipcheck-1.schema.json" in names


def test_the_installed_command_is_the_installed_one(installed: Path, tmp_path: Path) -> None:
    script = "import analyzer, replay; print(analyzer.__file__, replay.__file__)"
    environment = os.environ | {"PYTHONPATH": str(installed)}
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert all(Path(one).is_relative_to(installed) for one in done.stdout.split())


def examples(text: str) -> list[list[str]]:
    """The examples of a help text, without the command's own name."""
    return [shlex.split(line)[1:] for line in text.splitlines() if line.startswith("  sipcheck ")] or [
        shlex.split(line)[1:] for line in text.splitlines() if line.strip().startswith("sipcheck ")
    ]


def harmless(words: list[str]) -> list[str]:
    """The same words, but what is sent goes to a port where nobody listens, and who listens does so for a moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
        nobody.bind(("127.0.0.1", 0))
        free = f"127.0.0.1:{nobody.getsockname()[1]}"
    moved = [free if word.startswith("127.0.0.1:") else word for word in words]
    return [*moved, "--timeout", "0.5"] if "--listen" in words else moved


@pytest.mark.parametrize("command", COMMANDS)
def test_every_example_of_the_help_runs(parent: Path, installed: Path, command: str) -> None:
    told = run([*command.split(), "--help"], parent, installed)
    assert told.returncode == 0 and "First have" not in told.stdout
    shown = examples(told.stdout)
    assert shown
    for words in shown:
        place = parent if words[0] != "samples" else parent.parent
        done = run(harmless(words), place, installed)
        assert done.returncode in (0, 1) and "Traceback" not in done.stderr, (words, done.stderr)
        assert done.stdout.strip() or done.stderr.strip()


@pytest.mark.parametrize("command", [one for one in COMMANDS if one != "samples"])
def test_the_help_says_how_to_have_the_samples(installed: Path, tmp_path: Path, command: str) -> None:
    told = run([*command.split(), "--help"], tmp_path, installed)
    assert told.stdout.rstrip().endswith("sipcheck samples samples")
    (tmp_path / "samples").mkdir()
    assert "First have" not in run([*command.split(), "--help"], tmp_path, installed).stdout


def test_every_help_with_examples_is_looked_at(installed: Path, tmp_path: Path) -> None:
    listed = run(["--help"], tmp_path, installed).stdout.partition("Commands:\n")[2].partition("\n\n")[0]
    names = [line.split()[0] for line in listed.splitlines()]
    assert set(COMMANDS[1:]) <= set(names)
    for name in set(names) - set(COMMANDS) - ON_A_NETWORK:
        assert "Examples:" not in run([name, "--help"], tmp_path, installed).stdout


def test_the_source_distribution_is_what_git_tracks(built: Path) -> None:
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {one.name.partition("/")[2] for one in opened.getmembers() if one.isfile()}
    assert {name for name in names if not MADE.fullmatch(name)} == {str(path.relative_to(ROOT)) for path in tracked()}


def test_the_source_distribution_runs_its_tests(built: Path, tmp_path: Path) -> None:
    """In an empty folder, without git and without this checkout."""
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    chosen = ["tests/sip/test_via.py", "tests/cli/test_samples_command.py", "tests/project/test_size_limits.py"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *chosen],
        cwd=unpacked,
        env=kept,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert re.search(r"\d+ passed", done.stdout)
