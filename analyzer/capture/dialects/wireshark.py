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
_ALONE = Lazy(rb"Session Initiation Protocol \([\w ]{1,40}\)[ \t]*\Z")
"""A part of a packet, of which somebody copied no more."""
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
_PART = Lazy(
    rb" {12}(?:Contact URI|Contact parameter|Authentication Scheme|Username|Realm|Nonce Value|Authentication URI"
    rb"|Digest Authentication Response|Algorithm|CNonce Value|Opaque Value|QOP|Nonce Count|Stale Flag|Domain): "
)
_FIELDS = {
    b"Username": b"username",
    b"Realm": b"realm",
    b"Nonce Value": b"nonce",
    b"Authentication URI": b"uri",
    b"Digest Authentication Response": b"response",
    b"Algorithm": b"algorithm",
    b"CNonce Value": b"cnonce",
    b"Opaque Value": b"opaque",
    b"QOP": b"qop",
    b"Nonce Count": b"nc",
    b"Stale Flag": b"stale",
    b"Domain": b"domain",
}
"""What Wireshark calls the parameters of a digest (RFC 7616 3.3, 3.4)."""
_TRUNCATED = Lazy(rb" ?\[(?:truncated|\xe2\x80\xa6)\]")


def looks_like(head: bytes) -> bool:
    """Whether a frame is printed with what is in it."""
    begins = has_line(head, b"Frame ", _FRAME) or has_line(head, b"Session Initiation", _ALONE)
    return begins and has_line(head, b"-Line: ", _START)


def _banner(text: bytes) -> Banner | None:
    return Banner() if _FRAME.match(text) or _ALONE.match(text) else None


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
    """A header, or the empty line behind the packet; what is indented deeper, or in brackets, Wireshark says. The parts
    of a header that it shows cut are kept for `_fix`, behind a zero."""
    del banner
    if not row.text.strip():
        return row._replace(text=b"")
    if _HEADER.match(row.text):
        return row._replace(text=_unended(row.text[8:]))
    part = _PART.match(row.text)
    return None if part is None else row._replace(text=b"\0" + _unended(row.text[12:]))


def _unended(text: bytes) -> bytes:
    """A text without the line end that Wireshark writes out in some."""
    return text[:-4] if text.endswith(b"\\r\\n") else text


def _fix(texts: list[bytes]) -> tuple[str, bool]:
    """Put a header together that was too long to be shown, from its parts; where those are not shown, it is cut."""
    lines: list[bytes] = []
    parts: list[bytes] = []
    joined = cut = 0
    for text in reversed(texts):
        if text[:1] == b"\0":
            parts.append(text[1:])
            continue
        if match := _TRUNCATED.search(text[:80]):
            text = text[: match.start()] + text[match.end() :]
            value = _joined(text, parts[::-1])
            joined, cut = joined + (value is not None), cut + (value is None)
            text = value or text
        lines.append(text)
        parts = []
    texts[:] = lines[::-1]
    if not joined and not cut:
        return "", False
    return "a header is longer than Wireshark shows: " + (
        "it is cut" if cut else "it was put together from its parts"
    ), cut > 0


def _joined(header: bytes, parts: list[bytes]) -> bytes | None:
    """A header anew, from its parts as Wireshark names them; None where these are not all that it had."""
    name = header.partition(b":")[0]
    named = [part.partition(b": ")[::2] for part in parts]
    if name.lower() in (b"contact", b"m"):
        uris = [value for label, value in named if label == b"Contact URI"]
        params = [value for label, value in named if label == b"Contact parameter"]
        return b";".join([b"%b: <%b>" % (name, uris[0]), *params]) if len(uris) == 1 else None
    scheme = [value for label, value in named if label == b"Authentication Scheme"]
    fields = [b"%b=%b" % (_FIELDS[label], value) for label, value in named if label in _FIELDS]
    return b"%b: %b %b" % (name, scheme[0], b", ".join(fields)) if len(scheme) == 1 and len(fields) > 2 else None


GRAMMAR = Grammar(
    "unknown",
    _banner,
    (b"Frame ", b"Session Initiation"),
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
