"""Checks of the readers of captures: files, link layers, IP, streams, tunnels."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from dataclasses import replace

from analyzer.capture import hep, ip, links
from analyzer.capture.input_stream import CHUNK, InputStream
from analyzer.capture.link_tags import by_version
from analyzer.capture.packets import PacketReader
from analyzer.capture.record import Record
from analyzer.capture.websocket import WebSocketFramer
from analyzer.defect import SourceError
from analyzer.evidence import Item, RawMessage, Source
from analyzer.sip.framing import Framed, StreamFramer
from tests.capture.build import ALICE, REGISTRAR, ip4, tcp
from tests.fuzz.invariant import bounded, sound_defects, sound_items, sound_source

RAW_IP = 101
MOST_INFLATED = 4 << 20


def check_inlet(octets: bytes) -> None:
    """A stream, compressed or not: bounded pieces, and time for what comes out."""
    source = Source("file")
    given = 0
    with bounded(len(octets) + MOST_INFLATED, calls=10, copies=40):
        try:
            input_stream = InputStream(io.BytesIO(octets), source)
            head = input_stream.head(12)
        except SourceError as error:
            assert "\n" not in str(error)
            return
        buffer = bytearray(CHUNK)
        while given < MOST_INFLATED and (size := input_stream.readinto(memoryview(buffer))):
            given += size
    assert len(head) <= 12
    assert input_stream.position <= len(octets)
    sound_source(source)


def frames_of(octets: bytes) -> Iterator[bytes]:
    """Cut `octets` into packets: two octets of length before each, the last as long as there is."""
    at = 0
    while at + 2 <= len(octets):
        size = octets[at] << 8 | octets[at + 1]
        yield octets[at + 2 : at + 2 + size]
        at += 2 + size


def joined(frames: list[bytes]) -> bytes:
    """The inverse of `frames_of`."""
    return b"".join(struct.pack("!H", len(frame)) + frame for frame in frames)


def read_packets(frames: list[bytes], linktype: int, size: int, *, factor: int = 4, copies: int = 4000) -> None:
    """Packets give items. A fragment that the capture cut is filled up with zeros: that is what `copies` allows."""
    source = Source("file")
    places = ((number, frame) for number, frame in enumerate(frames, 1))
    records = [Record(source, number, 0, number * 10**9, linktype, len(frame), frame) for number, frame in places]
    with bounded(size, calls=20, copies=copies):
        items = list(PacketReader().items(records))
    assert source.frames == len(records)
    sound_items(items, source, size, factor=factor)


def check_links(octets: bytes) -> None:
    """Packets of one link layer, which the first octet chooses."""
    table = links.table()
    linktype = sorted(table)[octets[0] % len(table)] if octets else RAW_IP
    frames = list(frames_of(octets[1:]))
    for frame in frames:
        with bounded(len(frame), calls=10, copies=20, start=1000):
            kind, at = table[linktype](frame)
        assert 0 <= kind <= 0xFFFF
        assert at >= 0
    read_packets(frames, linktype, len(octets))


def check_packets(octets: bytes) -> None:
    """IP packets: parts of others, packets that hold packets, ICMP errors that quote them."""
    read_packets(list(frames_of(octets)), RAW_IP, len(octets))


def check_interfaces(octets: bytes) -> None:
    """Packets that a second interface shows too, each a microsecond later, give what they give from one interface; what
    is wrong with a fragment is told of both."""
    once, twice = Source("file"), Source("file", interfaces=2)
    frames = list(frames_of(octets))
    places = [(number, frame) for number, frame in enumerate(frames, 1) if ip.parse(frame, *by_version(frame, 0))]
    records = [Record(once, number, 0, number * 10**9, RAW_IP, len(frame), frame) for number, frame in places]
    shown = [
        Record(twice, number, 0, number * 10**9 + 1000 * which, RAW_IP, len(frame), frame, which)
        for number, frame in places
        for which in (0, 1)
    ]
    items = list(PacketReader().items(records))
    with bounded(2 * len(octets), calls=25, copies=4000):
        again = list(PacketReader().items(shown))
    assert [_without_time(one) for one in again] == [_without_time(one) for one in items]
    assert {defect.code for _, defect in twice.defect_list} == {defect.code for _, defect in once.defect_list}


def _without_time(item: Item) -> Item:
    return replace(item, time=None)


def check_hep(octets: bytes) -> None:
    """A HEP packet as it is, and with its length put right. What it holds compressed may be a thousand times larger."""
    _hep(hep.MAGIC + octets)
    _hep(hep.MAGIC + min(6 + len(octets), 0xFFFF).to_bytes(2, "big") + octets)


def check_hep_fixed(octets: bytes) -> None:
    """A packet that may be HEP of version 1 or 2, as it is and with the length of either family: what is taken for one
    ends with the message that it gives, and the collector's own addresses do not count."""
    for packet in (octets, *(octets[:1] + head + octets[4:] for head in (b"\x10\2\x11", b"\x28\x0a\6"))):
        with bounded(len(packet), calls=10, copies=50, start=1 << 10):
            number = hep.version(packet)
        assert number in ((3,) if packet.startswith(hep.MAGIC) else (0, 1, 2))
        if number in (1, 2):
            found = _hep(packet)
            assert found is not None
            assert packet.endswith(found.payload)
            assert len(found.payload) == len(packet) - packet[1] - 12 * (number == 2)


