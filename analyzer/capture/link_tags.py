"""What stands between a link header and IP: VLAN tags, PPPoE, MPLS, LLC/SNAP. Shared by the link layers."""

from __future__ import annotations

from dpkt.ethernet import ETH_TYPE_MPLS, ETH_TYPE_PPPoE
from dpkt.ppp import PPP_IP, PPP_IP6

from analyzer.capture.links import IPV4, IPV6

VLAN = frozenset({0x8100, 0x88A8, 0x9100, 0x9200})
"""802.1Q, 802.1ad, and the two numbers that were used for stacked tags before it."""

_PPP = {PPP_IP: IPV4, PPP_IP6: IPV6}
_NETWORK_LAYERS = frozenset({IPV4, IPV6})


def unwrap(frame: bytes, kind: int, at: int) -> tuple[int, int]:
    """Step over everything that stands before IP. `kind` is the ethertype of what begins at `at`."""
    while kind not in _NETWORK_LAYERS and len(frame) >= at + 8:
        if kind in VLAN:
            kind, at = frame[at + 2] << 8 | frame[at + 3], at + 4
        elif kind == ETH_TYPE_PPPoE:
            return ppp(frame, at + 6)
        elif kind == ETH_TYPE_MPLS:
            kind, at = _mpls(frame, at)
        elif kind <= 1500 and frame[at : at + 6] == b"\xaa\xaa\x03\0\0\0":  # 802.3 length, then LLC/SNAP
            kind, at = frame[at + 6] << 8 | frame[at + 7], at + 8
        else:
            break
    return kind, at


def ppp(frame: bytes, at: int) -> tuple[int, int]:
    """The PPP protocol field at `at`, of one octet where compressed (RFC 1661 6.5), as ethertype and offset."""
    if len(frame) < at + 2:
        return 0, at
    if frame[at] & 1:
        return _PPP.get(frame[at], 0), at + 1
    return _PPP.get(frame[at] << 8 | frame[at + 1], 0), at + 2


def _mpls(frame: bytes, at: int) -> tuple[int, int]:
    """Step over one label (RFC 3032 2.1); after the last of the stack the IP version tells what follows."""
    if not frame[at + 2] & 1:
        return ETH_TYPE_MPLS, at + 4
    return by_version(frame, at + 4)


def by_version(frame: bytes, at: int) -> tuple[int, int]:
    """Ethertype of an IP packet at `at`, by its version field."""
    version = frame[at] >> 4 if len(frame) > at else 0
    return {4: IPV4, 6: IPV6}.get(version, 0), at
