"""Linux cooked capture, version 1: what `-i any` gives; 16 octets, the protocol last."""

from __future__ import annotations

from analyzer.capture.link_tags import unwrap

DLTS = (113,)
EXAMPLE = bytes(14) + b"\x08\x00\x45"


def decode(frame: bytes) -> tuple[int, int]:
    """Ethertype and offset of what the frame carries."""
    return unwrap(frame, frame[14] << 8 | frame[15], 16) if len(frame) >= 16 else (0, 0)
