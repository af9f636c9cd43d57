"""Yealink's syslog (level 6): process, module and line before each line of a message. After its documentation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from analyzer.capture.text.grammar import HOST, Banner, Grammar, endpoint
from analyzer.capture.text.patterns import Lazy, has_line
from analyzer.evidence import Item, Source

if TYPE_CHECKING:
    from analyzer.capture.text.rows import Row

NAME = "yealink"
TITLE = "log of a Yealink phone"
EXAMPLE = b"""Nov 29 15:03:33 sua [723:723]: DLG <6+info  > [000] Message sent: (to dest=192.0.2.1:5060 len=239)
Nov 29 15:03:33 sua [723:723]: DLG <6+info  > [000] REGISTER sip:pbx.example.com SIP/2.0
Nov 29 15:03:33 sua [723:723]: DLG <6+info  > [000] Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1
Nov 29 15:03:33 sua [723:723]: DLG <6+info  > [000] From: <sip:bob@example.com>;tag=f1
Nov 29 15:03:33 sua [723:723]: DLG <6+info  > [000] To: <sip:bob@example.com>
Nov 29 15:03:33 sua [723:723]: DLG <6+info  > [000] Call-ID: a1
Nov 29 15:03:33 sua [723:723]: DLG <6+info  > [000] CSeq: 1 REGISTER
Nov 29 15:03:33 sua [723:723]: DLG <6+info  > [000] Contact: <sip:bob@192.0.2.10:5060>
Nov 29 15:03:33 sua [723:723]: DLG <6+info  > [000] Content-Length: 0
Nov 29 15:03:33 sua [723:723]: DLG <6+info  > [000]
Nov 29 15:03:33 sua [723:723]: DLG <6+info  > [000] Message recv: (from src=192.0.2.1:5060 len=188)
Nov 29 15:03:33 sua [723:723]: DLG <6+info  > [000] SIP/2.0 200 OK
Nov 29 15:03:33 sua [723:723]: DLG <6+info  > [000] Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1
Nov 29 15:03:33 sua [723:723]: DLG <6+info  > [000] From: <sip:bob@example.com>;tag=f1
Nov 29 15:03:33 sua [723:723]: DLG <6+info  > [000] To: <sip:bob@example.com>;tag=t1
Nov 29 15:03:33 sua [723:723]: DLG <6+info  > [000] Call-ID: a1
Nov 29 15:03:33 sua [723:723]: DLG <6+info  > [000] CSeq: 1 REGISTER
Nov 29 15:03:33 sua [723:723]: DLG <6+info  > [000] Content-Length: 0
Nov 29 15:03:33 sua [723:723]: DLG <6+info  > [000]
"""

HINT = "set the phone's log level to 6 (web page: Settings, Configuration, Local Log or Syslog)"
_PREFIX = (
    rb"(?:<\d{1,3}>)?(?P<stamp>\w{3} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,6})?) (?:[\w.:-]{1,64} )?"
    rb"\w{1,16} ?\[\d{1,8}(?::\d{1,8})?\]: \w{2,8} ?<\d\+\w{2,8} *> (?:\[\d{1,4}\] ?)?"
)
_LINE = Lazy(_PREFIX)
_BANNER = Lazy(
    _PREFIX + rb"(?:Message )?(?P<way>sent|recv): ?\((?:to dest|from src)=(?:(?P<transport>udp|tcp|tls):)?"
    rb"(?P<host>" + HOST + rb"):(?P<port>\d{1,5})(?: len=(?P<size>\d{1,7}))?\)[ \t]*\Z"
)


def looks_like(head: bytes) -> bool:
    """Whether a line tells the octets of a message as a Yealink phone does."""
    return has_line(head, b"len=", _BANNER) or has_line(head, b" dest=", _BANNER)


def _banner(text: bytes) -> Banner | None:
    match = _BANNER.match(text)
    if match is None:
        return None
    peer, received = endpoint(match["host"], match["port"]), match["way"] == b"recv"
    return Banner(
        peer if received else None,
        None if received else peer,
        (match["transport"] or b"").decode("ascii").upper(),
        match["stamp"],
        int(match["size"]) if match["size"] else None,
        received,
    )


def _inner(banner: Banner, row: Row) -> Row | None:
    """A line of the message without what stands before each; the last blank of that may be lost."""
    del banner
    match = _LINE.match(row.text if row.text[-1:] == b" " else row.text + b" ")
    return None if match is None else row._replace(text=row.text[match.end() :])


GRAMMAR = Grammar("yealink", _banner, (b"=",), inner=_inner, prefixed=True, hint=HINT)


def read(stream: BinaryIO, source: Source) -> Iterator[Item]:
    """The messages of the log, in its order."""
    from analyzer.capture.text.reader import Reader

    return Reader(GRAMMAR, source, looks_like).read(stream)
