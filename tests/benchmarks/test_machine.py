"""What stands beside a result: the machine, and the versions of what was compared."""

from __future__ import annotations

import platform
import re
from importlib.metadata import version

import pytest

from benchmarks.machine import machine
from tests.tools import Tool


def test_each_value_is_one_line_and_says_something() -> None:
    found = machine()
    assert {"processor", "cores", "memory", "system", "load before", "Python", "pyshark"} <= set(found)
    assert all(value.strip() and "\n" not in value for value in found.values())


def test_versions_are_those_that_run() -> None:
    found = machine()
    assert found["Python"].endswith(platform.python_version())
    assert found["pyshark"] == version("pyshark")


@pytest.mark.parametrize("program", ["tshark", "sngrep"])
def test_version_of_a_program(program: str, tool: Tool) -> None:
    tool(program)
    assert re.fullmatch(r"\d+(\.\d+)+", machine()[program])


@pytest.mark.parametrize(("load", "said"), [(0.1, "0.10 1.00 1.00"), (3.0, "3.00 1.00 1.00 (busy: go by CPU time)")])
def test_busy_machine_is_said(load: float, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("psutil.getloadavg", lambda: (load, 1.0, 1.0))
    monkeypatch.setattr("psutil.cpu_count", lambda logical=True: 2)
    assert machine()["load before"] == said


def test_missing_program_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert machine()["sngrep"] == "not installed"
