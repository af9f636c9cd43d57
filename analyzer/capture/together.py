"""A text that several dialects have messages in which cannot be read by one grammar: Asterisk's, or hex dumps, beside
the log of another program. Each reads the whole of it, and what they read is put in the order of its lines.

That is for what people paste: a text that is in memory as a whole. What two dialects both read (a packet that is shown
as text and as a dump, a message whose body shows a log) is one message, of the dialect that got more out of the text.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import BinaryIO

from analyzer.capture.formats import Format
from analyzer.evidence import Item, LogLines, RawMessage, Source

_NAMES = re.compile(rb"^(?:call-id|i|cseq)[ \t]*:[ \t]*([^\r\n]{0,200})", re.IGNORECASE | re.MULTILINE)


_Printed = tuple[int, int, bytes]
"""The first and the last line of a message, and how it begins."""
_CLOSE = 4
"""Lines between two forms of one packet, at most."""


def apart(read: Sequence[tuple[Format, list[RawMessage]]]) -> list[Format]:
    """The formats, of which the first got most, that have messages of their own."""
    kept: list[Format] = []
    printed: list[_Printed] = []
    known: set[bytes] = set()
    for form, items in read:
        own = [
            (one.place.first, one.place.last, one.payload.partition(b"\r\n")[0])
            for one in items
            if isinstance(one.place, LogLines)
        ]
        names = set(map(_name, items))
        if not own or names & known or _meet(printed, own):
            continue
        kept.append(form)
        printed += own
        known |= names
    return kept


def _meet(printed: list[_Printed], others: list[_Printed]) -> bool:
    """Whether messages have a line in common, or two of them that begin alike stand so close together that one is the
    other in another form."""
    own, pairs = set(others), pairwise(sorted([*printed, *others]))
    return any(
        one[1] >= other[0]
        or (one[2] == other[2] and other[0] - one[1] <= _CLOSE and (one in own) is not (other in own))
        for one, other in pairs
    )


def _name(message: RawMessage) -> bytes:
    """What two prints of one message have in common."""
    return b" ".join((message.payload[:12], *(match[1] for match in _NAMES.finditer(message.payload[:4096]))))


def as_one(forms: Sequence[Format]) -> Format:
    """Formats as one."""

    def looks_like(head: bytes) -> bool:
        return any(form.looks_like(head) for form in forms)

    def read(stream: BinaryIO, source: Source) -> Iterator[Item]:
        text = stream.read()
        items: list[Item] = []
        zones: list[tuple[int, str]] = []
        for form in forms:
            part = Source(source.name, "log")
            if form.read is not None:
                items += form.read(io.BytesIO(text), part)
            _take(source, part)
            zones.append((part.utc_offset, part.zone))
        source.utc_offset, source.zone = _zone([one for one in zones if one[1]])
        yield from sorted(items, key=_line)

    name, title = "+".join(form.name for form in forms), " and ".join(form.title for form in forms)
    return Format(name, "log", title, looks_like, None, read)


def _line(item: Item) -> int:
    return item.place.first if isinstance(item.place, LogLines) else 0


def _take(source: Source, part: Source) -> None:
    """Put what a reader told of its part into what is told of the whole."""
    source.frames = max(source.frames, part.frames)
    source.keepalives += part.keepalives
    source.defects += part.defects
    source.defect_list += part.defect_list
    source.undated += part.undated
    source.quality += [one for one in part.quality if one not in source.quality]
    source.notices += part.notices
    source.notices_more += part.notices_more
    source.resolution = max(source.resolution, part.resolution)


def _zone(zones: list[tuple[int, str]]) -> tuple[int, str]:
    """How the times of all parts are shown: as those of one that all share, else in UTC."""
    if not zones:
        return 0, ""
    first, said = zones[0][0], list(dict.fromkeys(zone for _, zone in zones))
    if len(said) == 1:
        return first, said[0]
    if all(offset == first for offset, _ in zones):
        return first, "; ".join(said)
    return 0, f"UTC; the parts are in: {'; '.join(said)}"
