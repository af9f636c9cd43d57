"""Classic pcap: a header of 24 octets, then records of 16 octets and a packet.

Our own walk, because it is the hot path and because libraries drop what evidence needs: record number, offset and the
original length. The magic number tells octet order and clock step: a1b2c3d4 microseconds, a1b23c4d nanoseconds,
a1b2cd34 the modified form with 8 more octets per record. Nothing marks the start of a record, so an absurd length ends
the walk: what came before is kept, what comes after cannot be trusted.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import BinaryIO

from analyzer.capture.record import Record
from analyzer.capture.window import Window
from analyzer.evidence import SECOND, Source

NAME = "pcap"
KIND = "capture"
TITLE = "pcap capture"

MAX_PACKET = 262144
"""Longest packet that is believed; what Wireshark believes too."""

_FILE_HEADER = 24
_LINKTYPE = 0x03FF_FFFF  # the upper bits tell of the frame check sequence
_Unpack = Callable[[bytes, int], tuple[int, ...]]
# magic -> (octet order, nanoseconds per step, octets of a record header)
_FORMS = {
    order.pack(magic): (order.format[0], step, header)
    for order in (struct.Struct("<I"), struct.Struct(">I"))
    for magic, step, header in ((0xA1B2C3D4, 1000, 16), (0xA1B23C4D, 1, 16), (0xA1B2CD34, 1000, 24))
}


def looks_like(head: bytes) -> bool:
    """Whether the file begins with one of the magic numbers, in either octet order."""
    return head[:4] in _FORMS


def records(stream: BinaryIO, source: Source) -> Iterator[Record]:
    """The packets of the file, as far as they can be read; damage is noted in `source`."""
    window = Window(stream)
    if not window.need(_FILE_HEADER):
        _damage(source, "short-header", "the file ends inside its header", 0)
        return
    order, step, header = _FORMS[window.buffer[:4]]
    linktype = struct.unpack_from(order + "I", window.buffer, 20)[0] & _LINKTYPE
    source.resolution = step
    window.at = _FILE_HEADER
    yield from _walk(window, source, struct.Struct(order + "IIII").unpack_from, step, header, linktype)


def _walk(window: Window, source: Source, unpack: _Unpack, step: int, header: int, linktype: int) -> Iterator[Record]:
    number = 0
    while window.need(header):
        buffer, at = window.buffer, window.at
        seconds, fraction, captured, length = unpack(buffer, at)
        if captured > MAX_PACKET:
            _damage(source, "absurd-length", f"record {number + 1} claims {captured} octets", window.position)
            return
        end = at + header + captured
        if end > len(buffer):
            if not window.need(header + captured):
                _damage(source, "truncated-record", f"the file ends inside record {number + 1}", window.position)
                return
            buffer, at = window.buffer, window.at
            end = at + header + captured
        number += 1
        time = seconds * SECOND + fraction * step
        yield Record(source, number, window.position, time, linktype, length, buffer[at + header : end])
        window.at = end
    if window.left:
        _damage(source, "truncated-record", f"the file ends inside the header of record {number + 1}", window.position)


def _damage(source: Source, code: str, text: str, offset: int) -> None:
    source.damaged = True
    source.defect(code, text, offset=offset)
