"""What all tests share: Hypothesis profiles, and tests that need a program beside Python."""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import settings

from tests.tools import Tool, require_tool

# No deadline: a busy machine is no fault. In CI the same examples every time: a red run is the change's doing.
settings.register_profile("sipcheck", deadline=None, print_blob=True)
settings.register_profile("sipcheck-ci", deadline=None, print_blob=True, derandomize=True, database=None)
settings.load_profile("sipcheck-ci" if os.environ.get("CI") == "true" else "sipcheck")


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell has it for what it starts with `&`
    signal.signal(signal.SIGINT, signal.default_int_handler)  # or no child would hear the Ctrl-C that tests send


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Obey `needs_tool` before the fixtures of the test are built."""
    for mark in item.iter_markers("needs_tool"):
        for name in mark.args:
            require_tool(name, item.nodeid)


@pytest.fixture(scope="session")
def tool() -> Tool:
    """`tool("tshark")` is the program's path; the test skips by name, or fails with `CI=true`, without it."""
    return require_tool
