"""What the pages tell a reader to type works, and what they show as printed is printed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.docs.fences import PAGES, Fence, fences
from tests.project.pages import words_of
from tests.shared import ROOT

ALL = [fence for page in PAGES for fence in fences(page)]
LANGUAGES = {"sh", "python", "text", "json", "toml", "yaml", "{toctree}", "{eval-rst}"}
SHELL = [fence for fence in ALL if fence.language == "sh" and not fence.why]
PYTHON = [fence for fence in ALL if fence.language == "python" and not fence.why]
PRINTED = [fence for fence in ALL if fence.language == "text" and fence.printed is not None]
_OTHERS = ("openssl",)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the reader stands: a folder with the samples."""
    (tmp_path / "samples").symlink_to(ROOT / "samples", target_is_directory=True)
    return tmp_path


def run(words: Sequence[str], folder: Path, **given: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "SIPCHECK_PASSWORD")}
    environment |= {"PYTHONPATH": str(ROOT), "NO_COLOR": "1", **given}
    command = [sys.executable, "-m", "analyzer", *words[1:]] if words[0] == "sipcheck" else list(words)
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


def test_every_fence_has_a_language_that_is_looked_at() -> None:
    assert [str(fence) for fence in ALL if fence.language not in LANGUAGES] == []
    assert len(SHELL) > 20 and len(PYTHON) > 4 and len(PRINTED) > 2


def test_what_is_not_run_says_why() -> None:
    for fence in ALL:
        assert not fence.why or (fence.language in ("sh", "python") and len(fence.why) > 10), str(fence)


@pytest.mark.parametrize("fence", SHELL, ids=str)
def test_commands_run(fence: Fence, folder: Path) -> None:
    if fence.page == "README.md":
        pytest.skip("tests/project/test_readme.py runs it")
    if fence.text.startswith("sipcheck samples samples"):
        (folder / "samples").unlink()
    for words in words_of(fence.text):
        if words[0] == "make":
            assert run(["make", "-C", str(ROOT), "-n", *words[1:]], folder).returncode == 0, words
            continue
        assert words[0] == "sipcheck" or words[0] in _OTHERS, f"{fence}: {words[0]} is not run here"
        if words[0] in _OTHERS and shutil.which(words[0]) is None:
            pytest.skip(f"{words[0]} is not installed")
        done = run(words, folder)
        assert done.returncode in (0, 1), (words, done.stderr)
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("fence", PYTHON, ids=str)
def test_python_runs(fence: Fence, folder: Path) -> None:
    done = run([sys.executable, "-c", fence.text], folder)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("fence", PRINTED, ids=str)
def test_what_is_shown_is_printed(fence: Fence, folder: Path) -> None:
    """Line by line, in order; `...` stands for what is left out."""
    assert fence.printed is not None
    words, shown = fence.printed
    printed = iter(run(words, folder).stdout.splitlines())
    assert shown
    for line in shown:
        assert line.rstrip() in (one.rstrip() for one in printed), f"{fence}: not printed, or not there: {line!r}"
