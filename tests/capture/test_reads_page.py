"""docs/reads.md is printed from what formats, dialects and carriers declare."""

from __future__ import annotations

import subprocess
import sys

from analyzer.capture.reads import as_markdown
from analyzer.capture.text.carrier_kinds import CARRIERS, OF_ALL
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


def test_everything_has_its_line() -> None:
    lines = as_markdown().splitlines()
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
