"""The rows of one bucket, from all files, to tables (the reduce of `tabulate.py`).

What one process does with all messages is done here with those of some addresses-of-record: the same code, in the same
order. Of the rest a bucket hears what can make a difference: network errors, that servers answer at all (and on which
ways), and when the run ended.

Tables of a bucket number things by the place of the message that began them in the whole run, counted over all items of
all files. So numbers are right without a word between buckets, and rise as those of one process do, but not by one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from analyzer.cluster.read import Capture, clocks_path, rows_path
from analyzer.cluster.rows import HEARD, NETWORK_ERRORS, in_place, items_of, rows_of
from analyzer.dataframes.frames import Tables, tables
from analyzer.dataframes.store import COMPRESSION, as_arrow
from analyzer.evidence import NetworkError, RawMessage, Source
from analyzer.run.collector import patient_collector
from analyzer.run.pipeline import Analysis
from analyzer.run.recording import Recording
from analyzer.run.report import Summary

Numbers = npt.NDArray[np.int64]
MADE = ("messages", "transactions", "attempts", "registrations", "bindings")
"""The tables that buckets have. Digests and findings need what other buckets know: no storm is told by them."""
POSITION = "position"
"""A column of messages beside those of the dictionary: its place in the run."""
_MOST_BINDINGS = 128
"""More than a registration keeps."""


class Placed(NamedTuple):
    """A file, in the order in which they were given: `before` counts the items of files that end before it begins,
    `beside` names those (by their place in that order) that overlap it; its rows are in so many `shares`, of which the
    first `items` are told."""

    name: str
    part: str
    shares: int
    before: int
    beside: tuple[int, ...]
    items: int


class Joining(NamedTuple):
    """What a task is told."""

    bucket: int
    buckets: int
    folder: str


def placed(captures: Sequence[Capture]) -> list[Placed]:
    """The files, each with its place in time among the others: of those that have an item at the same time the one
    that was given first comes first, as in one process."""
    begin = np.array([one.begin for one in captures], np.int64)
    end = np.array([one.end for one in captures], np.int64)
    items = np.array([one.items for one in captures], np.int64)
    ranks, result = np.arange(len(captures)), []
    for rank, capture in enumerate(captures):
        earlier = (end < capture.begin) | ((end == capture.begin) & (ranks < rank))
        later = (begin > capture.end) | ((begin == capture.end) & (ranks > rank))
        beside = np.flatnonzero(~earlier & ~later & (ranks != rank) & (items > 0))
        before = int(items[earlier & (ranks != rank)].sum())
        result.append(Placed(capture.name, capture.part, capture.shares, before, tuple(beside.tolist()), capture.items))
    return result


def write_plan(folder: Path, files: Sequence[Placed], end: int | None) -> None:
    """Write what all buckets have to know: the files in order, and the time of the last packet of the run."""
    with in_place(folder / "plan.json") as file:
        file.write(json.dumps({"end": end, "files": files}).encode("ascii"))


class Joined(NamedTuple):
    """What joining a bucket gave: the rows of each table, the REGISTERs seen, and those of them that are copies."""

    rows: dict[str, int]
    requests: int
    retransmissions: int


def join_bucket(task: Joining) -> Joined:
    """Write the tables of one bucket."""
    folder = Path(task.folder)
    plan = json.loads((folder / "plan.json").read_bytes())
    files = [Placed(*one) for one in plan["files"]]
    rows, positions, heard = _ordered(task, files)
    share = _Share(plan["end"])
    with patient_collector():
        numbers = share.run(rows, heard, [one.name for one in files])
        frames = _numbered(share.report_tables(), share.recording, positions[numbers])
    for name in MADE:
        with in_place(part_path(folder, name, task.bucket)) as file:
            pq.write_table(frames[name], file, compression=COMPRESSION)
    summary = share.summary
    return Joined({name: len(frames[name]) for name in MADE}, summary.register_requests, summary.retransmissions)


def part_path(folder: Path, table: str, bucket: int) -> Path:
    """Where a bucket's part of a table is."""
    return folder / f"{table}.parquet" / f"part-{bucket:05d}.parquet"


def _ordered(task: Joining, files: Sequence[Placed]) -> tuple[pa.Table, Numbers, npt.NDArray[np.bool_]]:
    """The rows of a bucket and of all in the order of the run, with their places in it, and which are only heard."""
    parts, ranks, heard, places = [], [], [], []
    for what in (None, NETWORK_ERRORS, HEARD):
        bucket = task.bucket if what is None else task.buckets + what
        for number, one in enumerate(files):
            shares = (rows_path(task.folder, one.part, share) for share in range(one.shares))
            rows = pa.concat_tables([rows_of(path, bucket, task.buckets) for path in shares])
            rows = rows.filter(pc.less(rows["index"], one.items))
            parts.append(rows)
            ranks.append(np.full(len(rows), number))
            heard.append(np.full(len(rows), what == HEARD))
            places.append(_positions(task.folder, files, number, rows))
    whole = pa.concat_tables(parts)
    rank, alone, position = np.concatenate(ranks), np.concatenate(heard), np.concatenate(places)
    whole = whole.append_column("rank", pa.array(rank))
    order = np.lexsort((~alone, _numbers(whole, "index"), rank, _numbers(whole, "clock")))
    whole, alone = whole.take(pa.array(order)), alone[order]
    kept = _telling(whole, alone)
    return whole.filter(pa.array(kept)), position[order][kept], alone[kept]


