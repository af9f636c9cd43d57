"""Kamailio's own log with whole messages in it (`xlog("$mb")`), on its console or through syslog.

A script writes what its author likes: the message begins on the line of the log or on one below, and what stands before
may name the ends (`from 192.0.2.10:5060`). What is not there is taken from Via.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from analyzer.capture.text.grammar import GLUED, Banner, Grammar, endpoint
from analyzer.capture.text.patterns import Lazy
from analyzer.evidence import Item, Source

NAME = "kamailio-log"
TITLE = "Kamailio log with messages (xlog)"
EXAMPLE = b""" 1(12965) NOTICE: <script>: REGISTER sip:pbx.example.com SIP/2.0\r
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1\r
From: <sip:bob@example.com>;tag=f1\r
To: <sip:bob@example.com>\r
Call-ID: a1\r
CSeq: 1 REGISTER\r
Contact: <sip:bob@192.0.2.10:5060>\r
Content-Length: 0\r
\r
 1(12965) NOTICE: <script>: sent to 192.0.2.10:5060 SIP/2.0 200 OK\r
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1\r
From: <sip:bob@example.com>;tag=f1\r
To: <sip:bob@example.com>;tag=t1\r
Call-ID: a1\r
CSeq: 1 REGISTER\r
Content-Length: 0\r
\r
"""

HINT = 'let the script write whole messages: xlog("$mb"), or the module sipdump'
_STAMP = rb"(?P<stamp>(?:\w{3} [ \d]\d |\d{4}[-/]\d\d[-/]\d\d[ T])?\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)"
_ENTRY = Lazy(
    rb"[ \t]{0,4}(?:" + _STAMP + rb" )?"
    rb"(?P<process>[ \d]{0,4}\d\(\d{1,10}\) )?"
    rb"(?P<level>DEBUG|INFO|NOTICE|WARNING|ERROR|CRITICAL|ALERT|BUG): (?P<text>.*)",
    16,  # re.DOTALL
)
_SCRIPT = Lazy(rb"(?:\{.{0,200}?\} )?(?:<script>|xlog.{0,80}?|\S{1,32} \[.{0,80}?\]: \S{1,64}?\(\)):[ \t]{0,2}", 16)
_FROM = Lazy(
    rb".{0,200}?(?i:from|source|src|rcv)\W{1,3}(?:(udp|tcp|tls|wss?):)?(\[[0-9a-fA-F:.]{2,45}\]|[\d.]{7,15}):(\d{1,5})",
    16,
)
_TO = Lazy(
    rb".{0,200}?(?i:to|destination|dst|snd)\W{1,3}(?:(udp|tcp|tls|wss?):)?(\[[0-9a-fA-F:.]{2,45}\]|[\d.]{7,15}):(\d{1,5})",
    16,
)
_MOST = 200


def looks_like(head: bytes) -> bool:
    """Whether a line of the log has a message in it, or the line after one begins it."""
    if b"SIP/2.0" not in head or b": " not in head:
        return False
    lines = head.split(b"\n", 4000)[:4000]
    for line, below in zip(lines, [*lines[1:], b""], strict=True):
        found = _ENTRY.match(line) if b": " in line[:_MOST] else None
        if found is not None and (found["process"] or b"<script>" in line[:_MOST]):
            text = line.rstrip(b"\r")
            if GLUED.search(text) or (_SCRIPT.match(found["text"]) and GLUED.match(below.rstrip(b"\r"))):
                return True
    return False


def _banner(text: bytes) -> Banner | None:
    match = _ENTRY.match(text)
    script = match and _SCRIPT.match(match["text"])
    if match is None or not script:
        return None
    rest = match["text"][script.end() :]
    source, destination = _FROM.match(rest[:_MOST]), _TO.match(rest[:_MOST])
    named = source or destination
    return Banner(
        endpoint(source[2], source[3]) if source else None,
        endpoint(destination[2], destination[3]) if destination else None,
        (named[1] or b"").decode("ascii").upper() if named else "",
        match["stamp"] or b"",
        received=True if source and not destination else False if destination and not source else None,
        rest=rest,
    )


def _start(text: bytes) -> bytes | None:
    found = GLUED.search(text)
    return found[0] if found else None


def _refine(banner: Banner, text: bytes) -> Banner | None:
    """What the script wrote before the message; another line of the log ends that."""
    return None if _ENTRY.match(text) else banner


GRAMMAR = Grammar(
    "kamailio",
    _banner,
    (b": ",),
    _ENTRY.match,
    refine=_refine,
    start=_start,
    before=4,
    server=True,
    indented=True,
    hint=HINT,
)


def read(stream: BinaryIO, source: Source) -> Iterator[Item]:
    """The messages of the log, in its order."""
    from analyzer.capture.text.reader import Reader

    return Reader(GRAMMAR, source, looks_like).read(stream)
