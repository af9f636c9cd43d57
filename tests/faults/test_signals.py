"""SIGINT, SIGTERM and SIGHUP end a reading command alike: what was read is reported, nothing stays, the code tells."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import analyzer
from tests.capture import build
from tests.capture.build import message, pcap, write
from tests.capture.deep import stand_in
from tests.faults.child import ENVIRONMENT, command, ended, feed, feed_frames, frames, unread, wait_until
from tests.faults.processes import family, position, running, until_gone
from tests.tools import Tool
from tests.views.hostile_traffic import log

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what of a pipe is unread")
NUMBERS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
every_signal = pytest.mark.parametrize("number", NUMBERS)
SAID = b"sipcheck: interrupted\n"


@contextmanager
def started(
    folder: Path, *words: str, ignored: int = 0, stdin: int = subprocess.PIPE, **more: str
) -> Iterator[subprocess.Popen[bytes]]:
    """The command, whose temporary files go to `folder`/tmp; it is started with a signal ignored."""
    (folder / "tmp").mkdir()
    given = ENVIRONMENT | {"TMPDIR": str(folder / "tmp"), "SIPCHECK_PASSWORD": "secret"} | more

    def prepare() -> None:
        if ignored:
            signal.signal(ignored, signal.SIG_IGN)

    with subprocess.Popen(
        command(*words), env=given, bufsize=0, cwd=folder, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True, preexec_fn=prepare,
    ) as child:  # fmt: skip
        try:
            yield child
        finally:
            child.kill()


def left(folder: Path) -> list[str]:
    """What a command left behind."""
    return sorted(one.name for one in folder.iterdir() if one.name != "tmp") + sorted(os.listdir(folder / "tmp"))


def feed_log(child: subprocess.Popen[bytes]) -> None:
    """Many messages, and half of one."""
    text = log({}) * 40
    feed(child, *(text[at : at + 60_000] for at in range(0, len(text), 60_000)), b"\n<--- SIP re")


# A command that reads standard input, and waits for more.

READING = [
    ("pcap", "-", "--format", "json"),
    ("pcap", "-", "--format", "json", "--jobs", "2"),
    ("verify-digest", "-", "--format", "json"),
    ("log", "-", "--format", "json"),
]


@every_signal
@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_the_report_tells_what_was_read(tmp_path: Path, words: tuple[str, ...], number: signal.Signals) -> None:
    with started(tmp_path, *words) as child:
        feed_log(child) if words[0] == "log" else feed_frames(child, 30)
        child.send_signal(number)
        code, stdout, stderr = ended(child)
    assert (code, stderr) == (128 + number, b"")
    summary = json.loads(stdout)["summary"]
    assert summary["interrupted"] is True
    assert summary["messages"] == 30 or words[0] == "log"
    assert left(tmp_path) == []


@every_signal
def test_the_table_says_so(tmp_path: Path, number: signal.Signals) -> None:
    with started(tmp_path, "pcap", "-") as child:
        feed_frames(child, 30)
        child.send_signal(number)
        code, stdout, _ = ended(child)
    assert code == 128 + number
    assert b"interrupted: this is what was read so far." in stdout and b"30 packets" in stdout


@every_signal
def test_storm_tells_what_was_read(tmp_path: Path, number: signal.Signals) -> None:
    with started(tmp_path, "storm", "-", "--format", "json") as child:
        feed_frames(child, 30)
        child.send_signal(number)
        code, stdout, stderr = ended(child)
    assert (code, stderr) == (128 + number, b"")
    summary = json.loads(stdout)["summary"]
    assert (summary["interrupted"], summary["requests"]) == (True, 30)
    assert left(tmp_path) == []


@every_signal
@pytest.mark.parametrize("form", ["pcap", "ndjson", "csv", "parquet"])
def test_export_writes_what_was_read(tmp_path: Path, form: str, number: signal.Signals) -> None:
    with started(tmp_path, "export", "-", "--to", form, "-o", "out") as child:
        feed_frames(child, 30)
        child.send_signal(number)
        code, _, stderr = ended(child)
    assert code == 128 + number and b"30 messages" in stderr
    assert left(tmp_path) == ["out"]
    if form == "pcap":
        assert analyzer.analyze(tmp_path / "out").summary.messages == 30
    elif form == "ndjson":
        kinds = [json.loads(line)["kind"] for line in (tmp_path / "out").read_text(encoding="ascii").splitlines()]
        assert kinds.count("message") == 30
    else:
        assert (tmp_path / "out" / f"messages.{form}").stat().st_size > 0


# Before there is anything to report.


@every_signal
@pytest.mark.parametrize("words", [("pcap",), ("log",), ("storm",), ("replay", "plan"), ("verify-digest",)])
def test_while_nobody_has_opened_the_other_end(tmp_path: Path, words: tuple[str, ...], number: signal.Signals) -> None:
    os.mkfifo(tmp_path / "fifo")
    with started(tmp_path, *words, "fifo") as child:
        wait_until(lambda: b"wait_for_partner" in waiting_in(child.pid) or b"fifo_open" in waiting_in(child.pid), child)
        child.send_signal(number)
        assert ended(child) == (128 + number, b"", SAID)
    assert left(tmp_path) == ["fifo"]


def waiting_in(pid: int) -> bytes:
    """The function of the kernel that a process waits in."""
    return Path(f"/proc/{pid}/wchan").read_bytes()


@every_signal
def test_at_a_terminal(tmp_path: Path, number: signal.Signals) -> None:
    ours, theirs = pty.openpty()
    try:
        with started(tmp_path, "log", "-", stdin=theirs) as child:
            os.write(ours, b"half a line\n")
            wait_until(lambda: b"wait_woken" in waiting_in(child.pid), child)  # for more than that
            child.send_signal(number)
            assert ended(child) == (128 + number, b"", SAID)
    finally:
        os.close(ours)
        os.close(theirs)


REPLAYS = [
    ("plan",),
    ("client", "--target", "127.0.0.1:9"),
    ("registrar", "--listen", "127.0.0.1:0"),
    ("sipp", "--target", "127.0.0.1:9", "-o", "out.xml", "--csv", "out.csv"),
]


@every_signal
@pytest.mark.parametrize("words", REPLAYS, ids=lambda words: words[0])
def test_a_replay_that_still_reads(tmp_path: Path, words: tuple[str, ...], number: signal.Signals) -> None:
    """Half of a registration is not replayed, and the copy of standard input goes."""
    with started(tmp_path, "replay", words[0], "-", *words[1:]) as child:
        feed_frames(child, 30)
        assert len(left(tmp_path)) == 1
        child.send_signal(number)
        assert ended(child) == (128 + number, b"", SAID)
    assert left(tmp_path) == []


@every_signal
def test_a_copy_for_tshark_goes(tmp_path: Path, number: signal.Signals) -> None:
    path = stand_in(tmp_path, 'echo "TShark (Wireshark) 4.0.0."')
    with started(tmp_path, "pcap", "-", "--engine", "tshark", PATH=path) as child:
        feed_frames(child, 30)
        assert left(tmp_path) == ["tshark"]  # the copy has no name while it is written, either
        child.send_signal(number)
        assert ended(child) == (128 + number, b"", SAID)
    assert left(tmp_path) == ["tshark"]


# While others work for the command.


@pytest.mark.needs_tool("tshark")
@every_signal
def test_what_tshark_has_shown_is_reported(tmp_path: Path, number: signal.Signals, tool: Tool) -> None:
    many = write(tmp_path, "many.pcap", pcap([build.frame(message(number)) for number in range(2000)]))
    real = tool("tshark")
    script = f'case "$*" in *--version*) exec {real} "$@";; esac; {real} "$@" | head -c 400000; exec sleep 1000\n'
    with started(tmp_path, "pcap", str(many), "--engine", "tshark", "--format", "json",
                 PATH=stand_in(tmp_path, script)) as child:  # fmt: skip
        wait_until(lambda: any(one.name() == "sleep" for one in running(family(child.pid))), child)
        executor = family(child.pid)
        child.send_signal(number)
        code, stdout, stderr = ended(child)
    assert (code, stderr) == (128 + number, b"")
    summary = json.loads(stdout)["summary"]
    assert summary["interrupted"] is True and summary["messages"] < 2000
    until_gone(executor)
    assert left(tmp_path) == ["many.pcap", "tshark"]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture that takes a while to read."""
    return write(tmp_path_factory.mktemp("large"), "large.pcap", pcap(frames(40_000)))