def _positions(folder: str, files: Sequence[Placed], rank: int, rows: pa.Table) -> Numbers:
    """The place of each row in the run: behind all items of other files whose clock is less, or equal in a file before.
    That is how sorted files are merged, and how one process merges them."""
    place, clock = _numbers(rows, "index") + files[rank].before, _numbers(rows, "clock")
    for other in files[rank].beside if len(rows) else ():
        clocks: Numbers = np.load(clocks_path(folder, files[other].part), mmap_mode="r")[: files[other].items]
        place = place + np.searchsorted(clocks, clock, side="right" if other < rank else "left")
    return place


def _telling(rows: pa.Table, heard: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Leave out the answers that were only heard and tell this bucket nothing: on a way that was heard before, or of a
    server that was, to a host that no request of the bucket comes from."""
    hosts = set(pc.unique(rows["source"].filter(pa.array(~heard))).to_pylist())
    servers: set[str] = set()
    ways: set[tuple[str, str]] = set()
    kept = ~heard
    at = np.flatnonzero(heard)
    only = rows.filter(pa.array(heard))
    sources, destinations = only["source"].to_pylist(), only["destination"].to_pylist()
    for row, source, destination in zip(at.tolist(), sources, destinations, strict=True):
        if source not in servers or (destination in hosts and (source, destination) not in ways):
            servers.add(source)
            ways.add((source, destination))
            kept[row] = True
    return kept


def _numbers(rows: pa.Table, name: str) -> Numbers:
    return np.asarray(rows[name].to_numpy(), np.int64)


class _Share(Analysis):
    """A run over the rows of one bucket. No rule is asked: findings span buckets."""

    def __init__(self, end: int | None) -> None:
        super().__init__([Source("run", last=end)], rules=(), tables=True)

    def run(self, rows: pa.Table, heard: npt.NDArray[np.bool_], names: Sequence[str]) -> npt.NDArray[np.int64]:
        """Feed all; the row of each message, in the order of their numbers in this run."""
        numbers = []
        sources = [names[rank] for rank in rows["rank"].to_pylist()]
        for at, item in enumerate(items_of(rows.drop_columns(["rank"]), sources)):
            if heard[at] and isinstance(item, RawMessage):
                self.reconstructor.note_foreign(item)
            else:
                self.feed(item)
            if not isinstance(item, NetworkError):
                numbers.append(at)
        self._report = self.finish()
        return np.array(numbers, np.int64)

    @property
    def summary(self) -> Summary:
        """The counts of this bucket."""
        return self._report.summary

    @property
    def recording(self) -> Recording:
        """What was noted of the messages."""
        assert self._report.recording is not None
        return self._report.recording

    def report_tables(self) -> Tables:
        """The tables, numbered as if there were no other buckets."""
        return tables(self._report)


def _numbered(frames: Tables, recording: Recording, places: Numbers) -> dict[str, pa.Table]:
    """Tables that number things by the places of messages; `places` are those of the messages of this run."""
    messages = places[np.array(recording.number, np.int64) - 1]
    of, request = np.array(recording.transaction, np.int64), np.array(recording.request, bool)
    transaction = _Began(of, messages)
    rows = frames.transactions
    owner = np.zeros(int(of.max(initial=0)) + 1, np.int64)
    owner[rows["transaction"].to_numpy()] = rows["registration"].fillna(0).to_numpy(np.int64)
    owned = request & (owner[of] > 0)
    registration = _Began(owner[of[owned]], messages[owned])
    made: dict[str, pa.Table] = {}
    for name in MADE:
        table = _wide(as_arrow(getattr(frames, name)))
        for column in table.column_names:
            began = {"registration": registration, "transaction": transaction}.get(column)
            if column in ("first_transaction", "last_transaction"):
                began = transaction
            if began is not None:
                table = _replaced(table, column, began.of(table[column]))
        made[name] = table
    made["messages"] = made["messages"].append_column(POSITION, pa.array(messages))
    made["attempts"] = _replaced(made["attempts"], "attempt", made["attempts"]["first_transaction"])
    made["bindings"] = _replaced(made["bindings"], "binding", _binding_numbers(made["bindings"]))
    return made


def _wide(table: pa.Table) -> pa.Table:
    """Categories with 32 bits each: those of all buckets together need more than those of one."""
    fields = [
        one.with_type(pa.dictionary(pa.int32(), pa.large_string())) if pa.types.is_dictionary(one.type) else one
        for one in table.schema
    ]
    return table.cast(pa.schema(fields))


class _Began:
    """The place of the message that began each thing, by the thing's number in this bucket."""

    def __init__(self, numbers: Numbers, places: Numbers) -> None:
        known, first = np.unique(numbers, return_index=True)
        self._place = np.zeros(int(known.max(initial=0)) + 1, np.int64)
        self._place[known] = places[first] + 1

    def of(self, column: Any) -> pa.Array:
        """The column with places for numbers; what is missing stays missing."""
        flat = column.combine_chunks()
        places = pa.array(self._place[flat.fill_null(0).to_numpy(zero_copy_only=False)])
        return pc.if_else(flat.is_null(), pa.scalar(None, pa.int64()), places)


def _binding_numbers(bindings: pa.Table) -> pa.Array:
    """Registration by registration, as their rows stand."""
    owner = np.asarray(bindings["registration"].to_numpy(), np.int64)
    starts = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]]) if len(owner) else np.zeros(0, np.int64)
    nth = np.arange(len(owner)) - np.repeat(starts, np.diff(np.r_[starts, len(owner)]))
    return pa.array(owner * _MOST_BINDINGS + nth)


def _replaced(table: pa.Table, name: str, values: Any) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)
