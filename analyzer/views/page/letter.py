"""One message as a page shows it: its lines with the octets that findings are about, what is malformed, its body."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from analyzer.escape import visible
from analyzer.sip.auth_headers import CREDENTIALS
from analyzer.sip.headers import Header
from analyzer.sip.message import Message
from analyzer.sip.text import text
from analyzer.views.page.computation import MASK
from analyzer.views.page.marks import START_LINE, Focus, Segment, marked
from analyzer.views.words import count, sentence

MOST_LINES = 60
"""Header lines of a message that are shown."""
LONGEST_LINE = 1200
"""Octets of a line that are shown."""
MOST_BODY = 2000
"""Octets of a body that are shown."""
MOST_DEFECTS = 8
_LINE_END = b"\r\n"


class Line(NamedTuple):
    """A line: its header's name as spelled, what follows, and whether a finding, or a defect, is about it."""

    name: str
    segments: list[Segment]
    is_about: bool


class Letter(NamedTuple):
    """A message: its lines, what is malformed in it, its body, and what is left out of it."""

    lines: list[Line]
    defects: list[str]
    body: list[str]
    notes: list[str]


def letter_of(message: Message, focuses: Sequence[Focus]) -> Letter:
    """What is shown of a message."""
    defects = message.located_defects()
    broken = {key for key, _ in defects if key}
    lines = [_start_line(message, focuses)]
    lines += [_line(message, header, focuses, broken) for header in message.headers[:MOST_LINES]]
    notes = []
    if len(message.headers) > MOST_LINES:
        notes.append(f"{count(len(message.headers) - MOST_LINES, 'more header')} not shown")
    if message.raw_message.missing:
        notes.append(f"{count(message.raw_message.missing, 'octet')} at the end are missing in the source")
    told = dict.fromkeys(sentence(visible(defect.text[:LONGEST_LINE])) for _, defect in defects)
    if len(told) > MOST_DEFECTS:
        notes.append(f"{len(told) - MOST_DEFECTS:,} more things malformed")
    body = message.raw[message.body_start :] if message.complete_headers else b""
    if len(body) > MOST_BODY:
        notes.append(f"{len(body) - MOST_BODY:,} octets of the body not shown")
    return Letter(lines, list(told)[:MOST_DEFECTS], _body(body[:MOST_BODY]), notes)


def _start_line(message: Message, focuses: Iterable[Focus]) -> Line:
    first = message.headers[0].start if message.headers else message.head_end
    segments, is_about = marked(START_LINE, _cut(message.raw[:first].strip(_LINE_END)), focuses)
    return Line("", _shown(segments), is_about)


def _line(message: Message, header: Header, focuses: Iterable[Focus], broken: set[str]) -> Line:
    """A header with what stands behind its name as it was sent, folding and all."""
    raw = message.raw[header.start : header.end].removesuffix(b"\n").removesuffix(b"\r")
    name = text(header.name)[:LONGEST_LINE]
    value = raw[len(header.name) :] if header.name and raw.startswith(header.name) else raw
    if header.key in CREDENTIALS and _is_password(header.value):
        return Line(visible(name), [Segment(": "), Segment(f"{MASK} (not shown)", "mask")], False)
    segments, is_about = marked(header.key, _cut(value), focuses)
    return Line(visible(name), _shown(segments), is_about or header.key in broken)


def _is_password(value: bytes) -> bool:
    """Whether credentials are no digest: Basic has the password itself, Bearer what is as good as one."""
    return value.lstrip()[:6].lower() != b"digest"


def _cut(octets: bytes) -> str:
    if len(octets) <= LONGEST_LINE:
        return text(octets)
    return f"{text(octets[:LONGEST_LINE])} … ({len(octets) - LONGEST_LINE:,} more octets)"


def _shown(segments: Iterable[Segment]) -> list[Segment]:
    """The same, with everything visible."""
    return [Segment(visible(one.text), one.kind) for one in segments]


def _body(octets: bytes) -> list[str]:
    """The lines of a body; none where it is empty."""
    return [visible(line) for line in text(octets).replace("\r\n", "\n").split("\n")] if octets else []
