"""Options of pcapng blocks: the clock of an interface, what it says of itself, the drops that a capture admits to."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import NamedTuple

from analyzer.evidence import LATEST, SECOND

_END, _DESCRIPTION, _TSRESOL, _TSOFFSET, _IFDROP, _OSDROP = 0, 3, 9, 14, 5, 7
_MICROSECONDS = 6


class Interface(NamedTuple):
    """An interface of a section: `time = ticks * multiplier // divisor + offset` nanoseconds since the epoch.

    `step` is one tick in nanoseconds, at least 1; `snaplen` 0 means no limit.
    """

    linktype: int
    snaplen: int
    step: int
    multiplier: int
    divisor: int
    offset: int


def options(octets: bytes, sign: str) -> Iterator[tuple[int, bytes]]:
    """Code and value of each option; ends at opt_endofopt or where the octets do."""
    at = 0
    heading = struct.Struct(sign + "HH")
    while at + 4 <= len(octets):
        code, size = heading.unpack_from(octets, at)
        if code == _END:
            return
        yield code, octets[at + 4 : at + 4 + size]
        at += 4 + (size + 3 & ~3)


def interface(linktype: int, snaplen: int, octets: bytes, sign: str) -> Interface:
    """An interface from its block; the clock counts microseconds unless if_tsresol says otherwise."""
    resolution, offset = _MICROSECONDS, 0
    for code, value in options(octets, sign):
        if code == _TSRESOL and len(value) == 1:
            resolution = value[0]
        elif code == _TSOFFSET and len(value) == 8:
            offset = struct.unpack(sign + "q", value)[0]
    # The high bit chooses the base of the negative exponent: 2 where set, 10 where clear.
    ticks = 2 ** (resolution & 0x7F) if resolution & 0x80 else 10**resolution
    common = math.gcd(SECOND, ticks)
    step = max(1, SECOND // ticks)
    return Interface(linktype, snaplen, step, SECOND // common, ticks // common, offset * SECOND)


SECURED = b"taken out of TLS by sipcheck"
"""What the if_description of an interface says whose streams were within TLS, and are written without it."""


SAID_OF_TLS = "By its own words, streams in it were taken out of TLS before it was written: they count as TLS."


def is_secured(octets: bytes, sign: str) -> bool:
    """Whether the options of an interface say so."""
    return any(code == _DESCRIPTION and value.rstrip(b"\0") == SECURED for code, value in options(octets, sign))


def sure(clock: Interface) -> tuple[int, int]:
    """The least and the greatest upper half of 64-bit ticks with which every time can be one (`0 <= time < LATEST`)."""
    least = -(clock.offset * clock.divisor // clock.multiplier)
    beyond = ((LATEST - clock.offset) * clock.divisor - 1) // clock.multiplier + 1
    return max(0, -(-least >> 32)), (beyond >> 32) - 1


def drops(octets: bytes, sign: str) -> int:
    """Packets that were not captured, as an interface statistics block has it: since the capture began."""
    dropped = 0
    for code, value in options(octets, sign):
        if code in (_IFDROP, _OSDROP) and len(value) == 8:
            dropped += struct.unpack(sign + "Q", value)[0]
    return dropped


def said_of(dropped: int) -> str:
    """What is said of a capture whose program admits to so many dropped packets; empty for none."""
    return f"the capturing program reports {dropped} dropped packets" if dropped else ""
