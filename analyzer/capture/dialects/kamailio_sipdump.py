"""Kamailio's module `sipdump` in file mode: a form of `key: value` lines before each message, and a line behind it.

====================
tag: rcv
pid: 12965
process: 1
time: 1795964613.486841
date: Sun Nov 29 15:03:33 2026
proto: udp ipv4
srcip: 127.0.0.1
srcport: 56610
dstip: 127.0.0.1
dstport: 5060
~~~~~~~~~~~~~~~~~~~~
(the message)
||||||||||||||||||||
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from analyzer.capture.text.grammar import Banner, Grammar, endpoint
from analyzer.capture.text.patterns import Lazy
from analyzer.evidence import Item, Source

NAME = "kamailio-sipdump"
TITLE = "Kamailio sipdump file"
EXAMPLE = b"""====================
tag: rcv
pid: 12965
process: 1
time: 1795964613.486841
date: Sun Nov 29 15:03:33 2026
proto: udp ipv4
srcip: 192.0.2.10
srcport: 5060
dstip: 192.0.2.1
dstport: 5060
~~~~~~~~~~~~~~~~~~~~
REGISTER sip:pbx.example.com SIP/2.0\r
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1\r
From: <sip:bob@example.com>;tag=f1\r
To: <sip:bob@example.com>\r
Call-ID: a1\r
CSeq: 1 REGISTER\r
Contact: <sip:bob@192.0.2.10:5060>\r
Content-Length: 0\r
\r
||||||||||||||||||||
====================
tag: snd
pid: 12965
process: 1
time: 1795964613.487572
date: Sun Nov 29 15:03:33 2026
proto: udp ipv4
srcip: 192.0.2.1
srcport: 5060
dstip: 192.0.2.10
dstport: 5060
~~~~~~~~~~~~~~~~~~~~
SIP/2.0 200 OK\r
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1\r
From: <sip:bob@example.com>;tag=f1\r
To: <sip:bob@example.com>;tag=t1\r
Call-ID: a1\r
CSeq: 1 REGISTER\r
Content-Length: 0\r
\r
||||||||||||||||||||
"""

HINT = "each form has a message behind it: was the file cut, or its messages filtered out?"
_KEY = Lazy(rb"(tag|pid|process|time|date|proto|srcip|srcport|dstip|dstport|[a-z]{2,12}): ?(.{0,80}?)[ \t]*\Z")
_FORM = Lazy(rb"={20}[ \t\r]*\n")
_OPENS, _BEGINS, _ENDS = b"=" * 20, b"~" * 20, b"|" * 20


def looks_like(head: bytes) -> bool:
    """Whether the form is there: its first line, and the keys of both ends."""
    match = _FORM.search(head)
    form = head[match.start() : match.start() + 600] if match else b""
    return b"\nproto: " in form and b"\nsrcip: " in form


def _banner(text: bytes) -> Banner | None:
    return Banner() if text.rstrip() == _OPENS else None


def _refine(banner: Banner, text: bytes) -> Banner | None:
    if text.rstrip() == _BEGINS:
        return banner
    match = _KEY.match(text)
    if match is None:
        return None
    key, value = match.groups()
    if key == b"tag":
        return banner._replace(received=value == b"rcv")
    if key == b"time":
        return banner._replace(stamp=value)
    if key == b"proto":
        return banner._replace(transport=value.split(b" ")[0].decode("ascii", "replace").upper())
    return _addressed(banner, key, value)


def _addressed(banner: Banner, key: bytes, value: bytes) -> Banner:
    if key == b"srcip":
        return banner._replace(source=endpoint(value, None))
    if key == b"dstip":
        return banner._replace(destination=endpoint(value, None))
    if key == b"srcport" and banner.source:
        return banner._replace(source=endpoint(banner.source.host.encode("utf-8", "surrogateescape"), value))
    if key == b"dstport" and banner.destination:
        return banner._replace(destination=endpoint(banner.destination.host.encode("utf-8", "surrogateescape"), value))
    return banner


def _is_end(text: bytes) -> bool:
    return text.rstrip() == _ENDS


GRAMMAR = Grammar("kamailio", _banner, (_OPENS,), end=_is_end, refine=_refine, server=True, before=24, hint=HINT)


def read(stream: BinaryIO, source: Source) -> Iterator[Item]:
    """The messages of the file, in its order."""
    from analyzer.capture.text.reader import Reader

    return Reader(GRAMMAR, source, looks_like).read(stream)
