"""Packets of a capture file as columns: where each payload lies, when it came, between whom (docs/columnar.md).

The file is mapped, not read. What is told from fixed offsets alone is told here, and is told as `capture/packets.py`
tells it: plain UDP over IPv4 whose payload begins as a REGISTER or a response does (`plain`), and media. Every other
packet is `odd`, and goes to the reader of packets itself. A file with anything out of the ordinary between its records
is `Unsuited` as a whole.
"""

from __future__ import annotations

import mmap
import os
import struct
from array import array
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from analyzer.capture import pcap_layouts
from analyzer.capture.pcap_layouts import MAX_PACKET, Header
from analyzer.capture.udp_tunnels import PORTS
from analyzer.capture.unopened import MEDIA
from analyzer.capture.window import Window
from analyzer.escape import Told
from analyzer.evidence import LATEST, SECOND

Octets = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Small = npt.NDArray[np.uint32]
Short = npt.NDArray[np.uint16]

LINKS = {1: (12, 14), 113: (14, 16), 276: (0, 20), 101: (-1, 0), 228: (-1, 0)}
"""LINKTYPE_ -> where the ethertype stands (-1: nowhere, the packet is IP), and octets before what it tells of."""
_VLAN, _IPV4, _UDP = 0x8100, 0x0800, 17
_HEADER = 16
_REQUEST, _RESPONSE = b"REGISTER ", b"SIP/2.0 "
_AT_ONCE = 1 << 18
"""Packets that are looked at together."""
_SHORTEST = 20 + 8 + 9  # IPv4, UDP, and the beginning that tells


class Unsuited(Told):
    """The capture, or what was asked of it, is for the object path alone; the text says why."""


@dataclass(slots=True)
class Records:
    """All records of a file: `at` where each begins (octets), `time` in nanoseconds, `size` of the packet in octets,
    `step` nanoseconds of one tick of the clock."""

    octets: Octets
    at: Numbers
    time: Numbers
    size: Small
    link: int
    step: int

    def __len__(self) -> int:
        return len(self.at)


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
    length: Short
    source: Numbers
    target: Numbers
    is_response: Flags

    def time(self, rows: Numbers) -> Numbers:
        """When plain packets came, in nanoseconds."""
        found: Numbers = self.records.time[self.plain[rows]]
        return found


def mapped(path: str) -> Octets:
    """The octets of a file, mapped into memory. Raises `Unsuited` where that cannot be done."""
    try:
        with open(path, "rb") as file:
            return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), dtype=np.uint8)
    except (OSError, ValueError) as error:
        raise Unsuited("the file cannot be mapped") from error


def records_of(path: str | os.PathLike[str]) -> Records:
    """The records of a classic pcap file. Raises `Unsuited` for anything that is not as nearly all such files are."""
    name = os.fspath(path)
    octets = mapped(name)
    if len(octets) < 24 or octets[:4].tobytes() not in pcap_layouts.MAGICS:
        raise Unsuited("it is no classic pcap file")
    with open(name, "rb") as file:
        window = Window(file)
        window.need(24)
        head = pcap_layouts.header(window.buffer[window.at : window.at + 24])
        window.at += 24
        size, remark = pcap_layouts.length(window, head)
    if size != _HEADER or remark or head.swapped is not False or head.linktype not in LINKS:
        raise Unsuited("its records or its link layer are uncommon")
    at = _walk(octets, head)
    return Records(octets, at, *_headers(octets, at, head), head.linktype, head.step)


def _walk(octets: Octets, head: Header) -> Numbers:
    """Where each record begins: each tells where the next one does, so this goes one by one."""
    buffer, end, at = octets.data, len(octets), 24
    captured = struct.Struct(head.order + "8xI").unpack_from
    places = array("q")
    while at + _HEADER <= end:
        places.append(at)
        at += _HEADER + captured(buffer, at)[0]
    if at != end:
        raise Unsuited("the file ends inside a record")
    return np.frombuffer(places, np.int64) if places else np.empty(0, np.int64)


def _headers(octets: Octets, at: Numbers, head: Header) -> tuple[Numbers, Small]:
    """Times and sizes, after a look whether all are plain: whole packets, in the order of their times."""
    kind = np.dtype(f"{head.order}u4")
    fields = rows_of(octets, at, _HEADER).view(kind)
    seconds, fraction, captured, length = (fields[:, column].astype(np.int64) for column in range(4))
    time = seconds * SECOND + fraction * head.step
    if len(at) and (captured.max() > MAX_PACKET or captured.min() < 1 or bool((captured != length).any())):
        raise Unsuited("packets are cut, or lengths are absurd")
    if bool((fraction * head.step >= SECOND).any()) or bool((np.diff(time) < 0).any()):
        raise Unsuited("times step back")
    if len(time) and (time[0] < 0 or time[-1] >= LATEST):
        raise Unsuited("times are absurd")
    return time, captured.astype(np.uint32)


