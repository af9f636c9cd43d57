"""Text that sngrep saves (F2, .txt): date, time, ends, then the message with its own line ends. It has microseconds;
what sipcheck writes in its form has the steps of another log's clock, and perhaps a mark (`text/marks.py`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from analyzer.capture.text.grammar import HOST, Banner, Grammar, endpoint
from analyzer.capture.text.marks import MARK, marked
from analyzer.capture.text.patterns import Lazy, has_line
from analyzer.evidence import Item, Source

NAME = "sngrep"
TITLE = "text saved by sngrep"
EXAMPLE = b"""2026/11/20 11:53:43.746947 192.0.2.10:5060 -> 192.0.2.1:5060
REGISTER sip:pbx.example.com SIP/2.0\r
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1\r
From: <sip:bob@example.com>;tag=f1\r
To: <sip:bob@example.com>\r
Call-ID: a1\r
CSeq: 1 REGISTER\r
Contact: <sip:bob@192.0.2.10:5060>\r
Content-Length: 0\r
\r


2026/11/20 11:53:43.747421 192.0.2.1:5060 -> 192.0.2.10:5060
SIP/2.0 200 OK\r
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1\r
From: <sip:bob@example.com>;tag=f1\r
To: <sip:bob@example.com>;tag=t1\r
Call-ID: a1\r
CSeq: 1 REGISTER\r
Content-Length: 0\r
\r


"""

HINT = "save the messages too (F2, .txt), or a capture (.pcap) for sipcheck pcap"
_BANNER = Lazy(
    rb"(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})?) ("
    + HOST
    + rb"):(\d{1,5}) -> ("
    + HOST
    + rb"):(\d{1,5})"
    + MARK
    + rb"[ \t]*\Z"
)


def looks_like(head: bytes) -> bool:
    """Whether a line has a date, a time and two ends, and nothing else."""
    return has_line(head, b" -> ", _BANNER)


def _banner(text: bytes) -> Banner | None:
    match = _BANNER.match(text)
    if match is None:
        return None
    stamp, *ends = match.groups()[:5]
    told = marked(match["mark"])
    return Banner(
        endpoint(*ends[:2]),
        endpoint(*ends[2:]),
        told.transport,
        stamp,
        told.size,
        missing=told.missing,
        defects=told.defects,
    )


GRAMMAR = Grammar("unknown", _banner, (b" -> ",), spaced=True, hint=HINT)


def read(stream: BinaryIO, source: Source) -> Iterator[Item]:
    """The messages of the text, in its order."""
    from analyzer.capture.text.reader import Reader

    return Reader(GRAMMAR, source, looks_like).read(stream)
