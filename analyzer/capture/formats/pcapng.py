"""pcapng: a chain of blocks, each with its length at both ends.

A section header sets the octet order and forgets all interfaces; an interface block gives the next interface its link
type and clock; packet blocks name their interface (the simple one has neither name nor time). Every packet block
counts as a frame, as in Wireshark. Unknown blocks are skipped. Since each block says its length twice, a damaged one
can be told: the walk then looks for the next four-octet boundary where a block that agrees with itself begins, but not
farther than `MAX_SEARCH`: zeros at the end of a file are room that its writer did not use, not damage.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from analyzer.capture import media
from analyzer.capture import pcapng_options as options
from analyzer.capture.pcapng_blocks import MAX_BLOCK
from analyzer.capture.pcapng_options import Interface
from analyzer.capture.record import Record
from analyzer.capture.window import Window
from analyzer.evidence import Source

NAME = "pcapng"
TITLE = "pcapng capture"
EXAMPLE = (
    struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    + struct.pack("<IIHHII", 1, 20, 101, 0, 0, 20)
    + struct.pack("<IIIIIII20sI", 6, 52, 0, 0, 1, 20, 20, b"\x45" * 20, 52)
)

MAX_HOLE = 1 << 26
"""Zeros that are passed over, in octets; behind more of them nothing is looked for."""

MAX_SEARCH = 1 << 24
"""Octets after damage in which the next block is looked for."""

MAX_INTERFACES = 1 << 16
"""Interfaces of a section that are remembered: the old packet block can name no more, and each takes memory."""

_RESYNC_BLOCK = 1 << 20  # the same after damage, when any four octets may pose as a length

_SECTION = 0x0A0D0D0A
_INTERFACE, _OLD_PACKET, _SIMPLE, _STATISTICS, _PACKET = 1, 2, 3, 5, 6
_NO_LINK = -1  # of a packet whose interface is not known
_KNOWN = frozenset({_SECTION, _INTERFACE, _OLD_PACKET, _SIMPLE, 4, _STATISTICS, _PACKET, 10})
_new = tuple.__new__
_ORDERS = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}


def looks_like(head: bytes) -> bool:
    """Whether the file begins with a section header block."""
    return head[:4] == b"\n\r\r\n" and head[8:12] in _ORDERS


def records(stream: BinaryIO, source: Source) -> Iterator[Record]:
    """The packets of the file, as far as they can be read; damage is noted in `source`."""
    walk = _Walk(stream, source)
    yield from walk.records()
    if said := options.said_of(walk.dropped + sum(walk.drops.values())):
        source.quality.append(said)
    if walk.unkept:
        text = f"{walk.unkept} interfaces beyond the first {MAX_INTERFACES} of a section; their packets are not read"
        source.defect("many-interfaces", text)


class _Walk:
    """The state of one walk: octet order, interfaces and their drops of the section at hand, packets seen so far;
    `dropped` is the sum of the drops in earlier sections, `sure` the upper half of ticks that need no closer look,
    `unkept` counts interfaces that were too many."""

    def __init__(self, stream: BinaryIO, source: Source) -> None:
        self.window = Window(stream)
        self.source = source
        self.interfaces: list[Interface] = []
        self.described = 0  # interfaces of earlier sections
        self.number = 0
        self.look: media.Look | None = None
        self.sure = (0, 0)
        self.dropped = 0
        self.drops: dict[int, int] = {}
        self.unkept = 0
        self.order("<")

    def order(self, order: str) -> None:
        self.sign = order
        self.heading = struct.Struct(order + "II").unpack_from
        self.last = struct.Struct(order + "I").unpack_from
        self.enhanced = struct.Struct(order + "IIIII").unpack_from

    def records(self) -> Iterator[Record]:
        window = self.window
        while self._has_next():
            kind, size = self.heading(window.buffer, window.at)
            if kind == _SECTION:
                size = self._section()
            if not kind and not size:
                if not self._hole():
                    return
                continue
            if size < 12 or size & 3 or size > MAX_BLOCK:
                self._damage("absurd-length", f"a block claims {size} octets")
                if not self._resync():
                    return
                continue
            if not window.need(size):
                self._damage("truncated-block", "the file ends inside a block")
                return
            if self.last(window.buffer, window.at + size - 4)[0] != size:
                self._damage("block-length", "the two lengths of a block differ")
                if not self._resync():
                    return
                continue
            record = self._block(kind, window.buffer, window.at, window.at + size - 4)
            if record is not None:
                yield record
            window.at += size
        if window.left:
            self._damage("truncated-block", "the file ends inside a block header")

    def _has_next(self) -> bool:
        """Whether another block begins here, after the media that was passed by."""
        window, look = self.window, self.look
        if look is not None:
            shown = window.at + look.unpack.size - 1
            if len(window.buffer) > shown and not media.NOT_MEDIA[window.buffer[shown]]:
                self._pass_media(look)
        return window.need(8)

    def _section(self) -> int:
        """Take the octet order of a new section; its length, or 0 where that cannot be told."""
        window = self.window
        if not window.need(12):
            return 12  # so that the missing rest is reported
        sign = _ORDERS.get(window.buffer[window.at + 8 : window.at + 12])
        if sign is None:
            return 0
        self.order(sign)
        self.described += len(self.interfaces)
        self.interfaces = []
        self.look = None
        self.dropped += sum(self.drops.values())
        self.drops.clear()
        return int(self.heading(window.buffer, window.at)[1])

    def _block(self, kind: int, buffer: bytes, at: int, end: int) -> Record | None:
        if kind == _PACKET:
            return self._packet(buffer, at, end)
        if kind == _OLD_PACKET:
            return self._old_packet(buffer, at, end)
        if kind == _SIMPLE:
            return self._simple(buffer, at, end)
        if kind == _INTERFACE:
            self._interface(buffer, at, end)
        elif kind == _STATISTICS and end - at >= 20 and (number := self.last(buffer, at + 8)[0]) < len(self.interfaces):
            self.drops[number] = options.drops(buffer[at + 20 : end], self.sign)
        return None

    def _interface(self, buffer: bytes, at: int, end: int) -> None:
        if end - at < 16:
            self._damage("short-block", "an interface block is too short")
            return
        if len(self.interfaces) == MAX_INTERFACES:
            self.unkept += 1
            return
        linktype, snaplen = struct.unpack_from(self.sign + "HxxI", buffer, at + 8)
        interface = options.interface(linktype, snaplen, buffer[at + 16 : end], self.sign)
        if options.is_secured(buffer[at + 16 : end], self.sign):
            self.source.secured.add(self.described + len(self.interfaces))
        self.interfaces.append(interface)
        self.source.interfaces = self.described + len(self.interfaces)
        first = len(self.interfaces) == 1
        if first:
            self.look = media.look(self.sign, "IIIIIII", linktype)
            self.sure = options.sure(interface)
        elif interface._replace(snaplen=0) != self.interfaces[0]._replace(snaplen=0):
            self.look = None  # media is passed by only where a block needs no look at its own interface
        self.source.resolution = interface.step if first else max(self.source.resolution, interface.step)

    def _pass_media(self, look: media.Look) -> None:
        """Step over the media that begins at the window's place, as far as the window goes."""
        window, interfaces = self.window, len(self.interfaces)
        form, ipv4, whole, unsplittable, least = look
        buffer, at, unpack, not_media = window.buffer, window.at, form.unpack_from, media.NOT_MEDIA
        begin = before = at
        passed, limit, last = 0, len(buffer), len(buffer) - form.size
        # Where time steps back, or cannot be one, the general way looks, so that the first and last time are right.
        (latest, most), ticks = self.sure, -1
        while at <= last:
            kind, size, which, high, low, captured, length, ethertype, version, flags, protocol, first = unpack(
                buffer, at
            )
            if (
                protocol != media.UDP
                or not_media[first]
                or ethertype != ipv4
                or version != media.WHOLE_HEADER
                or (flags != unsplittable and flags != whole)
                or kind != _PACKET
                or captured != length
                or captured < least
                or size < captured + 32
                or size > MAX_BLOCK
                or size & 3
                or which >= interfaces
                or at + size > limit
                or buffer[at + size - 4 : at + size] != buffer[at + 4 : at + 8]
                or (low < ticks and high <= latest)
                or high < latest
                or high > most
            ):
                break
            latest, ticks = high, low
            passed += 1
            before = at
            at += size
        if passed:
            self.number += passed
            self.source.frames = self.number
            self.source.other += passed
            window.at = at
            for place in (begin, before):
                number, high, low, _, _ = self.enhanced(buffer, place + 8)
                self.source.note_time(self._time(number, high << 32 | low))

    def _time(self, interface: int, ticks: int) -> int:
        """Nanoseconds since the epoch of a clock reading."""
        _, _, _, multiplier, divisor, offset = self.interfaces[interface]
        return ticks * multiplier // divisor + offset

    def _packet(self, buffer: bytes, at: int, end: int) -> Record:
        if end - at < 28:
            return self._unread("an enhanced packet block is too short")
        number, high, low, captured, length = self.enhanced(buffer, at + 8)
        start = at + 28
        if number >= len(self.interfaces) or captured > end - start:
            return self._record(number, high << 32 | low, captured, length, buffer, start, end)
        linktype, _, _, multiplier, divisor, offset = self.interfaces[number]  # nearly all: nothing is left to look at
        self.number += 1
        time = (high << 32 | low) * multiplier // divisor + offset
        octets = buffer[start : start + captured]
        place, which = self.window.position, self.described + number
        return _new(Record, (self.source, self.number, place, time, linktype, length, octets, which))

    def _old_packet(self, buffer: bytes, at: int, end: int) -> Record:
        if end - at < 28:
            return self._unread("a packet block is too short")
        number, high, low, captured, length = struct.unpack_from(self.sign + "HxxIIII", buffer, at + 8)
        return self._record(number, high << 32 | low, captured, length, buffer, at + 28, end)

    def _simple(self, buffer: bytes, at: int, end: int) -> Record:
        """A packet of interface 0 without a time; what was captured follows from the snap length."""
        if end - at < 12:
            return self._unread("a simple packet block is too short")
        length = self.last(buffer, at + 8)[0]
        snaplen = self.interfaces[0].snaplen if self.interfaces else 0
        captured = min(length, end - at - 12, snaplen or length)
        return self._record(0, None, captured, length, buffer, at + 12, end)

    def _record(
        self, interface: int, ticks: int | None, captured: int, length: int, buffer: bytes, start: int, end: int
    ) -> Record:
        if interface >= len(self.interfaces):
            return self._unread(f"a packet names interface {interface}, which was not described")
        self.number += 1
        linktype = self.interfaces[interface].linktype
        time = None if ticks is None else self._time(interface, ticks)
        if captured > end - start:
            self._damage("absurd-length", f"packet {self.number} claims {captured} octets, its block holds fewer")
            captured = end - start
        octets = buffer[start : start + captured]
        place, which = self.window.position, self.described + interface
        return Record(self.source, self.number, place, time, linktype, length, octets, which)

    def _unread(self, text: str) -> Record:
        """A packet block that cannot be read still counts, as it does in Wireshark."""
        self._damage("short-block", text)
        self.number += 1
        return Record(self.source, self.number, self.window.position, None, _NO_LINK, 0, b"")

    def _hole(self) -> bool:
        """Pass over zeros where a block should begin; False where nothing follows that can be read."""
        begin = self.window.position
        passed, ended = self._pass_zeros()
        if ended:
            self.source.quality.append(
                f"the rest of the file, {passed} octets from offset {begin} on, is zeros: room that was not written to"
            )
            return False
        self.source.damaged = True
        goes_on = passed < MAX_HOLE
        many = str(passed) if goes_on else f"more than {MAX_HOLE >> 20} million"
        rest = "" if goes_on else "; what follows is not read"
        self.source.defect("zeros", f"{many} zeros where a block should begin{rest}", offset=begin)
        return goes_on

    def _pass_zeros(self) -> tuple[int, bool]:
        """Move over zeros in steps of four octets, as blocks are; how many they are, and whether the file ends."""
        passed, ended = self.window.zeros(MAX_HOLE)
        back = 0 if ended else passed % 4
        self.window.at -= back
        return passed - back, ended

    def _resync(self) -> bool:
        """Go to the next boundary where a block begins whose two lengths agree; False where there is none, or none
        that is near."""
        window = self.window
        last, step = window.position + MAX_SEARCH, 4
        while window.skip(step) and window.need(12):
            step = 4
            if window.position > last:
                self._damage("no-block", f"no block begins within {MAX_SEARCH >> 20} MB; what follows is not read")
                return False
            kind, size = self.heading(window.buffer, window.at)
            if not kind and not size:
                self._pass_zeros()
                step = 0
                continue
            if kind == _SECTION and window.buffer[window.at + 8 : window.at + 12] in _ORDERS:
                return True
            if kind not in _KNOWN or size < 12 or size & 3 or size > _RESYNC_BLOCK:
                continue
            if window.need(size) and self.last(window.buffer, window.at + size - 4)[0] == size:
                return True
        return False

    def _damage(self, code: str, text: str) -> None:
        self.source.damaged = True
        self.source.defect(code, text, offset=self.window.position)
