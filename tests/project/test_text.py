"""Tracked text speaks of the project alone: no paths of a machine, no index of packages, no half-done merge."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.shared import ROOT

# One letter in brackets, so that a pattern does not find itself.
FORBIDDEN = {
    "path of a machine": r"(?<![\w.~*-])/(?:[w]ork|[r]oot)/\w",
    "index of packages": r"\bpy[p]i\b|\bpython[h]osted\b|--(?:extra-)?[i]ndex-url|--[f]ind-links",
    "half-done merge": r"^(?:[<]{7}|[>]{7}) ",
}


def tracked() -> list[Path]:
    """The files of the project: what git tracks; without git, what is there."""
    run = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    names = [ROOT / name for name in run.stdout.split("\0") if name] if run.returncode == 0 else []
    return [path for path in names if path.is_file()] or [
        path for path in ROOT.rglob("*") if path.is_file() and ".venv" not in path.parts and ".git" not in path.parts
    ]


def faults(text: str, pattern: str) -> list[str]:
    """The lines of `text` in which `pattern` is found."""
    found = re.compile(pattern, re.MULTILINE)
    return [line for line in text.splitlines() if found.search(line)]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_tracked_files_are_free_of(what: str) -> None:
    found = {}
    for path in tracked():
        octets = path.read_bytes()
        if b"\0" in octets[:8192]:
            continue
        lines = faults(octets.decode("utf-8", "surrogateescape"), FORBIDDEN[what])
        if lines:
            found[str(path.relative_to(ROOT))] = lines[:3]
    assert found == {}


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("path of a machine", "see /wo" + "rk/main for it"),
        ("path of a machine", "open('/ro" + "ot/x')"),
        ("index of packages", "pip install --ind" + "ex-url x"),
        ("index of packages", "from Py".lower() + "PI".lower() + " it comes"),
        ("half-done merge", "<" * 7 + " HEAD"),
    ],
)
def test_the_pattern_finds(what: str, line: str) -> None:
    assert faults(f"before\n{line}\nafter", FORBIDDEN[what]) == [line]


def test_no_possessive_groups() -> None:
    """Python before 3.11.5 matches `(...)*+` wrongly where the group holds alternatives; single characters are fine."""
    group = re.compile(r"(?<!\\)\)(?:[*+?]|\{[\d,]+\})\+")
    found = [
        f"{path.name}:{number}"
        for path in (ROOT / "analyzer").rglob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if group.search(line) and "re.compile" in line
    ]
    assert not found
