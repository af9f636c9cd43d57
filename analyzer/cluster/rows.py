"""Items of a capture as Arrow rows, and back: what one machine reads and another one joins.

A file of rows is an Arrow IPC file of record batches, each of one bucket, so that who wants a bucket reads its octets
alone. Batches come in turns: bucket 0, bucket 1, ..., then what every bucket needs (`NETWORK_ERRORS`, `HEARD`), then
bucket 0 again. Beside the item a row has its place in the run: `clock` (the latest time that its capture had reached,
so that captures merge as one process would merge them) and `index` (its number among the rows of its capture, from 0).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.ipc

from analyzer.evidence import Between, Endpoint, Fidelity, Frame, Item, LogLines, NetworkError, RawMessage, between

NETWORK_ERRORS, HEARD = 0, 1
"""Batches behind those of the buckets: network errors, and the first response on each way."""
SHARED = 2
"""How many such there are."""
AT_ONCE, A_BUCKET = 50_000, 64
"""Rows that are held before they are written: so many in all, and so many a bucket."""

_FIELDS: tuple[tuple[str, Any], ...] = (
    ("clock", pa.int64()),
    ("index", pa.int64()),
    ("time", pa.int64()),
    ("log", pa.bool_()),
    ("first", pa.int64()),
    ("second", pa.int64()),
    ("earliest", pa.int64()),
    ("latest", pa.int64()),
    ("source", pa.string()),
    ("source_port", pa.int32()),
    ("destination", pa.string()),
    ("destination_port", pa.int32()),
    ("transport", pa.string()),
    ("fidelity", pa.string()),
    ("missing", pa.int64()),
    ("ip_id", pa.int32()),
    ("resend", pa.int64()),
    ("stream", pa.int64()),
    ("reason", pa.string()),
    ("text", pa.string()),
    ("payload", pa.binary()),
)
SCHEMA = pa.schema(_FIELDS)
_FARTHEST = (1 << 63) - 1
_OPTIONS = pa.ipc.IpcWriteOptions(compression="zstd")
Row = tuple[Any, ...]


def row_of(item: Item, clock: int, index: int, stream: int) -> Row:
    """An item as a row; `stream` numbers its connection in all of the run."""
    place, source, destination = item.place, item.source, item.destination
    bounds = between(place) or (None, None)
    head = (clock, index, _time(item.time), isinstance(place, LogLines), place[1], place[2], *bounds)
    ends = (_text(source.host), source.port, _text(destination.host), destination.port, item.transport)
    if isinstance(item, NetworkError):  # its sender is where a message has its fidelity
        return (*head, *ends, item.sender, 0, None, None, stream, item.reason, _text(item.text), item.quoted)
    kept = (item.fidelity.value, item.missing, item.ip_id, item.resend, stream)
    return (*head, *ends, *kept, "", "", item.payload)


def items_of(table: pa.Table, names: Sequence[str]) -> Iterator[Item]:
    """The items of rows; `names` are those of their sources, a row each."""
    start = 0
    for batch in table.to_batches(max_chunksize=4096):
        columns = (batch.column(name).to_pylist() for name in SCHEMA.names[2:])
        for name, row in zip(names[start : start + len(batch)], zip(*columns, strict=True), strict=True):
            yield _item(name, row)
        start += len(batch)


def _item(name: str, row: Row) -> Item:
    time, log, first, second, earliest, latest, *row = row  # type: ignore[assignment]
    *ends, transport, fidelity, missing, ip_id, resend, stream, reason, text, octets = row
    bounds = None if earliest is None else Between(earliest, latest)
    place = LogLines(name, first, second, bounds) if log else Frame(name, first, second)
    source, destination = Endpoint(ends[0], ends[1]), Endpoint(ends[2], ends[3])
    if reason:
        return NetworkError(time, place, source, destination, transport, reason, text, octets, stream, fidelity)
    kind = Fidelity(fidelity)
    return RawMessage(octets, time, place, source, destination, transport, kind, missing, ip_id, resend, stream)


def _time(value: int | None) -> int | None:
    """As 64 bits hold it: a capture may say any time."""
    return value if value is None else max(-_FARTHEST, min(value, _FARTHEST))


def _text(value: str) -> str:
    """As UTF-8 holds it: a log may name a host with any octets."""
    return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode("utf-8")


class RowWriter:
    """Writes rows bucket by bucket into `file`; what is held is bounded by `AT_ONCE` and `A_BUCKET`."""

    def __init__(self, file: IO[bytes], buckets: int) -> None:
        self._held: list[list[Row]] = [[] for _ in range(buckets + SHARED)]
        self._count = 0
        self._buckets = buckets
        self._most = max(AT_ONCE, A_BUCKET * buckets)
        self._sink = pa.ipc.new_file(file, SCHEMA, options=_OPTIONS)

    def add(self, bucket: int, row: Row) -> None:
        """Take a row of a bucket."""
        self._held[bucket].append(row)
        self._count += 1
        if self._count >= self._most:
            self._flush()

    def share(self, what: int, row: Row) -> None:
        """Take a row that all buckets need: one of `NETWORK_ERRORS` or `HEARD`."""
        self.add(self._buckets + what, row)

    def close(self) -> None:
        """Write the rest."""
        self._flush()
        self._sink.close()

    def _flush(self) -> None:
        for rows in self._held:
            columns = list(zip(*rows, strict=True)) if rows else [()] * len(SCHEMA)
            arrays = [pa.array(column, one.type) for column, one in zip(columns, SCHEMA, strict=True)]
            self._sink.write_batch(pa.record_batch(arrays, schema=SCHEMA))
            rows.clear()
        self._count = 0


def rows_of(path: Path, bucket: int, buckets: int) -> pa.Table:
    """The rows of a bucket in a file; `buckets + NETWORK_ERRORS` and `buckets + HEARD` are those that all need."""
    with pa.OSFile(os.fspath(path), "rb") as file:
        reader = pa.ipc.open_file(file)
        turns = range(bucket, reader.num_record_batches, buckets + SHARED)
        return pa.Table.from_batches([reader.get_batch(number) for number in turns], SCHEMA)


@contextmanager
def in_place(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes its name when it is whole. A task that died, or runs twice, leaves nothing half done: both
    write the same octets, and the last one to finish replaces what the other wrote. It holds what was on the wire, or
    is told by it, so it stays its owner's alone (0600), as such a temporary file is; the folders above are too."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            yield file
        except BaseException:
            os.unlink(file.name)
            raise
    os.replace(file.name, path)
