"""Packets and captures from small parts. No checksums: nothing that is tested looks at them."""

from __future__ import annotations

import gzip
import io
import ipaddress
import random
import struct
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from analyzer.capture.opener import Reading, open_sources
from analyzer.evidence import SECOND, Item, NetworkError, RawMessage

Flood = Callable[[], list[bytes]]
EPOCH = 1_700_000_000
ALICE, REGISTRAR = "10.0.0.1", "10.0.0.2"
ALICE6, REGISTRAR6 = "fd00::1", "fd00::2"

REGISTER = (
    b"REGISTER sip:lab.invalid SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1\r\n"
    b"Call-ID: 1@lab\r\nCSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n"
)
OK = b"SIP/2.0 200 OK\r\nCall-ID: 1@lab\r\nCSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n"
RTP = b"\x80\x08" + bytes(170)

FIN, SYN, RST, ACK = 1, 2, 4, 16


def message(number: int, body: bytes = b"") -> bytes:
    """A request that is not like any other."""
    return (
        b"REGISTER sip:lab.invalid SIP/2.0\r\nCSeq: %d REGISTER\r\nContent-Length: %d\r\n\r\n"
        % (
            number,
            len(body),
        )
        + body
    )


def udp(payload: bytes, sport: int = 5060, dport: int = 5060, length: int | None = None) -> bytes:
    return struct.pack("!HHHH", sport, dport, 8 + len(payload) if length is None else length, 0) + payload


def tcp(payload: bytes, seq: int, ack: int = 0, flags: int = ACK, sport: int = 40000, dport: int = 5060) -> bytes:
    return struct.pack("!HHIIBBHHH", sport, dport, seq % 2**32, ack % 2**32, 0x50, flags, 1000, 0, 0) + payload


def ip4(
    body: bytes,
    protocol: int = 17,
    source: str = ALICE,
    destination: str = REGISTRAR,
    *,
    ident: int = 1,
    offset: int = 0,
    more: bool = False,
    options: bytes = b"",
    total: int | None = None,
) -> bytes:
    words = 5 + len(options) // 4
    size = words * 4 + len(body) if total is None else total
    place = offset // 8 | (0x2000 if more else 0)
    ends = ipaddress.IPv4Address(source).packed + ipaddress.IPv4Address(destination).packed
    return struct.pack("!BBHHHBBH", 0x40 | words, 0, size, ident, place, 64, protocol, 0) + ends + options + body


def ip6(body: bytes, protocol: int = 17, source: str = ALICE6, destination: str = REGISTRAR6) -> bytes:
    ends = ipaddress.IPv6Address(source).packed + ipaddress.IPv6Address(destination).packed
    return struct.pack("!IHBB", 6 << 28, len(body), protocol, 64) + ends + body


def fragment6(body: bytes, protocol: int, offset: int, more: bool, ident: int = 7) -> bytes:
    """The body of an IPv6 packet whose next header is 44."""
    return struct.pack("!BBHI", protocol, 0, offset | more, ident) + body


def ethernet(packet: bytes, ethertype: int | None = None, tags: Sequence[int] = ()) -> bytes:
    """`tags` are the numbers of the VLAN tags, outermost first."""
    inner = ethertype if ethertype is not None else (0x0800 if packet[0] >> 4 == 4 else 0x86DD)
    kinds = [*tags, inner]
    return bytes(12) + b"".join(struct.pack("!HH", kind, 5) for kind in kinds[:-1]) + struct.pack("!H", inner) + packet


def frame(payload: bytes = REGISTER, **ports: int) -> bytes:
    return ethernet(ip4(udp(payload, **ports)))


def pcap(
    frames: Iterable[bytes],
    linktype: int = 1,
    *,
    magic: int = 0xA1B2C3D4,
    order: str = "<",
    times: Sequence[tuple[int, int]] | None = None,
    snap: int | None = None,
) -> bytes:
    """A classic capture, one packet a second unless `times` (seconds, fraction) says otherwise."""
    out = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, linktype)]
    for index, octets in enumerate(frames):
        seconds, fraction = times[index] if times else (EPOCH + index, 0)
        kept = octets[:snap]
        out.append(struct.pack(order + "IIII", seconds, fraction, len(kept), len(octets)))
        out.append(bytes(8) if magic == 0xA1B2CD34 else b"")
        out.append(kept)
    return b"".join(out)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    size = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + size + body + size


def section(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def option(code: int, value: bytes, order: str = "<") -> bytes:
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def interface(linktype: int = 1, options: bytes = b"", order: str = "<", snaplen: int = 0) -> bytes:
    return block(1, struct.pack(order + "HHI", linktype, 0, snaplen) + options, order)


def enhanced(octets: bytes, ticks: int = EPOCH * 10**6, number: int = 0, order: str = "<") -> bytes:
    head = struct.pack(order + "IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(octets), len(octets))
    return block(6, head + octets, order)


def simple(octets: bytes, order: str = "<", length: int | None = None) -> bytes:
    return block(3, struct.pack(order + "I", len(octets) if length is None else length) + octets, order)


def pcapng(frames: Iterable[bytes], linktype: int = 1) -> bytes:
    packets = [enhanced(octets, (EPOCH + index) * 10**6) for index, octets in enumerate(frames)]
    return section() + interface(linktype) + b"".join(packets)


def opened(capture: bytes) -> Reading:
    return open_sources([io.BytesIO(capture)])


def read(capture: bytes) -> tuple[list[RawMessage], list[NetworkError], Reading]:
    """Everything that a capture holds."""
    reading = opened(capture)
    items: list[Item] = list(reading)
    messages = [item for item in items if isinstance(item, RawMessage)]
    return messages, [item for item in items if isinstance(item, NetworkError)], reading


def messages(frames: Iterable[bytes], linktype: int = 1) -> list[RawMessage]:
    return read(pcap(frames, linktype))[0]


def codes(reading: Reading) -> list[str]:
    """The codes of the defects of the first source."""
    return [defect.code for _, defect in reading.sources[0].defect_list]


def at(second: int) -> int:
    """Nanoseconds of the packet number `second` (from 0) of a built capture."""
    return (EPOCH + second) * SECOND


def write(folder: Path, name: str, octets: bytes, *, compress: bool = False) -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(octets, mtime=0) if compress else octets)
    return path


def random_octets(count: int) -> bytes:
    """Octets without pattern, the same every time."""
    return random.Random(1).randbytes(count)