@every_signal
@pytest.mark.parametrize("whom", ["parent", "group", "parent and group"])
def test_workers_hand_over_what_they_have(tmp_path: Path, large: Path, whom: str, number: signal.Signals) -> None:
    """A terminal signals the group, `kill` the parent alone, `timeout` both."""
    with started(tmp_path, "pcap", str(large), "--jobs", "2", "--format", "json") as child:
        wait_until(lambda: len(family(child.pid)) == 2, child)
        executor = family(child.pid)
        wait_until(lambda: all(position(one.pid, large) > 1_500_000 for one in executor), child)
        if "parent" in whom:
            os.kill(child.pid, number)
        if "group" in whom:
            os.killpg(child.pid, number)
        code, stdout, stderr = ended(child)
    assert (code, stderr) == (128 + number, b"")
    summary = json.loads(stdout)["summary"]
    assert summary["interrupted"] is True and 0 < summary["messages"] < 40_000
    until_gone(executor)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_timeout_gets_a_report(tmp_path: Path, number: signal.Signals) -> None:
    """It signals its child, and then the group that the child is in."""
    os.mkfifo(tmp_path / "fifo")
    words = ["timeout", "-s", number.name, "6", *command("pcap", str(tmp_path / "fifo"), "--format", "json")]
    with (
        subprocess.Popen(words, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child,
        (tmp_path / "fifo").open("wb", buffering=0) as fifo,
    ):
        fifo.write(pcap(frames(30)))
        stdout, stderr = child.communicate(timeout=60)
    assert (child.returncode, stderr) == (124, b"")  # timeout's own
    assert json.loads(stdout)["summary"]["messages"] == 30


# A second signal, and those that nobody wants to hear.


@pytest.mark.parametrize("second", NUMBERS)
@pytest.mark.parametrize("first", NUMBERS)
def test_a_second_one_ends_at_once(tmp_path: Path, first: signal.Signals, second: signal.Signals) -> None:
    with started(tmp_path, "pcap", "-", "--format", "json") as child:
        assert child.stdout is not None
        pipe = child.stdout.fileno()
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 4096)
        feed_frames(child, 200)
        child.send_signal(first)
        wait_until(lambda: unread(pipe) > 0, child)  # the pipe takes a part of it, and nobody reads
        child.send_signal(second)
        assert child.wait(timeout=60) == 128 + second
        assert child.stderr is not None and child.stderr.read() == SAID


