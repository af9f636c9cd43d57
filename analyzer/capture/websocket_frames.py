"""Frames of a WebSocket (RFC 6455 5.2): where one ends, what it carries, and whether octets begin with one."""

from __future__ import annotations

from typing import NamedTuple

from analyzer.sip.sniff import Kind, kind

MAX_MESSAGE = 1 << 20
"""Octets of a message that are believed; a longer one ends the reading of its stream."""

OPCODE, FINAL, COMPRESSED, RESERVED = 0x0F, 0x80, 0x40, 0x30
"""Of a frame's first octet: the opcode, FIN, RSV1 (RFC 7692 6), and the two bits that nothing has given a meaning."""

OPCODES = frozenset((0, 1, 2, 8, 9, 10))
CONTROL = 8
"""The opcodes that there are; the control frames begin here."""

LONGEST_HEADER = 14
"""Octets."""

_TEXT, _BINARY = 1, 2
_SHOWN = 1 << 14  # octets of a frame that are looked at where a frame may begin


class Frame(NamedTuple):
    """The header of a frame: its first octet, where the masking key and the payload begin, where the frame ends."""

    flags: int
    key: int
    body: int
    end: int


def header(buffer: bytes | bytearray) -> Frame | None:
    """The frame that begins a buffer; None where more octets are needed to say (RFC 6455 5.2)."""
    if len(buffer) < 2:
        return None
    size, at = buffer[1] & 0x7F, 2
    if size > 125:
        at = 4 if size == 126 else 10
        if len(buffer) < at:
            return None
        size = int.from_bytes(buffer[2:at], "big")
    body = at + (4 if buffer[1] & 0x80 else 0)
    return Frame(buffer[0], at, body, body + size)


def payload_of(buffer: bytes | bytearray, frame: Frame) -> bytes:
    """What a frame carries, unmasked, as far as it is there."""
    octets = bytes(buffer[frame.body : frame.end])
    return octets if frame.key == frame.body else _unmasked(octets, bytes(buffer[frame.key : frame.body]))


def begins(octets: bytes) -> bool:
    """Whether a segment begins with the first frame of a message that is most likely SIP: its content says so, or it
    is compressed and the frames fit the segment to the octet."""
    if not octets or octets[0] & (RESERVED | OPCODE) not in (_TEXT, _BINARY):
        return False
    frame = header(octets)
    if frame is None or frame.end == frame.body or frame.end - frame.body > MAX_MESSAGE:
        return False
    if frame.flags & COMPRESSED:
        return bool(frame.flags & FINAL) and _fits(octets)
    shown = payload_of(octets, frame._replace(end=min(frame.end, frame.body + _SHOWN)))
    return kind(shown, cut=frame.end > len(octets)) is Kind.SIP


def _fits(octets: bytes) -> bool:
    """Whether octets are nothing but whole frames, of one mask bit, that set no bit without a meaning."""
    masks, at = set(), 0
    while at < len(octets):
        frame = header(octets[at : at + LONGEST_HEADER])
        if frame is None or frame.flags & RESERVED or frame.flags & OPCODE not in OPCODES:
            return False
        masks.add(frame.key == frame.body)
        at += frame.end
    return at == len(octets) and len(masks) == 1


def _unmasked(payload: bytes, mask: bytes) -> bytes:
    """RFC 6455 5.3, as one operation on large numbers."""
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")
