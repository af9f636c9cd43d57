"""Logs of any program that says above each message when it went, and from where or to where.

No program is known by it: the line is read for what it says in so many words (`text/said.py`), and counts only where a
message begins right below it, or below blank lines and rules. What it does not say stays unknown. A text that is of a
dialect of its own is read by that; messages without such a line are read as `bare` reads them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from analyzer.capture.text.breaks import is_header
from analyzer.capture.text.grammar import START, Banner, Grammar
from analyzer.capture.text.lines import is_text
from analyzer.capture.text.patterns import Lazy
from analyzer.capture.text.said import lone_end, said_in
from analyzer.evidence import Item, Source

NAME = "announced"
TITLE = "log with a line above each SIP message"
EXAMPLE = b"""2026-11-20 11:53:43.746 INFO  [sip-worker-3] Received UDP packet from 192.0.2.10:5060
REGISTER sip:pbx.example.com SIP/2.0
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1
From: <sip:bob@example.com>;tag=f1
To: <sip:bob@example.com>
Call-ID: a1
CSeq: 1 REGISTER
Contact: <sip:bob@192.0.2.10:5060>
Content-Length: 0

2026-11-20 11:53:43.747 INFO  [sip-worker-3] Sending UDP packet to 192.0.2.10:5060
SIP/2.0 200 OK
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1
From: <sip:bob@example.com>;tag=f1
To: <sip:bob@example.com>;tag=t1
Call-ID: a1
CSeq: 1 REGISTER
Content-Length: 0

"""

LAST = True
"""Asked where all other dialects say no."""

_NO_BANNER = Lazy(rb"[ \t]|[A-Za-z][\w.!%*+`'~-]{0,60}[ \t]*:[ \t]+\S|[a-z]=|.{0,4000}SIP/2\.0[ \t\r]*\Z")
"""Headers, lines of a session description, and what has a start line in it."""
_PROGRAM = Lazy(
    rb"(?:(?i:sent|sending|send|received?|recv|incoming|outgoing|tx|rx)|TRACE|DEBUG|INFO|NOTICE|FINE|LOG)[ \t]*:"
)
"""What may look like a header, and is the program's."""
_RULE = Lazy(rb"(?:[\s\-=_*#~+|.<>\[\]{}]{0,200}|[ \t]{0,8}`{3,9}\w{0,12}\s{0,8}|\[\d{1,10},[A-Z]{2,8}\]\s{0,8})\Z")
"""A rule; the fence of a block of code; the number of a connection as CUCM's traces have it, `[12,NET]`."""
_OPENED = b"<![CDATA["
_ATTRIBUTE = Lazy(
    rb"[ \t]*<?[A-Za-z_][\w.-]{0,30}(?:[ \t]*[=:][ \t]*[\"'](?P<value>[^\"'\n]{0,400})[\"'])?[ \t,]{0,4}\Z"
)
"""A line of a block that describes a message: XML, a form."""
_DESCRIBED = Lazy(rb"[ \t]{0,8}[a-z][A-Za-z0-9_ -]{0,30}:(?:[ \t]{1,4}\S.{0,400})?\Z")
"""The same of one that has no quotes; behind a line that announces a message, and before that begins."""
_PLACE = Lazy(rb"[ \t]*(?i:local|remote|peer|from|to|source|src|destination|dest|dst)[ \t]{0,8}[:=][ \t]*[\[\d]")
"""A line of such a block that names an end of the packet."""
_MILLISECONDS = Lazy(rb"[ \t]*time[ \t]*[=:][ \t]*[\"'](\d{10})(\d{3})[\"']")
_IS_SENDER = Lazy(rb"[ \t]*isSender[ \t]*[=:][ \t]*[\"'](true|false)[\"']")
_BELOW = Lazy(rb"[ \t]{0,16}[A-Za-z][\w-]{0,39}[ \t]*:")
_MOST = 12
_TRIED = 256
_ABOVE = 2048
"""Octets above a message that are looked through for a line that announces it, and of its start line for its beginning:
what looks at all of them again and again would take the square of a text."""


