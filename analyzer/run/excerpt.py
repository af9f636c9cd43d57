"""The messages of some clients, read once more from the sources after the analysis.

A run forgets messages as soon as they were judged, and which clients are worth to be shown is known only when it is
over. So nothing is kept on the way: what `Recording` notes of each message (its place, transaction, size) says which
ones are wanted, and the sources are read a second time, without parsing or judging anything else, until all of them are
found. It gives the same whatever number of processes made the report, and costs no other command anything.

Bounded: of one client `MOST_OF_MANY`, or up to `MOST_OF_ONE` where few clients share `MOST_TOGETHER`: the first, the
latest, and those that findings are about; of all together `MOST_OCTETS`. What is left out is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from analyzer.capture.opener import Reading
from analyzer.evidence import LogLines, Place, RawMessage
from analyzer.run.recording import Recording
from analyzer.run.report import Report
from analyzer.sip.message import Message, parse

MOST_OF_MANY = 40
"""Messages of one client that are shown, where many clients are."""
MOST_OF_ONE, MOST_TOGETHER = 300, 600
"""Of one client at most, where few are shown; they share so many."""
KEPT_FIRST = KEPT_TOLD = 0.3
"""Of a client that has more, the share of those that are shown: its first ones, and those that findings are about."""
MOST_OCTETS = 8_000_000
"""Octets of all messages that are kept."""

Key = tuple[str, int]
"""A place: the source's name, and the frame or first line."""


class Taken(NamedTuple):
    """A message that is shown: `transaction` is its number, `is_copy` says that the same was sent before, `before`
    counts the messages of its client between the one shown before and this one."""

    message: Message
    transaction: int
    is_copy: bool
    before: int


@dataclass(slots=True)
class Excerpt:
    """By registration the messages that were found, in the order of the run. `total` counts all that the client has,
    `after` those behind the last one shown; `lost` messages were not found again: a source changed, or cannot be read
    twice. `interrupted`: the second reading was ended by a signal."""

    of: dict[int, list[Taken]] = field(default_factory=dict)
    total: dict[int, int] = field(default_factory=dict)
    after: dict[int, int] = field(default_factory=dict)
    lost: int = 0
    interrupted: bool = False


class _Wanted(NamedTuple):
    """A message to look for: its row in the recording, its client, and how many are left out before it."""

    row: int
    registration: int
    before: int


def key_of(place: Place) -> Key:
    """Where something is, without how long it is."""
    return place.source, place.first if isinstance(place, LogLines) else place.number


class Gatherer:
    """Knows which messages of `chosen` registrations (in the order of their weight) are wanted, and takes them from a
    second reading: `read`. `told` are places that findings of each are about."""

    def __init__(self, report: Report, chosen: Sequence[int], told: dict[int, set[Key]]) -> None:
        assert report.recording is not None, "a run with tables"
        self._recording: Recording = report.recording
        self._excerpt = Excerpt()
        self._wanted: dict[Key, list[_Wanted]] = {}
        self._found: dict[int, list[tuple[int, Taken]]] = {}
        self._open = 0
        octets = 0
        rows, most = _rows_of(report, chosen), most_of_each(len(chosen))
        for registration in chosen:
            everything = rows[registration]
            kept = _kept(everything, self._recording, told.get(registration, set()), most)
            own = sum(self._recording.size[row] for row in kept)
            self._excerpt.total[registration] = len(everything)
            if octets + own <= MOST_OCTETS:
                octets += own
                self._want(registration, everything, kept)

    def _want(self, registration: int, everything: Sequence[int], kept: Sequence[int]) -> None:
        at = {row: number for number, row in enumerate(everything)}
        before = -1
        for row in kept:
            key = (self._recording.source_file[row], self._recording.frame[row])
            self._wanted.setdefault(key, []).append(_Wanted(row, registration, at[row] - before - 1))
            before = at[row]
        self._excerpt.after[registration] = len(everything) - before - 1
        self._open += len(kept)

    def read(self, reading: Reading, progress: Callable[[int, int | None], None] | None = None) -> None:
        """Take what is wanted from a second reading; it ends when all of it is found. A signal ends it before that."""
        try:
            for number, item in enumerate(reading):
                if not self._open:
                    return
                if isinstance(item, RawMessage):
                    self._take(item)
                if progress is not None and number % 256 == 0:
                    progress(reading.position(), reading.total())
        except KeyboardInterrupt:
            self._excerpt.interrupted = True

    def _take(self, item: RawMessage) -> None:
        several = self._wanted.get(key_of(item.place))
        if several is None:
            return
        message, recording = parse(item), self._recording
        if not message.is_register:
            return
        for number, wanted in enumerate(several):
            row = wanted.row
            same = recording.status[row] == message.status and bool(recording.request[row]) == bool(message.method)
            if same and recording.size[row] == len(item.payload) + item.missing:
                del several[number]
                self._open -= 1
                taken = Taken(message, recording.transaction[row], bool(recording.copy[row]), wanted.before)
                self._found.setdefault(wanted.registration, []).append((row, taken))
                return

    def excerpt(self) -> Excerpt:
        """What was found."""
        self._excerpt.lost = self._open
        for registration, found in self._found.items():
            self._excerpt.of[registration] = [taken for _, taken in sorted(found, key=lambda pair: pair[0])]
        return self._excerpt


def _rows_of(report: Report, chosen: Collection[int]) -> dict[int, list[int]]:
    """The rows of the recording by registration."""
    assert report.recording is not None
    rows: dict[int, list[int]] = {registration: [] for registration in chosen}
    owner = {row.id: row.registration for row in report.transactions if row.registration in rows}
    for number, transaction in enumerate(report.recording.transaction):
        registration = owner.get(transaction)
        if registration is not None:
            rows[registration].append(number)
    return rows


def most_of_each(clients: int) -> int:
    """How many messages of each of so many clients are shown."""
    return max(MOST_OF_MANY, min(MOST_OF_ONE, MOST_TOGETHER // max(1, clients)))


def _kept(everything: Sequence[int], recording: Recording, told: set[Key], most: int) -> list[int]:
    """Which of a client's messages are shown."""
    if len(everything) <= most:
        return list(everything)
    chosen = dict.fromkeys(everything[: round(KEPT_FIRST * most)])
    about = (row for row in everything if (recording.source_file[row], recording.frame[row]) in told)
    chosen |= dict.fromkeys(row for _, row in zip(range(round(KEPT_TOLD * most)), about, strict=False))
    for row in reversed(everything):
        if len(chosen) >= most:
            break
        chosen[row] = None
    return sorted(chosen)


def told_of(places: Iterable[Place]) -> set[Key]:
    """Places as keys."""
    return {key_of(place) for place in places}


__all__ = ["Excerpt", "Gatherer", "Taken", "key_of", "told_of"]
