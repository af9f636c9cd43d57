"""Messages one after the other, without the lines of a log around them: what people paste.

A message begins with its start line and ends by Content-Length, or with its headers. Something may stand before the
start line (a time, a name, from where to where it went); what it does not say is told by Via alone. Any other dialect
goes before this one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from analyzer.capture.text.grammar import METHODS, Banner, Grammar
from analyzer.capture.text.lines import is_text
from analyzer.capture.text.patterns import Lazy
from analyzer.capture.text.said import said_in
from analyzer.evidence import Item, Source

NAME = "bare"
TITLE = "SIP messages without a log around them"
EXAMPLE = b"""REGISTER sip:pbx.example.com SIP/2.0
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1
From: <sip:bob@example.com>;tag=f1
To: <sip:bob@example.com>
Call-ID: a1
CSeq: 1 REGISTER
Contact: <sip:bob@192.0.2.10:5060>
Content-Length: 0

SIP/2.0 200 OK
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1
From: <sip:bob@example.com>;tag=f1
To: <sip:bob@example.com>;tag=t1
Call-ID: a1
CSeq: 1 REGISTER
Content-Length: 0

"""

LAST = True
"""Asked where all other dialects say no."""

_START = Lazy(
    rb"(?P<before>(?:[^ \t].{0,200}?[^\w/.=-])?)"
    rb"(?P<start>(?:"
    + METHODS
    + rb") sips?:[^ \t]{1,2048} SIP/2\.0|SIP/2\.0 [1-6]\d\d(?: (?:(?!SIP/2\.0).){0,200})?)[ \t]*\Z",
    16,  # re.DOTALL
)
_HEADER = Lazy(rb"[A-Za-z][\w-]{0,39}[ \t]*:")
_STAMP = Lazy(
    rb".{0,100}?(?<![\d:.-])(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"
    rb"|\w{3} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})?|\d\d:\d\d:\d\d(?:\.\d{1,9})?)(?![\d:])"
)


def looks_like(head: bytes) -> bool:
    """Whether a header stands below a start line."""
    if b"SIP/2.0" not in head or not is_text(head):
        return False
    place = 0
    for _ in range(256):
        place = head.find(b"SIP/2.0", place)
        if place < 0:
            return False
        begin, end = head.rfind(b"\n", 0, place) + 1, head.find(b"\n", place)
        if end < 0:
            return False
        below = head[end + 1 : end + 200].split(b"\n")[0]
        if _HEADER.match(below) and _START.match(head[begin:end].rstrip(b"\r")):
            return True
        place = end
    return False


def _banner(text: bytes) -> Banner | None:
    match = _START.match(text)
    if match is None:
        return None
    before = match["before"]
    if not before:
        return Banner(rest=match["start"])
    stamp, said = _STAMP.match(before), said_in(before)
    return Banner(
        said.source,
        said.destination,
        said.transport,
        said.stamp or (stamp[1] if stamp else b""),
        received=said.received,
        rest=match["start"],
    )


GRAMMAR = Grammar("unknown", _banner, (b"SIP/2.0",))


def read(stream: BinaryIO, source: Source) -> Iterator[Item]:
    """The messages of the text, in its order."""
    from analyzer.capture.text.reader import Reader

    return Reader(GRAMMAR, source, looks_like).read(stream)
