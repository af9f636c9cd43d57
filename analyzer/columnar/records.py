"""Records of a capture file as columns: where each lies, when it came, how long its packet is (docs/columnar.md).

The file is mapped, not read, or its unpacked copy is. How records follow each other is a matter of the format
(`pcap_records`, `pcapng_records`). A file with anything out of the ordinary between its records is `Unsuited` as a
whole.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass, field
from typing import IO, Any, BinaryIO, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from analyzer.capture import spool
from analyzer.capture.input_stream import InputStream, is_compressed, size_of
from analyzer.capture.pcap_layouts import MAX_PACKET
from analyzer.defect import SourceError
from analyzer.escape import Told
from analyzer.evidence import LATEST, Source

Octets = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.signedinteger[Any]]
Flags = npt.NDArray[np.bool_]
Small = npt.NDArray[np.uint32]
Short = npt.NDArray[np.uint16]
Keys = npt.NDArray[np.uint64]

LINKS = {1: (12, 14), 113: (14, 16), 276: (0, 20), 101: (-1, 0), 228: (-1, 0)}
"""LINKTYPE_ -> where the ethertype stands (-1: nowhere, the packet is IP), and octets before what it tells of."""


class Unsuited(Told):
    """The capture, or what was asked of it, is for the object path alone; the text says why."""


class Damage(NamedTuple):
    """How a file ends before its last record does: the code and the text of a defect, and where that record begins."""

    code: str
    text: str
    offset: int


@dataclass(slots=True)
class Records:
    """All records of a file: `at` where each begins (octets), `time` in nanoseconds, `size` of the packet in octets,
    which stands `header` octets behind that beginning; `step` nanoseconds of one tick of the clock, and as `Source` has
    them what is known of the `interfaces`: `interface` is that of each record (None: all are of the first). `damage`
    and `remarks` are what there is to say when all is read."""

    octets: Octets
    at: Numbers
    time: Numbers
    size: Numbers
    link: int
    step: int
    header: int
    interfaces: int = 1
    interface: Numbers | None = None
    damage: Damage | None = None
    remarks: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.at)

    @property
    def steps_back(self) -> bool:
        """Whether any record has an earlier time than the one before it."""
        return bool((self.time[1:] < self.time[:-1]).any())

    @property
    def last(self) -> int:
        """The latest time of all, nanoseconds since the epoch."""
        return int(self.time.max())

    def begin(self, source: Source) -> None:
        """Tell a source what the reader of the file tells it before the first packet."""
        source.resolution, source.interfaces = self.step, self.interfaces

    def end(self, source: Source) -> None:
        """Tell a source what the reader of the file tells it behind the last packet."""
        source.frames = len(self)
        if len(self):
            source.note_time(int(self.time.min()))
            source.note_time(self.last)
        if self.damage is not None:
            source.damaged = True
            source.defect(self.damage.code, self.damage.text, offset=self.damage.offset)
        source.quality += self.remarks


def mapped(path: str) -> Octets:
    """The octets of a file, mapped into memory; of a compressed one those of an unpacked copy, which is gone when they
    are. Raises `Unsuited` where that cannot be done."""
    try:
        with _unpacked(path) if is_compressed(path) else open(path, "rb") as file:
            return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), dtype=np.uint8)
    except (OSError, ValueError, SourceError) as error:
        raise Unsuited("the file cannot be mapped") from error


def _unpacked(path: str) -> IO[bytes]:
    if size_of(path) > spool.MOST:
        raise Unsuited("its unpacked copy would be too long")
    scratch = Source(path)
    with open(path, "rb") as packed, InputStream(packed, scratch) as stream:
        copy, _ = spool.spooled(cast(BinaryIO, stream), path)
    if scratch.damaged:
        copy.close()
        raise Unsuited("the compressed file is damaged")
    return copy


def hold_whole(captured: Any, length: Any) -> None:
    """Raise `Unsuited` where any packet is not all that it was on the wire; both lengths in octets, of each record."""
    if len(captured) and (captured.max() > MAX_PACKET or captured.min() < 1 or bool((captured != length).any())):
        raise Unsuited("packets are cut, or lengths are absurd")


def hold_dated(time: Numbers) -> None:
    """Raise `Unsuited` where any time (nanoseconds since the epoch) cannot be one."""
    if len(time) and (time.min() < 0 or time.max() >= LATEST):
        raise Unsuited("times are absurd")


def begins_with(rows: Octets, at: int, text: bytes) -> Flags:
    """Whether the octets of each row from a place on are these. They are compared as strings of one length, which is
    many times as fast as one by one; that strings end in zeros makes no difference then."""
    found: Flags = field_of(rows, at, len(text)) == text
    return found


def field_of(rows: Octets, at: int, length: int) -> Any:
    """Some octets of each row, as one value of a column."""
    whole = np.dtype({"names": ["field"], "formats": [f"S{length}"], "offsets": [at], "itemsize": rows.shape[1]})
    return rows.view(whole)["field"][:, 0]


def strings(octets: Octets, at: Numbers, length: int) -> Any:
    """The octets from each place on, so many (at least one), each as one value. They are copied as values of that size,
    which takes half of the time that a window of single octets takes."""
    kind = f"S{length}"
    if not len(at):
        return np.empty(0, kind)
    windows: Any = np.ndarray((len(octets) - length + 1,), kind, octets.data, strides=(1,))
    return windows[at]


def rows_of(octets: Octets, at: Numbers, length: int) -> Octets:
    """The same as rows of octets: (places, `length`)."""
    found: Octets = strings(octets, at, length).view(np.uint8).reshape(-1, length)
    return found
