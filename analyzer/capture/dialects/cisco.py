"""`debug ccsip messages` of Cisco routers: a log line, `Sent:` or `Received:`, message. After its documentation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from analyzer.capture.text.grammar import Banner, Grammar
from analyzer.capture.text.patterns import Lazy, has_line
from analyzer.evidence import Item, Source

NAME = "cisco"
TITLE = "Cisco SIP debug (debug ccsip messages)"
EXAMPLE = b"""Nov 29 15:03:33.123: //-1/xxxxxxxxxxxx/SIP/Msg/ccsipDisplayMsg:
Sent:
REGISTER sip:pbx.example.com SIP/2.0
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1
From: <sip:bob@example.com>;tag=f1
To: <sip:bob@example.com>
Call-ID: a1
CSeq: 1 REGISTER
Contact: <sip:bob@192.0.2.10:5060>
Content-Length: 0

Nov 29 15:03:33.150: //1/8A3D1C2E8001/SIP/Msg/ccsipDisplayMsg:
Received:
SIP/2.0 200 OK
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1
From: <sip:bob@example.com>;tag=f1
To: <sip:bob@example.com>;tag=t1
Call-ID: a1
CSeq: 1 REGISTER
Content-Length: 0

"""

HINT = "log whole messages: `debug ccsip messages`, and `logging buffered 1000000 debugging`"
_BANNER = Lazy(
    rb"(?:\d{1,10}: )?(?:[\w.-]{1,64}: )?[*.]?"
    rb"(?P<stamp>\w{3} [ \d]?\d (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d{1,9})?)?(?: [A-Z]{2,5})?: "
    rb"//[^/]{1,20}/[0-9A-Fa-fx]{1,20}/SIP/Msg/ccsipDisplayMsg:[ \t]*\Z"
)
_ENTRY = Lazy(rb"(?:\d{1,10}: )?[*.]?\w{3} [ \d]?\d (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d{1,9})?(?: [A-Z]{2,5})?: ")


def looks_like(head: bytes) -> bool:
    """Whether a line announces a message as IOS does."""
    return has_line(head, b"/SIP/Msg/", _BANNER)


def _banner(text: bytes) -> Banner | None:
    match = _BANNER.match(text)
    return None if match is None else Banner(stamp=match["stamp"] or b"")


def _refine(banner: Banner, text: bytes) -> Banner | None:
    word = text.strip()
    if word in (b"Sent:", b"Received:"):
        return banner._replace(received=word == b"Received:")
    return None if word else banner


GRAMMAR = Grammar("cisco", _banner, (b"/SIP/Msg/",), _ENTRY.match, refine=_refine, hint=HINT)


def read(stream: BinaryIO, source: Source) -> Iterator[Item]:
    """The messages of the log, in its order."""
    from analyzer.capture.text.reader import Reader

    return Reader(GRAMMAR, source, looks_like).read(stream)