def looks_like(head: bytes) -> bool:
    """Whether a line that tells something stands above a start line and its headers."""
    if b"SIP/2.0" not in head or not is_text(head):
        return False
    place = 0
    for _ in range(_TRIED):
        place = head.find(b"SIP/2.0", place)
        if place < 0:
            return False
        begin, end = head.rfind(b"\n", max(0, place - _ABOVE), place) + 1, head.find(b"\n", place)
        if end < 0:
            return False
        text = head[begin:end].rstrip(b"\r")
        begins = (START.match(text) or _start(text)) and _BELOW.match(head[end + 1 : end + 200])
        if begins and _is_told(head[max(0, begin - _ABOVE) : begin]):
            return True
        place = end
    return False


def _is_told(above: bytes) -> bool:
    """Whether the last lines of a text announce what stands below."""
    lines = above.split(b"\n")[:-1]
    for line in reversed(lines[-_MOST:]):
        text = line.rstrip(b"\r")
        if _banner(text) is not None:
            return True
        if not _describes(text) and lone_end(text) is None and not _PLACE.match(text):
            return False
    return False


def _banner(text: bytes) -> Banner | None:
    if not text or is_header(text) or (_NO_BANNER.match(text) and not _PROGRAM.match(text)):
        return None
    said = said_in(text)
    if not said.stamp and (not said.tells or (said.source is None and said.destination is None)):
        return None
    return Banner(said.source, said.destination, said.transport, said.stamp, received=said.received)


def _refine(banner: Banner, text: bytes) -> Banner | None:
    """Blank lines and rules; a further line that says what those before it do not."""
    if match := _MILLISECONDS.match(text):
        return banner._replace(stamp=banner.stamp or b".".join(match.groups()))
    if match := _IS_SENDER.match(text):
        return banner._replace(received=match[1] == b"false")
    is_open = banner.source is None and banner.destination is None
    if banner.received is not None and is_open and (peer := lone_end(text)) is not None:
        return banner._replace(source=peer) if banner.received else banner._replace(destination=peer)
    more = _placed(banner, text) if _PLACE.match(text) else _banner(text)
    if more is None:
        return banner if _describes(text) else None
    if (more.source and banner.source) or (more.destination and banner.destination):
        return None
    if more.received is not None and banner.received is not None:
        return None
    return more._replace(
        source=more.source or banner.source,
        destination=more.destination or banner.destination,
        transport=more.transport or banner.transport,
        stamp=more.stamp or banner.stamp,
        received=banner.received if more.received is None else more.received,
    )


def _placed(banner: Banner, text: bytes) -> Banner:
    """The ends that a line names; which of local and remote sent it, the line above has said."""
    word = b"" if banner.received is None else b"received " if banner.received else b"sent "
    said = said_in(word + text)
    return Banner(said.source, said.destination, said.transport)


def _describes(text: bytes) -> bool:
    """Whether a line between what announces a message and the message itself is a rule, or describes it."""
    return any(one.match(text) is not None for one in (_RULE, _ATTRIBUTE, _DESCRIBED))


def _start(text: bytes) -> bytes | None:
    """A message that begins behind what opens a block of XML."""
    at = text.find(_OPENED, 0, 200)
    return text[at + len(_OPENED) :] if at >= 0 and START.match(text[at + len(_OPENED) :]) else None


GRAMMAR = Grammar(
    "unknown", _banner, (b":", b"20"), refine=_refine, start=_start, before=_MOST, indented=True, loose=True
)


def read(stream: BinaryIO, source: Source) -> Iterator[Item]:
    """The messages of the log, in its order."""
    from analyzer.capture.text.reader import Reader

    return Reader(GRAMMAR, source, looks_like).read(stream)
