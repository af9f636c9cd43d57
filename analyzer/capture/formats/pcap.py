"""Classic pcap: a header of 24 octets, then records of 16 octets and a packet.

Our own walk, because it is the hot path and because libraries drop what evidence needs: record number, offset and the
original length. The magic number tells octet order and clock step: a1b2c3d4 microseconds, a1b23c4d nanoseconds,
a1b2cd34 the modified form with 8 more octets per record; what it does not tell is tried (`pcap_layouts`). Nothing marks
the start of a record, so an absurd length ends the walk: what came before is kept, what comes after cannot be trusted.
A header of nothing but zeros is no record but room: some writers make it before they need it, a hole in a sparse file
reads so, and billions of them fit into one.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from analyzer.capture import media, pcap_layouts
from analyzer.capture.pcap_layouts import MAGICS, MAX_PACKET, Header
from analyzer.capture.record import Record
from analyzer.capture.window import KEPT, Window
from analyzer.evidence import SECOND, Source

NAME = "pcap"
TITLE = "pcap capture"
EXAMPLE = struct.pack("<IHHiIII4I20s", 0xA1B2C3D4, 2, 4, 0, 0, 0xFFFF, 101, 1, 0, 20, 20, b"\x45" * 20)

MAX_HOLE = 1 << 26
"""Zeros that are passed over, in octets; behind more of them nothing is looked for."""

_FILE_HEADER = 24
_new = tuple.__new__


def looks_like(head: bytes) -> bool:
    """Whether the file begins with one of the magic numbers, in either octet order."""
    return head[:4] in MAGICS


def records(stream: BinaryIO, source: Source) -> Iterator[Record]:
    """The packets of the file, as far as they can be read; damage is noted in `source`."""
    walk = _walk(stream, source)
    if walk is not None:
        yield from walk.records()


def all_records(stream: BinaryIO, source: Source) -> Iterator[Record]:
    """The same with the media: who copies a capture needs all of it."""
    walk = _walk(stream, source)
    if walk is not None:
        walk.look = None
        yield from walk.records()


def _walk(stream: BinaryIO, source: Source) -> _Walk | None:
    window = Window(stream)
    if not window.need(_FILE_HEADER):
        _damage(source, "short-header", "the file ends inside its header", 0)
        return None
    head = pcap_layouts.header(window.buffer[window.at : window.at + _FILE_HEADER])
    source.resolution = head.step
    window.at = _FILE_HEADER
    size, remark = pcap_layouts.length(window, head)
    if remark:
        source.quality.append(remark)
    return _Walk(window, source, head, size)


class _Walk:
    """The state of one walk: `header` octets stand before each packet, `step` nanoseconds are one tick."""

    def __init__(self, window: Window, source: Source, head: Header, header: int) -> None:
        self.window = window
        self.source = source
        self.head = head
        self.step = head.step
        self.header = header
        self.linktype = head.linktype
        self.plain = struct.Struct(head.order + "IIII").unpack_from
        self.look = media.look(head.order, f"IIII{header - 16}x", head.linktype)
        self.number = 0

    def records(self) -> Iterator[Record]:
        """The records that may be of interest; media is counted and passed by."""
        window, source, header, linktype = self.window, self.source, self.header, self.linktype
        step, look, not_media = self.step, self.look, media.NOT_MEDIA
        first = look.unpack.size - 1 if look is not None else 0
        usual = self.head.swapped is False
        while True:
            if look and len(window.buffer) > window.at + first and not not_media[window.buffer[window.at + first]]:
                self._pass_media(look)
            if not window.need(header):
                break
            buffer, at = window.buffer, window.at
            seconds, fraction, captured, length = self.plain(buffer, at)
            if not usual:
                captured, length = pcap_layouts.lengths(self.head, captured, length)
            if not captured and not (seconds or fraction or length):
                if not self._hole():
                    return
                continue
            if captured > MAX_PACKET:
                text = f"record {self.number + 1} claims {captured} octets"
                _damage(source, "absurd-length", text, window.position)
                return
            end = at + header + captured
            if end > len(buffer):
                if not window.need(header + captured):
                    text = f"the file ends inside record {self.number + 1}"
                    _damage(source, "truncated-record", text, window.position)
                    return
                buffer, at = window.buffer, window.at
                end = at + header + captured
            self.number = number = self.number + 1
            time = seconds * SECOND + fraction * step
            octets = buffer[at + header : end]
            yield _new(Record, (source, number, window.position, time, linktype, length, octets, 0))
            window.at = end
        if window.left:
            text = f"the file ends inside the header of record {self.number + 1}"
            _damage(source, "truncated-record", text, window.position)

    def _hole(self) -> bool:
        """Pass over zeros where a record should begin; False where nothing follows that can be read."""
        window, begin = self.window, self.window.position
        passed, ended = window.zeros(MAX_HOLE)
        if ended:
            self.source.quality.append(
                f"the rest of the file, {passed} octets from offset {begin} on, is zeros: room that was not written to"
            )
            return False
        back = next((back for back in range(KEPT + 1) if self._is_record(back)), None) if passed < MAX_HOLE else None
        if back is None:
            many = str(passed) if passed < MAX_HOLE else f"more than {MAX_HOLE >> 20} million"
            text = f"{many} zeros where record {self.number + 1} should begin; what follows is not read"
            _damage(self.source, "zeros", text, begin)
            return False
        window.at -= back
        passed -= back
        _damage(self.source, "zeros", f"{passed} zeros between two records", begin)
        if not passed % self.header:
            self.number += passed // self.header  # Wireshark counts them as packets
        return True

    def _is_record(self, back: int) -> bool:
        """Whether a record can begin so many octets before the window's place: its first octets may be zeros too."""
        window = self.window
        if not window.need(self.header):
            return False
        _, fraction, *both = self.plain(window.buffer, window.at - back)
        captured, length = pcap_layouts.lengths(self.head, *both)
        return bool(0 < captured <= min(length, MAX_PACKET) and fraction * self.step < SECOND)

    def _pass_media(self, look: media.Look) -> None:
        """Step over the media that begins at the window's place, as far as the window goes."""
        window, header = self.window, self.header
        form, ipv4, whole, unsplittable, least = look
        buffer, at, unpack, not_media = window.buffer, window.at, form.unpack_from, media.NOT_MEDIA
        begin = before = at
        passed, size, last = 0, len(buffer), len(buffer) - form.size
        second = SECOND // self.step
        latest = ticks = -1  # where time steps back the general way looks, so that the first and last time are right
        while at <= last:
            seconds, fraction, captured, length, ethertype, version, flags, protocol, first = unpack(buffer, at)
            if (
                protocol != media.UDP
                or not_media[first]
                or ethertype != ipv4
                or version != media.WHOLE_HEADER
                or (flags != unsplittable and flags != whole)
                or captured != length
                or captured < least
                or at + header + captured > size
                or (fraction < ticks and seconds <= latest)
                or seconds < latest
                or fraction >= second
            ):
                break
            latest, ticks = seconds, fraction
            passed += 1
            before = at
            at += header + captured
        if passed:
            self.number += passed
            self.source.frames = self.number
            self.source.other += passed
            window.at = at
            for place in (begin, before):
                seconds, fraction, _, _ = self.plain(buffer, place)
                self.source.note_time(seconds * SECOND + fraction * self.step)


def _damage(source: Source, code: str, text: str, offset: int) -> None:
    source.damaged = True
    source.defect(code, text, offset=offset)
