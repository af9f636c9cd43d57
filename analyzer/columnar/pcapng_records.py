"""The packets of a pcapng file, as `capture/formats/pcapng.py` has them (docs/columnar.md).

One section; interfaces of one link type, each with its clock; enhanced packet blocks, whose options are of no account.
Statistics tell of drops, every other block is passed over, as the reader does.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from analyzer.capture import pcapng_options
from analyzer.capture.pcapng_blocks import (
    INTERFACE,
    MAX_BLOCK,
    OLD_PACKET,
    PACKET,
    SECRETS,
    SECTION,
    SIMPLE,
    STATISTICS,
)
from analyzer.capture.pcapng_options import Interface
from analyzer.columnar.records import (
    LINKS,
    Damage,
    Flags,
    Numbers,
    Octets,
    Records,
    Unsuited,
    hold_dated,
    hold_whole,
    rows_of,
)
from analyzer.columnar.walk import Chain, Guess, walk

_UNREAD = {
    0: "room that was not written to",
    SECTION: "several sections",
    OLD_PACKET: "packet blocks of the old form",
    SIMPLE: "simple packet blocks",
    SECRETS: "keys of TLS",
}
MAGIC = b"\n\r\r\n"
"""How a file begins."""
_ORDERS = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
_HEADING, _HEADER, _END = 8, 28, 4
"""Octets of a block before what is in it, of an enhanced packet block before its packet, and behind all."""
_MOST_INTERFACES = 256
_COARSEST = 1000
"""Nanoseconds of the coarsest clock, that of a common pcap file."""
_PICOSECONDS = 1000
"""Ticks of the finest clock in a nanosecond."""
_LATEST_TICK = 1 << 62


@dataclass(slots=True)
class _Described:
    """The interfaces of the section: `at` is where the block of each begins; drops by interface."""

    at: list[int] = field(default_factory=list)
    clocks: list[Interface] = field(default_factory=list)
    drops: dict[int, int] = field(default_factory=dict)


def records_of(octets: Octets) -> Records:
    """The records of a file that begins with a section. Raises `Unsuited` for anything that is not as nearly all such
    files are."""
    order = _ORDERS.get(octets[8:12].tobytes(), "")
    if not order:
        raise Unsuited("its octet order is not known")
    chain = Chain(order, 4, 0, 12, MAX_BLOCK, 4, _HEADING, _guess(order))
    at, stop = walk(octets, 0, chain)
    if not len(at) or len(octets) < _END + _HEADER:
        raise Unsuited("it is too short, or its first block is not whole")
    damage = None if stop == len(octets) else _damage(octets, order, stop)
    heads, at = _heads(octets, order, at, stop), at[1:]
    is_packet = heads[:, 1] == PACKET
    others = np.flatnonzero(~is_packet)
    found = _described(octets, order, at[others], heads[others])
    at, heads = at[is_packet], heads[is_packet]
    if not len(at) or heads[:, 2].min() < _HEADER + _END:
        raise Unsuited("it has no packets, or blocks without room for one")
    sizes, which, high, low, captured, length = (heads[:, column].astype(np.int64) for column in range(2, 8))
    hold_whole(captured, length)
    if bool((captured > sizes - _HEADER - _END).any()):
        raise Unsuited("packets are longer than their blocks")
    step = _hold_clocks(found, at, which)
    time = _times(found.clocks, which, high, low)
    hold_dated(time)
    return Records(
        octets,
        at,
        time,
        captured,
        found.clocks[0].linktype,
        step,
        _HEADER,
        len(found.clocks),
        which if which.any() else None,
        damage,
        [said] if (said := pcapng_options.said_of(sum(found.drops.values()))) else [],
    )


def _guess(order: str) -> Guess:
    packet = re.compile(re.escape(struct.pack(order + "I", PACKET)))
    read = struct.Struct(order + "I").unpack_from

    def guess(buffer: memoryview, begin: int, end: int) -> int:
        """A packet block, of which both lengths are the same."""
        for match in packet.finditer(buffer, begin, end):
            at = match.start()
            if at % 4 or at + 8 > len(buffer):
                continue
            (size,) = read(buffer, at + 4)
            behind = at + size - 4
            if 12 <= size <= MAX_BLOCK and behind + 4 <= len(buffer) and read(buffer, behind)[0] == size:
                return at
        return -1

    return guess


def _heads(octets: Octets, order: str, at: Numbers, stop: int) -> Any:
    """Of each block but the first the number before it, and the seven numbers that it begins with: kind, length, and
    what an enhanced packet block has before its packet. Raises `Unsuited` where the two lengths of any block differ,
    the first of which is `at[0]`; the last one ends at `stop`."""
    begins = at[1:] - _END
    if not len(begins):
        return np.empty((0, 8), np.uint32)
    heads = rows_of(octets, np.minimum(begins, len(octets) - _END - _HEADER), _END + _HEADER).view(f"{order}u4")
    for row in range(max(0, len(begins) - 2), len(begins)):  # these may have less than that before the file ends
        some = octets[begins[row] : begins[row] + _END + _HEADER].tobytes()
        heads[row] = np.frombuffer(some.ljust(_END + _HEADER, b"\0"), f"{order}u4")
    behind = np.append(heads[1:, 0], np.frombuffer(octets[stop - _END : stop].tobytes(), f"{order}u4"))
    first = struct.unpack_from(order + "I", octets.data, int(at[0]) + 4)[0]
    if heads[0, 0] != first or bool((behind != heads[:, 2]).any()):
        raise Unsuited("the two lengths of a block differ")
    return heads


def _damage(octets: Octets, order: str, stop: int) -> Damage:
    """What the reader says of a file that ends inside a block; `Unsuited` where that is not all that is wrong."""
    left = octets[stop : stop + _HEADING].tobytes()
    if len(left) < _HEADING:
        return Damage("truncated-block", "the file ends inside a block header", stop)
    kind, size = struct.unpack(order + "II", left)
    if kind in (0, SECTION) or not 12 <= size <= MAX_BLOCK or size & 3:
        raise Unsuited("its blocks do not follow each other")
    return Damage("truncated-block", "the file ends inside a block", stop)


def _described(octets: Octets, order: str, at: Numbers, heads: Any) -> _Described:
    """What the blocks tell that are no packets."""
    found = _Described()
    for place, kind, size in zip(at.tolist(), heads[:, 1].tolist(), heads[:, 2].tolist(), strict=True):
        if kind in _UNREAD:
            raise Unsuited(f"it has {_UNREAD[kind]}")
        if kind not in (INTERFACE, STATISTICS):
            continue
        body = octets[place + _HEADING : place + size - _END].tobytes()
        if kind == INTERFACE:
            found.at.append(place)
            found.clocks.append(_interface(body, order))
            if len(found.clocks) > _MOST_INTERFACES:
                raise Unsuited("it has too many interfaces")
        elif len(body) >= 12 and (number := struct.unpack_from(order + "I", body)[0]) < len(found.clocks):
            found.drops[number] = pcapng_options.drops(body[12:], order)
    if not found.clocks or len({clock.linktype for clock in found.clocks}) > 1 or found.clocks[0].linktype not in LINKS:
        raise Unsuited("its link layers are uncommon")
    return found


def _interface(body: bytes, order: str) -> Interface:
    if len(body) < 8:
        raise Unsuited("an interface block is too short")
    if pcapng_options.is_secured(body[8:], order):
        raise Unsuited("its streams were taken out of TLS")
    linktype, snaplen = struct.unpack_from(order + "HxxI", body)
    return pcapng_options.interface(linktype, snaplen, body[8:], order)


def _hold_clocks(found: _Described, at: Numbers, which: Numbers) -> int:
    """Nanoseconds of a tick of the coarsest clock. Raises `Unsuited` for clocks that do not count whole parts of a
    second, or are described too late: what is described counts from there on."""
    clocks = found.clocks
    for clock in clocks:
        is_whole = clock.divisor == 1 or (clock.multiplier == 1 and clock.divisor <= _PICOSECONDS)
        if not is_whole or clock.step > _COARSEST:
            raise Unsuited("its clocks are uncommon")
    if found.at[-1] > at[0]:
        if bool((np.searchsorted(np.array(found.at), at) <= which).any()):
            raise Unsuited("packets name interfaces that were not described")
        if max(clock.step for clock, place in zip(clocks, found.at, strict=True) if place < at[0]) < max(
            clock.step for clock in clocks
        ):
            raise Unsuited("a coarser clock is described late")
    elif which.max() >= len(clocks):
        raise Unsuited("packets name interfaces that were not described")
    return max(clock.step for clock in clocks)


def _times(clocks: list[Interface], which: Numbers, high: Numbers, low: Numbers) -> Numbers:
    """Nanoseconds since the epoch of each packet."""
    if high.max() >= _LATEST_TICK >> 32:
        raise Unsuited("times are absurd")
    ticks = high << 32 | low
    if len({clock[3:] for clock in clocks}) == 1:
        return _dated(ticks, clocks[0])
    time = np.empty(len(ticks), np.int64)
    for number, clock in enumerate(clocks):
        own: Flags = which == number
        time[own] = _dated(ticks[own], clock)
    return time


def _dated(ticks: Numbers, clock: Interface) -> Numbers:
    """The times of ticks of one clock; `Unsuited` where they are more than 64 bits hold."""
    if len(ticks) and (ticks.max() > _LATEST_TICK // clock.multiplier or abs(clock.offset) > _LATEST_TICK):
        raise Unsuited("times are absurd")
    scaled = ticks * clock.multiplier if clock.divisor == 1 else ticks // clock.divisor
    return scaled + clock.offset
