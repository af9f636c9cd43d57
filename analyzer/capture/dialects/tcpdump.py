"""tcpdump's text: `-A` (header octets glued before the start line, CR left out) and `-v` (SIP indented).

The line of a packet has its ends as `address.port`, both perhaps as names. With `-v` it is two lines. Where both forms
are printed for one packet, the first one is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from analyzer.capture.text.grammar import METHODS, Banner, Grammar, endpoint
from analyzer.capture.text.patterns import Lazy, has_line
from analyzer.evidence import Endpoint, Item, Source

if TYPE_CHECKING:
    from analyzer.capture.text.rows import Row

NAME = "tcpdump"
TITLE = "text output of tcpdump"
EXAMPLE = b"""11:53:43.746947 IP 192.0.2.10.5060 > 192.0.2.1.5060: SIP: REGISTER sip:pbx.example.com SIP/2.0
E..%..@.@...
...........6REGISTER sip:pbx.example.com SIP/2.0
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1
From: <sip:bob@example.com>;tag=f1
To: <sip:bob@example.com>
Call-ID: a1
CSeq: 1 REGISTER
Contact: <sip:bob@192.0.2.10:5060>
Content-Length: 0


11:53:43.747421 IP 192.0.2.1.5060 > 192.0.2.10.5060: SIP: SIP/2.0 200 OK
E..%..@.@..............6SIP/2.0 200 OK
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1
From: <sip:bob@example.com>;tag=f1
To: <sip:bob@example.com>;tag=t1
Call-ID: a1
CSeq: 1 REGISTER
Content-Length: 0


"""

_STAMP = rb"(?P<stamp>(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d\.\d{6,9}|\d{9,10}\.\d{6,9})"
_HOST, _PORT = rb"[\w.:%-]{1,255}?", rb"\.[\w-]{1,32}"
_ENDS = (
    rb"(?P<source>" + _HOST + rb")(?P<from>" + _PORT + rb")? > "
    rb"(?P<destination>" + _HOST + rb")(?P<to>" + _PORT + rb")?: (?P<rest>.*)"
)
_BANNER = Lazy(
    rb"(?:" + _STAMP + rb"|[ \t]{0,3}\d\d:\d\d:\d\d\.\d{6}) (?:[\w.@-]{1,20} {1,4}(?:In|Out|B|M|P) {1,4})?IP6? "
    rb"(?:\([^)]{0,300}(?:\([^)]{0,300}\)[^)]{0,300}){0,8}\) ?)?(?:" + _ENDS + rb")?\Z",
    16,  # re.DOTALL
)
_SECOND = Lazy(rb"[ \t]{1,8}" + _ENDS + rb"\Z", 16)
_LENGTH = Lazy(rb"(?:\[[^\]]{0,60}\] )?(?:SIP|UDP), length:? (\d{1,7})")
_START = Lazy(rb"(?:(?:" + METHODS + rb") [a-z]{2,8}:[^ \t]{1,2048} SIP/2\.0|SIP/2\.0 [1-6]\d\d(?: .{0,200})?)[ \t]*\Z")
_TAB = b" " * 8
_SERVICES = {b".sip": 5060, b".sips": 5061, b".sip-tls": 5061}


def looks_like(head: bytes) -> bool:
    """Whether a line is that of an IP packet, as tcpdump prints it."""
    return has_line(head, b" IP", _BANNER)


def _end(host: bytes, port: bytes | None) -> Endpoint:
    number = b"%d" % _SERVICES[port] if port in _SERVICES else (port or b"")[1:]
    return endpoint(host, number)


def _addressed(banner: Banner, source: bytes, sport: bytes, destination: bytes, dport: bytes, rest: bytes) -> Banner:
    length = _LENGTH.match(rest)
    return banner._replace(
        source=_end(source, sport),
        destination=_end(destination, dport),
        transport="TCP" if rest.startswith(b"Flags [") else "UDP",
        size=int(length[1]) if length else None,
    )


def _banner(text: bytes) -> Banner | None:
    match = _BANNER.match(text)
    if match is None:
        return None
    stamp, *ends = match.groups()
    banner = Banner(stamp=stamp or b"")
    return banner if ends[0] is None else _addressed(banner, *ends)


def _refine(banner: Banner, text: bytes) -> Banner | None:
    """The second line of `-v`, and the octets of the headers, which may hold line feeds."""
    if _BANNER.match(text):
        return None
    if banner.source is None and (match := _SECOND.match(text)) is not None:
        return _addressed(banner, *match.groups())
    return banner


def _start(text: bytes) -> bytes | None:
    found = _START.search(text)
    return found[0] if found else None


def _inner(banner: Banner, row: Row) -> Row | None:
    """A line as `-v` indents it (by a tab, of which a terminal makes blanks), or as `-A` prints it."""
    del banner
    if row.text[:1] == b"\t":
        return row._replace(text=row.text[1:])
    return row._replace(text=row.text[8:]) if row.text.startswith(_TAB) and row.text[8:9].isalnum() else row


GRAMMAR = Grammar(
    "unknown",
    _banner,
    (b" IP",),
    inner=_inner,
    refine=_refine,
    start=_start,
    before=8,
    hint="print the packets with `tcpdump -A -s 0 port 5060`, or better save them: tcpdump -w FILE, and give FILE to "
    "sipcheck pcap",
)


def read(stream: BinaryIO, source: Source) -> Iterator[Item]:
    """The messages of the output, in its order."""
    from analyzer.capture.text.reader import Reader

    return Reader(GRAMMAR, source, looks_like).read(stream)
