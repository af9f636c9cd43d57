"""One capture file to rows, each in its bucket (the map of `tabulate.py`).

A REGISTER and its answers go to the bucket that the hash of the address-of-record names: an answer copies To from its
request (RFC 3261 8.2.6.2), whichever file either stands in. Where the request stands in the same file, its answer
follows it even if a server changed To. A message that was cut before To goes where its Call-ID hashes to.

A large file is read by several tasks at once, as `--jobs` does it (`analyzer/run/workers.py`): each walks over all
records, which is a sixth of the work, and takes up the messages of its share alone. Shares are by Call-ID, so that an
answer and its request are in one. `Shard`, which shares out for `--jobs`, remembers every Call-ID; here nothing has
to stay together but an exchange, so a hash will do, and memory does not grow with the file.
"""

from __future__ import annotations

import zlib
from array import array
from pathlib import Path
from threading import Event
from typing import Any, NamedTuple

import numpy as np

from analyzer.capture.opener import Reading as Reader
from analyzer.capture.opener import open_sources
from analyzer.cluster.rows import HEARD, NETWORK_ERRORS, RowWriter, in_place, row_of
from analyzer.cluster.stop import heeding
from analyzer.defect import SourceError
from analyzer.evidence import Endpoint, Fidelity, Item, NetworkError, RawMessage, Source
from analyzer.interruption import Interrupted
from analyzer.register.bounded import Notes
from analyzer.register.identity import aor_of
from analyzer.run.collector import patient_collector
from analyzer.run.shard import call_id_of
from analyzer.sip.message import Message, parse
from analyzer.sip.text import octets

MOST_SHARES = 8
"""Beyond that the walk over all records, which each share makes, is most of its work."""
_SHARE = 64 << 20
"""Octets of a file that are not worth being shared out."""
LATEST = 1 << 62
"""A clock (the year 2116): what is later stands in a log, which one process reads after all captures."""
_MOST_WAYS = 200_000
_MOST_EXCHANGES = 200_000
_ANSWER = b"SIP/2.0 100 Trying\r\n\r\n"


class Capture(NamedTuple):
    """What reading a file gave. `items` counts what was in it, `messages` those that are SIP. Times are nanoseconds,
    None where there is none: `first` and `last` of its packets; `begin` and `end` of its rows, by their `clock`.
    `spans_packets` says that a message lay in more than one packet; `faults` are sentences on what could not be read;
    `unreadable` is why nothing could, and `source` the tally of reading. `cut` says that the run was asked to end
    before the file did."""

    name: str
    part: str = ""
    shares: int = 1
    items: int = 0
    messages: int = 0
    begin: int = 0
    end: int = 0
    spans_packets: bool = False
    faults: tuple[str, ...] = ()
    source: Source | None = None
    unreadable: SourceError | None = None
    cut: bool = False

    @property
    def span(self) -> tuple[int, int] | None:
        """Times of the first and the last packet, or None where none has a time."""
        source = self.source
        return None if source is None or source.first is None or source.last is None else (source.first, source.last)


class Reading(NamedTuple):
    """What a task is told: the file (as it was named, and where it lies), what `open_sources` takes beside it, where
    rows go and in how many buckets, the files beside it in time (where messages may lie across the ends of files),
    which share of the messages to take, and the one address-of-record that is wanted."""

    name: str
    path: str
    number: int
    folder: str
    buckets: int
    options: dict[str, Any]
    beside: tuple[str, ...] = ()
    share: int = 0
    shares: int = 1
    aor: str = ""

    @property
    def part(self) -> str:
        """The name of its rows: another one when it is read again, so that a task that was given up for dead, and is
        not, cannot write over the better rows."""
        return f"{self.number:05d}{'-spans_packets' if self.beside else ''}"

    def shared_out(self) -> list[Reading]:
        """The tasks that read this file together."""
        return [self._replace(share=share) for share in range(self.shares)]


def rows_path(folder: str | Path, part: str, share: int = 0) -> Path:
    """Where the rows of a share of a file are."""
    return Path(folder, "rows", f"{part}.{share}.arrow")


def clocks_path(folder: str | Path, part: str) -> Path:
    """Where the clocks of the items of a file are."""
    return Path(folder, "rows", f"{part}.npy")


def errors_path(folder: str | Path, part: str) -> Path:
    """Where the indexes of those items are that are network errors."""
    return Path(folder, "rows", f"{part}-errors.npy")


