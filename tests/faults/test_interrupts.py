"""Ctrl-C gives what was read so far; a second one ends at once. Other signals are in test_signals.py."""

from __future__ import annotations

import fcntl
import io
import json
import signal
import sys
from types import FrameType
from typing import Any

import pytest

from analyzer.run.pipeline import analyze
from analyzer.run.report import Report
from analyzer.views import ViewOptions, load_view, view_names
from tests.capture.build import pcap
from tests.faults.child import ended, feed, feed_frames, frames, started, unread, wait_until
from tests.views.hostile_traffic import dialogue, log

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what of a pipe is unread")


def test_the_report_is_partial_and_says_so() -> None:
    with started("pcap", "-") as child:
        feed_frames(child, 30)
        child.send_signal(signal.SIGINT)
        code, stdout, stderr = ended(child)
    assert code == 130
    assert stderr == b""
    text = stdout.decode()
    assert "interrupted: this is what was read so far." in text
    assert "30 packets, 30 SIP messages" in text


def test_a_log_that_still_waits_for_its_clock() -> None:
    """Without a Date header the times of a log are known late; what was read is reported all the same."""
    text = log({}) * 400
    with started("log", "-", "--format", "json") as child:
        feed(child, *(text[at : at + 60_000] for at in range(0, len(text), 60_000)), b"\n<--- SIP re")
        child.send_signal(signal.SIGINT)
        code, stdout, _ = ended(child)
    assert code == 130
    summary = json.loads(stdout)["summary"]
    assert summary["interrupted"]
    each = len(dialogue({}))
    assert each * 399 <= summary["messages"] <= each * 400  # the last ones may still be open


@pytest.mark.parametrize("view", ["json", "ndjson"])
def test_the_machine_is_told(view: str) -> None:
    with started("pcap", "-", "--format", view) as child:
        feed_frames(child, 30)
        child.send_signal(signal.SIGINT)
        code, stdout, _ = ended(child)
    assert code == 130
    summary = json.loads(stdout)["summary"] if view == "json" else json.loads(stdout.splitlines()[0])
    assert (summary["interrupted"], summary["messages"]) == (True, 30)


def test_without_an_interrupt_it_does_not_say_so() -> None:
    with started("pcap", "-") as child:
        feed_frames(child, 30)
        code, stdout, _ = ended(child)
    assert code == 0
    assert b"interrupted" not in stdout
    assert b"the file ends inside" in stdout


def test_before_anything_was_read() -> None:
    with started("pcap", "-") as child:
        feed(child, pcap([])[:3])
        child.send_signal(signal.SIGINT)
        assert ended(child) == (130, b"", b"sipcheck: interrupted\n")


@pytest.mark.parametrize("first", [signal.SIGINT, None])
def test_while_the_report_is_written(first: signal.Signals | None) -> None:
    with started("pcap", "-", "--format", "json") as child:
        assert child.stdin is not None and child.stdout is not None
        pipe = child.stdout.fileno()
        room = fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 4096)
        feed_frames(child, 200)
        if first is None:
            child.stdin.close()
        else:
            child.send_signal(first)
        wait_until(lambda: unread(pipe) > 0, child)  # the pipe takes a part of it, and nobody reads
        child.send_signal(signal.SIGINT)
        assert child.wait(timeout=60) == 130
        assert child.stderr is not None and child.stderr.read() == b"sipcheck: interrupted\n"
        assert len(child.stdout.read()) <= room


SOURCES = {"pcap": pcap(frames(12)), "log": log({}) * 2}


class Interrupt:
    """Raises KeyboardInterrupt at the `at`-th line of ours that runs, wherever that is."""

    def __init__(self, at: int) -> None:
        self.at, self.lines = at, 0

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        """Trace function of a call: follow those of our own files."""
        return self.line if "/analyzer/" in frame.f_code.co_filename else None

    def line(self, frame: FrameType, event: str, argument: Any) -> Any:
        """Trace function of a line."""
        if event == "line":
            self.lines += 1
            if self.lines == self.at:
                sys.settrace(None)
                raise KeyboardInterrupt
        return self.line


def interrupted(octets: bytes, at: int) -> tuple[Report | None, int]:
    """The report of a run that is interrupted at a line (None: before reading or after it), and the lines that ran."""
    tracer, before = Interrupt(at), sys.gettrace()
    sys.settrace(tracer)
    try:
        return analyze([io.BytesIO(octets)]), tracer.lines
    except KeyboardInterrupt:
        return None, tracer.lines
    finally:
        sys.settrace(before)


@pytest.mark.parametrize("kind", SOURCES)
def test_wherever_it_comes_the_report_is_whole(kind: str) -> None:
    """State that was half changed when the signal came must not break the report."""
    whole, lines = interrupted(SOURCES[kind], 0)
    assert whole is not None and whole.summary.messages > 10 and not whole.interrupted
    partial = 0
    for at in range(1, lines, max(1, lines // 200)):
        report, _ = interrupted(SOURCES[kind], at)
        if report is None:
            continue
        partial += report.interrupted
        assert report.summary.messages <= whole.summary.messages
        for view in view_names():
            load_view(view)(report, io.StringIO(), ViewOptions(all=True))
    assert partial > 40
