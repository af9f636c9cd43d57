"""Linphone and other programs on belle-sip (`-d 6`, linphone.log): how many octets went where, then the message."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from analyzer.capture.text.grammar import HOST, Banner, Grammar, endpoint
from analyzer.capture.text.patterns import Lazy, has_line
from analyzer.evidence import Item, Source

NAME = "linphone"
TITLE = "log of Linphone (belle-sip)"
EXAMPLE = b"""\
2026-11-29 23:43:12:844 belle-sip-message-channel [0x5565d3]: message sent to [UDP://192.0.2.1:5060], size: [239] bytes
REGISTER sip:pbx.example.com SIP/2.0\r
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1\r
From: <sip:bob@example.com>;tag=f1\r
To: <sip:bob@example.com>\r
Call-ID: a1\r
CSeq: 1 REGISTER\r
Contact: <sip:bob@192.0.2.10:5060>\r
Content-Length: 0\r
\r

2026-11-29 23:43:12:854 belle-sip-message-channel [0x5565d3f64a80]: received [188] new bytes from [UDP://192.0.2.1:5060]:
SIP/2.0 200 OK\r
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1\r
From: <sip:bob@example.com>;tag=f1\r
To: <sip:bob@example.com>;tag=t1\r
Call-ID: a1\r
CSeq: 1 REGISTER\r
Content-Length: 0\r
\r

"""

HINT = "log whole messages: linphonec -d 6, or Settings, Advanced, Debug in the program"
_STAMP = rb"(?P<day>\d{4}-\d\d-\d\d )?(?P<clock>\d\d:\d\d:\d\d)[:.,](?P<fraction>\d{3,6})"
_BANNER = Lazy(
    rb"(?:.{0,80}?" + _STAMP + rb")?.{0,120}?channel ?\[(?:0x)?[0-9a-f]{4,16}\]: "
    rb"(?:(?P<sent>message sent) to|message received from|received \[(?P<got>\d{1,7})\] (?:new )?bytes from) "
    rb"\[(?P<transport>\w{2,5})://(?P<host>" + HOST + rb"):(?P<port>\d{1,5})\]"
    rb"(?:, size: \[(?P<size>\d{1,7})\] bytes)?:?[ \t]*\Z"
)
_ENTRY = Lazy(
    rb"(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d[:.,]\d{3,6} [\w./ \[\]-]{1,60}-(?:message|warning|error|debug|fatal|trace)-"
)


def looks_like(head: bytes) -> bool:
    """Whether a line tells the octets of a message as belle-sip does."""
    return has_line(head, b"]: ", _BANNER)


def _banner(text: bytes) -> Banner | None:
    match = _BANNER.match(text)
    if match is None:
        return None
    peer, received = endpoint(match["host"], match["port"]), match["sent"] is None
    stamp = b""
    if match["clock"]:
        stamp = (match["day"] or b"") + match["clock"] + b"." + match["fraction"]
    size = match["got"] or match["size"]
    return Banner(
        peer if received else None,
        None if received else peer,
        match["transport"].decode("ascii").upper(),
        stamp,
        int(size) if size else None,
        received,
    )


GRAMMAR = Grammar("linphone", _banner, (b"]: ",), _ENTRY.match, hint=HINT)


def read(stream: BinaryIO, source: Source) -> Iterator[Item]:
    """The messages of the log, in its order."""
    from analyzer.capture.text.reader import Reader

    return Reader(GRAMMAR, source, looks_like).read(stream)
