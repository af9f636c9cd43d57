"""docs/reads.md is printed from what formats, dialects and carriers declare."""

from __future__ import annotations

import subprocess
import sys

from analyzer.capture.reads import as_markdown
from analyzer.capture.text.carrier_kinds import CARRIERS, OF_ALL
from analyzer.capture.text.grammar import NO_HINT
from tests.plugins.folders import found, loaded
from tests.shared import ROOT

PAGE = ROOT / "docs" / "reads.md"


def test_the_page_is_what_is_declared() -> None:
    assert PAGE.read_text(encoding="utf-8") == as_markdown(), "run `make docs`"


def test_the_module_prints_the_page() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "analyzer.capture"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == as_markdown()


def test_how_to_log_is_what_the_command_says() -> None:
    table = as_markdown().partition("## How a program is told to log")[2].partition("\n## ")[0]
    said = {
        line.split("`")[1]: line.split(" | ", 1)[1].rstrip(" |")
        for line in table.splitlines()
        if line.startswith("| `")
    }
    assert {"asterisk-chan_sip", "asterisk-pjsip"} < set(said) and len(said) > 18
    for _, name in found("dialect"):
        module = loaded("dialect", name)
        hint = getattr(getattr(module, "GRAMMAR", None), "hint", None)
        assert hint in (None, NO_HINT) or said[module.NAME] == hint


def test_everything_has_its_line() -> None:
    lines = as_markdown().partition("\n## How a program is told to log")[0].splitlines()
    lines += as_markdown().partition("\n## Hex dumps")[2].splitlines()
    for one in found("format", "dialect"):
        (line,) = [line for line in lines if line.startswith(f"| `{loaded(*one).NAME}` |")]
        assert loaded(*one).TITLE in line
        assert line.count(" | ") == 2
    for carrier in (*CARRIERS, *OF_ALL):
        assert f"| `{carrier.code}` | {carrier.says} |" in lines


def test_what_was_not_run_says_so() -> None:
    """Their samples say the same."""
    made = {line.split("`")[1] for line in as_markdown().splitlines() if "After its documentation" in line}
    assert made == {"cisco", "grandstream", "homer", "opensips", "snom", "spa", "yealink"}
    for name in (*made, "freeswitch"):
        text = (ROOT / "samples" / f"text-{name}" / "README.md").read_text(encoding="utf-8")
        assert "Written after the documentation" in text
