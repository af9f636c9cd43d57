"""Programs that some tests run beside Python (tshark, later servers): found, skipped by name, or demanded.

A test says `@pytest.mark.needs_tool("tshark")`, or asks the fixture `tool` for the path: `tool("tshark")`. Where the
program is missing the test skips and names it; with `CI=true` it fails, for there silence would pass for success.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

import pytest

Tool = Callable[[str], str]
"""The fixture `tool`: name of a program -> its path."""

_SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")  # servers live there, and a user's PATH lacks them


def find_tool(name: str) -> str | None:
    """Path of the program `name`, or None."""
    folders = os.pathsep.join((os.environ.get("PATH", os.defpath), *_SYSTEM_FOLDERS))
    return shutil.which(name, path=folders)


def require_tool(name: str, test: str = "") -> str:
    """Path of the program `name`; without it the `test` (the running one) skips by name, or fails with `CI=true`."""
    path = find_tool(name)
    if path is not None:
        return path
    # The test's name in the reason keeps pytest from folding all skips into one line.
    test = test or os.environ.get("PYTEST_CURRENT_TEST", "a test").rpartition(" (")[0]
    reason = f"{test} needs {name}, which is not installed"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}, and CI=true", pytrace=False)
    pytest.skip(reason)
