"""OpenSIPS's own log with whole messages in it (`xlog("$mb")`), behind `date [pid] `. After its documentation.

A script writes what its author likes; ends that are not there are taken from Via.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from analyzer.capture.text.grammar import GLUED, Banner, Grammar
from analyzer.capture.text.patterns import Lazy
from analyzer.evidence import Item, Source

NAME = "opensips"
TITLE = "OpenSIPS log with messages (xlog)"
EXAMPLE = b"""Nov 29 15:03:33 [2134] INFO:core:main: OpenSIPS is up
Nov 29 15:03:33 [2134] REGISTER sip:pbx.example.com SIP/2.0\r
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1\r
From: <sip:bob@example.com>;tag=f1\r
To: <sip:bob@example.com>\r
Call-ID: a1\r
CSeq: 1 REGISTER\r
Contact: <sip:bob@192.0.2.10:5060>\r
Content-Length: 0\r
\r
Nov 29 15:03:33 [2134] SIP/2.0 200 OK\r
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1\r
From: <sip:bob@example.com>;tag=f1\r
To: <sip:bob@example.com>;tag=t1\r
Call-ID: a1\r
CSeq: 1 REGISTER\r
Content-Length: 0\r
\r
"""

HINT = 'let the script write whole messages: xlog("$mb"), or the module siptrace (proto_hep)'
_ENTRY = Lazy(
    rb"(?:(?P<stamp>\w{3} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d{1,9})?) )?"
    rb"\[\d{1,10}\] (?P<text>.*)",
    16,  # re.DOTALL
)
_LEVEL = Lazy(rb"(?:DBG|INFO|NOTICE|WARNING|ERROR|CRITICAL|ALERT):[\w-]{1,40}:")


def looks_like(head: bytes) -> bool:
    """Whether a line has a process id and a message in it, or the line after one begins it."""
    if b"SIP/2.0" not in head or b"] " not in head:
        return False
    lines = head.split(b"\n", 4000)[:4000]
    for line, below in zip(lines, [*lines[1:], b""], strict=True):
        if b"] " in line[:64] and _ENTRY.match(line):
            text = line.rstrip(b"\r")
            if GLUED.search(text) or GLUED.match(below.rstrip(b"\r")):
                return True
    return False


def _banner(text: bytes) -> Banner | None:
    match = _ENTRY.match(text)
    if match is None or _LEVEL.match(match["text"]):
        return None
    return Banner(stamp=match["stamp"] or b"", rest=match["text"])


def _start(text: bytes) -> bytes | None:
    found = GLUED.search(text)
    return found[0] if found else None


def _refine(banner: Banner, text: bytes) -> Banner | None:
    """What the script wrote before the message; another line of the log ends that."""
    return None if _ENTRY.match(text) else banner


GRAMMAR = Grammar(
    "opensips", _banner, (b"] ",), _ENTRY.match, refine=_refine, start=_start, before=4, server=True, hint=HINT
)


def read(stream: BinaryIO, source: Source) -> Iterator[Item]:
    """The messages of the log, in its order."""
    from analyzer.capture.text.reader import Reader

    return Reader(GRAMMAR, source, looks_like).read(stream)
