"""tshark as a child: it ends when it is no longer wanted, is told of when it dies, and lives beside any event loop."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

import analyzer
from analyzer.capture.opener import open_sources
from analyzer.capture.tshark import dissection
from analyzer.capture.tshark.dissection import WAITING, Run
from analyzer.capture.tshark.program import Program, find
from analyzer.cli import sipcheck
from analyzer.defect import SourceError
from tests.capture import build
from tests.capture.build import message, pcap, write
from tests.capture.deep import deep_messages, stand_in
from tests.shared import ROOT
from tests.tools import Tool

pytestmark = pytest.mark.needs_tool("tshark")

SAMPLE = ROOT / "samples" / "clean-registration" / "input.pcap"


def children() -> set[int]:
    """Processes that this one started and that are still there, zombies too."""
    found: set[int] = set()
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread that has just ended
            found |= {int(number) for number in (task / "children").read_text().split()}
    return found


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A capture that takes tshark a while."""
    return write(tmp_path, "many.pcap", pcap([build.frame(message(number)) for number in range(20 * WAITING)]))


def test_nothing_is_left_behind() -> None:
    before, threads = children(), threading.active_count()
    assert len(analyzer.analyze(str(SAMPLE), engine="tshark").transactions) == 6
    assert (children(), threading.active_count()) == (before, threads)


def test_a_reader_that_stops_stops_tshark(many: Path) -> None:
    before, threads = children(), threading.active_count()
    with open_sources([many], engine="tshark") as reading:
        items = iter(reading)
        next(items)
        assert len(children() - before) == 1
    assert (children(), threading.active_count()) == (before, threads)


def test_a_reader_that_is_forgotten_stops_tshark(many: Path) -> None:
    before = children()
    items = iter(Run(find(), str(many), []))
    next(items)
    assert len(children() - before) == 1
    del items
    assert children() == before


def test_what_waits_is_bounded(many: Path) -> None:
    run = Run(find(), str(many), [])
    seen = iter(run)
    next(seen)
    waiting = []
    for _ in range(50):
        threading.Event().wait(0.01)  # the thread reads on
        waiting.append(run._thread.queue.qsize())
    assert max(waiting) == WAITING
    assert sum(1 for _ in seen) == 20 * WAITING - 1
    assert (run.code, children()) == (0, set())
    run.close()


def test_in_a_running_event_loop() -> None:
    async def notebook() -> int:
        report = analyzer.analyze(str(SAMPLE), engine="tshark")
        await asyncio.sleep(0)
        return report.summary.messages

    assert asyncio.run(notebook()) == 12


def test_as_in_a_kernel() -> None:
    """A cell runs in a callback of a loop that runs for ever, and others wait in it meanwhile."""
    loop = asyncio.new_event_loop()
    told: list[object] = []

    def cell() -> None:
        told.append(analyzer.analyze(str(SAMPLE), engine="tshark").summary.messages)
        told.append(asyncio.get_running_loop() is loop)
        loop.call_soon(loop.stop)

    loop.call_soon(cell)
    try:
        loop.run_forever()
    finally:
        loop.close()
    assert told == [12, True]


def test_several_at_a_time() -> None:
    counts: list[int] = []
    readers = [
        threading.Thread(target=lambda: counts.append(len(deep_messages(SAMPLE, engine="tshark")[0]))) for _ in range(3)
    ]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert counts == [12, 12, 12]


WHOLE = "import analyzer; analyzer.analyze({sample!r}, engine='tshark')"
HALF = "import analyzer.capture.opener as o; items = iter(o.open_sources([{many!r}], engine='tshark')); next(items)"
# As pyshark does where it is left to itself.
WATCHED = "import asyncio; asyncio.set_child_watcher(asyncio.SafeChildWatcher())\n" + WHOLE


