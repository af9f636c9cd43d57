"""Snom's SIP trace and syslog: where to or from, when, how many octets, the message. After its documentation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from analyzer.capture.text.grammar import HOST, Banner, Grammar, endpoint
from analyzer.capture.text.patterns import Lazy, has_line
from analyzer.evidence import Item, Source

NAME = "snom"
TITLE = "SIP trace of a Snom phone"
EXAMPLE = b"""Sent to udp:192.0.2.1:5060 at 29/11/2026 15:03:33:123 (239 bytes):

REGISTER sip:pbx.example.com SIP/2.0
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1
From: <sip:bob@example.com>;tag=f1
To: <sip:bob@example.com>
Call-ID: a1
CSeq: 1 REGISTER
Contact: <sip:bob@192.0.2.10:5060>
Content-Length: 0


Received from udp:192.0.2.1:5060 at 29/11/2026 15:03:33:150 (188 bytes):

SIP/2.0 200 OK
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1
From: <sip:bob@example.com>;tag=f1
To: <sip:bob@example.com>;tag=t1
Call-ID: a1
CSeq: 1 REGISTER
Content-Length: 0


"""

HINT = "turn on the phone's SIP trace (web page: Setup, SIP Trace; or syslog with log level 8)"
_BANNER = Lazy(
    rb".{0,120}?(?P<way>Sent to|Received from) (?P<transport>udp|tcp|tls):(?P<host>" + HOST + rb"):(?P<port>\d{1,5})"
    rb"(?: from (?:udp|tcp|tls):\S{1,80})? at (?P<stamp>\S{1,20} ?\d{0,2} ?(?:\d{4} )?\d\d:\d\d:\d\d)"
    rb"(?:[:.](?P<fraction>\d{1,6}))?(?: \((?P<size>\d{1,7}) bytes\))?:?[ \t]*\Z"
)
_SIZE = Lazy(rb"\((\d{1,7}) bytes\):?[ \t]*\Z")


def looks_like(head: bytes) -> bool:
    """Whether a line tells the octets of a message as a Snom phone does."""
    return has_line(head, b" at ", _BANNER)


def _banner(text: bytes) -> Banner | None:
    match = _BANNER.match(text)
    if match is None:
        return None
    peer, received = endpoint(match["host"], match["port"]), match["way"] == b"Received from"
    return Banner(
        peer if received else None,
        None if received else peer,
        match["transport"].decode("ascii").upper(),
        match["stamp"] + (b"." + match["fraction"] if match["fraction"] else b""),
        int(match["size"]) if match["size"] else None,
        received,
    )


def _refine(banner: Banner, text: bytes) -> Banner | None:
    """How many octets, where a width broke the line behind its time; else blank lines."""
    if banner.size is None and (match := _SIZE.match(text)):
        return banner._replace(size=int(match[1]))
    return None if text.strip() else banner


GRAMMAR = Grammar("snom", _banner, (b" at ",), refine=_refine, hint=HINT)


def read(stream: BinaryIO, source: Source) -> Iterator[Item]:
    """The messages of the trace, in its order."""
    from analyzer.capture.text.reader import Reader

    return Reader(GRAMMAR, source, looks_like).read(stream)
