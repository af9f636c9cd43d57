"""Workers that fail: the run says so, and finishes or fails clearly; nobody is left behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from analyzer.defect import SourceError
from analyzer.run import forks, workers
from analyzer.run.partial_result import PartialResult
from analyzer.run.pipeline import Analysis, analyze
from analyzer.run.shard import Inseparable, Shard
from analyzer.run.workers import Progress, WorkerDied, divided
from tests.capture.build import pcap, write
from tests.cli.test_cli_engine import run as command
from tests.faults.child import ended, frames, started, wait_until


def part_of(shard: Shard | None, progress: Progress | None) -> PartialResult:
    """A part that tells whose it is by its notes."""
    assert shard is not None and progress is not None
    progress(shard.number + 5, 10)
    partial = Analysis([]).partial()
    partial.notes.append(f"{shard.number} of {shard.count}, process {os.getpid() != PARENT}")
    return partial


PARENT = os.getpid()


def killed(shard: Shard | None, progress: Progress | None) -> PartialResult:
    if shard is not None and shard.number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return part_of(shard, progress)


def gone(shard: Shard | None, progress: Progress | None) -> PartialResult:
    if shard is not None and shard.number == 0:
        os._exit(7)
    return part_of(shard, progress)


def no_children() -> bool:
    return multiprocessing.active_children() == []


def test_parts_come_in_order() -> None:
    partials = divided(part_of, 3)
    assert [partial.notes for partial in partials] == [[f"{number} of 3, process True"] for number in range(3)]
    assert no_children()


def test_progress_is_that_of_the_slowest() -> None:
    told: list[tuple[int, int | None]] = []
    divided(part_of, 2, lambda position, total: told.append((position, total)))
    assert told and told[-1] == (5, 10)


@pytest.mark.parametrize(("work", "how"), [(killed, "was killed by SIGKILL"), (gone, "ended with exit code 7")])
def test_a_worker_that_dies_is_missed(work: Callable[..., PartialResult], how: str) -> None:
    with pytest.raises(WorkerDied, match=how):
        divided(work, 2)
    assert no_children()


@pytest.mark.parametrize("error", [SourceError("x.pcap", "is gone"), Inseparable("one Call-ID"), ValueError("a bug")])
def test_what_a_worker_raises_is_raised_here(error: Exception) -> None:
    def fails(shard: Shard | None, progress: Progress | None) -> PartialResult:
        del shard, progress
        raise error

    with pytest.raises(type(error), match=str(error)):
        divided(fails, 2)
    assert no_children()


def capture(tmp_path: Path, count: int) -> Path:
    return write(tmp_path, "x.pcap", pcap(frames(count)))


def test_a_killed_worker_costs_time_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = capture(tmp_path, 50)
    feed = Analysis.feed

    def mortal(self: Analysis, item: object) -> None:
        if os.getpid() != PARENT:
            os.kill(os.getpid(), signal.SIGKILL)
        feed(self, item)  # type: ignore[arg-type]

    monkeypatch.setattr(Analysis, "feed", mortal)
    report = analyze(path, jobs=2)
    assert report.summary.messages == 50
    assert report.notes == [
        "a worker process was killed by SIGKILL, so the capture was read again by one process alone"
    ]
    result = command("pcap", str(path), "--jobs", "2", "--fail-on", "never")
    assert result.exit_code == 0 and "a worker process was killed by SIGKILL" in result.stdout


def test_ctrl_c_gives_the_parts_of_what_was_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = capture(tmp_path, 50)
    feed = Analysis.feed

    def interrupted(self: Analysis, item: object) -> None:
        if self._summary.messages == 10:
            raise KeyboardInterrupt
        feed(self, item)  # type: ignore[arg-type]

    monkeypatch.setattr(Analysis, "feed", interrupted)
    report = analyze(path, jobs=2)
    assert report.interrupted and report.summary.messages == 20


@pytest.mark.parametrize("tells", [False, True])
def test_a_worker_whose_parent_is_gone_ends_without_a_word(tells: bool, capfd: pytest.CaptureFixture[str]) -> None:
    """Its part finds no reader, and there may be a moment until it learns that the parent died."""
    context = multiprocessing.get_context("fork")
    receiving, sending = context.Pipe(duplex=False)
    gone = context.Event()

    def late_part(shard: Shard | None, progress: Progress | None) -> PartialResult:
        assert gone.wait(60) and progress is not None
        return part_of(shard, progress if tells else lambda *_: None)

    work = partial(workers._analyzed, late_part, Shard(0, 1))
    process = context.Process(target=forks._work, args=(work, sending, [receiving]))
    process.start()
    sending.close()
    receiving.close()
    gone.set()
    process.join(60)
    assert process.exitcode == 0
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(not hasattr(signal, "SIGINT") or os.name != "posix", reason="signals of a terminal")
def test_ctrl_c_on_a_terminal_reaches_everybody(tmp_path: Path) -> None:
    """A terminal signals the whole group: a partial report, exit 130, and no process left."""
    path = capture(tmp_path, 60_000)
    with started("pcap", str(path), "--jobs", "2", "--no-progress", start_new_session=True) as child:
        wait_until(lambda: len(children(child.pid)) == 2, child)
        workers = children(child.pid)
        os.killpg(child.pid, signal.SIGINT)
        code, stdout, stderr = ended(child)
    assert code == 130
    assert b"interrupted: this is what was read so far." in stdout or stderr == b"sipcheck: interrupted\n"
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)


def children(pid: int) -> list[int]:
    """Numbers of a process' children."""
    try:
        return [int(number) for number in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def test_without_fork_one_process_does_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "can_fork", lambda: False)
    monkeypatch.setattr(workers, "divided", lambda *_: pytest.fail("workers were called"))
    assert analyze(capture(tmp_path, 5), jobs=8).summary.messages == 5


def test_the_command_says_what_jobs_are() -> None:
    assert "--jobs" in command("pcap", "--help").stdout
    assert command("pcap", "x", "--jobs", "many").exit_code == 2
