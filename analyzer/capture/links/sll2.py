"""Linux cooked capture, version 2: 20 octets, the protocol first."""

from __future__ import annotations

from analyzer.capture.link_tags import unwrap

DLTS = (276,)
EXAMPLE = b"\x08\x00" + bytes(18) + b"\x45"


def decode(frame: bytes) -> tuple[int, int]:
    """Ethertype and offset of what the frame carries."""
    return unwrap(frame, frame[0] << 8 | frame[1], 20) if len(frame) >= 20 else (0, 0)
