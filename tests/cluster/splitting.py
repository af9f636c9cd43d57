"""Captures cut into files by packet count, as `editcap -c` does, and tables compared."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

import dpkt
import pandas as pd

from analyzer.cluster.join import MADE
from analyzer.cluster.work_directory import WorkDirectory
from analyzer.dataframes.frames import Tables

PLACE = ["frame", "source_file"]
"""Columns that tell in which file something lies."""


_HEADER = struct.Struct("<IHHiIII")
_RECORD = struct.Struct("<IIII")
_MICRO = 1_000_000

Packet = tuple[int, bytes]
"""Microseconds since the epoch, and a frame."""


def records(path: Path) -> tuple[int, list[Packet]]:
    """Link type and packets of a capture."""
    with path.open("rb") as file:
        ng = file.read(4) == b"\n\r\r\n"
        file.seek(0)
        reader = dpkt.pcapng.Reader(file) if ng else dpkt.pcap.Reader(file)
        return reader.datalink(), [(round(time * _MICRO), bytes(octets)) for time, octets in reader]


def write(path: Path, linktype: int, packets: Sequence[Packet]) -> Path:
    """A capture of these packets."""
    with path.open("wb") as file:
        file.write(_HEADER.pack(0xA1B2C3D4, 2, 4, 0, 0, 65535, linktype))
        for time, octets in packets:
            file.write(_RECORD.pack(*divmod(time, _MICRO), len(octets), len(octets)) + octets)
    return path


def split(path: Path, folder: Path, each: int) -> list[Path]:
    """A capture as files of `each` packets."""
    linktype, packets = records(path)
    starts = range(0, len(packets), each)
    return [write(folder / f"{at:06d}.pcap", linktype, packets[at : at + each]) for at in starts]


def assert_same(spool: WorkDirectory, whole: Tables, without: Sequence[str] = ()) -> None:
    """That a run over many files has the tables of one process; `without` names columns that may differ. One process
    counts the transactions of other methods, too, so what is compared of numbers is their order."""
    for name, table, other in pairs(spool, whole):
        left, right = (frame.drop(columns=list(without), errors="ignore") for frame in (table, other))
        pd.testing.assert_frame_equal(left, right, obj=name)


def pairs(spool: WorkDirectory, whole: Tables) -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """Each table of both, with numbers that count from 1."""
    numbers = pd.Index(whole.transactions["transaction"])
    for name in MADE:
        other = getattr(whole, name)
        for column in ("transaction", "first_transaction", "last_transaction"):
            if column in other:
                counted = pd.Series(numbers.get_indexer(other[column]) + 1, dtype=other.dtypes[column])
                other = other.assign(**{column: counted})
        yield name, spool.gather(name), other
