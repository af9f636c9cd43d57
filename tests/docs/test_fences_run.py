"""What the pages tell a reader to type works, and what they show as printed is printed."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from analyzer.judge.flowtext import read_flow
from tests.docs.fences import PAGES, Fence, blocks, fences
from tests.project.pages import words_of
from tests.shared import ROOT

ALL = [fence for page in PAGES for fence in fences(page)]
LANGUAGES = {"sh", "zsh", "fish", "python", "text", "flow", "json", "toml", "yaml", "{toctree}", "{eval-rst}"}
SHELL = [fence for fence in ALL if fence.language == "sh" and not fence.mark and fence.page != "README.md"]
PYTHON = [fence for fence in ALL if fence.language == "python" and not fence.mark]
FLOWS = [fence for fence in ALL if fence.language == "flow"]
PRINTED = [fence for fence in ALL if fence.language == "text" and fence.printed is not None]
SITE = {"{toctree}", "{eval-rst}"}
"""Blocks that are no code: `make docs` makes something else of them."""
OTHERS = {"README.md": "tests/project/test_readme.py"}
"""The page of which a test of its own runs all that is not run here."""
SHIM = """#!/bin/sh
{command} "$@"
code=$?
echo "$code {name} $*" >>"$SAID"
exit $code
"""


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


def typed(text: str, folder: Path, tmp: Path) -> tuple[list[str], str]:
    """What became of a block that is pasted into bash (each command with its exit code), and what went to standard
    error. `make` tells what it would do."""
    programs, said = tmp / "programs", tmp / "said"
    programs.mkdir()
    said.touch()
    for name, command in {
        "sipcheck": f"{sys.executable} -m analyzer",
        "make": f"{shutil.which('make')} -C {ROOT} -n",
    }.items():
        (programs / name).write_text(SHIM.format(command=command, name=name))
        (programs / name).chmod(0o755)
    done = run(["bash", "-c", text], folder, PATH=f"{programs}:{os.environ['PATH']}", SAID=str(said))
    return said.read_text().splitlines(), done.stderr


def test_every_block_has_a_language_that_is_looked_at() -> None:
    assert [str(fence) for fence in ALL if fence.language not in LANGUAGES] == []
    assert len(SHELL) > 20 and len(PYTHON) > 4 and len(PRINTED) > 2 and len(FLOWS) > 200


def test_every_block_is_run_or_marked() -> None:
    """The rest is none: neither run, nor said to be output."""
    run_here = {*SHELL, *PYTHON, *FLOWS, *PRINTED}
    rest = [fence for fence in ALL if fence not in run_here and not fence.mark and fence.language not in SITE]
    assert [str(fence) for fence in rest if fence.page not in OTHERS] == []
    for page, test in OTHERS.items():
        assert page in (ROOT / test).read_text(encoding="utf-8") and [fence for fence in rest if fence.page == page]


def test_who_is_said_to_run_a_block_does() -> None:
    for fence in ALL:
        if fence.mark == "run by":
            assert fence.page in (ROOT / fence.said).read_text(encoding="utf-8"), f"{fence}: {fence.said}"


def test_what_is_not_run_is_output() -> None:
    assert {fence.language for fence in ALL if fence.mark == "output"} == {"text"}


@pytest.mark.parametrize("fence", SHELL, ids=str)
def test_commands_run(fence: Fence, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    if fence.text.startswith("sipcheck samples samples"):
        (folder / "samples").unlink()
    first = [words[0] for words in words_of(fence.text)]
    for name in {"openssl"} & {*first}:
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not installed")
    said, complaints = typed(fence.text, folder, tmp_path_factory.mktemp("shell"))
    assert [line for line in said if line.split()[0] not in ("0", "1")] == [], complaints
    assert len(said) >= len([name for name in first if name in ("sipcheck", "make")])
    assert not re.search(r"Traceback|command not found|syntax error|No such file or directory", complaints), complaints


@pytest.mark.parametrize("fence", PYTHON, ids=str)
def test_python_runs(fence: Fence, folder: Path) -> None:
    done = run([sys.executable, "-W", "error", "-c", fence.text], folder)
    assert done.returncode == 0, done.stderr


def test_flows_are_flow_text() -> None:
    """Those of the rules are their examples, which `tests/rules` holds to what they are said to show."""
    for fence in FLOWS:
        lines = [line for line in fence.text.splitlines() if not re.fullmatch(r"\.\.\. and \d+ lines more", line)]
        assert list(read_flow("\n".join(lines))), fence


@pytest.mark.parametrize("fence", PRINTED, ids=str)
def test_what_is_shown_is_printed(fence: Fence, folder: Path) -> None:
    """Line by line, in order; `...` stands for what is left out."""
    assert fence.printed is not None
    words, shown = fence.printed
    printed = iter(run(words, folder).stdout.splitlines())
    assert shown
    for line in shown:
        assert line.rstrip() in (one.rstrip() for one in printed), f"{fence}: not printed, or not there: {line!r}"


def test_the_expressions_on_asterisk_match_what_it_prints() -> None:
    """Of docs/lab.md, for whoever writes a reader of his own: held against the lines that stand above them."""
    printed, expressions = (fence.text for fence in ALL if fence.page == "docs/lab.md" and fence.line < 50)
    shown = re.sub(r" {4,}.*$", "", printed.replace("\\n", "\n"), flags=re.MULTILINE)
    lines = [line.strip() for line in shown.splitlines()]
    for name, expression in (line.split(None, 1) for line in expressions.splitlines()):
        assert any(re.search(expression, line) for line in lines), name
        assert not re.search(expression, "REGISTER sip:127.0.0.1:5060 SIP/2.0"), name


def test_blocks_are_found_however_they_are_marked() -> None:
    page = "a\n\n```sh\nx\n```\n\n    y\n\n<!-- output: of z -->\n```text\nz\n```\n\n- b\n\n  ```\n  c\n  ```\n"
    found = blocks("a.md", page)
    assert [(one.language, one.text, one.mark, one.said, one.line) for one in found] == [
        ("sh", "x\n", "", "", 3), ("indented", "y\n", "", "", 7),
        ("text", "z\n", "output", "of z", 10), ("", "c\n", "", "", 16),
    ]  # fmt: skip


def test_a_block_that_fails_is_seen(folder: Path, tmp_path: Path) -> None:
    said, complaints = typed("sipcheck pcap none.pcap\nnothing-like-it\n", folder, tmp_path)
    assert said == ["3 sipcheck pcap none.pcap"]
    assert "command not found" in complaints


def test_the_words_are_those_of_a_shell() -> None:
    assert shlex.split("sipcheck log 'a b'") == words_of("sipcheck log 'a b'  # why\n")[0]
