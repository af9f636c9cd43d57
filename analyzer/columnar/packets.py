"""Packets as columns: where each payload lies, when it came, between whom (docs/columnar.md).

What is told from fixed offsets alone is told here, and is told as `capture/packets.py` tells it: plain UDP over IPv4
whose payload begins as a response does, or a REGISTER or another request by which a way is kept open (`plain`), and
media. Every other packet is `odd`, and goes to the
reader of packets itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from analyzer.capture.pcap_layouts import MAGICS
from analyzer.capture.udp_tunnels import PORTS
from analyzer.capture.unopened import MEDIA
from analyzer.columnar import pcap_records, pcapng_records
from analyzer.columnar.records import LINKS, Flags, Numbers, Octets, Records, Unsuited, begins_with, mapped, rows_of
from analyzer.evidence import SECOND

_VLAN, _IPV4, _UDP = 0x8100, 0x0800, 17
_ETHERNET, _TAG = 1, 4
_REQUESTS, _RESPONSE = (b"REGISTER ", b"OPTIONS s", b"NOTIFY si", b"SUBSCRIBE"), b"SIP/2.0 "
"""What a message that may be plain begins with: at most nine octets. SSDP and RTSP have NOTIFY and OPTIONS, too, but
for no URI of SIP."""
_FRONT = 28  # IPv4 and UDP
_SHORTEST = _FRONT + max(map(len, _REQUESTS))
_CHUNK = 1 << 15
"""Packets that are looked at together: what was copied of them stays in the processor's cache then."""
_TOP = 0x10000 - 20
"""The UDP length that is too much for an IPv4 packet."""
_Words = npt.NDArray[np.uint16]


@dataclass(slots=True)
class Packets:
    """The packets of `records` by what they hold: `plain` are the rows of likely SIP messages, `odd` those for the
    reader of packets, `media` counts the rest. For each plain one: `start` and `length` of its payload, addresses with
    ports (`source`, `target`: address << 16 | port), and whether it begins as a response."""

    records: Records
    plain: Numbers
    odd: Numbers
    media: int
    start: Numbers
    length: _Words
    source: Numbers
    target: Numbers
    is_response: Flags

    def time(self, rows: Numbers) -> Numbers:
        """When plain packets came, in nanoseconds."""
        found: Numbers = self.records.time[self.plain[rows]]
        return found


def records_of(path: str | os.PathLike[str]) -> Records:
    """The records of a pcap or pcapng file. Raises `Unsuited` for anything that is not as nearly all such files are."""
    name = os.fspath(path)
    octets = mapped(name)
    magic = octets[:4].tobytes()
    if magic in MAGICS:
        return pcap_records.records_of(octets)
    if magic == pcapng_records.MAGIC:
        return pcapng_records.records_of(octets)
    raise Unsuited("it is no pcap or pcapng file")


def packets_of(records: Records) -> Packets:
    """Tell the packets of a capture from each other by their fixed offsets. Raises `Unsuited` where anything but media
    comes more than a second earlier than anything before it: the clock was set (docs/rules/traps.md T-CLOCK), perhaps
    in several steps, of which not all are between messages."""
    left = np.ones(len(records), np.bool_)  # whatever is no media
    odd = np.ones(len(records), np.bool_)
    found = [_columns(np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, _SHORTEST), np.uint8))]
    for rows, at, look in _likely(records):
        udp = _is_plain_udp(look, records.at[rows] + records.header + records.size[rows] - at)
        is_media = udp & (look[:, _FRONT] >> 6 == MEDIA)
        left[rows[is_media]] = False
        rest = np.flatnonzero(udp & ~is_media)
        look = np.ascontiguousarray(look[rest])
        wanted = np.logical_or.reduce([begins_with(look, _FRONT, text) for text in (*_REQUESTS, _RESPONSE)])
        rest = rest[wanted]
        found.append(_columns(rows[rest], at[rest], look[wanted]))
    plain, *columns = (np.concatenate(column) for column in zip(*found, strict=True))
    odd[plain] = False
    time = records.time[left]
    if bool((np.maximum.accumulate(time) - time > SECOND).any()):
        raise Unsuited("times step back")
    return Packets(records, plain, np.flatnonzero(odd & left), len(left) - int(np.count_nonzero(left)), *columns)


def _columns(rows: Numbers, at: Numbers, look: Octets) -> tuple[Any, ...]:
    """What `Packets` has of some messages: their rows, and the columns from `start` on."""
    source = _number(look, 12, 4) << 16 | _number(look, 20, 2)
    target = _number(look, 16, 4) << 16 | _number(look, 22, 2)
    return rows, at + _FRONT, _word(look, 24) - np.uint16(8), source, target, begins_with(look, _FRONT, _RESPONSE)


def _likely(records: Records) -> Iterator[tuple[Numbers, Numbers, Octets]]:
    """The rows of packets that may be UDP over IPv4 and are long enough for a message, where IP begins in each, and
    what it begins with: a part of them at a time."""
    octets, (place, header) = records.octets, LINKS[records.link]
    place = header if place < 0 else place
    front = header - place
    for first in range(0, len(records), _CHUNK):
        size = records.size[first : first + _CHUNK]
        rows = np.flatnonzero(size >= header + _SHORTEST)
        at = records.at[first : first + _CHUNK][rows] + records.header + header
        look = rows_of(octets, at - front, front + _SHORTEST)  # the ethertype along with IP: each costs a cache miss
        if front:
            kind = _word(look, 0)
            look = look[:, front:]
            found = kind == _IPV4
            if records.link == _ETHERNET:
                tagged = np.flatnonzero((kind == _VLAN) & (size[rows] >= header + _TAG + _SHORTEST))
                tagged = tagged[_word(look[tagged], _TAG - 2) == _IPV4]
                at[tagged] += _TAG
                look[tagged] = rows_of(octets, at[tagged], _SHORTEST)
                found[tagged] = True
            if not found.all():
                rows, at, look = rows[found], at[found], look[found]
        yield rows + first, at, look


def _is_plain_udp(look: Octets, room: Numbers) -> Flags:
    """Whether packets that begin so are whole UDP datagrams over IPv4 without options or fragments, as
    `capture.packets.fast_udp` has them, and no tunnel."""
    total, length = _word(look, 2), _word(look, 24)
    plain: Flags = (look[:, 0] == 0x45) & (look[:, 9] == _UDP) & (look[:, 6] & 0x3F == 0) & (look[:, 7] == 0)
    plain &= (length >= 8) & (length < _TOP) & (total == length + 20) & (total <= room)
    for place in (20, 22):
        port = _word(look, place)
        for tunnel in PORTS:
            plain &= port != tunnel
    return plain


def _word(look: Octets, at: int) -> _Words:
    """The number in two octets of each row."""
    return (look[:, at].astype(np.uint16) << np.uint16(8)) | look[:, at + 1]


def _number(look: Octets, at: int, count: int) -> Numbers:
    """The number in so many octets of each row, the high one first."""
    value = look[:, at].astype(np.int64)
    for place in range(at + 1, at + count):
        value = value << 8 | look[:, place]
    return value
