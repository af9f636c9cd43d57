"""A run over many files outlives some of them, and leaves nothing half done."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import analyzer.memory
from analyzer.cluster import size, tabulate
from analyzer.cluster.door import ClusterError
from analyzer.cluster.executor import dask_executor
from analyzer.cluster.read import Reading, read_capture, rows_path, shares_for
from analyzer.cluster.rows import NETWORK_ERRORS, RowWriter, in_place, items_of, row_of, rows_of
from analyzer.cluster.size import exceeds_memory, size_of
from analyzer.cluster.tabulate import LocalExecutor, buckets_for, tabulated
from analyzer.dataframes.frames import tables
from analyzer.defect import SourceError
from analyzer.evidence import Frame
from analyzer.memory import memory
from analyzer.run.pipeline import analyze
from analyzer.run.shard import call_id_of
from analyzer.storm.traffic import COLUMNS
from benchmarks.storm import StormPlan
from benchmarks.traffic import make_storm
from tests.cluster.splitting import PLACE, assert_same, split
from tests.register.traffic import answer, request


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A storm in four files."""
    folder = tmp_path_factory.mktemp("files")
    make_storm(folder / "storm", StormPlan(messages=400, users=50))
    return split(folder / "storm", folder, 100)


def test_a_damaged_file_is_told_and_the_rest_is_analysed(tmp_path: Path, files: list[Path]) -> None:
    damaged, foreign, absent = tmp_path / "damaged.pcap", tmp_path / "foreign.pcap", tmp_path / "absent.pcap"
    octets = files[1].read_bytes()
    damaged.write_bytes(octets[: len(octets) // 2])
    foreign.write_bytes(b"this is no capture, nor a log\n" * 9)
    spool = tabulated([files[0], damaged, foreign, absent, *files[2:]], tmp_path / "spool", buckets=2)
    assert [fault.partition(": ")[0] for fault in spool.faults] == [str(damaged), str(foreign), str(absent)]
    assert "damaged" in spool.faults[0] and "no such file" in spool.faults[2]
    good = [str(one) for one in (files[0], damaged, *files[2:])]
    assert 300 < spool.rows["messages"] < 400
    assert_same(spool, tables(analyze(good, rules=())))


def test_nothing_to_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"absent.pcap: no such file"):
        tabulated([tmp_path / "absent.pcap"], tmp_path / "spool")
    with pytest.raises(SourceError, match="no file"):
        tabulated([], tmp_path / "none")


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path, files: list[Path]) -> None:
    (tmp_path / "kept").write_text("mine", encoding="ascii")
    with pytest.raises(ValueError, match="holds something"):
        tabulated(files, tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["kept"]


def test_what_was_on_the_wire_does_not_stay(tmp_path: Path, files: list[Path]) -> None:
    spool = tabulated(files, tmp_path / "spool", buckets=2)
    assert {path.suffix for path in spool.folder.rglob("*")} == {".parquet"}
    assert {path.name for path in spool.folder.iterdir()} == {f"{name}.parquet" for name in spool.rows}


def test_tasks_that_run_twice_give_the_same(tmp_path: Path, files: list[Path]) -> None:
    class Twice(LocalExecutor):
        def run(self, task: Callable[[Any], Any], told: Sequence[Any]) -> list[Any]:
            once, again = super().run(task, told), super().run(task, told[::-1])[::-1]
            assert once == again
            return again

    spool = tabulated(files, tmp_path / "twice", Twice(), buckets=2)
    assert_same(spool, tables(analyze([str(one) for one in files], rules=())))


def test_a_file_has_its_name_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    with pytest.raises(OSError, match="disk"), in_place(path) as file:
        file.write(b"half")
        raise OSError("disk")
    assert list(tmp_path.iterdir()) == []
    with in_place(path) as file:
        file.write(b"whole")
        assert not path.exists()
    assert path.read_bytes() == b"whole" and list(tmp_path.iterdir()) == [path]


def test_rows_are_the_items(tmp_path: Path) -> None:
    items = [request(0), answer(0.1, 401), request(0.5, stream=7)]
    items[1].ip_id, items[1].resend, items[1].time, items[1].missing = 9, 2, None, 3
    path = tmp_path / "rows"
    with in_place(path) as file:
        writer = RowWriter(file, 4)
        for index, item in enumerate(items):
            writer.add(2, row_of(item, 0, index, item.stream))
        writer.close()
    assert list(items_of(rows_of(path, 2, 4), ["bulk"] * 3)) == items
    assert [len(rows_of(path, bucket, 4)) for bucket in (0, 1, 2, 3, 4 + NETWORK_ERRORS)] == [0, 0, 3, 0, 0]
    assert items[0].place == Frame("bulk", 1)


def test_a_second_reading_does_not_stand_in_the_first(tmp_path: Path) -> None:
    """A worker given up for dead may still write what it read without its neighbours."""
    first = Reading("a", str(tmp_path / "a"), 3, str(tmp_path), 1, {})
    assert first.part != first._replace(beside=("b",)).part
    assert read_capture(first).unreadable is not None


@pytest.mark.parametrize(
    ("octets", "workers", "memory", "buckets"),
    [
        (0, 1, 0, 1),
        (1 << 20, 4, 0, 4),
        (1 << 30, 4, 0, 8),
        (1 << 50, 4, 0, 2048),
        (1 << 30, 4, 1 << 40, 4),
        (1 << 30, 4, 1 << 20, 64),
        (12 << 30, 4, 18 << 30, 48),
    ],
)
def test_how_many_buckets(octets: int, workers: int, memory: int, buckets: int) -> None:
    """A bucket of captures takes twelve times its size, and half as much again is left free."""
    assert buckets_for(octets, workers, memory) == buckets


@pytest.mark.parametrize(
    ("octets", "total", "workers", "shares"),
    [
        (0, 0, 4, 1),
        (10 << 20, 10 << 20, 4, 1),
        (1 << 30, 1 << 30, 4, 4),
        (1 << 30, 1 << 40, 4, 1),
        (1 << 40, 1 << 40, 99, 8),
    ],
)
def test_how_many_tasks_read_a_file(octets: int, total: int, workers: int, shares: int) -> None:
    assert shares_for(octets, total, workers) == shares


def test_tasks_that_share_a_file_take_each_exchange_once(tmp_path: Path, files: list[Path]) -> None:
    """Each has some, none has what another has, and an answer is where its request is."""
    (tmp_path / "rows").mkdir()
    whole = Reading(str(files[0]), str(files[0]), 0, str(tmp_path), 1, {}, shares=3)
    told = [read_capture(share) for share in whole.shared_out()]
    assert {(one.items, one.messages, one.begin, one.end) for one in told} == {(100, 100, told[0].begin, told[0].end)}
    rows = [rows_of(rows_path(tmp_path, "00000", share), 0, 1) for share in range(3)]
    places = [set(one["index"].to_pylist()) for one in rows]
    assert set.union(*places) == set(range(100)) and sum(map(len, places)) == 100 and all(places)
    calls = [{call_id_of(octets) for octets in one["payload"].to_pylist()} for one in rows]
    assert not calls[0] & calls[1] and not calls[1] & calls[2] and not calls[0] & calls[2]


@pytest.mark.parametrize(
    ("octets", "call"),
    [
        (b"REGISTER sip:a SIP/2.0\r\nCall-ID: x@y\r\n\r\n", b"x@y"),
        (b"SIP/2.0 200 OK\r\nCSeq: 1 REGISTER\r\ni :\tz\r\n\r\n", b"z"),
        (b"REGISTER sip:a SIP/2.0\r\nTo: x\r\n\r\nCall-ID: of the body\r\n", b""),
        (b"REGISTER sip:a SIP/2.0\r\nCall-ID: cut", b"cut"),
        (b"", b""),
    ],
)
def test_the_call_id_as_it_stands(octets: bytes, call: bytes) -> None:
    assert call_id_of(octets) == call


def test_what_exceeds_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, packed = tmp_path / "a.pcap", tmp_path / "b.pcap.gz"
    plain.write_bytes(bytes(100))
    packed.write_bytes(bytes(100))
    assert (size_of(plain), size_of(packed), size_of(tmp_path / "absent")) == (100, 1000, 0)
    assert not exceeds_memory([plain, packed])
    monkeypatch.setattr(size, "memory", lambda: 1100 * size.NEEDED - 1)
    assert exceeds_memory([plain, packed]) and not exceeds_memory([plain, plain])


def test_a_container_has_less_memory_than_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine, limit = memory(), tmp_path / "memory.max"
    for text, there in (("max\n", machine), ("4096\n", 4096), (f"{1 << 70}\n", machine)):
        limit.write_text(text, encoding="ascii")
        monkeypatch.setattr(analyzer.memory, "_LIMIT", limit)
        assert memory() == min(there, machine)
    monkeypatch.setattr(analyzer.memory, "_LIMIT", tmp_path / "absent")
    assert memory() > 1 << 28


def test_without_dask_there_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(ClusterError, match=r"^dask is not installed: pip install 'sipcheck\[cluster\]'$"),
        dask_executor(),
    ):
        raise AssertionError


