"""Lines to columns: numpy lays the lines of one length side by side and holds them against the templates learned so far
(docs/columnar.md).

The number of templates is the sum, not the product, of the lengths that occur. Messages whose lines follow each other
in the same kinds are of one shape; each shape is certified once: the parser reads some of its messages, finds nothing
wrong, and every column is what it read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from analyzer.columnar.packets import Packets
from analyzer.columnar.records import Flags, Numbers, Octets, begins_with
from analyzer.columnar.template import ALLOWED, COLUMNS, PLACE, Span, spans_of
from analyzer.evidence import Endpoint, Frame, RawMessage
from analyzer.sip.message import Message, parse

Short = npt.NDArray[np.uint16]

_CHUNK = 32_768
"""Messages whose lines are looked at together."""
_SPARSE = 2
"""Octets for each one of a message, beyond which what lies between messages is left out before lines are looked for."""
_LONGEST_LINE = 1000
_MOST_TEMPLATES = 64
"""Templates of lines of one length and beginning; a line that needs one more is unusual."""
_MOST_KINDS = 4000
MOST_LINES = 32
"""Lines of a message that is read in columns."""
_MANY_NEW = 20_000
"""Messages that may be read to learn from; whoever makes up more kinds of lines is for the object path."""
_NOWHERE = Endpoint("192.0.2.1", 5060)


@dataclass(slots=True)
class Scanned:
    """The plain packets of a capture in columns. `kinds` are those of a message's lines, in order, 0 behind the last;
    it is `known` where each line has a template. `starts` (in the payload) and `lengths` are the values, by column and
    message (length 0: there is none); `cseq` is the number."""

    packets: Packets
    known: Flags
    kinds: Short
    starts: Short
    lengths: Short
    cseq: Numbers

    def octets_of(self, row: int) -> bytes:
        """The payload of one message."""
        at = self.packets.start[row]
        return self.packets.records.octets[at : at + self.packets.length[row]].tobytes()

    def message(self, row: int) -> Message:
        """One message as the parser reads it."""
        return parse(RawMessage(self.octets_of(row), 0, Frame("", 1), _NOWHERE, _NOWHERE))


class _Template(NamedTuple):
    """A line of one length: its literal parts by place, where values lie, and its kind."""

    literal: tuple[tuple[int, bytes], ...]
    spans: tuple[Span, ...]
    kind: int


class _Lines(NamedTuple):
    """Lines of one length and beginning: the first octet of each and its message, row of the lines, length."""

    at: Numbers
    message: Numbers
    order: Numbers
    length: int


@dataclass(slots=True)
class _Learner:
    """What is known of lines. `kinds` numbers patterns, which are lines without their values."""

    scanned: Scanned
    templates: dict[tuple[int, int], list[_Template]] = field(default_factory=dict)
    kinds: dict[tuple[object, ...], int] = field(default_factory=dict)
    read: dict[int, list[Span]] = field(default_factory=dict)
    count: int = 0

    def learn(self, row: int, start: int, length: int) -> _Template | None:
        """The template of the line that begins at `start` of the payload of message `row`; None where there are too
        many already."""
        if self.count >= _MANY_NEW or len(self.kinds) >= _MOST_KINDS:
            return None
        spans = self.read.get(row)
        if spans is None:
            self.count += 1
            self.read.clear()
            spans = self.read[row] = spans_of(self.scanned.message(row))
        own = tuple(Span(one.column, one.start - start, one.end - start) for one in spans if one.start >= start)
        own = tuple(one for one in own if one.end <= length)
        line = self.scanned.octets_of(row)[start : start + length]
        pattern: list[object] = []
        literal: list[tuple[int, bytes]] = []
        before = 0
        for span in own:
            literal.append((before, line[before : span.start]))
            pattern += [line[before : span.start], span.column]
            before = span.end
        literal.append((before, line[before:]))
        kind = self.kinds.setdefault((*pattern, line[before:]), len(self.kinds) + 1)
        return _Template(tuple(part for part in literal if part[1]), own, kind)


def scan(packets: Packets) -> Scanned:
    """Read all plain packets into columns."""
    count, columns = len(packets.plain), len(COLUMNS)
    scanned = Scanned(
        packets,
        np.ones(count, np.bool_),
        np.zeros((count, MOST_LINES), np.uint16),
        np.zeros((columns, count), np.uint16),
        np.zeros((columns, count), np.uint16),
        np.zeros(count, np.int64),
    )
    learner = _Learner(scanned)
    for begin in range(0, count, _CHUNK):
        for lines in _lines(scanned, begin, min(count, begin + _CHUNK)):
            _match(learner, lines)
    return scanned


def _lines(scanned: Scanned, begin: int, end: int) -> Iterator[_Lines]:
    """The lines of some messages, those of one length and beginning together; marks messages that are not made of
    lines that end in CRLF, the last of them empty and none else."""
    packets = scanned.packets
    octets, start, length = packets.records.octets, packets.start[begin:end], packets.length[begin:end]
    ends, owner = _line_ends(octets, start, length)
    known = np.zeros(end - begin, np.bool_)
    if len(ends):
        is_new = np.append(True, owner[1:] != owner[:-1])
        begins = np.empty(len(ends), np.int64)
        begins[1:] = ends[:-1] + 1
        begins[is_new] = start[owner[is_new]]
        sizes = ends - 1 - begins
        heads = np.flatnonzero(is_new)
        counts = np.diff(np.append(heads, len(ends)))
        tails = heads + counts - 1
        known[owner[heads]] = (counts <= MOST_LINES) & (ends[tails] == (start + length - 1)[owner[heads]])
        wrong = (octets[ends - 1] != 13) | (sizes < 0) | (sizes > _LONGEST_LINE)
        is_last = np.zeros(len(ends), np.bool_)
        is_last[tails] = True
        wrong |= (sizes == 0) != is_last
        known[owner[wrong]] = False
        scanned.known[begin:end] = known
        rows = np.flatnonzero(known[owner] & ~is_last)
        order = np.arange(len(ends)) - np.repeat(heads, counts)
        yield from _alike(octets, begins[rows], owner[rows] + begin, order[rows], sizes[rows])
    else:
        scanned.known[begin:end] = known


def _line_ends(octets: Octets, start: Numbers, length: Numbers) -> tuple[Numbers, Numbers]:
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
    own = np.cumsum(length) - length
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


def _match(learner: _Learner, lines: _Lines) -> None:
    """Hold lines of one length against what is known of such, and learn what is not."""
    scanned = learner.scanned
    octets, starts = scanned.packets.records.octets, scanned.packets.start
    text: Any = np.lib.stride_tricks.sliding_window_view(octets, max(lines.length, 1))[lines.at]
    beginning = int(text[0, 0]) * 7 + int(text[0, min(1, lines.length - 1)]) * 3 if lines.length else 0
    templates = learner.templates.setdefault((beginning, lines.length), [])
    left = np.arange(len(lines.at))
    tried = 0
    while len(left):
        if tried == len(templates):
            row = int(lines.message[left[0]])
            start = int(lines.at[left[0]] - starts[row])
            fresh = learner.learn(row, start, lines.length) if len(templates) < _MOST_TEMPLATES else None
            if fresh is None:
                scanned.known[lines.message[left]] = False
                return
            templates.append(fresh)
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
            _fill(scanned, lines, found, template, rest if len(found) == len(rest) else rest[fits])
            left = left[~fits]


def _fill(scanned: Scanned, lines: _Lines, found: Numbers, template: _Template, text: Any) -> None:
    """Write down what the lines of a template hold."""
    rows = lines.message[found]
    scanned.kinds[rows, lines.order[found]] = template.kind
    begins = lines.at[found] - scanned.packets.start[rows]
    for span in template.spans:
        scanned.starts[span.column, rows] = begins + span.start
        scanned.lengths[span.column, rows] = span.end - span.start
        if span.column == PLACE["cseq"]:
            number = np.zeros(len(rows), np.int64)
            for place in range(span.start, min(span.end, span.start + 10)):
                number = number * 10 + (text[:, place] - 48)
            scanned.cseq[rows] = number