@pytest.mark.parametrize("script", [WHOLE, HALF, *([WATCHED] if sys.version_info < (3, 14) else [])])
def test_an_interpreter_that_ends(script: str, many: Path) -> None:
    """No warning, no word, no child that outlives it."""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-W", "ignore::DeprecationWarning", "-c",
         script.format(many=str(many), sample=str(SAMPLE))],
        capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_nothing_loads_that_is_not_used() -> None:
    script = (
        "import sys, analyzer\n"
        "analyzer.analyze(sys.argv[1])\n"
        "print([name for name in ('pyshark', 'asyncio', 'lxml', 'subprocess') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(SAMPLE)],
        capture_output=True, cwd=ROOT, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "[]\n"


REAL = 'case "$*" in *--version*|*fields*) exec {real} "$@";; esac\n'
DEATHS = [
    ("killed", '{real} "$@" | head -c 40000; kill -9 $$', "tshark ended with signal 9; what it had read until then"),
    (
        "refuses", "{real} \"$@\" | head -c 40000; echo 'tshark: Out of \033[31mmemory.' >&2; exit 2",
        "tshark ended with exit code 2: Out of \033[31mmemory; what it had read until then is reported",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "script", "line"), DEATHS, ids=[name for name, _, _ in DEATHS])
def test_a_tshark_that_dies(
    name: str, script: str, line: str, many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: Tool
) -> None:
    real = tool("tshark")
    monkeypatch.setenv("PATH", stand_in(tmp_path, (REAL + script).format(real=real)))
    found, _, source = deep_messages(many, engine="tshark")
    assert 0 < len(found) < 20 * WAITING
    assert source.frames == 20 * WAITING  # those our own walk counted
    (defect,) = (defect for _, defect in source.defect_list)
    assert defect.code == "tshark-stopped"
    assert defect.text.startswith(line)
    assert source.damaged


def test_who_reads_the_table_sees_that_tshark_died(
    many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: Tool
) -> None:
    """Where the counts stand, before anything is said of clients, as of a capture that was cut."""
    monkeypatch.setenv("PATH", stand_in(tmp_path, (REAL + DEATHS[0][1]).format(real=tool("tshark"))))
    said = CliRunner().invoke(sipcheck, ["pcap", str(many), "--engine", "tshark"]).stdout
    head, _, _ = said.partition("\n\n")
    assert "damaged: tshark ended with signal 9; what it had read until then is reported." in head
    assert "What is after the damage was not read, or only in part." in head


def test_a_tshark_that_dies_at_once(many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: Tool) -> None:
    script = (REAL + "echo 'tshark: no.' >&2; exit 5").format(real=tool("tshark"))
    monkeypatch.setenv("PATH", stand_in(tmp_path, script))
    with pytest.raises(SourceError, match=r"tshark ended with exit code 5: no$"):
        deep_messages(many, engine="tshark")


BAD_FRAME = {"frame.protocols": "eth", "frame.len": "x", "frame.time_epoch": "1"}
BAD_LAYER = json.dumps([{"_source": {"layers": {"frame": BAD_FRAME}}}], indent=2)


@pytest.mark.parametrize("words", ['[\n  {\n    "a": \n  },\n', BAD_LAYER + "\n", '[\n  {\n  "\\377": 1\n  },\n'])
def test_a_tshark_that_writes_nonsense(
    words: str, many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: Tool
) -> None:
    (tmp_path / "words").write_bytes(words.encode().replace(b"\\377", b"\xff"))
    script = (REAL + f"cat {tmp_path / 'words'}").format(real=tool("tshark"))
    monkeypatch.setenv("PATH", stand_in(tmp_path, script))
    before = children()
    found, _, source = deep_messages(many, engine="tshark")
    assert (found, children()) == ([], before)
    assert [defect.code for _, defect in source.defect_list] == ["tshark-output"]


def test_a_program_that_is_gone(many: Path) -> None:
    gone = Program("/nonexistent/tshark", (4, 0, 0))
    with pytest.raises(dissection.Garbled, match="FileNotFoundError"):
        list(Run(gone, str(many), []))


def test_interrupting_is_ours(many: Path) -> None:
    """tshark is in a session of its own, so that Ctrl-C on a terminal does not end it behind our back."""
    before = children()
    with open_sources([many], engine="tshark") as reading:
        next(iter(reading))
        (child,) = children() - before
        assert os.getsid(child) != os.getsid(0)


def test_an_interrupted_run_reports_and_leaves_nothing(many: Path) -> None:
    def interrupt(position: int, total: int | None) -> None:
        raise KeyboardInterrupt

    before = children()
    report = analyzer.analyze(many, engine="tshark", progress=interrupt)
    assert (report.interrupted, report.summary.messages, children()) == (True, 1, before)
