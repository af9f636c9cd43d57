"""PPP, with or without the HDLC framing octets ff 03 (RFC 1662 3.1), and PPP after a PPPoE header."""

from __future__ import annotations

from analyzer.capture.link_tags import ppp

DLTS = (9, 50, 51)
EXAMPLE = b"\xff\x03\x00\x21\x45"


def decode(frame: bytes) -> tuple[int, int]:
    """Ethertype and offset of what the frame carries."""
    if frame[:1] == b"\x11":  # PPPoE version 1 type 1 (RFC 2516 4)
        return ppp(frame, 6)
    return ppp(frame, 2 if frame[:2] == b"\xff\x03" else 0)
