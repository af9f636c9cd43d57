"""pjsua and other programs on pjsip, log level 5 (4 in newer ones): octets, other end, message, end line.

The log prints the other end alone. Asterisk's own logger of PJSIP is another dialect.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from analyzer.capture.text.grammar import HOST, Banner, Grammar, endpoint
from analyzer.capture.text.patterns import Lazy, has_line
from analyzer.evidence import Item, Source

NAME = "pjsip"
TITLE = "log of pjsua or another pjsip program"
EXAMPLE = b"""14:54:33.468           pjsua_core.c  ...TX 239 bytes Request msg REGISTER/cseq=1 to UDP 192.0.2.1:5060:
REGISTER sip:pbx.example.com SIP/2.0\r
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1\r
From: <sip:bob@example.com>;tag=f1\r
To: <sip:bob@example.com>\r
Call-ID: a1\r
CSeq: 1 REGISTER\r
Contact: <sip:bob@192.0.2.10:5060>\r
Content-Length: 0\r
\r

--end msg--
14:54:33.469           pjsua_core.c  .RX 188 bytes Response msg 200/REGISTER/cseq=1 from UDP 192.0.2.1:5060:
SIP/2.0 200 OK\r
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1\r
From: <sip:bob@example.com>;tag=f1\r
To: <sip:bob@example.com>;tag=t1\r
Call-ID: a1\r
CSeq: 1 REGISTER\r
Content-Length: 0\r
\r

--end msg--
"""

HINT = "log whole messages: `--log-level 5` and `--app-log-level 5` (pjsua), level 5 and msgLogging in its settings"
_STAMP = rb"(?P<stamp>(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) )?(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d\.\d{1,6})"
_BANNER = Lazy(
    rb"(?P<lead>.{0,200}?)(?P<way>[TR]X) (?P<size>\d{1,7}) bytes (?:Request|Response) msg .{1,200}? (?:to|from) "
    rb"(?P<transport>[A-Za-z]{2,5}6?) (?P<host>" + HOST + rb"):(?P<port>\d{1,5}):?[ \t]*\Z"
)
_ENTRY = Lazy(rb"[ \t]{0,8}(?:\w{3} )?(?:\d{4}-\d\d-\d\d )?" + rb"\d\d:\d\d:\d\d\.\d{3} {1,24}\S{1,40} ")
_STAMPED = Lazy(rb"\D{0,160}?" + _STAMP + rb"(?: |\Z)")


def looks_like(head: bytes) -> bool:
    """Whether a line tells the octets of a message as pjsua does."""
    return has_line(head, b" bytes Re", _BANNER)


def _banner(text: bytes) -> Banner | None:
    match = _BANNER.match(text)
    if match is None:
        return None
    peer, received = endpoint(match["host"], match["port"]), match["way"] == b"RX"
    stamped = _STAMPED.match(match["lead"])
    stamp = stamped["stamp"].split(b" ") if stamped else [b""]
    return Banner(
        peer if received else None,
        None if received else peer,
        match["transport"].decode("ascii").upper().rstrip("6"),
        b" ".join(stamp[1:] if stamp[0].isalpha() else stamp),
        int(match["size"]),
        received,
    )


def _is_end(text: bytes) -> bool:
    return text.rstrip() == b"--end msg--"


GRAMMAR = Grammar("pjsip", _banner, (b" bytes Re",), _ENTRY.match, _is_end, hint=HINT)


def read(stream: BinaryIO, source: Source) -> Iterator[Item]:
    """The messages of the log, in its order."""
    from analyzer.capture.text.reader import Reader

    return Reader(GRAMMAR, source, looks_like).read(stream)
