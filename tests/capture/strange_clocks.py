"""Captures whose clocks are out of their mind, each with a storm in it."""

from __future__ import annotations

import struct

from tests.capture.build import EPOCH, enhanced, ethernet, interface, ip4, option, pcap, section, udp
from tests.faults.child import frames

FARTHEST = (1 << 64) - 1
"""The largest count of ticks that a packet block can have."""
_ANSWERED = b"SIP/2.0 200 OK"


def dialogue(users: int) -> list[bytes]:
    """A REGISTER each of so many users, and its answer."""
    made = []
    for number, request in enumerate(frames(users)):
        answer = _ANSWERED + request[request.index(b"\r\n") :]
        lasting = answer.replace(b"Expires: 3600", b"Expires: 4294967295")
        made += [request, ethernet(ip4(udp(lasting), source="10.0.0.2", destination="10.0.0.1", ident=number + 1))]
    return made


def capture(*ticks: int, resolution: int | None = None, offsets: tuple[int, ...] = (0,), users: int = 200) -> bytes:
    """A pcapng file whose packets are shared out among interfaces with these if_tsoffset (seconds), and come a few
    ticks after one of `ticks`, each of these for as many packets as the others."""
    own = b"" if resolution is None else option(9, bytes([resolution]))
    out = section() + b"".join(interface(1, own + option(14, struct.pack("<q", offset))) for offset in offsets)
    packets = dialogue(users)
    for number, octets in enumerate(packets):
        begin = ticks[number * len(ticks) // len(packets)]
        out += enhanced(octets, min(FARTHEST, begin + number), number * len(offsets) // len(packets))
    return out


def classic(magic: int, users: int = 4) -> bytes:
    """A pcap file from the first to the last second that it can have, and beyond."""
    last = (1 << 32) - 1
    times = [(0, 0), (0, 1), (1, 0), (EPOCH, 0), (EPOCH, 3), (last, 0), (last, 999_999), (last, last)]
    return pcap(dialogue(users), magic=magic, times=[times[number * 8 // (2 * users)] for number in range(2 * users)])


CLOCKS: dict[str, bytes] = {
    "2^64 us apart": capture(0, EPOCH * 10**6, FARTHEST),
    "2^64 s apart": capture(0, FARTHEST, resolution=0),
    "10^-127 s": capture(0, FARTHEST, resolution=127),
    "2^-127 s": capture(0, FARTHEST, resolution=0xFF),
    "offsets of 2^63 s": capture(0, offsets=(-(1 << 63), 0, (1 << 63) - 1)),
    "before the epoch": capture(0, offsets=(-9 * 10**9, 9 * 10**9)),
    "never": capture(FARTHEST - 1000),
    "pcap": classic(0xA1B2C3D4),
    "pcap, nanoseconds": classic(0xA1B23C4D),
}
"""Captures by what is strange about them."""
ABSURD = [name for name in CLOCKS if name not in ("10^-127 s", "2^-127 s")]
"""Those with a time that cannot be one."""
