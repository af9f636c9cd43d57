"""Messages as the web page of Homer saves them as text: protocol, time, ends, the message. After its documentation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from analyzer.capture.text.grammar import HOST, Banner, Grammar, endpoint
from analyzer.capture.text.patterns import Lazy, has_line
from analyzer.evidence import Item, Source

NAME = "homer"
TITLE = "text saved by Homer"
EXAMPLE = b"""proto:UDP 2026-11-29T15:03:33.486703Z  192.0.2.10:5060 ---> 192.0.2.1:5060

REGISTER sip:pbx.example.com SIP/2.0
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1
From: <sip:bob@example.com>;tag=f1
To: <sip:bob@example.com>
Call-ID: a1
CSeq: 1 REGISTER
Contact: <sip:bob@192.0.2.10:5060>
Content-Length: 0



proto:UDP 2026-11-29T15:03:33.487587Z  192.0.2.1:5060 ---> 192.0.2.10:5060

SIP/2.0 200 OK
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1
From: <sip:bob@example.com>;tag=f1
To: <sip:bob@example.com>;tag=t1
Call-ID: a1
CSeq: 1 REGISTER
Content-Length: 0



"""

HINT = "save the messages of the call, not the flow alone (Export, TXT), or its PCAP for sipcheck pcap"
_BANNER = Lazy(
    rb"proto: ?(\w{2,5}|-) {1,4}(-|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?) {1,4}"
    rb"(" + HOST + rb"):(\d{1,5}) -{1,4}> (" + HOST + rb"):(\d{1,5})[ \t]*\Z"
)


def looks_like(head: bytes) -> bool:
    """Whether a line has a protocol, a time and two ends, as Homer writes them."""
    return has_line(head, b"proto:", _BANNER)


def _banner(text: bytes) -> Banner | None:
    match = _BANNER.match(text)
    if match is None:
        return None
    transport, stamp, *ends = match.groups()
    return Banner(
        endpoint(*ends[:2]), endpoint(*ends[2:]), transport.decode("ascii").upper().strip("-"), stamp.lstrip(b"-")
    )


GRAMMAR = Grammar("unknown", _banner, (b"proto:",), spaced=True, hint=HINT)


def read(stream: BinaryIO, source: Source) -> Iterator[Item]:
    """The messages of the text, in its order."""
    from analyzer.capture.text.reader import Reader

    return Reader(GRAMMAR, source, looks_like).read(stream)
