"""BSD loopback: four octets of address family, in the octet order of the host that captured (0) or of the net (108).

The families of IPv6 differ between systems (10, 24, 28, 30). The octets that follow say the version too, and the two
must agree, so the octet order need not be known.
"""

from __future__ import annotations

from analyzer.capture.link_tags import by_version
from analyzer.capture.links import IPV4, IPV6

DLTS = (0, 108)
EXAMPLE = b"\x02\0\0\0\x45"

_FAMILIES = {2: IPV4, 10: IPV6, 24: IPV6, 28: IPV6, 30: IPV6}


def decode(frame: bytes) -> tuple[int, int]:
    """Ethertype and offset of what the frame carries."""
    family = frame[:4]
    kind, at = by_version(frame, 4)
    told = _FAMILIES.get(int.from_bytes(family, "little")) or _FAMILIES.get(int.from_bytes(family, "big"))
    return (kind, at) if kind == told else (0, at)
