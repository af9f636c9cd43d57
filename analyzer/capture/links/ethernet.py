"""Ethernet, with stacked VLAN tags, PPPoE, MPLS and LLC/SNAP behind it."""

from __future__ import annotations

from analyzer.capture.link_tags import unwrap

DLTS = (1,)
EXAMPLE = bytes(12) + b"\x08\x00\x45"


def decode(frame: bytes) -> tuple[int, int]:
    """Ethertype and offset of what the frame carries."""
    if len(frame) < 14:
        return 0, 0
    kind = frame[12] << 8 | frame[13]
    return (kind, 14) if kind == 0x0800 or kind == 0x86DD else unwrap(frame, kind, 14)