@every_signal
def test_two_at_once_are_one(tmp_path: Path, number: signal.Signals) -> None:
    with started(tmp_path, "pcap", "-", "--format", "json") as child:
        feed_frames(child, 30)
        child.send_signal(signal.SIGSTOP)  # or it may have heard the first before the second is sent
        child.send_signal(number)
        child.send_signal(number)
        child.send_signal(signal.SIGCONT)
        code, stdout, _ = ended(child)
    assert code == 128 + number
    assert json.loads(stdout)["summary"]["messages"] == 30


@every_signal
@pytest.mark.parametrize("words", [("pcap", "-"), ("replay", "plan", "-", "--format", "json")], ids=" ".join)
def test_what_was_ignored_stays_so(tmp_path: Path, words: tuple[str, ...], number: signal.Signals) -> None:
    with started(tmp_path, *words, ignored=number) as child:
        feed_frames(child, 30)
        child.send_signal(number)
        code, stdout, _ = ended(child)
    assert (code, b"interrupted: this" in stdout) == (0, False)
    assert left(tmp_path) == []


@every_signal
def test_workers_do_not_hear_what_their_parent_ignores(tmp_path: Path, number: signal.Signals) -> None:
    path = write(tmp_path, "some.pcap", pcap(frames(4000)))
    with started(tmp_path, "pcap", str(path), "--jobs", "2", "--format", "json", ignored=number) as child:
        wait_until(lambda: len(family(child.pid)) == 2, child)
        os.killpg(child.pid, number)
        code, stdout, _ = ended(child)
    assert (code, json.loads(stdout)["summary"]["messages"]) == (0, 4000)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_library_listens_to_nothing(tmp_path: Path, jobs: int) -> None:
    path = write(tmp_path, "x.pcap", pcap(frames(50)))
    script = (
        "import signal, sys, analyzer\n"
        "names = 'SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGALRM'\n"
        "before = [signal.getsignal(getattr(signal, name)) for name in names]\n"
        f"analyzer.analyze(sys.argv[1], jobs={jobs})\n"
        "assert before == [signal.getsignal(getattr(signal, name)) for name in names]\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, env=ENVIRONMENT, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
