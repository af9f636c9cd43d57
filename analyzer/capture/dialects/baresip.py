"""baresip's SIP trace (`baresip -s`, `/sip_trace`): a `#` in colour, transport and ends, the message. No times."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from analyzer.capture.text.grammar import HOST, Banner, Grammar, endpoint
from analyzer.capture.text.patterns import Lazy, has_line
from analyzer.evidence import Item, Source

NAME = "baresip"
TITLE = "SIP trace of baresip (-s)"
EXAMPLE = b"""\x1b[36;1m#
UDP 192.0.2.10:5060 -> 192.0.2.1:5060
REGISTER sip:pbx.example.com SIP/2.0\r
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1\r
From: <sip:bob@example.com>;tag=f1\r
To: <sip:bob@example.com>\r
Call-ID: a1\r
CSeq: 1 REGISTER\r
Contact: <sip:bob@192.0.2.10:5060>\r
Content-Length: 0\r
\r
\x1b[;m
\x1b[36;1m#
UDP 192.0.2.1:5060 -> 192.0.2.10:5060
SIP/2.0 200 OK\r
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1\r
From: <sip:bob@example.com>;tag=f1\r
To: <sip:bob@example.com>;tag=t1\r
Call-ID: a1\r
CSeq: 1 REGISTER\r
Content-Length: 0\r
\r
\x1b[;m
"""

HINT = "let it print the messages: baresip -s, or /sip_trace on its prompt"
_BANNER = Lazy(
    rb"(?:\[?(?P<stamp>(?:\d{4}-\d\d-\d\d[T ])?\d\d:\d\d:\d\d(?:\.\d{1,9})?)\]?[ |]+)?#?(UDP|TCP|TLS|WSS?) ("
    + HOST
    + rb"):(\d{1,5}) -> ("
    + HOST
    + rb"):(\d{1,5})[ \t]*\Z"
)


def looks_like(head: bytes) -> bool:
    """Whether a line has a transport and two ends, and nothing else."""
    return has_line(head, b" -> ", _BANNER)


def _banner(text: bytes) -> Banner | None:
    match = _BANNER.match(text)
    if match is None:
        return None
    stamp, transport, *ends = match.groups()
    return Banner(endpoint(*ends[:2]), endpoint(*ends[2:]), transport.decode("ascii"), stamp or b"")


def _is_end(text: bytes) -> bool:
    """The escape sequence behind a message; the one before it ends in `#`."""
    return text[:1] == b"\x1b" and (text.endswith((b"m#", b"[;m", b"[m")))


GRAMMAR = Grammar("unknown", _banner, (b" -> ",), end=_is_end, hint=HINT)


def read(stream: BinaryIO, source: Source) -> Iterator[Item]:
    """The messages of the trace, in its order."""
    from analyzer.capture.text.reader import Reader

    return Reader(GRAMMAR, source, looks_like).read(stream)
