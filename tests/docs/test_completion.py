"""The lines that docs/install.md has for a shell's start file, and what such a shell completes then."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.fences import fences
from tests.shared import ROOT
from tests.tools import Tool

LINES = {fence.language: fence.text for fence in fences("docs/install.md") if "_SIPCHECK_COMPLETE" in fence.text}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A shell that finds `sipcheck`, and nothing of whoever runs the tests."""
    program = tmp_path / "programs" / "sipcheck"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m analyzer "$@"\n')
    program.chmod(0o755)
    path = f"{program.parent}:{os.environ['PATH']}"
    return {"PATH": path, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "TERM": "dumb"}


def run(words: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False, cwd=environment["HOME"])
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return done.stdout


def test_the_page_has_a_line_for_each_shell() -> None:
    assert set(LINES) == {"sh", "zsh", "fish"}


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("sipcheck re", {"redact", "replay", "report"}),
        ("sipcheck replay pl", {"plan"}),
        ("sipcheck pcap --fail", {"--fail-on"}),
        ("sipcheck pcap --fail-on w", {"warning"}),
        ("sipcheck ladder --format ", {"text", "svg", "mermaid"}),
    ],
)
def test_bash_completes(typed: str, offered: set[str], environment: dict[str, str]) -> None:
    """As bash asks at a TAB: the words so far, and the number of the one where the cursor stands."""
    words = typed.split(" ")
    script = (
        LINES["sh"]
        + f"""
COMP_WORDS=({" ".join(words)}{" ''" if typed.endswith(" ") else ""})
COMP_CWORD={len(words) - 1}
"$(complete -p sipcheck | sed 's/.*-F \\([^ ]*\\) .*/\\1/')" sipcheck
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    )
    assert set(run(["bash", "-c", script], environment).split()) == offered


@pytest.mark.parametrize(
    ("shell", "script"),
    [
        ("zsh", "autoload -Uz compinit && compinit -u\n{line}\nprint ${{_comps[sipcheck]}}"),
        ("fish", "{line}\ncomplete -C 'sipcheck replay pl'"),
    ],
)
def test_another_shell_takes_its_line(shell: str, script: str, environment: dict[str, str], tool: Tool) -> None:
    source = run(["sipcheck"], environment | {"_SIPCHECK_COMPLETE": f"{shell}_source"})
    assert "sipcheck" in source and f"{shell}_complete" in source and f"{shell}_source" in LINES[shell]
    said = run([tool(shell), "-c", script.format(line=LINES[shell])], environment)
    assert ("_sipcheck_completion" if shell == "zsh" else "plan") in said


def test_it_costs_no_more_than_the_help(environment: dict[str, str]) -> None:
    """Every TAB starts the command: neither pandas nor the network client may be loaded for it."""
    asked = environment | {"_SIPCHECK_COMPLETE": "bash_complete", "COMP_WORDS": "sipcheck p", "COMP_CWORD": "1"}
    script = "import sys, analyzer.cli\ntry:\n    analyzer.cli.main()\nexcept SystemExit:\n    pass\n"
    script += "print(*sorted({'pandas', 'asyncio', 'pyshark', 'dpkt'} & set(sys.modules)), sep='|')"
    assert run([sys.executable, "-c", script], asked).splitlines()[-1] == ""