def _hep(octets: bytes) -> RawMessage | None:
    source = Source("file")
    record = Record(source, 1, 0, 0, RAW_IP, len(octets), octets)
    with bounded(len(octets), calls=10, copies=50, start=1 << 17):
        found = hep.raw_message(octets, record)
    assert (found is None) == bool(source.defects)
    if found is not None:
        assert 0 < len(found.payload) <= max(len(octets), 1 << 20)
        assert found.time is None or found.time < 1 << 64
        assert 0 <= found.source.port <= 0xFFFF
    sound_source(source)
    return found


_SEGMENT = struct.Struct("!BhhH")  # flags (high bit: the server sends), sequence and acknowledgement, size


def segments_of(octets: bytes) -> Iterator[bytes]:
    """The packets of a TCP connection as `octets` describe them; sequence numbers are relative to what was sent."""
    at, sent = 0, [0, 0]
    while at + _SEGMENT.size <= len(octets):
        flags, sequence, acknowledged, size = _SEGMENT.unpack_from(octets, at)
        payload = octets[at + _SEGMENT.size : at + _SEGMENT.size + size]
        at += _SEGMENT.size + size
        back = flags >> 7
        own, peer = 1000 + sent[back] + sequence, 1000 + sent[1 - back] + acknowledged
        sent[back] += len(payload)
        ends = (REGISTRAR, ALICE) if back else (ALICE, REGISTRAR)
        ports = {"sport": 5060, "dport": 40000} if back else {}
        yield ip4(tcp(payload, own, peer, flags & 0x3F, **ports), 6, *ends)


def segment(payload: bytes = b"", sequence: int = 0, *, flags: int = 16, back: bool = False, ack: int = 0) -> bytes:
    """One packet for `segments_of`."""
    return _SEGMENT.pack(flags | back << 7, sequence, ack, len(payload)) + payload


def check_tcp(octets: bytes) -> None:
    """The packets of one connection, in any order, repeated, overlapping, with holes."""
    frames = list(segments_of(octets))
    read_packets(frames, RAW_IP, sum(map(len, frames)), factor=1, copies=1000)  # lists of what waits are shifted


def _framed(framer: StreamFramer | WebSocketFramer, octets: bytes, step: int) -> list[Framed]:
    found: list[Framed] = []
    for at in range(0, len(octets), step):
        found += framer.feed(octets[at : at + step])
    return found + framer.finish()


def _check_framer(make: Callable[[], StreamFramer | WebSocketFramer], octets: bytes) -> None:
    """However the stream is cut into feeds, the messages are the same, lie in it, and do not overlap."""
    step, stream = (octets[0] % 64 + 1, octets[1:]) if octets else (1, b"")
    framer = make()
    with bounded(len(octets), calls=25, copies=120, start=20_000):
        found = _framed(framer, stream, len(stream) or 1)
    assert found == _framed(make(), stream, step)
    end = 0
    for message in found:
        assert end <= message.first < message.last <= len(stream)
        assert len(message.octets) <= message.last - message.first
        sound_defects(message.defects)
        end = message.last
    assert framer.skipped <= len(stream)
    half = len(stream) // 2
    holed = make()
    after = holed.feed(stream[:half]) + holed.gap(step) + holed.feed(stream[half:]) + holed.finish()
    assert sum(len(message.octets) for message in after) <= len(stream)


def check_framing(octets: bytes) -> None:
    """A stream of SIP messages; the first octet says how it is cut."""
    _check_framer(StreamFramer, octets)


def check_websocket(octets: bytes) -> None:
    """A stream of WebSocket frames behind an HTTP head; the first octet says how it is cut."""
    _check_framer(WebSocketFramer, octets)
