"""Syslog of Cisco (Linksys) SPA phones: `[line:port]->peer` or `<<peer`, the message. After its documentation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from analyzer.capture.text.grammar import GLUED, HOST, Banner, Grammar, endpoint
from analyzer.capture.text.patterns import Lazy, has_line
from analyzer.evidence import Item, Source

NAME = "spa"
TITLE = "syslog of a Cisco SPA phone"
EXAMPLE = b"""Nov 29 15:03:33 192.0.2.10 [0:5060]->192.0.2.1:5060
REGISTER sip:pbx.example.com SIP/2.0
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1
From: <sip:bob@example.com>;tag=f1
To: <sip:bob@example.com>
Call-ID: a1
CSeq: 1 REGISTER
Contact: <sip:bob@192.0.2.10:5060>
Content-Length: 0

Nov 29 15:03:33 192.0.2.10 [0:5060]<<192.0.2.1:5060
SIP/2.0 200 OK
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1
From: <sip:bob@example.com>;tag=f1
To: <sip:bob@example.com>;tag=t1
Call-ID: a1
CSeq: 1 REGISTER
Content-Length: 0

"""

HINT = "set SIP Debug Option to `full` at the line, Debug Level to 3, and a Debug Server"
_BEFORE = (
    rb"(?:<\d{1,3}>)?"
    rb"(?:(?P<stamp>\w{3} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,6})?|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S{0,16}) )?"
    rb"(?:[\w.:-]{1,64} )?(?:[\w.-]{1,32}(?:\[\d{1,8}\])?: )?"
)
_BANNER = Lazy(
    _BEFORE + rb"\[\d{1,2}:\d{1,5}\](?P<way>->|<<)(?P<host>" + HOST + rb"):(?P<port>\d{1,5})(?:\(\d{1,6}\))?[ \t]*\Z"
)


def looks_like(head: bytes) -> bool:
    """Whether a line has a line of the phone, an arrow and the other end."""
    return has_line(head, b"]->", _BANNER) or has_line(head, b"]<<", _BANNER)


def _banner(text: bytes) -> Banner | None:
    match = _BANNER.match(text)
    if match is None:
        return None
    peer, received = endpoint(match["host"], match["port"]), match["way"] == b"<<"
    return Banner(
        peer if received else None, None if received else peer, stamp=match["stamp"] or b"", received=received
    )


def _start(text: bytes) -> bytes | None:
    """The start line, before which the header of syslog may stand again."""
    found = GLUED.search(text)
    return found[0] if found else None


GRAMMAR = Grammar("phone", _banner, (b"]->", b"]<<"), start=_start, hint=HINT)


def read(stream: BinaryIO, source: Source) -> Iterator[Item]:
    """The messages of the log, in its order."""
    from analyzer.capture.text.reader import Reader

    return Reader(GRAMMAR, source, looks_like).read(stream)