def test_a_failure_leaves_no_folder_behind_or_an_empty_one(tmp_path: Path, files: list[Path]) -> None:
    """Neither half of the tables, which a second try would stumble over, nor what was on the wire."""

    class Broken(LocalExecutor):
        def run(self, task: Callable[[Any], Any], told: Sequence[Any]) -> list[Any]:
            if task is not read_capture:
                raise OSError("disk full")
            made = super().run(task, told)
            assert len(list(tmp_path.rglob("*.arrow"))) == len(files)
            return made

    with pytest.raises(OSError, match="disk full"):
        tabulated(files, tmp_path / "spool", Broken())
    assert not (tmp_path / "spool").exists()
    (tmp_path / "there").mkdir()
    with pytest.raises(OSError, match="disk full"):
        tabulated(files, tmp_path / "there", Broken())
    assert list((tmp_path / "there").iterdir()) == []
    assert tabulated(files, tmp_path / "spool").rows["messages"] == 400


def test_times_that_64_bits_do_not_hold(tmp_path: Path) -> None:
    far = request(0)
    far.time = 1 << 70
    with in_place(tmp_path / "rows") as file:
        writer = RowWriter(file, 1)
        writer.add(0, row_of(far, 0, 0, 0))
        writer.close()
    (back,) = items_of(rows_of(tmp_path / "rows", 0, 1), ["bulk"])
    assert back.time == (1 << 63) - 1


