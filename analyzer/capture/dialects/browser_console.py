"""Consoles of browsers and node with JsSIP or SIP.js: a line that says what was sent or received, then the message.

Both speak SIP over WebSocket (RFC 7118); neither prints an address, and a browser's console may leave out the time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from analyzer.capture.text.grammar import Banner, Grammar
from analyzer.capture.text.patterns import Lazy, has_line
from analyzer.evidence import Item, Source

NAME = "browser-console"
TITLE = "console of JsSIP or SIP.js"
EXAMPLE = b"""2026-11-29T23:42:33.588Z JsSIP:Transport sending message:

REGISTER sip:pbx.example.com SIP/2.0\r
Via: SIP/2.0/WS 192.0.2.10:5060;branch=z9hG4bK1\r
From: <sip:bob@example.com>;tag=f1\r
To: <sip:bob@example.com>\r
Call-ID: a1\r
CSeq: 1 REGISTER\r
Contact: <sip:bob@192.0.2.10:5060>\r
Content-Length: 0\r
\r

2026-11-29T23:42:33.590Z JsSIP:Transport received text message:

SIP/2.0 200 OK\r
Via: SIP/2.0/WS 192.0.2.10:5060;branch=z9hG4bK1\r
From: <sip:bob@example.com>;tag=f1\r
To: <sip:bob@example.com>;tag=t1\r
Call-ID: a1\r
CSeq: 1 REGISTER\r
Content-Length: 0\r
\r

"""

HINT = (
    "let it log the messages: JsSIP.debug.enable('JsSIP:*'), or logLevel 'debug' and traceSip "
    "of SIP.js; in a browser's console, show the verbose level"
)
_BANNER = Lazy(
    rb"(?P<before>.{0,200}?)(?:JsSIP:Transport (?P<jssip>sending|received text|received binary) message"
    rb"|sip\.(?:T|t)ransport \| (?P<sipjs>Sending|Received) WebSocket (?:text |binary )?message"
    rb"|JsSIP:Transport.{0,20}? \| (?P<other>sending|received) (?:WebSocket )?message):?(?P<rest>.*)\Z",
    16,  # re.DOTALL
)
_ISO = Lazy(rb".{0,100}?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)")
_LOCAL = Lazy(rb".{0,100}?\w{3} (\w{3}) (\d\d) (\d{4}) (\d\d:\d\d:\d\d) (?:GMT|UTC)([+-]\d{4})")
_CLOCK = Lazy(rb".{0,100}?(?<![\d:])(\d{1,2}:\d\d:\d\d(?:\.\d{1,9})?(?: [AP]M)?)")
_ENTRY = Lazy(rb"(?:\S{0,40} ){0,3}(?:JsSIP:\w|\w{3} \w{3} \d\d \d{4} .{0,80} \| sip\.)")
_MONTHS = b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def looks_like(head: bytes) -> bool:
    """Whether a line says that a message was sent or received, as JsSIP or SIP.js do."""
    return has_line(head, b"ransport", _BANNER)


def _stamp(before: bytes) -> bytes:
    if match := _LOCAL.match(before):
        if match[1] not in _MONTHS:
            return b""
        return b"%b-%02d-%b %b%b" % (match[3], _MONTHS.index(match[1]) + 1, match[2], match[4], match[5])
    match = _ISO.match(before) or _CLOCK.match(before)
    return match[1] if match else b""


def _banner(text: bytes) -> Banner | None:
    match = _BANNER.match(text)
    if match is None:
        return None
    way = match["jssip"] or match["sipjs"] or match["other"]
    return Banner(stamp=_stamp(match["before"]), received=way[:1] in b"rR", rest=match["rest"].strip())


GRAMMAR = Grammar("browser", _banner, (b"ransport",), _ENTRY.match, hint=HINT)


def read(stream: BinaryIO, source: Source) -> Iterator[Item]:
    """The messages of the console, in its order."""
    from analyzer.capture.text.reader import Reader

    return Reader(GRAMMAR, source, looks_like).read(stream)
