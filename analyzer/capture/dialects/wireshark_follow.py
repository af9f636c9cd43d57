"""A stream as tshark follows it (`-z follow,udp,ascii,0`, and of TCP): the two nodes once, then what each sent.

Above what one node sent stands how many octets it is, behind a tab where the second one sent it; where a text lost its
tabs, Via says which one did. Of UDP that is a message; of TCP it is what came at once, perhaps half of one. No time is
printed. Which nodes they are is only believed where it stands between messages.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from analyzer.capture.text.grammar import HOST, Banner, Grammar, endpoint
from analyzer.capture.text.patterns import Lazy, has_line
from analyzer.evidence import Endpoint, Item, Source

NAME = "wireshark-follow"
TITLE = "stream that tshark followed (follow,udp,ascii)"
EXAMPLE = b"""===================================================================
Follow: udp,ascii
Filter: udp.stream eq 0
Node 0: 192.0.2.10:5060
Node 1: 192.0.2.1:5060
239
REGISTER sip:pbx.example.com SIP/2.0\r
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1\r
From: <sip:bob@example.com>;tag=f1\r
To: <sip:bob@example.com>\r
Call-ID: a1\r
CSeq: 1 REGISTER\r
Contact: <sip:bob@192.0.2.10:5060>\r
Content-Length: 0\r
\r

	188
SIP/2.0 200 OK\r
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1\r
From: <sip:bob@example.com>;tag=f1\r
To: <sip:bob@example.com>;tag=t1\r
Call-ID: a1\r
CSeq: 1 REGISTER\r
Content-Length: 0\r
\r

===================================================================
"""

_FOLLOW = Lazy(rb"Follow: (udp|tcp|tls|sip|websocket),ascii[ \t]*\Z")
_FILTER = Lazy(rb"Filter: .{1,400}\Z")
_NODE = Lazy(rb"Node (?P<which>[01]): (?P<host>" + HOST + rb"):(?P<port>\d{1,5})[ \t]*\Z")
_SIZE = Lazy(rb"(?P<second>\t|[ ]{4,8})?(?P<size>\d{1,7})\Z")
_RULE = Lazy(rb"={20,80}[ \t]*\Z")
_TRANSPORTS = {b"udp": "UDP", b"tcp": "TCP", b"tls": "TLS", b"websocket": "WS", b"sip": ""}
_DIGITS = tuple(b"%d" % digit for digit in range(10))


def looks_like(head: bytes) -> bool:
    """Whether a line says what was followed, and one which node it was."""
    return has_line(head, b"Follow: ", _FOLLOW) and has_line(head, b"Node ", _NODE)


class _Followed:
    """The stream that the text is in: its transport, and its nodes."""

    def __init__(self) -> None:
        self._transport = ""
        self._nodes: dict[bytes, Endpoint] = {}

    def banner(self, text: bytes) -> Banner | None:
        """The line of a stream, or of what a node of it sent."""
        if match := _FOLLOW.match(text):
            return Banner(transport=_TRANSPORTS[match[1]])
        return self._sent(text) if len(self._nodes) == 2 else None

    def refine(self, banner: Banner, text: bytes) -> Banner | None:
        """The lines between that of a stream and the first message in it."""
        if match := _NODE.match(text):
            if match["which"] == b"0":
                self._transport, self._nodes = banner.transport, {}
            self._nodes[match["which"]] = endpoint(match["host"], match["port"])
            return banner
        if banner.source is None and len(self._nodes) == 2 and (sent := self._sent(text)) is not None:
            return sent
        return banner if _FILTER.match(text) or not text.strip() else None

    def _sent(self, text: bytes) -> Banner | None:
        match = _SIZE.match(text)
        if match is None:
            return None
        ends = self._nodes[b"0"], self._nodes[b"1"]
        source, destination = ends[::-1] if match["second"] else ends
        is_stream = self._transport not in ("UDP", "")
        return Banner(
            source,
            destination,
            self._transport,
            size=None if is_stream else int(match["size"]),
            key=f"T{source}>{destination}".encode() if is_stream else b"",
        )


def _anew() -> Grammar:
    stream = _Followed()
    gates = (*_DIGITS, b"Follow: ")
    return Grammar("unknown", stream.banner, gates, end=_RULE.match, refine=stream.refine, parted=True)


GRAMMAR = Grammar("unknown", _Followed().banner, (b"Follow: ",), anew=_anew)


def read(stream: BinaryIO, source: Source) -> Iterator[Item]:
    """The messages of the streams, in their order."""
    from analyzer.capture.text.reader import Reader

    return Reader(GRAMMAR, source, looks_like).read(stream)
