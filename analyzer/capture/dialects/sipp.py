"""SIPp's `-trace_msg`: a line of dashes with the time, how many octets were sent or received, the message.

Which address it went to is printed nowhere. `-trace_shortmsg` and `-trace_stat` hold no messages.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from analyzer.capture.text.grammar import Banner, Grammar
from analyzer.capture.text.patterns import Lazy, has_line
from analyzer.evidence import Item, Source

NAME = "sipp"
TITLE = "SIPp message trace (-trace_msg)"
EXAMPLE = b"""----------------------------------------------- 2026-11-29 15:02:42.916858
UDP message sent (239 bytes):

REGISTER sip:pbx.example.com SIP/2.0\r
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1\r
From: <sip:bob@example.com>;tag=f1\r
To: <sip:bob@example.com>\r
Call-ID: a1\r
CSeq: 1 REGISTER\r
Contact: <sip:bob@192.0.2.10:5060>\r
Content-Length: 0\r
\r

----------------------------------------------- 2026-11-29 15:02:42.917526
UDP message received [188] bytes :

SIP/2.0 200 OK\r
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1\r
From: <sip:bob@example.com>;tag=f1\r
To: <sip:bob@example.com>;tag=t1\r
Call-ID: a1\r
CSeq: 1 REGISTER\r
Content-Length: 0\r
\r

"""

HINT = "run SIPp with -trace_msg: what it writes without that has no messages"
_RULER = Lazy(rb"-{20,60} (\d{4}-\d\d-\d\d[ \t]+\d\d:\d\d:\d\d(?:[.:]\d{1,9})?)(?:[ \t]+(\d{9,10}\.\d{1,9}))?[ \t]*\Z")
_COUNT = Lazy(
    rb"(UDP|TCP|TLS|SCTP|WS|WSS) (?:control )?message (sent|received)[ \t]*"
    rb"[\[(](\d{1,7})(?:[\])] bytes| bytes[\])])[ \t]*:?[ \t]*\Z"
)


def looks_like(head: bytes) -> bool:
    """Whether a line counts the octets of a message as SIPp does."""
    return has_line(head, b" message ", _COUNT)


def _banner(text: bytes) -> Banner | None:
    if match := _RULER.match(text):
        day, clock = match[1].split()[:2]
        return Banner(stamp=match[2] or day + b" " + clock)
    return _counted(Banner(), text)


def _counted(banner: Banner, text: bytes) -> Banner | None:
    match = _COUNT.match(text)
    if match is None:
        return None
    received = match[2] == b"received"
    return banner._replace(transport=match[1].decode("ascii"), received=received, size=int(match[3]))


def _refine(banner: Banner, text: bytes) -> Banner | None:
    return banner if not text.strip() else _counted(banner, text) if banner.size is None else None


GRAMMAR = Grammar("sipp", _banner, (b"--- ", b" message "), refine=_refine, hint=HINT)


def read(stream: BinaryIO, source: Source) -> Iterator[Item]:
    """The messages of the trace, in its order."""
    from analyzer.capture.text.reader import Reader

    return Reader(GRAMMAR, source, looks_like).read(stream)
