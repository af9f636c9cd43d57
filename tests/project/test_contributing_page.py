"""CONTRIBUTING.md runs: its targets, options and paths are there."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.project.pages import commands, paths, read
from tests.project.test_readme import sipcheck
from tests.shared import ROOT

PAGE = read("CONTRIBUTING.md")
COMMANDS = commands(PAGE)
TARGETS = sorted({(line[1], *line[2:]) for line in COMMANDS if line[0] == "make"})
TESTS = [line for line in COMMANDS if line[1:3] == ["-m", "pytest"]]


def is_target(words: tuple[str, ...]) -> bool:
    """Whether make knows what is asked of it; nothing is run."""
    run = subprocess.run(["make", "-n", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    makefile = read("Makefile")
    return run.returncode == 0 and re.search(rf"^{words[0]}:", makefile, re.MULTILINE) is not None


@pytest.mark.parametrize("words", TARGETS, ids=" ".join)
def test_target_is_there(words: tuple[str, ...]) -> None:
    assert is_target(words)


@pytest.mark.parametrize("words", TESTS, ids=" ".join)
def test_tests_are_found(words: list[str]) -> None:
    """What the page says to run is collected; running it is what the suite does anyway."""
    command = [sys.executable, "-m", "pytest", *words[3:], "--collect-only", "-q", "-p", "no:cacheprovider"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-2000:]
    assert "::test_" in run.stdout


@pytest.mark.parametrize(
    "words", [line for line in COMMANDS if line[0].endswith("/sipcheck")], ids=lambda words: " ".join(words[1:])
)
def test_command_runs(words: list[str]) -> None:
    run = sipcheck(words[1:])
    assert run.returncode == 0, run.stderr


def test_no_command_is_left_out() -> None:
    known = {"make", "git", ".venv/bin/python", ".venv/bin/sipcheck"}
    assert [line for line in COMMANDS if line[0] not in known] == []
    assert len(TESTS) >= 3


@pytest.mark.parametrize("path", paths(PAGE))
def test_every_path_is_there(path: str) -> None:
    assert (ROOT / path).exists()


def test_it_begins_with_what_is_out_of_scope() -> None:
    heads = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    assert heads[0] == "Out of scope" and heads[-1] == "Release"


@pytest.mark.parametrize("folder", ["rules", "capture/formats", "capture/dialects", "capture/links", "views/formats"])
def test_every_folder_of_plug_ins_is_told_how_to_add_to(folder: str) -> None:
    assert f"`analyzer/{folder}/`" in PAGE


def test_the_limits_are_those_that_are_held() -> None:
    from tests.project.test_size_limits import FILE_LINES, FUNCTION_LINES

    assert f"No function over {FUNCTION_LINES} lines, no file over {FILE_LINES} " in PAGE
