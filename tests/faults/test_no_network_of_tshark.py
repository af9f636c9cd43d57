"""Nor does the tshark that a capture is read through, though its user's preferences have it look up names: `-n`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.replay.traced import reached, traced
from tests.shared import ROOT

NAMES_OF_USERS = "/nscd/socket"
"""What the C library asks on this machine for the user's own name and home, where it is there."""


@pytest.mark.needs_tool("tshark")
@pytest.mark.parametrize(
    "words",
    [
        ["pcap", "samples/wrong-password/input.pcapng", "--engine", "tshark"],
        ["pcap", "samples/tls-registration/input.pcapng", "--tls-keylog", "samples/tls-registration/keylog.txt"],
    ],
    ids=["engine", "keys"],
)
def test_nothing_is_asked_of_the_network_by_tshark(words: list[str], tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    wishes = "nameres.network_name: TRUE\nnameres.use_external_name_resolver: TRUE\n"
    (tmp_path / "preferences").write_text(wishes)
    given = os.environ | {"WIRESHARK_CONFIG_DIR": str(tmp_path)}
    command = traced(trace, sys.executable, "-m", "analyzer", *words)
    done = subprocess.run(command, cwd=ROOT, env=given, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode in (0, 1), done.stderr
    assert {place for place in reached(trace) if not str(place[1]).endswith(NAMES_OF_USERS)} == set()
