"""Texts of which each line stands above the one before it: exports of log servers and viewers that keep a line of a log
in each record, and list the newest record first; `tac`.

A message is upside down there, its start line below its headers, so nobody could read it. All lines are kept, and
turned round before anybody is asked what the text is; records that span lines (a row of CSV, an entry of a journal, an
object of JSON) are turned as wholes. Each message says so, and has the place that it has in the text.

That a text is upside down is told by what every message has: a start line, and Via, nearer to it than those of other
messages (RFC 3261 7.1, 8.1.1). No start line may be nearer to a Via below it, and the first Via stands above the first
start line.
"""

from __future__ import annotations

import io
import json
import re
from array import array
from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from analyzer.capture.formats import HEAD
from analyzer.capture.input_stream import InputStream
from analyzer.capture.newest_first import CODE, MOST_OCTETS
from analyzer.capture.text.carrier_kinds import taken_from_json
from analyzer.capture.text.grammar import METHODS
from analyzer.capture.text.lines import LIMIT, as_utf8
from analyzer.capture.text.records import joiners_of
from analyzer.defect import Defect
from analyzer.evidence import Item, LogLines, RawMessage, Source

MOST_LINES = 1 << 22
"""Lines that are turned round, at most."""
NEAR = 4
"""Lines between a start line and Via, at most, in one message of the text at least: some put it first."""
TURNED = "The text lists the newest line first: it was turned round."
TOO_LONG = "The text lists the newest line first, and is too long to be turned round: sort it by time."
_MARK = b"SIP/2.0"
_START = re.compile(
    rb"(?:" + METHODS + rb") sips?:[^\s\"]{1,2048} SIP/2\.0(?![\w/])|(?<![\w/])SIP/2\.0 [1-6]\d\d(?!\d)"
)
_VIA = re.compile(rb"(?<![\w-])(?:via|v)[ \t]*:[ \t]*SIP/2\.0/", re.IGNORECASE)
_DEFECT = Defect(CODE, "the lines were turned round, where the text lists the newest line first")


class _Line(NamedTuple):
    """A line of a record, and its number in the text."""

    number: int
    text: bytes


def is_upside_down(lines: Iterable[bytes]) -> bool:
    """Whether each start line stands below the Via of its message."""
    starts: list[int] = []
    vias: list[int] = []
    for number, line in enumerate(lines):
        if _MARK not in line:
            continue
        has_via, has_start = _VIA.search(line) is not None, _START.search(line) is not None
        if has_via and has_start:
            return False  # it holds a message, or the most of one
        if has_via:
            vias.append(number)
        elif has_start:
            starts.append(number)
    if not starts or not vias:
        return False
    nearest = NEAR + 1
    for start in starts:
        at = bisect(vias, start)
        if not at or (at < len(vias) and vias[at] - start <= start - vias[at - 1]):
            return False
        nearest = min(nearest, start - vias[at - 1])
    return nearest <= NEAR


def turned_stream(input_stream: InputStream, source: Source) -> tuple[InputStream, Sequence[int]] | None:
    """A text that is upside down, turned round, and the numbers that its lines have in it; None for any other input."""
    head = as_utf8(input_stream.head(HEAD))
    if _MARK not in head:
        return None
    if b"\n" not in head:
        head = as_utf8(input_stream.head(LIMIT))  # a document of JSON in one line
    if not is_upside_down(text for record in _records(head) for _, text in record):
        return None
    octets = as_utf8(input_stream.head(MOST_OCTETS + 1))
    if len(octets) > MOST_OCTETS or octets.count(b"\n") > MOST_LINES:
        source.quality.append(TOO_LONG)
        return None
    records = list(_records(octets))
    first = 1 if records and _is_heading(records[0]) else 0
    lines = [*chain.from_iterable(records[:first]), *chain.from_iterable(reversed(records[first:]))]
    source.quality.append(TURNED)
    input_stream.close()
    again = InputStream(io.BytesIO(b"".join(line.text + b"\n" for line in lines)), source)
    return again, array("L", (line.number for line in lines))


def as_it_stood(item: Item, numbers: Sequence[int]) -> Item:
    """An item of such a text: with its place in that, and what was done to it."""
    if isinstance(item.place, LogLines):
        item.place = _placed(item.place, numbers)
    if isinstance(item, RawMessage):
        item.defects = (_DEFECT, *item.defects)
    return item


def note_places(source: Source, numbers: Sequence[int]) -> None:
    """The same for what stands in the source by itself: its notices and defects."""
    for notice in source.notices:
        place = _placed(LogLines(source.name, notice.first_line, notice.last_line), numbers)
        notice.first_line, notice.last_line = place.first, place.last
    source.defect_list = [
        (_placed(place, numbers) if isinstance(place, LogLines) else place, one) for place, one in source.defect_list
    ]


def _placed(place: LogLines, numbers: Sequence[int]) -> LogLines:
    ends = [numbers[number - 1] for number in (place.first, place.last) if 0 < number <= len(numbers)]
    return place._replace(first=min(ends), last=max(ends)) if ends else place


def _records(octets: bytes) -> Iterator[list[_Line]]:
    """The records of a text, each with its lines; of JSON, those of the text in it."""
    lines = octets.split(b"\n")
    if not lines[-1]:
        del lines[-1]
    joiner = next((one for one in joiners_of(octets) if one.code != "repaired-mail"), None)
    if joiner is None:
        for number, line in enumerate(lines, 1):
            for one in _texts(line) if line[:1] in (b"{", b"[") else (line,):
                yield [_Line(number, one)]
        return
    begin = 0
    for count, whole in joiner.joined(iter(lines)):
        if joiner.code != "repaired-json":
            record = [_Line(number, lines[number - 1]) for number in range(begin + 1, begin + count + 1)]
            if joiner.code == "repaired-journal":  # an empty line parts its entries: each is given its own
                record = [line for line in record if line.text] + [_Line(begin + 1, b"")]
            yield record
        elif whole is not None:
            yield from ([_Line(begin + 1, text)] for text in _texts(whole))
        begin += count


def _texts(record: bytes) -> Iterator[bytes]:
    """The texts in an object of JSON, each as an object of its own."""
    parts = taken_from_json(record) or []
    if len(parts) < 2:
        yield record
        return
    for text, stamp in parts:
        fields = {"message": text.decode("utf-8", "surrogateescape"), "timestamp": stamp.decode("ascii", "replace")}
        yield json.dumps(fields).encode()


def _is_heading(record: list[_Line]) -> bool:
    """Whether a record has the names of the columns of a table."""
    return any(one.code == "repaired-table" for one in joiners_of(b"\n".join(text for _, text in record) + b"\n"))
