"""Standard output is full, closed, or its reader goes away: one line or none, no traceback, an exit code of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.capture.build import pcap
from tests.faults.child import ENVIRONMENT, command, ended, feed_frames, frames, started

GONE = 141
"""128 and SIGPIPE: what a shell says of `yes | head -1`."""

needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A capture whose JSON is longer than any buffer on the way."""
    path = tmp_path_factory.mktemp("output") / "many.pcap"
    path.write_bytes(pcap(frames(300)))
    return str(path)


def shell(script: str, *arguments: str) -> tuple[int, bytes, bytes]:
    """Run `script` in a shell; `"$@"` is the command with the arguments."""
    line = ["sh", "-c", script, "sh", *command(*arguments)]
    done = subprocess.run(line, capture_output=True, env=ENVIRONMENT, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


@needs_full
@pytest.mark.parametrize("view", ["table", "json", "ndjson"])
def test_a_full_disk(capture: str, view: str) -> None:
    said = b"sipcheck: standard output cannot be written: No space left on device\n"
    assert shell('"$@" > /dev/full', "pcap", capture, "--format", view) == (3, b"", said)


@needs_full
@pytest.mark.parametrize("arguments", [("rules",), ("explain", "R3261-10.2-callid"), ("--help",), ("pcap", "--help")])
def test_a_full_disk_for_the_other_commands(arguments: tuple[str, ...]) -> None:
    code, _, stderr = shell('"$@" > /dev/full', *arguments)
    assert (code, len(stderr.splitlines())) == (3, 1)


@needs_full
def test_a_full_disk_under_both_streams(capture: str) -> None:
    assert shell('"$@" > /dev/full 2> /dev/full', "pcap", capture) == (3, b"", b"")
    assert shell('"$@" 2> /dev/full', "pcap", capture + "-absent") == (3, b"", b"")


def test_a_disk_that_becomes_full(capture: str, tmp_path: Path) -> None:
    """The limit on a file's size stops the output in its middle, as a disk does that fills up."""
    path = tmp_path / "out.json"
    script = f'ulimit -f 16; "$@" > {path}'
    code, _, stderr = shell(script, "pcap", capture, "--format", "json")
    assert code == 3
    assert stderr == b"sipcheck: standard output cannot be written: File too large\n"
    assert path.stat().st_size > 0


@pytest.mark.parametrize("view", ["table", "json", "ndjson"])
def test_the_reader_has_gone_before(capture: str, view: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with started("pcap", capture, "--format", view, stdout=writer) as child:
        os.close(writer)
        code, _, stderr = ended(child)
    assert (code, stderr) == (GONE, b"")


def test_the_reader_goes_in_the_middle(capture: str) -> None:
    with started("pcap", capture, "--format", "ndjson") as child:
        assert child.stdout is not None
        first = child.stdout.read(10)
        child.stdout.close()
        assert child.wait(timeout=60) == GONE
        assert child.stderr is not None and child.stderr.read() == b""
    assert first.startswith(b'{"kind"')


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what of a pipe is unread")
def test_the_reader_goes_and_the_run_is_interrupted() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with started("pcap", "-", stdout=writer) as child:
        os.close(writer)
        feed_frames(child, 3)
        child.send_signal(signal.SIGINT)
        code, _, stderr = ended(child)
    assert (code, stderr) == (GONE, b"")


def test_head(capture: str) -> None:
    code, stdout, stderr = shell('"$@" | head -n 1', "pcap", capture, "--format", "ndjson")
    assert (code, len(stdout.splitlines()), stderr) == (0, 1, b"")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams(capture: str, closed: str) -> None:
    code, stdout, stderr = shell(f'"$@" {closed}', "pcap", capture)
    assert (code, stderr) == (0, b"")
    assert bool(stdout) == (">&-" not in closed.replace("2>&-", ""))


def test_closed_standard_input_is_empty() -> None:
    assert shell('"$@" <&-', "log", "-") == (3, b"", b"sipcheck: -: is empty\n")
    code, _, stderr = shell('"$@" <&-', "log", "--password", "-")
    assert (code, len(stderr.splitlines())) == (2, 1)
