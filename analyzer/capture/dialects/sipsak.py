"""sipsak with `-vvv`: `request:` and `received:` lines before the messages, without times.

The request is printed once more before, as it is made (`New message with Via-Line:`); that is no message sent. To where
one was sent is printed behind it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from analyzer.capture.text.grammar import HOST, Banner, Grammar, endpoint
from analyzer.capture.text.patterns import Lazy, has_line
from analyzer.evidence import Endpoint, Item, Source

NAME = "sipsak"
TITLE = "output of sipsak (-vvv)"
EXAMPLE = b"""request:
REGISTER sip:pbx.example.com SIP/2.0\r
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1\r
From: <sip:bob@example.com>;tag=f1\r
To: <sip:bob@example.com>\r
Call-ID: a1\r
CSeq: 1 REGISTER\r
Contact: <sip:bob@192.0.2.10:5060>\r
Content-Length: 0\r
\r

send to: UDP:192.0.2.1:5060

received from: UDP:192.0.2.1:5060
	OK

SIP/2.0 200 OK\r
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1\r
From: <sip:bob@example.com>;tag=f1\r
To: <sip:bob@example.com>;tag=t1\r
Call-ID: a1\r
CSeq: 1 REGISTER\r
Content-Length: 0\r
\r

"""

HINT = "run sipsak with -vvv: less prints no messages"
_PEER = Lazy(rb"received from: (UDP|TCP|TLS):(" + HOST + rb"):(\d{1,5})[ \t]*\Z")
_SENT = Lazy(rb"send to: (UDP|TCP|TLS):(" + HOST + rb"):(\d{1,5})[ \t]*\Z")


def looks_like(head: bytes) -> bool:
    """Whether a line says where a message came from or went, as sipsak does."""
    return has_line(head, b"received from: ", _PEER) or has_line(head, b"send to: ", _SENT)


def _banner(text: bytes) -> Banner | None:
    if text.rstrip() in (b"request:", b"received:"):
        return Banner(received=text[:3] == b"rec")
    match = _PEER.match(text)
    if match is None:
        return None
    return Banner(endpoint(match[2], match[3]), transport=match[1].decode("ascii"), received=True)


def _refine(banner: Banner, text: bytes) -> Banner | None:
    """What sipsak says of a response before it prints it."""
    return None if text.startswith((b"request:", b"registering ", b"New message")) else banner


def _after(text: bytes) -> Endpoint | None:
    match = _SENT.match(text)
    return None if match is None else endpoint(match[2], match[3])


GRAMMAR = Grammar(
    "sipsak", _banner, (b"request:", b"received"), refine=_refine, after=_after, before=8, echoes=True, hint=HINT
)


def read(stream: BinaryIO, source: Source) -> Iterator[Item]:
    """The messages of the output, in its order."""
    from analyzer.capture.text.reader import Reader

    return Reader(GRAMMAR, source, looks_like).read(stream)
