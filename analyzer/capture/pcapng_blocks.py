"""Blocks of pcapng to be written: a block says its length twice, options are filled up to four octets."""

from __future__ import annotations

import struct

SECTION, INTERFACE, OLD_PACKET, SIMPLE, STATISTICS, PACKET, SECRETS = 0x0A0D0D0A, 1, 2, 3, 5, 6, 10
"""Kinds of blocks."""
COMMENT, DESCRIPTION, USER_APPLICATION, TIME_RESOLUTION, CHECK_LENGTH = 1, 3, 4, 9, 13
"""Codes of options: opt_comment, if_description, shb_userappl, if_tsresol, if_fcslen."""
MAX_BLOCK = 1 << 24
"""Longest block that is believed, in octets."""
UNKNOWN_LENGTH = -1
"""What a section says that does not say its length."""
NANOSECONDS, MICROSECONDS = b"\x09", b"\x06"
"""Values of if_tsresol."""
_END = 0


def block(kind: int, body: bytes, sign: str = "<") -> bytes:
    """A block, its body filled up; `sign` is the octet order as `struct` has it."""
    body += bytes(-len(body) % 4)
    size = struct.pack(sign + "I", 12 + len(body))
    return struct.pack(sign + "I", kind) + size + body + size


def option(code: int, value: bytes, sign: str = "<") -> bytes:
    """One option; `value` has 65,535 octets at the most."""
    return struct.pack(sign + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def end(sign: str = "<") -> bytes:
    """The end of options."""
    return struct.pack(sign + "HH", _END, 0)


def section(options: bytes = b"") -> bytes:
    """A section of ours that does not say its length."""
    fixed = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, UNKNOWN_LENGTH)
    return block(SECTION, fixed + option(USER_APPLICATION, b"sipcheck") + options + end())


def interface(linktype: int, snaplen: int, options: bytes) -> bytes:
    """An interface; `snaplen` 0 is no limit."""
    return block(INTERFACE, struct.pack("<HHI", linktype, 0, snaplen) + options + end())


def packet(number: int, ticks: int, octets: bytes, length: int, options: bytes = b"") -> bytes:
    """A packet of interface `number`, `length` octets on the wire, at so many ticks of its clock since the epoch."""
    fixed = struct.pack("<IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(octets), length)
    return block(PACKET, fixed + octets + bytes(-len(octets) % 4) + options)


def simple(octets: bytes, length: int) -> bytes:
    """A packet of interface 0 without a time."""
    return block(SIMPLE, struct.pack("<I", length) + octets)
