"""One packet that several interfaces of a capture show: `-i eth0 -i any`, or files merged into one.

It is one packet of the traffic, so it is taken once. The interface must be another one, for what one interface shows
twice is for whoever matches messages to judge (a mirror port, a stack that sends the same twice); the IP packet must be
the same to the octet, its identification and its hops left included; and the time no longer apart than clocks of
interfaces differ, well below the time after which anything is sent again.
"""

from __future__ import annotations

from collections import OrderedDict

from dpkt.ip import IP_PROTO_FRAGMENT

from analyzer.capture.ip import Packet
from analyzer.capture.links import IPV4, IPV6
from analyzer.capture.record import Record
from analyzer.evidence import SECOND

WINDOW = SECOND // 5
"""Nanoseconds between two sights of one packet; T1, after which SIP is sent again, is 500 ms (RFC 3261 17.1.1.1)."""

MOST = 1 << 14
"""Packets that are remembered."""


class Sightings:
    """The packets that were seen a moment ago, and on which interface."""

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[int, int], tuple[int, int | None]] = OrderedDict()

    def again(self, record: Record, ethertype: int, at: int) -> bool:
        """Whether the packet in a record, which begins at `at`, was seen on another interface of its source. Fragments
        are never: each interface has its own, and what is made of them is asked about (`whole_again`)."""
        packet = packet_of(record.octets, ethertype, at)
        return bool(packet) and self._again(record, hash(packet))

    def whole_again(self, record: Record, packet: Packet) -> bool:
        """The same of a packet that was put together, whatever its hops left were; `record` is that of its last
        fragment."""
        return self._again(record, hash(packet))

    def _again(self, record: Record, content: int) -> bool:
        key, now = (id(record.source), content), record.time
        interface, then = self._seen.get(key, (record.interface, now))
        if interface != record.interface and (then is None or now is None or abs(now - then) <= WINDOW):
            return True
        self._seen.pop(key, None)
        self._seen[key] = record.interface, now
        if len(self._seen) > MOST:
            self._seen.popitem(last=False)
        return False


def packet_of(frame: bytes, ethertype: int, at: int) -> bytes:
    """A whole IP packet without what the link adds behind it; empty where there is none."""
    if ethertype == IPV4 and len(frame) >= at + 20:
        if frame[at + 6] & 0x3F or frame[at + 7]:
            return b""
        total = frame[at + 2] << 8 | frame[at + 3]
        return frame[at : at + total] if total else frame[at:]
    if ethertype == IPV6 and len(frame) >= at + 44:
        if frame[at + 6] == IP_PROTO_FRAGMENT and (frame[at + 42] or frame[at + 43] & 0xF9):  # offset, more (8200 4.5)
            return b""
        total = frame[at + 4] << 8 | frame[at + 5]
        return frame[at : at + 40 + total] if total else frame[at:]
    return b""
