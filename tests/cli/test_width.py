"""What `COLUMNS` and `LINES` say is believed within bounds: a page costs what its text is long, not what a line is."""

from __future__ import annotations

import io
import os
import resource
import subprocess
import sys
from typing import TextIO

import pytest

from analyzer.run.pipeline import analyze
from analyzer.views import ViewOptions, load_view
from analyzer.views.drawing.canvas import NARROWEST
from analyzer.views.drawing.output import DEFAULT_WIDTH, WIDEST, columns_of
from tests.shared import ROOT

NUMBERS = ["999999999", "9" * 5000, "0", "-1", "abc", "1", "²", ""]
COMMANDS = [
    "--help",
    "log --help",
    "replay client --help",
    "log samples/asterisk-first-registration/input.txt --all --progress",
    "pcap samples/wrong-password/input.pcapng --all --color always",
    "pcap samples/storm-single-client/input.pcap.gz --progress",
    "verify-digest samples/wrong-password/input.pcapng --credentials samples/wrong-password/users.csv",
    "storm samples/storm-single-client/input.pcap.gz",
    "rules",
    "explain R3261-10.2-callid",
    "replay plan samples/cseq-not-raised/input.pcap",
    "log --no-such-option",
]
ROOM = 3 << 30
"""Octets of address space for a command: what is reserved for libraries and threads is much of it."""


def bounded() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (ROOM, ROOM))


@pytest.mark.parametrize("command", COMMANDS)
def test_no_number_of_columns_ends_or_burdens_a_command(command: str) -> None:
    for number in NUMBERS if command in COMMANDS[3:5] else NUMBERS[:1] + NUMBERS[6:7]:
        done = subprocess.run(
            [sys.executable, "-m", "analyzer", *command.split()],
            cwd=ROOT,
            env=os.environ | {"COLUMNS": number, "LINES": number},
            capture_output=True,
            text=True,
            preexec_fn=bounded,
            check=False,
        )
        assert done.returncode in (0, 1, 2) and "Traceback" not in done.stderr, (number, done.stderr)
        assert len(done.stdout) + len(done.stderr) < 100_000
        assert max(map(len, (done.stdout + done.stderr).splitlines())) <= 2 * WIDEST


@pytest.mark.parametrize("width", [-(10**9), 1, NARROWEST, WIDEST, 10**9])
def test_a_view_that_is_asked_for_any_width_draws_within_bounds(width: int) -> None:
    report = analyze(ROOT / "samples" / "wrong-password" / "input.pcapng")
    out = io.StringIO()
    load_view("table")(report, out, ViewOptions(width=width, all=True))
    longest = max(map(len, out.getvalue().splitlines()))
    assert longest <= min(max(NARROWEST, width), WIDEST)


@pytest.mark.parametrize(
    ("said", "columns"),
    [("80", 80), ("500", 500), ("501", WIDEST), ("9" * 30, WIDEST), ("0", DEFAULT_WIDTH), ("-7", DEFAULT_WIDTH)]
    + [(word, DEFAULT_WIDTH) for word in ("", "abc", "²", "8 0", "1e3", "9" * 5000)],
)
def test_the_columns_that_are_believed(monkeypatch: pytest.MonkeyPatch, said: str, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", said)
    assert columns_of(io.StringIO()) == columns


@pytest.mark.parametrize(("columns", "used"), [(80, 80), (60_000, WIDEST), (0, DEFAULT_WIDTH)])
def test_a_terminal_is_asked_where_nothing_is_said(monkeypatch: pytest.MonkeyPatch, columns: int, used: int) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(os, "get_terminal_size", lambda number: os.terminal_size((columns, 24)))
    stream: TextIO = sys.__stdout__ or io.StringIO()
    assert columns_of(stream) == used
