"""The size limits: no function over 60 lines, no file over 400, in the packages and in their tests."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shared import ROOT

FUNCTION_LINES = 60
FILE_LINES = 400
SOURCES = sorted(
    path for folder in ("analyzer", "benchmarks", "replay", "tests") for path in (ROOT / folder).rglob("*.py")
)


def long_functions(source: str, limit: int) -> Iterator[str]:
    """`name:line (length)` of each function of `source` over `limit` lines."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
            length = node.end_lineno - node.lineno + 1
            if length > limit:
                yield f"{node.name}:{node.lineno} ({length})"


def faults(path: Path) -> list[str]:
    """What of the file at `path` is over the limits."""
    source = path.read_text(encoding="utf-8")
    lines = source.count("\n")
    found = [f"{path.name} ({lines})"] if lines > FILE_LINES else []
    return found + list(long_functions(source, FUNCTION_LINES))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_file_keeps_the_size_limits(path: Path) -> None:
    assert faults(path) == []


def test_the_measure_sees_what_is_over(tmp_path: Path) -> None:
    path = tmp_path / "long.py"
    path.write_text("def short() -> None: ...\n\n\nasync def long() -> None:\n" + "    ...\n" * 400, encoding="utf-8")
    assert faults(path) == ["long.py (404)", "long:4 (401)"]


def test_the_measure_looks_at_the_tree() -> None:
    assert Path(__file__) in SOURCES
    assert ROOT / "analyzer" / "evidence.py" in SOURCES
