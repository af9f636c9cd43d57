"""UDP over IPv4 over Ethernet in a classic pcap file, written as fast as plain Python goes.

A million packets must not cost minutes, so nothing is an object here (dpkt's headers cost eight times as much): what is
the same for each packet of a flow is summed up once. Checksums are right. The ones' complement sum of RFC 1071 is the
number modulo 65535 when the octets are read as one big-endian number, because 2**16 is 1 modulo 65535: one division by
the interpreter's long arithmetic instead of a loop over the words.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

Packet = tuple[int, bytes]
"""Microseconds since the epoch, and the frame from its Ethernet header on."""

_FILE_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
_RECORD = struct.Struct("<IIII")
_HEADERS = struct.Struct(">12sHHHHHHH4s4sHHHH")
_IPV4, _VERSION_AND_LENGTH, _DONT_FRAGMENT, _TTL_AND_UDP, _UDP = 0x0800, 0x4500, 0x4000, 0x4011, 17
_BUFFER = 1 << 20


class Flow(NamedTuple):
    """One direction between two UDP ports: what its packets share, the parts of both checksums among it."""

    macs: bytes
    source: bytes
    destination: bytes
    source_port: int
    destination_port: int
    ip_sum: int
    udp_sum: int


def flow(macs: bytes, source: bytes, destination: bytes, source_port: int, destination_port: int) -> Flow:
    """A flow; `macs` is destination and source, twelve octets, as the Ethernet header has them."""
    addresses = int.from_bytes(source) % 0xFFFF + int.from_bytes(destination) % 0xFFFF
    ip_sum = addresses + _VERSION_AND_LENGTH + _DONT_FRAGMENT + _TTL_AND_UDP
    udp_sum = addresses + _UDP + source_port + destination_port
    return Flow(macs, source, destination, source_port, destination_port, ip_sum, udp_sum)


def octet_sum(octets: bytes) -> int:
    """The sum of the 16-bit words modulo 65535; an odd last octet is padded with zero (RFC 1071)."""
    return int.from_bytes(octets + b"\0" if len(octets) & 1 else octets) % 0xFFFF


def frame(path: Flow, identification: int, payload: bytes, payload_sum: int) -> bytes:
    """One Ethernet frame. `payload_sum` is octet_sum(payload), which a caller may know for parts of it."""
    length = len(payload)
    identification &= 0xFFFF
    ip_checksum = 0xFFFF - ((path.ip_sum + length + 28 + identification - 1) % 0xFFFF + 1)
    # A checksum that comes out as zero is sent as all ones: zero says that there is none (RFC 768).
    udp_checksum = 0xFFFF - ((path.udp_sum + 2 * (length + 8) + payload_sum - 1) % 0xFFFF + 1) or 0xFFFF
    return (
        _HEADERS.pack(
            path.macs,
            _IPV4,
            _VERSION_AND_LENGTH,
            length + 28,
            identification,
            _DONT_FRAGMENT,
            _TTL_AND_UDP,
            ip_checksum,
            path.source,
            path.destination,
            path.source_port,
            path.destination_port,
            length + 8,
            udp_checksum,
        )
        + payload
    )


def write_capture(path: Path, packets: Iterable[Packet]) -> int:
    """Write a pcap file (microseconds, Ethernet) as the packets come; returns how many there were."""
    with path.open("wb", buffering=_BUFFER) as out:
        out.write(_FILE_HEADER)
        write, record, count = out.write, _RECORD.pack, 0
        for micros, octets in packets:
            count += 1
            size = len(octets)
            seconds, fraction = divmod(micros, 1_000_000)
            write(record(seconds, fraction, size, size) + octets)
    return count
