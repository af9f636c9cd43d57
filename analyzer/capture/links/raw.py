"""Raw IP: no link header. 101 and the older 12 and 14 hold either version; 228 and 229 one each."""

from __future__ import annotations

from analyzer.capture.link_tags import by_version

DLTS = (101, 12, 14, 228, 229)
EXAMPLE = b"\x45"


def decode(frame: bytes) -> tuple[int, int]:
    """Ethertype by the version field; offset 0."""
    return by_version(frame, 0)
