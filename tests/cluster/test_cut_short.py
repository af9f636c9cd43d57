"""A run over many files that is asked to end tells what one process would have told that was interrupted at the first
place where a file was left."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from analyzer.capture.opener import open_sources
from analyzer.cluster import read
from analyzer.cluster.stop import LOOK, Stop, heeding, stoppable
from analyzer.cluster.tabulate import LocalExecutor, tabulated
from analyzer.dataframes.frames import tables
from analyzer.interruption import Interrupted
from analyzer.run.pipeline import analyze
from benchmarks.storm import StormPlan
from benchmarks.traffic import make_storm
from tests.cluster.dialogue import packet, unreachable
from tests.cluster.splitting import PLACE, assert_same, records, split, write
from tests.shared import ROOT

T = TypeVar("T")
R = TypeVar("R")


class Impatient(LocalExecutor):
    """Has each task of reading take so many items (None: all), and is interrupted at the first that has a limit."""

    def __init__(self, stop: Stop, limits: Sequence[int | None], monkeypatch: pytest.MonkeyPatch) -> None:
        self._stop = stop
        self._limits = list(limits)
        self._limit: int | None = None
        monkeypatch.setattr(read, "heeding", self._heeding)

    def run(self, task: Callable[[T], R], told: Sequence[T]) -> list[R]:
        """Run a task for each of `told`."""
        reads = task.__name__ == "read_capture"
        return [self._run(task, one) if reads else task(one) for one in told]

    def _run(self, task: Callable[[T], R], one: T) -> R:
        self._limit = self._limits.pop(0) if self._limits else 0 if self._stop.asked else None
        if self._limit is not None and not self._stop.asked:
            self._stop.receive(signal.SIGINT)
        return task(one)

    @contextmanager
    def _heeding(self, *_: object) -> Iterator[Any]:
        limit, count = self._limit, iter(range(1 << 30))

        class After:
            def is_set(self) -> bool:
                return limit is not None and next(count) >= limit

        yield After()


@pytest.fixture(scope="module")
def storm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A storm with retransmissions, and exchanges that overlap."""
    path = tmp_path_factory.mktemp("storm") / "storm.pcap"
    make_storm(path, StormPlan(messages=1200, users=120, retransmitted=0.2))
    return path


def interrupted(
    files: Sequence[Path], folder: Path, limits: Sequence[int | None], monkeypatch: pytest.MonkeyPatch, shares: int = 1
) -> Any:
    stop = Stop()
    return tabulated(files, folder, Impatient(stop, limits, monkeypatch), buckets=3, shares=shares, stop=stop)


def times(path: Path) -> list[int]:
    return [time for time, _ in records(path)[1]]


def until(files: Sequence[Path], folder: Path, last: int) -> list[str]:
    """The packets of files that are no later, in files of the same names."""
    folder.mkdir()
    made = []
    for one in files:
        linktype, packets = records(one)
        made.append(str(write(folder / one.name, linktype, [packet for packet in packets if packet[0] <= last])))
    return made


@pytest.mark.parametrize(
    ("each", "limits"),
    [
        (1200, [700]),
        (600, [599, 250]),
        (400, [None, 120, 380]),
        (400, [150, 400, 399]),
        (300, [None, None, 299, 1]),
    ],
)
def test_what_is_told_is_what_one_process_tells_of_as_much(
    tmp_path: Path, storm: Path, monkeypatch: pytest.MonkeyPatch, each: int, limits: list[int | None]
) -> None:
    """The files follow one another; each was left behind so many packets."""
    (tmp_path / "files").mkdir()
    files = split(storm, tmp_path / "files", each)
    last = min(times(one)[limit - 1] for one, limit in zip(files, limits, strict=True) if limit is not None)
    spool = interrupted(files, tmp_path / "spool", limits, monkeypatch)
    whole = tables(analyze(until(files, tmp_path / "until", last), rules=()))
    assert_same(spool, whole, without=PLACE)
    assert spool.interrupted and spool.until == last * 1000
    assert spool.untold == tuple(str(one) for one in files if times(one)[0] > last)
    assert spool.tally.messages == len(whole.messages) == spool.rows["messages"]
    assert sum(source.messages for source in spool.tally.sources) == len(whole.messages)
    assert max(source.last for source in spool.tally.sources if source.last is not None) == last * 1000


@pytest.mark.parametrize("limits", [[150, 90], [90, 150], [None, 200]])
def test_files_of_the_same_hour(
    tmp_path: Path, storm: Path, monkeypatch: pytest.MonkeyPatch, limits: list[int | None]
) -> None:
    """Two captures at once, requests and answers in either: both end where the first of them was left."""
    linktype, packets = records(storm)
    files = [write(tmp_path / f"{name}.pcap", linktype, packets[at::2]) for at, name in enumerate(("odd", "even"))]
    last = min(times(one)[limit - 1] for one, limit in zip(files, limits, strict=True) if limit is not None)
    spool = interrupted(files, tmp_path / "spool", limits, monkeypatch)
    assert_same(spool, tables(analyze(until(files, tmp_path / "until", last), rules=())), without=PLACE)


