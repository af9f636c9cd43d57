"""A program that is missing: the test says which, and fails where nobody would read a skip."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import settings

from tests.shared import ROOT
from tests.tools import Tool, find_tool, require_tool

ABSENT = "no-such-program-of-sip"


def test_missing_program_skips_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=f"test_missing_program_skips_by_name needs {ABSENT}"):
        require_tool(ABSENT)


def test_missing_program_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=ABSENT):
        require_tool(ABSENT)


def test_program_on_the_path_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: Tool) -> None:
    program = tmp_path / "present"
    program.write_text("#!/bin/sh\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert tool("present") == str(program)


def test_system_folders_are_searched_without_being_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.tools._SYSTEM_FOLDERS", ("/bin",))
    monkeypatch.setenv("PATH", "/nonexistent")
    assert find_tool("sh") is not None


@pytest.mark.needs_tool("sh", "make")
def test_marker_lets_a_test_run_where_the_program_is() -> None:
    assert find_tool("sh")


MARKED = """
import pytest

@pytest.mark.needs_tool("no-such-program-of-sip")
def test_never_runs():
    raise AssertionError("ran without its program")
"""


@pytest.mark.parametrize(("ci", "outcome"), [("", "skipped"), ("true", "errors")])
def test_marker_obeys_before_the_test_runs(
    ci: str, outcome: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", ci)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makeconftest("from tests.conftest import *")
    pytester.makeini("[pytest]\nmarkers = needs_tool(name): as in pyproject.toml\n")
    pytester.makepyfile(MARKED)
    run = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-rs")
    run.assert_outcomes(**{outcome: 1})
    run.stdout.fnmatch_lines([f"*::test_never_runs needs {ABSENT}, which is not installed*"])


def test_hypothesis_repeats_itself_in_ci_only() -> None:
    assert settings.default is not None
    assert settings.default.deadline is None
    assert settings.default.derandomize is (os.environ.get("CI") == "true")
