"""Traps: inputs of any size that would take the square of their size, if something were done twice.

A trap takes a size and gives back what is to be measured, its input made. All traps of a test module are measured in
one process of their own, where the analyzer is loaded with counters (`tests.hardness.rewrite`), at a size and at four
times the size; the tests then compare the counts. By hand, in seconds, and at the size that the trap names:

    python -m tests.hardness tests.hardness.test_linear_sip --full
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import NamedTuple

from tests.hardness.meter import Work
from tests.shared import ROOT

TIMES = 4
SLACK = 1.15
"""Four times the input may cost so much more than four times the work: sizes of tables, digits of numbers."""
CONSTANT = Work(3_000, 300_000)


class Trap(NamedTuple):
    """`build(size)` gives what is measured; `size` is that of the tests, `full` that of a run by hand."""

    name: str
    build: Callable[[int], Callable[[], object]]
    size: int
    full: int


_traps: dict[str, dict[str, Trap]] = {}


def trap(
    size: int, *, full: int = 1_000_000, name: str = "", module: str = ""
) -> Callable[[Callable[[int], Callable[[], object]]], Callable[[int], Callable[[], object]]]:
    """Decorator: a trap of the module that defines it, or of `module` under `name`."""

    def keep(build: Callable[[int], Callable[[], object]]) -> Callable[[int], Callable[[], object]]:
        called = name or build.__name__
        _traps.setdefault(module or build.__module__, {})[called] = Trap(called, build, size, full)
        return build

    return keep


def traps(module: str) -> dict[str, Trap]:
    """The traps of a module, by name, in their order."""
    return _traps[module]


def measured(module: str) -> dict[str, tuple[Work, Work]]:
    """The work of every trap of `module` at its size and at four times the size."""
    command = [sys.executable, "-m", "tests.hardness", module]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-3000:]
    found: dict[str, list[list[int]]] = json.loads(run.stdout)
    return {name: (Work(*small), Work(*large)) for name, (small, large) in found.items()}


def is_linear(small: Work, large: Work) -> bool:
    """Whether four times the input costs about four times the work."""
    return all(
        more <= TIMES * SLACK * less + constant for less, more, constant in zip(small, large, CONSTANT, strict=True)
    )


def squares(module: str) -> dict[str, tuple[Work, Work]]:
    """The traps of `module` whose work grows faster than their size. All are measured, or this fails."""
    found = measured(module)
    assert list(found) == list(traps(module))
    return {name: (small, large) for name, (small, large) in found.items() if not is_linear(small, large)}
