"""Whatever ends the command, nothing that it started outlives it for long, and its output reaches an end."""

from __future__ import annotations

import glob
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from analyzer.capture.tshark.mortal import mortal
from benchmarks.storm import StormPlan
from benchmarks.traffic import make_storm
from tests.capture import build
from tests.capture.build import message, pcap, write
from tests.capture.deep import stand_in
from tests.cluster.splitting import split
from tests.faults.child import ENVIRONMENT, command, ended, frames, started, wait_until
from tests.faults.processes import family, position, running, until, until_gone

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux says who belongs to whom")
DEADLY = [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL]

SCRIPT = """
import os, sys, time
from analyzer.run import workers
from analyzer.run.pipeline import Analysis

def reading(partition, tell):
    os.write(1, b"x")
    while True:
        tell(1, 2)

def sending(partition, tell):
    part = Analysis([]).partial()
    part.notes.append("n" * 30_000_000)
    os.write(1, b"x")
    return part

def waiting(partition, tell):
    os.write(1, b"x")
    time.sleep(1000)

def starting(partition, tell):
    time.sleep(1000)

def late():
    os.write(1, b"x")
    while os.getppid() == PARENT:
        time.sleep(0.01)

PARENT, when = os.getpid(), sys.argv[1]
if when == "starting":
    os.register_at_fork(after_in_child=late)
else:
    workers._gather = lambda crew, progress: time.sleep(1000)  # whatever they send, nobody reads it
workers.divided(globals()[when], 3)
"""
"""A program that has workers and no handlers of signals. Each of them writes an x when it is where it shall be."""


@pytest.mark.parametrize("number", DEADLY)
@pytest.mark.parametrize("when", ["starting", "reading", "sending", "waiting"])
def test_workers_end_with_their_parent(when: str, number: signal.Signals) -> None:
    words = [sys.executable, "-c", SCRIPT, when]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, env=ENVIRONMENT, stdout=pipe, stderr=pipe, bufsize=0) as parent:
        assert parent.stdout is not None and parent.stderr is not None
        assert b"".join(parent.stdout.read(1) for _ in range(3)) == b"xxx"
        executor = family(parent.pid)
        assert len(executor) == 3
        parent.send_signal(number)
        assert parent.wait(60) == -number
        until_gone(executor)
        assert parent.stdout.read() == b""  # its end
        assert parent.stderr.read() == b"", "they end without a word"


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture that takes a while to read."""
    return write(tmp_path_factory.mktemp("large"), "large.pcap", pcap(frames(40_000)))


def test_a_command_that_is_killed_takes_its_workers_along(large: Path) -> None:
    with started("pcap", str(large), "--jobs", "2") as child:
        wait_until(lambda: len(family(child.pid)) == 2, child)
        executor = family(child.pid)
        wait_until(lambda: all(position(one.pid, large) > 1_000_000 for one in executor), child)
        child.kill()
        ended(child)  # not before standard output has its end
    until_gone(executor)


FAKE = 'case "$*" in *--version*) echo "TShark (Wireshark) 4.0.0."; exit;; {stage}) exec sleep 1000;; esac; exit 1\n'
STAGES = {"probe": "*'-c 1 '*", "survey": "*'tls.port==1-65535'*", "run": "*"}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("stage", STAGES)
def test_tshark_ends_with_us(tmp_path: Path, stage: str, number: signal.Signals) -> None:
    """One that has nothing to say would never learn that nobody listens. The program is one that says nothing."""
    linktype = 147 + 200 if stage == "probe" else 1
    path = write(tmp_path, "x.pcap", pcap([build.frame(message(0))], linktype=linktype))
    words = ["pcap", str(path)]
    if stage == "survey":
        keys = write(tmp_path, "keys", b"CLIENT_RANDOM 00 00\n")
        words += ["--tls-keylog", str(keys)]
    if stage != "probe":
        words += ["--engine", "tshark"]
    given = ENVIRONMENT | {"PATH": stand_in(tmp_path, FAKE.format(stage=STAGES[stage]))}
    with subprocess.Popen(command(*words), env=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        try:
            wait_until(lambda: any("sleep" in one.name() for one in running(family(child.pid))), child)
            executor = family(child.pid)
            child.send_signal(number)
            code, _, stderr = ended(child)
        finally:
            child.kill()
    assert code == (-number if number == signal.SIGKILL else 128 + number)
    assert b"Traceback" not in stderr
    until_gone(executor)


def test_tshark_hears_of_a_pipe_that_is_closed(tmp_path: Path) -> None:
    """What the interpreter that starts it ignores, the program must not."""
    words = mortal(["/bin/sh", "-c", "grep -E 'Sig(Ign|Cgt)' /proc/self/status"])
    assert words[0] == sys.executable
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    ignored = int(done.stdout.splitlines()[0].split()[1], 16)
    assert not ignored & (1 << (signal.SIGPIPE - 1)) and not ignored & (1 << (signal.SIGXFSZ - 1))
    with pytest.raises(FileNotFoundError):
        mortal(["/nonexistent/tshark"])


def test_who_starts_it_too_late_starts_nothing(tmp_path: Path) -> None:
    """The parent died before the system knew whom to watch."""
    words = mortal(["/bin/sh", "-c", f"touch {tmp_path / 'ran'}"])
    words[words.index(str(os.getpid()))] = "1"
    assert subprocess.run(words, check=False).returncode == 0
    assert not (tmp_path / "ran").exists()


def test_a_cluster_of_this_machine_ends_with_us(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="the tests of the cluster need dask, which is not installed")
    make_storm(tmp_path / "storm", StormPlan(messages=3000, users=300))
    files = split(tmp_path / "storm", tmp_path, 250)
    given = ["storm", *map(str, files), "--jobs", "2", "--spool", str(tmp_path / "spool")]
    with started(*given) as child:
        wait_until(lambda: bool(glob.glob(f"{tmp_path}/spool/rows/*.arrow")), child)
        executor: list[psutil.Process] = family(child.pid)
        assert len(executor) >= 2
        child.kill()
        ended(child)
    until(lambda: not running(executor), f"they stay: {running(executor)}")