def test_the_shares_of_a_file_end_where_the_slowest_was(
    tmp_path: Path, storm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = interrupted([storm], tmp_path / "spool", [900, 500, 700], monkeypatch, shares=3)
    last = times(storm)[499]
    assert_same(spool, tables(analyze(until([storm], tmp_path / "until", last), rules=())), without=PLACE)


def test_files_that_nobody_began_are_named_and_leave_no_hole(
    tmp_path: Path, storm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "files").mkdir()
    files = split(storm, tmp_path / "files", 400)
    spool = interrupted(files, tmp_path / "spool", [None, None, 0], monkeypatch)
    assert (spool.until, spool.untold) == (None, (str(files[2]),))
    assert [source.name for source in spool.tally.sources] == [str(one) for one in files[:2]]
    assert_same(spool, tables(analyze([str(one) for one in files[:2]], rules=())))


def test_network_errors_are_no_messages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent, lost = packet(0, "REGISTER", "bob"), unreachable(0.1, "REGISTER", "bob")
    again, over = packet(0.5, "REGISTER", "bob"), packet(0.6, "200", "bob")
    path = write(tmp_path / "errors.pcap", 1, [sent, lost, again, over])
    spool = interrupted([path], tmp_path / "spool", [3], monkeypatch)
    assert (spool.tally.messages, spool.tally.requests, spool.rows["messages"]) == (2, 2, 2)


def test_where_nothing_was_read_the_signal_is_raised(
    tmp_path: Path, storm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Interrupted):
        interrupted([storm], tmp_path / "spool", [0], monkeypatch)
    assert not (tmp_path / "spool").exists()


def test_a_log_comes_after_all_captures_and_is_named_where_these_were_cut(
    tmp_path: Path, storm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = ROOT / "samples" / "asterisk-first-registration" / "input.txt"
    spool = interrupted([log, storm], tmp_path / "spool", [None, 500], monkeypatch)
    assert spool.untold == (str(log),) and spool.until is not None
    assert [source.messages for source in spool.tally.sources] == [0, 500]
    assert_same(spool, tables(analyze(until([storm], tmp_path / "until", times(storm)[499]), rules=())), without=PLACE)


def test_messages_over_ends_of_files_are_as_the_first_reading_had_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted while files are read again for what spans them: what was read before is there."""
    (tmp_path / "files").mkdir()
    files = split(ROOT / "samples" / "tcp-split" / "input.pcapng", tmp_path / "files", 6)
    whole = tabulated(files, tmp_path / "whole")
    spool = interrupted(files, tmp_path / "spool", [None] * len(files) + [0], monkeypatch)
    assert spool.interrupted and spool.until is None
    assert 0 < spool.rows["messages"] <= whole.rows["messages"]
    alone = [tables(analyze(one, rules=())) for one in files]
    assert spool.rows["messages"] == sum(len(one.messages) for one in alone)
    assert spool.torn and not whole.torn


def test_the_first_signal_asks_and_the_second_ends(tmp_path: Path) -> None:
    (tmp_path / "rows").mkdir()
    with stoppable() as stop:
        with pytest.raises(Interrupted):  # nothing was begun
            signal.raise_signal(signal.SIGINT)
        assert not stop.asked
        stop.begin(tmp_path)
        signal.raise_signal(signal.SIGINT)
        asked: bool = stop.asked
        assert asked and os.listdir(tmp_path / "rows") == ["stop"]
        with pytest.raises(Interrupted):
            signal.raise_signal(signal.SIGINT)


def test_a_reader_that_waits_for_octets_is_interrupted(tmp_path: Path, storm: Path) -> None:
    """Not only between two messages: a capture may be gigabytes of media."""
    (tmp_path / "rows").mkdir()
    with open_sources([str(storm)]) as reading, heeding(tmp_path, reading) as asked:
        assert not asked.is_set()
        (tmp_path / "rows" / "stop").touch()
        assert asked.wait(40 * LOOK)
        time.sleep(LOOK / 5)
        with pytest.raises(KeyboardInterrupt):
            list(reading)


def test_who_reads_to_the_end_waits_for_nobody(tmp_path: Path, storm: Path) -> None:
    before = threading.active_count()
    with open_sources([str(storm)]) as reading, heeding(tmp_path, reading) as asked:
        assert threading.active_count() == before + 1
        assert len(list(reading)) == 1200 and not asked.is_set()
    assert threading.active_count() == before


@pytest.mark.needs_tool("tshark")
def test_a_reader_that_waits_for_tshark_is_interrupted(tmp_path: Path, storm: Path) -> None:
    """And tshark with it, which else reads on to the end."""
    (tmp_path / "rows").mkdir()
    with open_sources([str(storm)], engine="tshark") as reading, heeding(tmp_path, reading) as asked:
        items = iter(reading)
        next(items)
        (tmp_path / "rows" / "stop").touch()
        assert asked.wait(40 * LOOK)
        time.sleep(LOOK / 5)
        with pytest.raises(KeyboardInterrupt):
            list(items)
