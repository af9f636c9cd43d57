"""Checks of readers that open what something else was wrapped in: compressed WebSockets, tunnels over UDP,
pcap."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from unittest import mock

from analyzer.capture import ip, links, media, udp_tunnels
from analyzer.capture.deflate import RATIO, START, Outcome
from analyzer.capture.formats import pcap
from analyzer.capture.websocket import Upgrade, WebSocketFramer
from analyzer.evidence import Source
from analyzer.sip.framing import Framed
from analyzer.sip.sniff import Kind, kind
from tests.capture.build import ip4, udp
from tests.fuzz.invariant import bounded
from tests.fuzz.on_captures import RAW_IP, frames_of, read_packets

_AS_IT_IS, _PLAIN, _HALVED, _FORGETS = 1, 2, 4, 8
PARAMETERS = (b"", b"; server_no_context_takeover", b"; server_max_window_bits=9", b"; client_no_context_takeover")
"""What the server agrees to, by the second octet; behind the last: no extension at all, and no head."""


def web_frame(flags: int, payload: bytes) -> bytes:
    """A frame of a server, which masks nothing."""
    size = len(payload)
    return bytes([flags, min(size, 126)]) + (size.to_bytes(2, "big") if size > 125 else b"") + payload


def _head(choice: int) -> bytes:
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
    if choice < len(PARAMETERS):
        head += b"Sec-WebSocket-Extensions: permessage-deflate" + PARAMETERS[choice] + b"\r\n"
    return head + b"\r\n"


def _pieces(octets: bytes, *, takeover: bool, bits: int) -> Iterator[tuple[int, bytes, bytes]]:
    """What is done with each piece, the piece, and what goes over the wire."""
    engine = zlib.compressobj(wbits=-bits)
    for piece in frames_of(octets):
        how, content = piece[:1], piece[1:]
        flags = how[0] if how else 0
        if flags & (_AS_IT_IS | _PLAIN):
            yield flags, content, content
            continue
        if not takeover or flags & _FORGETS:
            engine = zlib.compressobj(wbits=-bits)
        sent = engine.compress(content) + engine.flush(zlib.Z_SYNC_FLUSH)
        yield flags, content, sent[:-4] or b"\0"


def _frames(flags: int, payload: bytes) -> bytes:
    """One message, in one frame or in two with a ping between."""
    first = 1 if flags & _PLAIN and not flags & _AS_IT_IS else 0x41
    if not flags & _HALVED:
        return web_frame(first | 0x80, payload)
    half = len(payload) // 2
    return web_frame(first, payload[:half]) + web_frame(0x89, b"ping") + web_frame(0x80, payload[half:])


def _read(framer: WebSocketFramer, stream: bytes, step: int) -> list[Framed]:
    return [one for at in range(0, len(stream), step) for one in framer.feed(stream[at : at + step])] + framer.finish()


def check_deflate(octets: bytes) -> None:
    """Messages that a server compresses, and octets that pose as such: what was compressed comes out as it went in,
    whatever is agreed to and however the stream is cut, and nothing becomes more than is believed. The first octet says
    how the stream is cut, the second what was agreed to; of each piece the first octet says what is done with it."""
    step, choice = (octets[0] % 64 + 1, octets[1] % (len(PARAMETERS) + 1)) if len(octets) > 1 else (1, 0)
    takeover, bits = b"server_no" not in PARAMETERS[choice % len(PARAMETERS)], 9 if choice == 2 else 15
    pieces = list(_pieces(octets[2:], takeover=takeover, bits=bits))
    stream = _head(choice) + b"".join(_frames(flags, sent) for flags, _, sent in pieces)
    framer = WebSocketFramer(Upgrade())
    most = START + RATIO * (len(stream) + 1)
    with bounded(len(stream), calls=25, copies=120 + 4 * RATIO, start=20_000):
        found = _read(framer, stream, len(stream))
    assert sum(len(message.octets) for message in found) <= most
    again = WebSocketFramer(Upgrade())
    assert found == _read(again, stream, step)
    assert framer.compressed == again.compressed
    sent = [content for flags, content, _ in pieces if not flags & _AS_IT_IS]
    if len(sent) == len(pieces) and sum(map(len, sent)) <= START:
        assert [message.octets for message in found] == [content for content in sent if kind(content) is Kind.SIP]
        assert set(framer.compressed) <= {Outcome.READ}
    holed = WebSocketFramer(Upgrade())
    half = len(stream) // 2
    holed.feed(stream[:half])
    holed.gap(step)
    holed.feed(stream[half:])
    holed.finish()


def check_udp_tunnel(octets: bytes) -> None:
    """A UDP packet that may be a tunnel, on the ports that it has and on others: what is taken out of it lies in it,
    and on other ports it is an IP packet that fits, however much the capture cut. What is said to be missing only makes
    room. The first octet says how many octets are missing."""
    missing, body = (octets[0], octets[1:]) if octets else (0, b"")
    for ports in (body[:4], b"\0\7\0\x09"):
        packet = ports + body[4:]
        with bounded(len(packet), calls=10, copies=50, start=3000):
            found = udp_tunnels.inner(packet, missing)
        if found is None:
            continue
        assert found.frame is packet
        assert found.at > 8
        if ports == b"\0\7\0\x09":
            inside = ip.parse(found.frame, found.kind, found.at)
            assert inside is not None or found.kind == links.IPV6  # extension headers may lead to nowhere
            assert found.at + 20 <= len(packet)
            assert udp_tunnels.inner(packet, missing + 1) == found
            assert udp_tunnels.inner(packet[: found.at + 40], missing + len(packet)) is not None
    whole = ip4(body)
    read_packets([whole, whole[: len(whole) // 2]], RAW_IP, 2 * len(whole))


FORMS = ((0xA1B2C3D4, 16), (0xA1B2CD34, 24), (0xA1B2C3D4, 24), (0xA1B2C3D4, 20), (0xA1B2CD34, 28), (0xA1B23C4D, 16))
"""Magic number and octets of a record's header; the first two and the last are what the magic number promises."""


def check_layouts(octets: bytes) -> None:
    """Packets written as pcap in one of its layouts are read as they are: always in those that the magic number
    promises, whatever the packets hold; in the others where the first packet is one of IP, and shows nothing of the
    kind in the usual layout. The first octet says which layout and order, the second the link type."""
    if len(octets) < 2:
        return
    order, (magic, size) = "<>"[octets[0] >> 7], FORMS[octets[0] % len(FORMS)]
    linktype = (1, 101, 113, 0)[octets[1] % 4]
    usual = (magic, size) in (FORMS[0], FORMS[1], FORMS[5])
    frames = [one for one in frames_of(octets[2:]) if one]
    first = ip4(udp(b"x" * 40))
    if not usual:
        frames[:0] = [
            {1: bytes(12) + b"\x08\0", 101: b"", 113: bytes(14) + b"\x08\0", 0: b"\2\0\0\0"}[linktype] + first
        ] * 2
    out = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, linktype)]
    more = (struct.pack(order + "IHBB", 2, 8, 0, 0) + bytes(4))[: size - 16]
    for number, frame in enumerate(frames, 1):
        out.append(struct.pack(order + "IIII", number, number, len(frame), len(frame)) + more + frame)
    file = b"".join(out)
    source = Source("file")
    with bounded(len(file), calls=15, copies=70, start=20_000), mock.patch.object(media, "look", lambda *_: None):
        records = list(pcap.records(io.BytesIO(file), source))
    assert [record.octets for record in records] == frames
    assert len(source.quality) == (not usual)
    assert not source.defects
