"""`sipcheck log --follow` as a process: what it prints while the log grows, and what a signal makes of it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from analyzer.cli import sipcheck

WRONG = b"""<--- SIP read from UDP:192.0.2.7:5060 --->
REGISTER sip:bob@example.com SIP/2.0
Via: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK%d
From: <sip:u%d@example.com>;tag=1
To: <sip:u%d@example.com>
Call-ID: %d
CSeq: 1 REGISTER
Max-Forwards: 70
Contact: <sip:u%d@192.0.2.7>
Content-Length: 0

<------------->
"""
PATIENCE = 60
"""Seconds after which a test gives up."""


def wrong(number: int) -> bytes:
    """A REGISTER with userinfo in its Request-URI, of a client of its own."""
    return WRONG % (number, number, number, number, number)


def started(*arguments: str, stdin: int | None = None) -> subprocess.Popen[bytes]:
    """The command, followed by us in turn."""
    command = [sys.executable, "-m", "analyzer", "log", "--follow", *arguments]
    return subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def lines_until(process: subprocess.Popen[bytes], word: bytes) -> list[bytes]:
    """What it prints up to a line that has the word."""
    assert process.stdout is not None
    until, lines = time.monotonic() + PATIENCE, []
    for line in process.stdout:
        lines.append(line)
        if word in line:
            return lines
        assert time.monotonic() < until
    raise AssertionError(f"no {word!r} in {lines}")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "a.log"
    path.write_bytes(wrong(1))
    return path


@pytest.fixture
def process(log: Path) -> Iterator[subprocess.Popen[bytes]]:
    running = started(str(log))
    yield running
    running.kill()
    running.communicate()


def test_findings_as_they_happen_and_the_report_on_a_signal(log: Path, process: subprocess.Popen[bytes]) -> None:
    lines_until(process, b"u1@example.com")
    with log.open("ab") as out:
        out.write(wrong(2))
    lines_until(process, b"u2@example.com")
    process.send_signal(signal.SIGINT)
    rest, complaints = process.communicate(timeout=PATIENCE)
    assert b"2 clients" in rest
    assert b"24 lines, 2 SIP messages" in rest
    assert complaints == b""
    assert process.returncode == 128 + signal.SIGINT


def test_a_log_that_is_renamed_and_begun_anew(log: Path, process: subprocess.Popen[bytes]) -> None:
    lines_until(process, b"u1@example.com")
    log.rename(log.with_suffix(".1"))
    log.write_bytes(wrong(2))
    lines_until(process, b"u2@example.com")
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=PATIENCE)
    assert b"The log began anew after line 12" in rest
    assert process.returncode == 128 + signal.SIGTERM


def test_a_pipe_ends_with_its_writer() -> None:
    process = started("-", "--fail-on", "never", stdin=subprocess.PIPE)
    out, complaints = process.communicate(wrong(1), timeout=PATIENCE)
    assert out.startswith(b"-  ")
    assert b"standard input" in out
    assert (process.returncode, complaints) == (0, b"")


def test_findings_decide_on_the_exit_code_of_a_pipe() -> None:
    process = started("-", "--format", "json", stdin=subprocess.PIPE)
    out, _ = process.communicate(wrong(1), timeout=PATIENCE)
    assert process.returncode == 1
    assert json.loads(out)["summary"]["messages"] == 1


def test_news_in_ndjson() -> None:
    process = started("-", "--format", "ndjson", stdin=subprocess.PIPE)
    out, _ = process.communicate(wrong(1) + wrong(2), timeout=PATIENCE)
    records = [json.loads(line) for line in out.splitlines()]
    news = [record for record in records if record["kind"] == "news"]
    assert {record["rule"] for record in news} >= {"R3261-10.2-ruri-userinfo"}
    kinds = [record["kind"] for record in records]
    assert kinds.index("summary") == len(news)


def test_an_empty_log_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.touch()
    process = started(str(path))
    assert process.stderr is not None
    assert b"is empty; waiting for more" in process.stderr.readline()
    path.write_bytes(wrong(1))
    lines_until(process, b"u1@example.com")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)


def test_nothing_came_to_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.touch()
    process = started(str(path))
    assert process.stderr is not None
    process.stderr.readline()
    process.send_signal(signal.SIGINT)
    out, complaints = process.communicate(timeout=PATIENCE)
    assert out == b""
    assert complaints.count(b"\n") == 1
    assert process.returncode == 128 + signal.SIGINT


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["a.log", "b.log"], "--follow takes one log"),
        (["a.log", "--jobs", "2"], "--follow reads with one process"),
        (["a.log", "--engine", "tshark"], "--follow reads a log"),
        (["a.log", "--tls-keylog", "keys"], "--follow reads a log"),
    ],
)
def test_what_cannot_be_followed(arguments: list[str], words: str) -> None:
    result = CliRunner().invoke(sipcheck, ["log", "--follow", *arguments])
    assert result.exit_code == 2
    assert words in result.output


@pytest.mark.parametrize("name", ["none.log", "."])
def test_what_is_no_log(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(sipcheck, ["log", "--follow", name])
    assert result.exit_code == 3
    assert result.output.count("\n") == 1


def test_hostile_octets_reach_no_terminal() -> None:
    process = started("-", stdin=subprocess.PIPE)
    hostile = wrong(1).replace(b"u1@example.com", b"u1\x1b]0;x\x07@example.com")
    out, complaints = process.communicate(hostile, timeout=PATIENCE)
    assert b"\x1b" not in out + complaints
    assert b"\x07" not in out + complaints