def packets_of(records: Records) -> Packets:
    """Tell the packets of a capture from each other by their fixed offsets."""
    several = [_told(records, slice(at, at + _AT_ONCE)) for at in range(0, max(len(records), 1), _AT_ONCE)]
    columns = [np.concatenate(parts) for parts in zip(*(part.columns for part in several), strict=True)]
    plain, odd, start, length, source, target, is_response = columns
    media = sum(part.media for part in several)
    return Packets(records, plain, odd, media, start, length, source, target, is_response)


class _Told(NamedTuple):
    """Some packets, told from each other: the columns of `Packets` in their order, and how many are media."""

    columns: tuple[Any, ...]
    media: int


def _told(records: Records, part: slice) -> _Told:
    octets, begin, size = records.octets, records.at[part] + _HEADER, records.size[part].astype(np.int64)
    place, header = LINKS[records.link]
    last = len(octets) - 1
    at = begin + header
    if place >= 0:
        kind = _pair(octets, np.minimum(begin + place, last - 1))
        if records.link == 1:
            tagged = kind == _VLAN
            kind = np.where(tagged, _pair(octets, np.minimum(begin + 16, last - 1)), kind)
            at = np.where(tagged, at + 4, at)
        found = kind == _IPV4
    else:
        found = np.ones(len(begin), np.bool_)
    found &= at + _SHORTEST <= begin + size
    rows = np.flatnonzero(found)
    look = rows_of(octets, at[rows], _SHORTEST)
    udp = _is_plain_udp(look, begin[rows] + size[rows] - at[rows])
    is_media = udp & (look[:, 28] >> 6 == MEDIA)
    request, response = (udp & begins_with(look, 28, start) for start in (_REQUEST, _RESPONSE))
    is_plain = request | response
    odd = np.ones(len(begin), np.bool_)
    odd[rows[is_plain | is_media]] = False
    look, rows, response = look[is_plain], rows[is_plain], response[is_plain]
    columns = (
        rows + part.start,
        np.flatnonzero(odd) + part.start,
        at[rows] + 28,
        (_number(look, 24, 2) - 8).astype(np.uint16),
        _number(look, 12, 4) << 16 | _number(look, 20, 2),
        _number(look, 16, 4) << 16 | _number(look, 22, 2),
        response,
    )
    return _Told(columns, int(is_media.sum()))


def _is_plain_udp(look: Octets, room: Numbers) -> Flags:
    """Whether packets that begin so are whole UDP datagrams over IPv4 without options or fragments, as
    `capture.packets.fast_udp` has them, and no tunnel."""
    total, length = _number(look, 2, 2), _number(look, 24, 2)
    plain: Flags = (look[:, 0] == 0x45) & (look[:, 9] == _UDP) & (look[:, 6] & 0x3F == 0) & (look[:, 7] == 0)
    plain &= (total == 20 + length) & (length >= 8) & (total <= room)
    for place in (20, 22):
        port = _number(look, place, 2)
        for tunnel in PORTS:
            plain &= port != tunnel
    return plain


def begins_with(rows: Octets, at: int, text: bytes) -> Flags:
    """Whether the octets of each row from a place on are these. They are compared as strings of one length, which is
    many times as fast as one by one; that strings end in zeros makes no difference then."""
    found: Flags = field_of(rows, at, len(text)) == text
    return found


def field_of(rows: Octets, at: int, length: int) -> Any:
    """Some octets of each row, as one value of a column."""
    whole = np.dtype({"names": ["field"], "formats": [f"S{length}"], "offsets": [at], "itemsize": rows.shape[1]})
    return rows.view(whole)["field"][:, 0]


def _number(look: Octets, at: int, count: int) -> Numbers:
    """The number in so many octets of each row, the high one first."""
    value = look[:, at].astype(np.int64)
    for place in range(at + 1, at + count):
        value = value << 8 | look[:, place]
    return value


def _pair(octets: Octets, at: Numbers) -> Numbers:
    return octets[at].astype(np.int64) << 8 | octets[at + 1]


def strings(octets: Octets, at: Numbers, length: int) -> Any:
    """The octets from each place on, so many (at least one), each as one value. Taking them as values of one size is
    twice as fast as taking rows of octets."""
    kind = f"S{length}"
    if len(octets) < length:
        return np.empty(0, kind)
    return np.ndarray((len(octets) - length + 1,), kind, octets.data, strides=(1,))[at]


def rows_of(octets: Octets, at: Numbers, length: int) -> Octets:
    """The same as rows of octets: (places, `length`)."""
    found: Octets = strings(octets, at, length).view(np.uint8).reshape(-1, length)
    return found
