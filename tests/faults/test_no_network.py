"""Who analyzes a capture tells nobody of it: no connection, no packet, no look-up of a name, in no process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shared import ROOT

HOOK = """
import os, sys
_FAMILY_UNIX = 1
def _hook(event, args):
    if event.startswith("socket.") and event not in ("socket.__new__", "socket.gethostname"):
        if not (event in ("socket.connect", "socket.bind", "socket.sendto") and args[0].family == _FAMILY_UNIX):
            os.write(_out, f"{event} {args[1:]!r}\\n".encode())
_out = os.open(os.environ["HEARD"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
os.write(_out, b"started\\n")
sys.addaudithook(_hook)
"""
CAPTURE, USERS = "samples/wrong-password/input.pcapng", "samples/wrong-password/users.csv"
STORM = "samples/storm-restart/input.pcap.gz"
COMMANDS = [
    ["log", "samples/asterisk-own-words/input.log", "--all"],
    ["pcap", CAPTURE, "--credentials", USERS],
    ["pcap", CAPTURE, "--jobs", "2"],
    ["pcap", CAPTURE, "--format", "sarif"],
    ["verify-digest", CAPTURE, "--credentials", USERS],
    ["storm", STORM, "--plot", "storm.png"],
    ["report", CAPTURE, "-o", "report.html"],
    ["compare", CAPTURE, STORM],
    ["export", CAPTURE, "--to", "parquet", "-o", "tables"],
    ["export", CAPTURE, "--to", "pcap", "-o", "out.pcap"],
    ["ladder", CAPTURE, "--aor", "frank@10.9.0.1", "--format", "svg"],
    ["annotate", CAPTURE, "-o", "annotated.pcapng"],
    ["redact", CAPTURE, "-o", "shared.pcap"],
    ["rules", "--etsi", CAPTURE],
    ["explain", "R3261-10.2-callid"],
    ["schema"],
    ["samples", "written"],
    ["replay", "plan", CAPTURE, "--aor", "frank@10.9.0.1"],
    ["replay", "sipp", CAPTURE, "--aor", "frank@10.9.0.1", "-o", "scenario.xml", "--csv", "users.csv"],
]


def heard(words: list[str], folder: Path) -> list[str]:
    """What was asked of the network by the command and its children."""
    (folder / "hook").mkdir(exist_ok=True)
    (folder / "hook" / "sitecustomize.py").write_text(HOOK)
    if not (folder / "samples").exists():
        (folder / "samples").symlink_to(ROOT / "samples", target_is_directory=True)
    known = {"PYTHONPATH": f"{folder / 'hook'}:{ROOT}", "HEARD": str(folder / "heard")}
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=os.environ | known,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    lines = (folder / "heard").read_text().splitlines()
    assert "started" in lines
    return [line for line in lines if line != "started"]


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: "-".join(word for word in words if "/" not in word))
def test_nothing_is_asked_of_the_network(words: list[str], tmp_path: Path) -> None:
    assert heard(["-m", "analyzer", *words], tmp_path) == []


def test_what_is_asked_of_it_would_be_heard(tmp_path: Path) -> None:
    script = "import socket\nsocket.getaddrinfo('127.0.0.1', 5060)\n"
    script += "with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:\n    out.sendto(b'', ('127.0.0.1', 9))\n"
    assert [line.partition(" ")[0] for line in heard(["-c", script], tmp_path)] == [
        "socket.getaddrinfo",
        "socket.sendto",
    ]
