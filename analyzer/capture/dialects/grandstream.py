"""Grandstream's syslog (level DEBUG): `GS_LOG: [MAC][code]` before an entry, a message in it. After its documentation.

What the entry says before the message may name the way and the other end; what it does not is taken from Via.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from analyzer.capture.text.grammar import GLUED, START, Banner, Grammar, endpoint
from analyzer.capture.text.patterns import Lazy
from analyzer.evidence import Item, Source

if TYPE_CHECKING:
    from analyzer.capture.text.rows import Row

NAME = "grandstream"
TITLE = "syslog of a Grandstream phone"
EXAMPLE = b"""Nov 29 15:03:33 192.0.2.10 GS_LOG: [00:0b:82:00:a1:be][000] Send SIP message to 192.0.2.1:5060
REGISTER sip:pbx.example.com SIP/2.0
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1
From: <sip:bob@example.com>;tag=f1
To: <sip:bob@example.com>
Call-ID: a1
CSeq: 1 REGISTER
Contact: <sip:bob@192.0.2.10:5060>
Content-Length: 0

Nov 29 15:03:33 192.0.2.10 GS_LOG: [00:0b:82:00:a1:be][000] Received SIP message from 192.0.2.1:5060
SIP/2.0 200 OK
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1
From: <sip:bob@example.com>;tag=f1
To: <sip:bob@example.com>;tag=t1
Call-ID: a1
CSeq: 1 REGISTER
Content-Length: 0

"""

HINT = "set the phone's Syslog Level to DEBUG, and Send SIP Log to Yes"
_ENTRY = Lazy(
    rb"(?:<\d{1,3}>)?"
    rb"(?:(?P<stamp>\w{3} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,6})?|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S{0,16}) )?"
    rb"(?:[\w.:-]{1,64} )?(?:[\w.-]{1,32} )?GS_LOG: (?:\[[0-9A-Fa-f:]{1,20}\]){1,8}[ \t]{0,4}(?P<text>.*)",
    16,  # re.DOTALL
)
_HEADER = Lazy(rb"[A-Za-z][\w-]{0,39}:[ \t]")
_WAY = Lazy(rb".{0,80}?\b(?:(?P<sent>[Ss]en[dt]|SEND|SENT|TX)|[Rr]eceived?|RECV|[Rr]ecv|RX)\b", 16)
_PEER = Lazy(rb".{0,120}?(\[[0-9a-fA-F:.]{2,45}\]|\d{1,3}(?:\.\d{1,3}){3}):(\d{1,5})", 16)


def looks_like(head: bytes) -> bool:
    """Whether an entry of the log has a message in it, or on the line below."""
    place = 0
    for _ in range(4096):
        place = head.find(b"GS_LOG: ", place)
        if place < 0:
            return False
        end = head.find(b"\n", place)
        line, below = head[head.rfind(b"\n", 0, place) + 1 : end], head[end + 1 : end + 2048].split(b"\n")[0]
        found = _ENTRY.match(line)
        if found is not None and (GLUED.search(line.rstrip(b"\r")) or START.match(below.rstrip(b"\r"))):
            return True
        place += 8
    return False


def _banner(text: bytes) -> Banner | None:
    match = _ENTRY.match(text)
    if match is None:
        return None
    said = match["text"]
    start = GLUED.search(said)
    before = said[: start.start()] if start else said
    way, found = _WAY.match(before), _PEER.match(before)
    received = None if way is None else way["sent"] is None
    peer = endpoint(found[1], found[2]) if found and received is not None else None
    return Banner(
        peer if received else None,
        peer if received is False else None,
        stamp=match["stamp"] or b"",
        received=received,
        rest=start[0] if start else b"",
    )


def _inner(banner: Banner, row: Row) -> Row | None:
    """A line of the message; each may be an entry of its own."""
    del banner
    match = _ENTRY.match(row.text)
    if match is None:
        return row
    text = match["text"]
    return row._replace(text=text) if not text or START.match(text) or _HEADER.match(text) else row


def _refine(banner: Banner, text: bytes) -> Banner | None:
    """What stands before the message is an entry; another one ends it."""
    return banner if not text.strip() else None


GRAMMAR = Grammar("phone", _banner, (b"GS_LOG: ",), _ENTRY.match, inner=_inner, refine=_refine, hint=HINT)


def read(stream: BinaryIO, source: Source) -> Iterator[Item]:
    """The messages of the log, in its order."""
    from analyzer.capture.text.reader import Reader

    return Reader(GRAMMAR, source, looks_like).read(stream)