def shares_for(octets: int, all_octets: int, workers: int) -> int:
    """How many tasks read a file, so that all workers have something to do until nearly the end."""
    fair = max(_SHARE, all_octets // (2 * workers))
    return max(1, min(MOST_SHARES, workers, -(-octets // fair)))


def read_capture(task: Reading) -> Capture:
    """Write the rows of one share of a file. What cannot be read is told in `faults`."""
    try:
        with patient_collector(), open_sources([task.path, *task.beside], **task.options) as reading:
            own = reading.sources[0]
            with in_place(rows_path(task.folder, task.part, task.share)) as file:
                walk = _Walk(own, RowWriter(file, task.buckets), task)
                with heeding(task.folder, reading) as asked:
                    cut = _walked(reading, walk, asked)
                walk.writer.close()
    except SourceError as error:
        said = SourceError(task.name, error.reason, offset=error.offset, hint=error.hint)
        return Capture(task.name, faults=(str(said),), unreadable=said)
    own.name = task.name
    clocks = np.array(walk.clocks, np.int64)
    if task.share == 0:  # all shares have the same
        with in_place(clocks_path(task.folder, task.part)) as file:
            np.save(file, clocks)
        with in_place(errors_path(task.folder, task.part)) as file:
            np.save(file, np.array(walk.errors, np.int64))
    return Capture(
        task.name,
        task.part,
        task.shares,
        items=len(clocks),
        messages=walk.messages,
        begin=int(clocks[0]) if len(clocks) else 0,
        end=int(clocks[-1]) if len(clocks) else 0,
        spans_packets=walk.spans_packets or any(defect.code in _WOVEN for _, defect in own.defect_list),
        faults=tuple(_faults(own, walk)),
        source=own,
        cut=cut,
    )


def _walked(reading: Reader, walk: _Walk, asked: Event) -> bool:
    """Take all items; True where an end was asked for before."""
    own = walk.source.name
    try:
        for item in reading:
            if asked.is_set():
                return True
            if item.place[0] == own:
                walk.take(item)
    except KeyboardInterrupt as interruption:
        if isinstance(interruption, Interrupted) or not asked.is_set():
            raise
        return True
    return False


_WOVEN = ("incomplete-fragments", "tcp-gap")


class _Walk:
    """Puts the items of one file into rows."""

    def __init__(self, source: Source, writer: RowWriter, task: Reading) -> None:
        self.source = source
        self.writer = writer
        self.clocks = array("q")
        self.errors = array("q")
        self.messages = 0
        self.spans_packets = False
        self.clockless = self.in_flows = 0
        self._task = task
        self._late = LATEST if source.kind == "log" else 0
        self._clock = 0
        self._exchanges: Notes[tuple[str, int], int] = Notes(_MOST_EXCHANGES)
        self._ways: Notes[tuple[Endpoint, str], bool] = Notes(_MOST_WAYS)

    def take(self, item: Item) -> None:
        """One item: a row, if it is of a REGISTER or may be; its time and its way count in any case."""
        source = self.source
        if source.shows_flows:
            self.in_flows += 1  # each flow is a capture of its own, and a run over many files is one of them all
            return
        if item.time is not None and item.time != source.last:
            source.note_time(item.time)
        self.clockless += item.time is None
        self._clock = max(self._clock, min(source.last or 0, LATEST - 1))
        self.clocks.append(self._clock + self._late)
        self.spans_packets = self.spans_packets or bool(item.stream)
        if isinstance(item, NetworkError):
            self.errors.append(len(self.clocks) - 1)
            if self._task.share == 0:
                self.writer.share(NETWORK_ERRORS, self._row(item))
            return
        self.messages += 1
        self.spans_packets = self.spans_packets or item.fidelity is Fidelity.REASSEMBLED
        if self._task.shares == 1 or _share_of(item, self._task.shares) == self._task.share:
            self._sort(item, parse(item))

    def _sort(self, item: RawMessage, message: Message) -> None:
        if self._task.aor and aor_of(message) != self._task.aor:
            return
        if message.is_response:
            self._note_way(item)
        if message.is_register or (message.is_response and message.cseq is None):
            self.writer.add(self._bucket(message), self._row(item))

    def _row(self, item: Item) -> tuple[Any, ...]:
        return row_of(item, self.clocks[-1], len(self.clocks) - 1, _connection(item))

    def _note_way(self, answer: RawMessage) -> None:
        """Keep the first response on each way: that one direction can be seen at all is known from the others' too."""
        way = answer.source, answer.destination.host
        if way not in self._ways:
            self._ways.note(way, True)
            self.writer.share(HEARD, (*self._row(answer)[:-1], _ANSWER))

    def _bucket(self, message: Message) -> int:
        cseq = message.cseq
        exchange = message.call_id, -1 if cseq is None else cseq.number
        known = self._exchanges.get(exchange) if message.is_response else None
        if known is not None:
            return known
        bucket = zlib.crc32(octets(aor_of(message) or message.call_id)) % self._task.buckets
        if not message.is_response:
            self._exchanges.note(exchange, bucket)
        return bucket


def _share_of(item: RawMessage, shares: int) -> int:
    """The share of a message: that of its Call-ID."""
    return zlib.crc32(call_id_of(item.payload)) % shares


def _connection(item: Item) -> int:
    """A number of a TCP connection that is the same in every file: by its two ends."""
    if not item.stream:
        return 0
    low, high = sorted((item.source, item.destination))
    return zlib.crc32(octets(f"{low} {high}")) + 1


def _faults(source: Source, walk: _Walk) -> list[str]:
    """What to say of a source, under the name that it was given."""
    faults = []
    if source.damaged:
        told = source.defect_list[0][1].text if source.defect_list else "it was not read to its end"
        faults.append(f"{source.name}: damaged: {told}")
    if walk.in_flows:
        faults.append(f"{source.name}: shows call flows, which have no clock: {walk.in_flows:,} messages are left out")
    if walk.clockless:
        faults.append(f"{source.name}: {walk.clockless:,} messages have no time: whose they are may be wrong")
    return faults
