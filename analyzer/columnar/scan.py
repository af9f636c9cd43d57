"""Lines to columns: numpy lays the lines of one length side by side and holds them against the templates learned so far
(docs/columnar.md).

The number of templates is the sum, not the product, of the lengths that occur. The templates of a message's lines, in
order, are its layout, which tells where each of its values lies; layouts of the same kinds of lines are one shape. Each
shape is certified once: the parser reads some of its messages, finds nothing wrong, and every column is what it read.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from analyzer.columnar.crew import Crew
from analyzer.columnar.layouts import MOST_LINES, Layouts
from analyzer.columnar.learner import BeyondBounds, Learned, Learner, State, octets_of, read
from analyzer.columnar.packets import Packets
from analyzer.columnar.records import Flags, Numbers, Octets, Short, Small, begins_with, rows_of
from analyzer.columnar.template import ALLOWED, PLACE
from analyzer.sip.message import Message

_CHUNK = 32_768
"""Messages whose lines are looked at together."""
_SPARSE = 2
"""Octets for each one of a message, beyond which what lies between messages is left out before lines are looked for."""
_LONGEST_LINE = 1000
_FIRST = 8192
"""Messages that one process reads before several do: they have nearly all kinds of lines, which are learned once."""
_LEAST_SHARE = 20_000
"""Messages that are worth a process of their own."""
MOST_DIGITS = 9
"""Digits of a CSeq that is read in columns."""


@dataclass(slots=True)
class Scanned:
    """The plain packets of a capture in columns. `layout` is that of each message, 0 where a line has no template;
    `cseq` its number (0 where that has too many digits)."""

    packets: Packets
    layouts: Layouts
    layout: Small
    cseq: Small

    def place(self, name: str, rows: Numbers | int) -> Any:
        """Where the values of a column begin, octets from the beginning of the file."""
        return self.packets.start[rows] + self.layouts.starts[PLACE[name]][self.layout[rows]]

    def size(self, name: str, rows: Numbers) -> Short:
        """The lengths of the values of a column; 0: there is none."""
        found: Short = self.layouts.lengths[PLACE[name]][self.layout[rows]]
        return found

    @property
    def known(self) -> Flags:
        """Whether each message has a layout."""
        found: Flags = self.layout > 0
        return found

    def has(self, name: str) -> Flags:
        """Whether each message has a value of a column."""
        found: Flags = (self.layouts.lengths[PLACE[name]] > 0)[self.layout]
        return found

    def octets_of(self, row: int) -> bytes:
        """The payload of one message."""
        return octets_of(self.packets, row)

    def message(self, row: int) -> Message:
        """One message as the parser reads it."""
        return read(self.octets_of(row))


class _Lines(NamedTuple):
    """Lines of one length and beginning: the first octet of each and its message, row of the lines, length."""

    at: Numbers
    message: Numbers
    order: Numbers
    length: int


@dataclass(slots=True)
class _Chunk:
    """Messages from row `begin` on: the templates of their lines in order, 0 behind the last; all are `known` so far
    that have a template for each line."""

    begin: int
    lines: Small
    known: npt.NDArray[np.bool_]


def scan(packets: Packets, crew: Crew | None = None) -> Scanned:
    """Read all plain packets into columns; the processes of `crew` share those of a large capture, with the same
    outcome. One reads all where more would have to be learned than may be: what becomes of the rest must not depend on
    how many read."""
    count = len(packets.plain)
    learner = _by_several(packets, crew) if crew is not None else None
    if learner is None:
        learner = Learner(packets, np.zeros(count, np.uint32), np.zeros(count, np.uint32))
        _read(learner, 0, count)
    return Scanned(packets, learner.table.layouts(), learner.layout, learner.cseq)


def _shares(packets: Packets, jobs: int) -> list[tuple[int, int]]:
    """The first and the end of the messages that each process reads behind the first `_FIRST`, as many octets each."""
    count = len(packets.plain)
    jobs = min(jobs, (count - _FIRST) // _LEAST_SHARE)
    if jobs < 2:
        return []
    octets = np.cumsum(packets.length[_FIRST:], dtype=np.int64)
    wanted = octets[-1] * np.arange(1, jobs) // jobs
    edges = [_FIRST, *(np.searchsorted(octets, wanted) + _FIRST).tolist(), count]
    return list(pairwise(edges))


def _by_several(packets: Packets, crew: Crew) -> Learner | None:
    """Read all, a share in this process and each of the others in a fork. All begin with what is learned of the first
    messages; what a fork learns beyond that is renumbered, share by share. None where one process has to read all."""
    shares = _shares(packets, crew.jobs)
    if not shares:
        return None
    learner = Learner(packets, _shared(len(packets.plain)), _shared(len(packets.plain)), is_strict=True)
    try:
        _read(learner, 0, shares[0][0])
        state = learner.state()
        found = crew.spread([partial(_read_share, learner, state, share) for share in shares])
        if found is None:
            return None
        for (begin, end), learned in zip(shares[1:], found[1:], strict=True):
            numbers = learner.take_in(state, learned)
            learner.layout[begin:end] = numbers[learner.layout[begin:end]]
    except BeyondBounds:
        return None
    return learner


def _read_share(learner: Learner, state: State, share: tuple[int, int]) -> Learned:
    _read(learner, *share)
    return learner.since(state)


def _shared(count: int) -> Small:
    """A column of zeros in memory that forks write into."""
    found: Small = np.frombuffer(mmap.mmap(-1, 4 * count), np.uint32)
    return found


def _read(learner: Learner, begin: int, end: int) -> None:
    """Read the messages from row `begin` to before `end`."""
    for first in range(begin, end, _CHUNK):
        size = min(end - first, _CHUNK)
        chunk = _Chunk(first, np.zeros((size, MOST_LINES), np.uint32), np.zeros(size, np.bool_))
        for lines in _lines(learner.packets, chunk, first + size):
            _match(learner, chunk, lines)
        rows = np.flatnonzero(chunk.known)
        learner.layout[first + rows] = learner.layouts_of(chunk.lines[rows])


def _lines(packets: Packets, chunk: _Chunk, end: int) -> Iterator[_Lines]:
    """The lines of a chunk of messages, those of one length and beginning together; messages are known that are made of
    lines that end in CRLF, the last of them empty and none else."""
    octets, start, length = packets.records.octets, packets.start[chunk.begin : end], packets.length[chunk.begin : end]
    ends, owner = _line_ends(octets, start, length)
    if not len(ends):
        return
    is_new = np.append(True, owner[1:] != owner[:-1])
    begins = np.empty(len(ends), np.int64)
    begins[1:] = ends[:-1] + 1
    begins[is_new] = start[owner[is_new]]
    sizes = ends - 1 - begins
    heads = np.flatnonzero(is_new)
    counts = np.diff(np.append(heads, len(ends)))
    tails = heads + counts - 1
    known = chunk.known
    known[owner[heads]] = (counts <= MOST_LINES) & (ends[tails] == (start + length - 1)[owner[heads]])
    wrong = (octets[ends - 1] != 13) | (sizes < 0) | (sizes > _LONGEST_LINE)
    is_last = np.zeros(len(ends), np.bool_)
    is_last[tails] = True
    wrong |= (sizes == 0) != is_last
    known[owner[wrong]] = False
    rows = np.flatnonzero(known[owner] & ~is_last)
    order = np.arange(len(ends)) - np.repeat(heads, counts)
    yield from _alike(octets, begins[rows], owner[rows], order[rows], sizes[rows])


def _line_ends(octets: Octets, start: Numbers, length: Short) -> tuple[Numbers, Numbers]:
    """Where lines end in some messages, offsets in the file, and in which of them. What lies between is looked through
    along with them, unless it is most, as media is."""
    first, last = int(start[0]), int(start[-1] + length[-1])
    if last - first <= _SPARSE * int(length.sum()):
        ends = np.flatnonzero(octets[first:last] == 10) + first
        owner = np.searchsorted(start, ends, "right") - 1
        inside = ends < (start + length)[owner]
        return ends[inside], owner[inside]
    view = octets.data
    parts = [view[begin:end] for begin, end in zip(start.tolist(), (start + length).tolist(), strict=True)]
    own = np.cumsum(length, dtype=np.int64) - length
    ends = np.flatnonzero(np.frombuffer(b"".join(parts), np.uint8) == 10)
    owner = np.searchsorted(own, ends, "right") - 1
    return ends + (start - own)[owner], owner


def _alike(octets: Octets, at: Numbers, owner: Numbers, order: Numbers, sizes: Numbers) -> Iterator[_Lines]:
    """Lines in groups of one length and beginning."""
    key = (((octets[at].astype(np.int64) * 7 + octets[at + 1] * 3 + octets[at + 2]) & 63) << 10 | sizes).astype(
        np.uint16
    )
    sequence = np.argsort(key, kind="stable")
    ordered = key[sequence]
    for part in np.split(sequence, np.flatnonzero(ordered[1:] != ordered[:-1]) + 1):
        if len(part):
            yield _Lines(at[part], owner[part], order[part], int(sizes[part[0]]))


def _match(learner: Learner, chunk: _Chunk, lines: _Lines) -> None:
    """Hold lines of one length against what is known of such, and learn what is not."""
    packets = learner.packets
    text = rows_of(packets.records.octets, lines.at, max(lines.length, 1))
    beginning = int(text[0, 0]) * 7 + int(text[0, min(1, lines.length - 1)]) * 3 if lines.length else 0
    templates = learner.templates_of((beginning, lines.length))
    left = np.arange(len(lines.at))
    tried = 0
    while len(left):
        if tried == len(templates):
            row = chunk.begin + int(lines.message[left[0]])
            start = int(lines.at[left[0]] - packets.start[row])
            if not learner.learn(templates, row, start, lines.length):
                chunk.known[lines.message[left]] = False
                return
        template = templates[tried]
        tried += 1
        rest = text if len(left) == len(text) else text[left]
        fits = np.ones(len(rest), np.bool_)
        for place, part in template.literal:
            fits &= begins_with(rest, place, part)
        for span in template.spans:
            fits &= ALLOWED[span.column][rest[:, span.start : span.end]].all(axis=1)
        found = left[fits]
        if len(found):
            rows = lines.message[found]
            chunk.lines[rows, lines.order[found]] = template.number
            for span in template.spans:
                if span.column == PLACE["cseq"]:
                    own = rest if len(found) == len(rest) else rest[fits]
                    learner.cseq[chunk.begin + rows] = _number(own[:, span.start : span.end])
            left = left[~fits]


def _number(digits: Octets) -> Numbers:
    """The number that each row of digits is; 0 where there are more than nine."""
    number = np.zeros(len(digits), np.int64)
    if digits.shape[1] <= MOST_DIGITS:
        for column in range(digits.shape[1]):
            number = number * 10 + (digits[:, column] - 48)
    return number
