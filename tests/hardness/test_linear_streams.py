"""Packets and streams made to be expensive: work grows with the capture, not with its square."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Iterable

import pytest

from analyzer.capture import hep, udp_tunnels
from analyzer.capture.packets import PacketReader
from analyzer.capture.record import Record
from analyzer.capture.websocket import WebSocketFramer
from analyzer.evidence import Source
from analyzer.sip.framing import StreamFramer
from tests.capture.build import ACK, FIN, SYN, ip4, ip6, message, tcp, udp
from tests.hardness.growth import squares, trap

Run = Callable[[], object]
RAW_IP = 101
WEB = b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n"


def reading(packets: Iterable[bytes]) -> Run:
    """All items of a capture of IP packets."""
    source = Source("file")
    records = [
        Record(source, number, 0, number * 1000, RAW_IP, len(octets), octets) for number, octets in enumerate(packets)
    ]

    def run() -> None:
        for _ in PacketReader().items(records):
            pass

    return run


def segments(octets: bytes, order: Iterable[int], size: int = 1, *, syn: bool = True) -> Run:
    """The octets in segments of `size`, in the order of their offsets divided by `size`."""
    first = [ip4(tcp(b"", 999, flags=SYN), 6)] if syn else []
    parts = (ip4(tcp(octets[at * size : (at + 1) * size], 1000 + at * size), 6) for at in order)
    return reading([*first, *parts])


def talk(n: int) -> bytes:
    """Messages of `n` octets together."""
    one = message(7, b"x" * 60)
    return one * (n // len(one)) + b"\n" * (n % len(one))


@trap(1_500)
def one_octet_segments(n: int) -> Run:
    return segments(talk(n), range(n))


@trap(3_000)
def one_octet_segments_reversed(n: int) -> Run:
    return segments(talk(n), reversed(range(n)))


@trap(3_000)
def one_octet_segments_shuffled(n: int) -> Run:
    order = list(range(n))
    random.Random(1).shuffle(order)
    return segments(talk(n), order)


@trap(1_500)
def one_octet_segments_swapped(n: int) -> Run:
    return segments(talk(n), [at ^ 1 for at in range(n & ~1)])


@trap(1_000)
def segments_sent_twice(n: int) -> Run:
    return segments(talk(n), [at // 2 for at in range(2 * n)])


@trap(1_500)
def everything_sent_again(n: int) -> Run:
    return segments(talk(n) * 2, [*range(n // 2), *range(n // 2)])


@trap(8_000)
def every_other_octet(n: int) -> Run:
    return segments(talk(2 * n), range(0, 2 * n, 2))


@trap(800)
def holes_that_are_acknowledged(n: int) -> Run:
    octets = talk(20 * n)
    parts = [ip4(tcp(octets[20 * at : 20 * at + 10], 1000 + 20 * at), 6) for at in range(n)]
    back = [ip4(tcp(b"", 1, 1000 + 20 * at, sport=5060, dport=40000), 6, "10.0.0.2", "10.0.0.1") for at in range(n)]
    return reading([ip4(tcp(b"", 999, flags=SYN), 6)] + [one for pair in zip(parts, back, strict=True) for one in pair])


@trap(1_500)
def a_message_that_never_ends(n: int) -> Run:
    return segments(b"REGISTER sip:x SIP/2.0\r\nX: " + b"x" * n, range(n))


@trap(20_000)
def a_stream_without_lines(n: int) -> Run:
    return segments(b"x" * n, range(n // 10), 10)


@trap(1_000)
def many_messages_in_one_feed(n: int) -> Run:
    octets = b"REGISTER sip:x SIP/2.0\r\nl:0\r\n\r\n" * n
    return lambda: StreamFramer().feed(octets)


@trap(1_000)
def bodies_that_look_like_messages(n: int) -> Run:
    octets = message(1, b"REGISTER sip:x SIP/2.0\r\n\r\n").replace(b"Length", b"Lengthy") * n
    return lambda: StreamFramer().feed(octets)


@trap(5_000)
def keepalives(n: int) -> Run:
    octets = b"\r\n" * n + b"\0" * n
    return lambda: StreamFramer().feed(octets)


@trap(3_000)
def lines_before_the_place_is_found(n: int) -> Run:
    octets = b"rest of a body REGISTER sip:x\r\n" * n
    return lambda: StreamFramer().feed(octets)


@trap(3_000)
def many_lengths(n: int) -> Run:
    octets = b"REGISTER sip:x SIP/2.0\r\n" + b"l: 1\r\n" * n + b"l:" + b"\r\n 1" * n + b"\r\n\r\n"
    return lambda: StreamFramer().feed(octets)


@trap(500)
def many_connections(n: int) -> Run:
    ends = (f"10.{at >> 16 & 255}.{at >> 8 & 255}.{at & 255}" for at in range(n))
    return reading(ip4(tcp(message(1), 1000, sport=7), 6, end) for end in ends)


@trap(400)
def connections_on_the_same_ports(n: int) -> Run:
    flags = (SYN, ACK, FIN | ACK)
    return reading(
        ip4(tcp(message(1) if flag == ACK else b"", 7 * at, flags=flag), 6) for at in range(n) for flag in flags
    )


@trap(3_000)
def a_web_head_in_single_octets(n: int) -> Run:
    framer = WebSocketFramer()
    framer.feed(WEB)
    return lambda: [framer.feed(b"x") for _ in range(n)]


@trap(3_000)
def web_frames_of_one_octet(n: int) -> Run:
    octets = WEB + b"\r\n" + b"\x01\x01R" + b"\x00\x01E" * n + b"\x80\x00"
    return lambda: [framer.feed(octets[at : at + 1]) for framer in [WebSocketFramer()] for at in range(len(octets))]


@trap(1_000)
def web_frames_in_one_feed(n: int) -> Run:
    octets = WEB + b"\r\n" + b"\x89\x00" * n + b"\x81\x01R" * n + b"\x81\x85abcdefghi" * n
    return lambda: WebSocketFramer().feed(octets)


@trap(20_000)
def a_long_web_frame(n: int) -> Run:
    octets = WEB + b"\r\n" + b"\x81\xff" + n.to_bytes(8, "big") + b"mask" + b"x" * n
    return lambda: [framer.feed(octets[at : at + 9]) for framer in [WebSocketFramer()] for at in range(0, n + 99, 9)]


def deflated(n: int, *, takeover: bool) -> bytes:
    """So many messages that differ in a number."""
    engine, head = zlib.compressobj(wbits=-15), b"" if takeover else b"Sec-WebSocket-Extensions: permessage-deflate; "
    frames = [b"" if takeover else head + b"server_no_context_takeover\r\n", b"\r\n"]
    for number in range(n):
        engine = engine if takeover else zlib.compressobj(wbits=-15)
        octets = (engine.compress(message(number, b"x" * 90)) + engine.flush(zlib.Z_SYNC_FLUSH))[:-4]
        frames.append(bytes([0xC1, len(octets)]) + octets)
    return b"HTTP/1.1 101 OK\r\nUpgrade: websocket\r\n" + b"".join(frames)


@trap(600)
def compressed_messages(n: int) -> Run:
    octets = deflated(n, takeover=True)
    return lambda: WebSocketFramer().feed(octets)


@trap(600)
def compressed_messages_that_refer_to_nothing(n: int) -> Run:
    octets = deflated(n, takeover=False)
    return lambda: WebSocketFramer().feed(octets)


@trap(600)
def compressed_messages_behind_a_hole(n: int) -> Run:
    """None can be read: each refers to one before."""
    octets = deflated(n, takeover=True)
    frames = [b"\xc1" + frame for frame in octets.split(b"\xc1")[2:]]
    framer = WebSocketFramer(headless=True)
    return lambda: [framer.feed(frame) for frame in frames]


@trap(400)
def compressed_bombs(n: int) -> Run:
    engine = zlib.compressobj(wbits=-15)
    bomb = (engine.compress(bytes(100_000)) + engine.flush(zlib.Z_SYNC_FLUSH))[:-4]
    octets = WEB + b"\r\n" + (bytes([0xC1, len(bomb)]) + bomb) * n
    return lambda: WebSocketFramer().feed(octets)


@trap(4_000)
def a_compressed_message_of_last_blocks(n: int) -> Run:
    octets = WEB + b"\r\n\xc1\x7f" + (2 * n).to_bytes(8, "big") + b"\x03\0" * n
    return lambda: WebSocketFramer().feed(octets)


@trap(1_000)
def fragments_of_eight_octets(n: int) -> Run:
    return reading(ip4(b"x" * 8, ident=at // 8000, offset=at % 8000 * 8, more=True) for at in range(n))


@trap(2_000)
def fragments_reversed(n: int) -> Run:
    return reading(ip4(b"x" * 8, ident=at // 2000, offset=16000 - at % 2000 * 8, more=True) for at in range(n))


@trap(2_000)
def fragments_that_overlap(n: int) -> Run:
    place = random.Random(1).randrange
    return reading(ip4(b"x" * 64, ident=at // 1000, offset=place(2000) * 8, more=True) for at in range(n))


@trap(40, full=20_000)
def long_fragments_over_short_ones(n: int) -> Run:
    short = [ip4(b"x" * 8, offset=at * 16, more=True) for at in range(500)]
    return reading([*short, *(ip4(b"y" * 8000, offset=at % 9 * 8, more=True) for at in range(n))])


@trap(1_200)
def many_open_packets(n: int) -> Run:
    return reading(ip4(b"x" * 8, ident=at % 65536, source=f"10.0.0.{at >> 16}", more=True) for at in range(n))


def on_interfaces(packets: Iterable[bytes], count: int) -> Run:
    """All items of a capture whose packets come from so many interfaces in turn."""
    source = Source("file", interfaces=count)
    records = [
        Record(source, number, 0, number * 1000, RAW_IP, len(octets), octets, number % count)
        for number, octets in enumerate(packets)
    ]

    def run() -> None:
        for _ in PacketReader().items(records):
            pass

    return run


@trap(1_500)
def packets_of_two_interfaces(n: int) -> Run:
    return on_interfaces((ip4(udp(message(at // 2)), ident=at // 2 % 65536) for at in range(2 * n)), 2)


@trap(1_500)
def fragments_of_many_interfaces(n: int) -> Run:
    return on_interfaces((ip4(b"x" * 8, offset=at // n * 8, more=True) for at in range(3 * n)), n)


@trap(1_500)
def tiny_fragments_of_two_interfaces(n: int) -> Run:
    """Each may be the one that makes the packet whole."""
    return on_interfaces((ip4(b"x" * 8, ident=at // 2000, offset=at % 2000 * 8, more=True) for at in range(n)), 2)


@trap(1_500)
def fragments_of_one_place(n: int) -> Run:
    """No two are alike: none is known again."""
    return reading(ip4(b"%08d" % at, offset=8, more=True) for at in range(n))


@trap(1_000)
def fragments_that_contradict(n: int) -> Run:
    return reading(ip4(b"x" * 8, offset=at % 100 * 8, more=bool(at % 3)) for at in range(n))


def nested(n: int, wrap: Callable[[bytes], bytes]) -> Run:
    """A few packets, each as deep as fits into one, `n` octets in all."""
    packet = udp(message(1))
    while len(packet) < 4000:
        packet = wrap(packet)
    return reading([packet] * (n // 4000))


@trap(100_000, full=100_000_000)
def gre_in_gre(n: int) -> Run:
    return nested(n, lambda packet: ip4(b"\0\0\x08\0" + packet, 47))


@trap(100_000, full=100_000_000)
def geneve_in_geneve(n: int) -> Run:
    return nested(n, lambda packet: ip4(udp(b"\0\0\x08\0\0\0\7\0" + packet, 7, 9)))


@trap(100_000, full=100_000_000)
def l2tp_in_l2tp(n: int) -> Run:
    """Each layer is looked for at eight places."""
    return nested(n, lambda packet: ip4(b"\0\0\0\1" + bytes(12) + b"\0\x21" + packet, 115))


@trap(60_000)
def tags_of_tzsp(n: int) -> Run:
    octets = udp(b"\1\0\0\1" + b"\x0a\0" * 30_000, 7, 37008)
    return lambda: [udp_tunnels.inner(octets) for _ in range(n // 1000)]


@trap(100_000, full=100_000_000)
def ip_in_ip(n: int) -> Run:
    return nested(n, lambda packet: ip4(packet, 4))


@trap(100_000, full=100_000_000)
def quotes_of_quotes(n: int) -> Run:
    return nested(n, lambda packet: ip4(b"\x03\x03" + bytes(6) + packet, 1))


@trap(100_000, full=100_000_000)
def extension_headers(n: int) -> Run:
    return nested(n, lambda packet: ip6(bytes([60, 0]) + bytes(6) + packet[40 * (packet[0] >> 4 == 6) :], 60))


@trap(4_000, full=60_000)
def hep_chunks(n: int) -> Run:
    packet = hep.MAGIC + b"\xff\xff" + b"\0\0\0\x63\0\x06" * n
    record = Record(Source("file"), 1, 0, 0, RAW_IP, len(packet), packet)
    return lambda: hep.raw_message(packet, record)


@trap(1_500)
def packets_of_many_kinds_that_are_not_opened(n: int) -> Run:
    return reading(
        [ip4(b"x" * 20, 140 + at % 110) for at in range(n)] + [ip4(udp(b"\x60" * 99, 5060, at)) for at in range(n)]
    )


@trap(20_000, full=60_000)
def a_long_hep_packet_of_version_2(n: int) -> Run:
    packet = b"\2\x10\2\x11" + bytes(24) + message(1, b"x" * n)
    record = Record(Source("file"), 1, 0, 0, RAW_IP, len(packet), packet)
    return lambda: (hep.version(packet), hep.raw_message(packet, record))


@pytest.mark.timeout(600)
def test_work_grows_with_the_capture() -> None:
    assert squares(__name__) == {}
