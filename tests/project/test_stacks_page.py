"""docs/stacks.md is printed from the table of programs, and has every fact."""

from __future__ import annotations

import subprocess
import sys

from analyzer.judge.stacks import facts, programs
from scripts.stacks import page
from tests.project.pages import read, rows
from tests.shared import ROOT

PAGE = read("docs/stacks.md")


def test_the_page_is_what_is_printed() -> None:
    assert "\n".join(page()) + "\n" == PAGE, "run `make docs`"


def test_the_module_prints_the_page() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.stacks"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == PAGE


def test_every_program_and_every_fact_is_there() -> None:
    assert [line[3:] for line in PAGE.splitlines() if line.startswith("## ")] == [
        one.name for one in programs().values()
    ]
    assert len([row for row in rows(PAGE) if len(row) == 6]) == len(facts())
