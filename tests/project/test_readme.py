"""The README runs: its targets exist, its commands have help, its options are known, its samples are analyzed."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.shared import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
FENCES: list[str] = re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
LINES = [shlex.split(line, comments=True) for fence in FENCES for line in fence.splitlines() if line.strip()]
TARGETS = sorted({word for line in LINES if line and line[0] == "make" for word in line[1:] if "=" not in word})
COMMANDS = [line[1:] for line in LINES if line and line[0].removeprefix(".venv/bin/") == "sipcheck"]
SAMPLED = [words for words in COMMANDS if any(word.startswith("samples/") for word in words)]
SHELL = {"make", "cd", "git"}


def sipcheck(words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, as a user would."""
    command = [sys.executable, "-c", "import sys; from analyzer.cli import main; sys.exit(main())", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200", "NO_COLOR": "1"}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


def name_of(words: Sequence[str]) -> list[str]:
    """The (sub)command alone: `replay plan` has two words, the others one."""
    return list(words[: 2 if words[0] == "replay" else 1])


def test_the_two_commands_are_there() -> None:
    assert {"demo", "test"} <= set(TARGETS)
    assert COMMANDS


def test_the_readme_shows_no_command_that_is_not_looked_at() -> None:
    strange = [line for line in LINES if line[0] not in SHELL and line[1:] not in COMMANDS]
    assert strange == []


@pytest.mark.parametrize("target", TARGETS)
def test_target_exists(target: str) -> None:
    run = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("words", COMMANDS, ids=shlex.join)
def test_command_has_help_that_knows_the_options(words: list[str]) -> None:
    run = sipcheck([*name_of(words), "--help"])
    assert run.returncode == 0, run.stderr
    options = {word.partition("=")[0] for word in words if word.startswith("--") and word != "--help"}
    unknown = {option for option in options if not re.search(rf"{option}\b", run.stdout)}
    assert unknown == set()


def harmless(words: list[str], folder: Path) -> list[str]:
    """The same words, but what is written goes to `folder`, what is sent to a port where nobody listens, and who
    listens does so for a moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
    moved = list(words)
    for at, word in enumerate(words):
        if at and words[at - 1] in ("-o", "--output", "--csv"):
            moved[at] = str(folder / word)
        elif word.startswith("127.0.0.1:"):
            moved[at] = f"127.0.0.1:{port}"
    return [*moved, "--timeout", "0.5"] if "--listen" in words else moved


@pytest.mark.parametrize("words", SAMPLED, ids=shlex.join)
def test_command_on_a_sample_runs(words: list[str], tmp_path: Path) -> None:
    run = sipcheck(harmless(words, tmp_path))
    assert run.returncode in {0, 1}, run.stderr
    assert (run.stdout or run.stderr).strip()


def test_it_begins_with_what_the_command_prints() -> None:
    """The first lines of the real result, to the octet; the rest is left out with dots."""
    match = re.search(r"^```text\n\$ sipcheck ([^\n]+)\n(.*?)^\.\.\.\n```$", README, re.MULTILINE | re.DOTALL)
    assert match is not None and README[: match.start()] == "# sipcheck\n\n"
    words, shown = shlex.split(match[1]), match[2]
    printed = subprocess.run(
        [sys.executable, "-m", "analyzer", *words],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "COLUMNS"} | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    ).stdout
    assert printed.startswith(shown)
    assert len([line for line in shown.splitlines() if line.strip()]) >= 10


def test_of_the_benchmarks_it_keeps_three_lines() -> None:
    text = README.partition("## How fast it is\n\n")[2].partition("\n\n")[0]
    assert len(text.splitlines()) == 3 and "docs/benchmarks.md" in text
