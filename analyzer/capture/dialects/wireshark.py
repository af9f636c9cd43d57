"""Packets as `tshark -V` prints them, and Wireshark (File, Print or Export Packet Dissections, all expanded).

The start line and each header are lines of their own among what Wireshark says of them, indented deeper. A body is
dissected and not printed, so it is lost; a line longer than Wireshark shows is cut, and says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from analyzer.capture.text.grammar import Banner, Grammar, endpoint
from analyzer.capture.text.patterns import Lazy, has_line
from analyzer.evidence import Item, Source

if TYPE_CHECKING:
    from analyzer.capture.text.rows import Row

NAME = "wireshark"
TITLE = "packets printed by tshark -V or Wireshark"
EXAMPLE = b"""Frame 1: 281 bytes on wire (2248 bits), 281 bytes captured (2248 bits)
    Epoch Time: 1795175623.746947000 seconds
    Frame Number: 1
Internet Protocol Version 4, Src: 192.0.2.10, Dst: 192.0.2.1
User Datagram Protocol, Src Port: 5060, Dst Port: 5060
    Source Port: 5060
Session Initiation Protocol (REGISTER)
    Request-Line: REGISTER sip:pbx.example.com SIP/2.0
    Message Header
        Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1
            Transport: UDP
        From: <sip:bob@example.com>;tag=f1
        To: <sip:bob@example.com>
        Call-ID: a1
        CSeq: 1 REGISTER
        Contact: <sip:bob@192.0.2.10:5060>
        Content-Length: 0

Frame 2: 281 bytes on wire (2248 bits), 281 bytes captured (2248 bits)
    Epoch Time: 1795175623.747421000 seconds
    Frame Number: 2
Internet Protocol Version 4, Src: 192.0.2.1, Dst: 192.0.2.10
User Datagram Protocol, Src Port: 5060, Dst Port: 5060
    Source Port: 5060
Session Initiation Protocol (200)
    Status-Line: SIP/2.0 200 OK
    Message Header
        Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1
            Transport: UDP
        From: <sip:bob@example.com>;tag=f1
        To: <sip:bob@example.com>;tag=t1
        Call-ID: a1
        CSeq: 1 REGISTER
        Content-Length: 0

"""

_FRAME = Lazy(rb"Frame \d{1,9}(?:: | \()\d{1,9} bytes on wire")
_EPOCH = Lazy(rb" {4}(?:UTC |\[)?Epoch (?:Arrival )?Time: (\d{9,10}\.\d{1,9})")
_ARRIVAL = Lazy(rb" {4}(?:UTC )?Arrival Time: ([A-Z][a-z]{2}) ([ \d]\d), (\d{4}) (\d\d:\d\d:\d\d\.\d{1,9})")
_IP = Lazy(rb"Internet Protocol(?: Version [46])?, Src: (\S{2,255})(?: \([^)]*\))?, Dst: (\S{2,255})")
_PORTS = Lazy(
    rb"(User Datagram|Transmission Control) Protocol, "
    rb"Src Port: (?:\S{1,40} \()?(\d{1,5})\)?, Dst Port: (?:\S{1,40} \()?(\d{1,5})"
)
_START = Lazy(rb" {4}(?:Request|Status)-Line: (.{1,4000}?)(?:\\r\\n)?\Z", 16)  # re.DOTALL
_HEADER = Lazy(
    rb" {8}(?! |\[|Method: |Request-URI: |Status-Code: )[^\s:]{1,60}(?: \[(?:truncated|\xe2\x80\xa6)\])?:"
    rb"| {9}\[(?:truncated|\xe2\x80\xa6)\]"
)
_TRUNCATED = Lazy(rb" ?\[(?:truncated|\xe2\x80\xa6)\]")


def looks_like(head: bytes) -> bool:
    """Whether a frame is printed with what is in it."""
    return has_line(head, b"Frame ", _FRAME) and has_line(head, b"-Line: ", _START)


def _banner(text: bytes) -> Banner | None:
    return Banner() if _FRAME.match(text) else None


def _refine(banner: Banner, text: bytes) -> Banner | None:
    if text[:1] != b" ":
        if _FRAME.match(text):
            return None
        if match := _IP.match(text):
            return banner._replace(source=endpoint(match[1], None), destination=endpoint(match[2], None))
        if match := _PORTS.match(text):
            return _with_ports(banner, match[1][:1] == b"U", match[2], match[3])
    elif match := _EPOCH.match(text):
        return banner._replace(stamp=match[1])
    elif not banner.stamp and (match := _ARRIVAL.match(text)):
        return banner._replace(stamp=b" ".join((match[1], match[2], match[3], match[4])))
    return banner


def _with_ports(banner: Banner, is_udp: bool, source: bytes, destination: bytes) -> Banner:
    ends = banner.source, banner.destination
    if ends[0] is None or ends[1] is None:
        return banner
    return banner._replace(
        source=ends[0]._replace(port=endpoint(b"", source).port),
        destination=ends[1]._replace(port=endpoint(b"", destination).port),
        transport="UDP" if is_udp else "TCP",
    )


def _start(text: bytes) -> bytes | None:
    match = _START.match(text)
    return match[1] if match else None


def _inner(banner: Banner, row: Row) -> Row | None:
    """A header, or the empty line behind the packet; what is indented deeper, or in brackets, Wireshark says."""
    del banner
    if not row.text.strip():
        return row._replace(text=b"")
    if not _HEADER.match(row.text):
        return None
    text = row.text[8:]
    return row._replace(text=text[:-4] if text.endswith(b"\\r\\n") else text)


def _fix(texts: list[bytes]) -> str:
    """Name a header that was shown in part by its name alone."""
    cut = 0
    for place, text in enumerate(texts):
        if match := _TRUNCATED.search(text[:80]):
            texts[place] = text[: match.start()] + text[match.end() :]
            cut += 1
    return f"{cut} headers are longer than Wireshark shows, and were cut by it" if cut else ""


GRAMMAR = Grammar(
    "unknown",
    _banner,
    (b"Frame ",),
    refine=_refine,
    start=_start,
    inner=_inner,
    fix=_fix,
    before=400,
    reach=1 << 14,
    explained=True,
)


def read(stream: BinaryIO, source: Source) -> Iterator[Item]:
    """The messages of the text, in its order."""
    from analyzer.capture.text.reader import Reader

    return Reader(GRAMMAR, source, looks_like).read(stream)