def test_the_columns_for_the_analysis(tmp_path: Path, files: list[Path]) -> None:
    frame = tabulated(files, tmp_path / "spool").gather("transactions", COLUMNS)
    whole = tables(analyze([str(one) for one in files], rules=())).transactions
    assert {*frame} == {*COLUMNS} and not {*PLACE} & {*frame}
    assert frame["time"].tolist() == whole["time"].tolist()


def test_a_folder_into_which_somebody_writes_is_removed_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that ends puts a file where it was removed just now: as often as three times."""
    remove, late = shutil.rmtree, iter(range(3))
    rows = tmp_path / "rows"

    def written_into(path: Path, *, ignore_errors: bool) -> None:
        remove(path, ignore_errors=ignore_errors)
        if next(late, None) is not None:
            rows.mkdir()
            (rows / "late.arrow").touch()

    rows.mkdir()
    monkeypatch.setattr(shutil, "rmtree", written_into)
    tabulate._remove(rows)
    assert not rows.exists() and next(late, None) is None


def test_a_folder_that_cannot_be_removed_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[Path] = []
    monkeypatch.setattr(shutil, "rmtree", lambda path, *, ignore_errors: tried.append(path))
    monkeypatch.setattr(tabulate, "_PAUSE", 0.0)
    tabulate._remove(tmp_path)
    assert 1 < len(tried) < 100
