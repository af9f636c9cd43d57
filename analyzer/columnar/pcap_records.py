"""The records of a classic pcap file, as `capture/formats/pcap.py` has them (docs/columnar.md)."""

from __future__ import annotations

import io
import re
import struct

from analyzer.capture import pcap_layouts
from analyzer.capture.pcap_layouts import MAX_PACKET, Header
from analyzer.capture.window import Window
from analyzer.columnar.records import LINKS, Damage, Octets, Records, Unsuited, hold_dated, hold_whole, rows_of
from analyzer.columnar.walk import Chain, Guess, walk
from analyzer.evidence import SECOND

_FILE_HEADER, _HEADER = 24, 16
_CAPTURED = 8
"""Where a record's header has the captured length."""
# Two lengths that are the same, not 0, and less than 65,536.
_TWICE = {
    "<": re.compile(rb"(?s)(?=.{8}(?!\0\0)(..\0\0)\1)"),
    ">": re.compile(rb"(?s)(?=.{8}(\0\0(?!\0\0)..)\1)"),
}
_LOOKED_AT = 32 * MAX_PACKET
"""Octets from the beginning by which the form of records is told, some of them."""
_IN_A_ROW = 3
"""Records in a row that make a guess."""


def records_of(octets: Octets) -> Records:
    """The records of a file that begins with a magic number. Raises `Unsuited` for anything that is not as nearly all
    such files are."""
    head = _head(octets)
    at, stop = walk(octets, _FILE_HEADER, _chain(head))
    damage = None if stop == len(octets) else _damage(octets, head, stop, len(at))
    fields = rows_of(octets, at, _HEADER).view(f"{head.order}u4")
    captured, fraction = fields[:, 2].astype("i8"), fields[:, 1].astype("i8") * head.step
    hold_whole(captured, fields[:, 3])
    if bool((fraction >= SECOND).any()):
        raise Unsuited("times are absurd")
    time = fields[:, 0].astype("i8") * SECOND + fraction
    hold_dated(time)
    return Records(octets, at, time, captured, head.linktype, head.step, _HEADER, damage=damage)


def _head(octets: Octets) -> Header:
    if len(octets) < _FILE_HEADER:
        raise Unsuited("it is too short")
    window = Window(io.BytesIO(octets[:_LOOKED_AT].tobytes()))
    window.need(_FILE_HEADER)
    head = pcap_layouts.header(window.buffer[:_FILE_HEADER])
    window.at = _FILE_HEADER
    size, remark = pcap_layouts.length(window, head)
    if size != _HEADER or remark or head.swapped is not False or head.linktype not in LINKS:
        raise Unsuited("its records or its link layer are uncommon")
    return head


def _chain(head: Header) -> Chain:
    return Chain(head.order, _CAPTURED, _HEADER, 1, MAX_PACKET, 1, _HEADER, _guess(head))


def _guess(head: Header) -> Guess:
    pattern, read = _TWICE[head.order], struct.Struct(head.order + "IIII").unpack_from

    def is_likely(buffer: memoryview, at: int) -> bool:
        for _ in range(_IN_A_ROW):
            if at + _HEADER > len(buffer):
                return False
            _, fraction, captured, length = read(buffer, at)
            if not 0 < captured <= MAX_PACKET or captured != length or fraction * head.step >= SECOND:
                return False
            at += _HEADER + captured
        return True

    def guess(buffer: memoryview, begin: int, end: int) -> int:
        found = (match.start() for match in pattern.finditer(buffer, begin, end))
        return next((at for at in found if is_likely(buffer, at)), -1)

    return guess


def _damage(octets: Octets, head: Header, stop: int, before: int) -> Damage:
    """What the reader says of a file that ends inside a record, behind so many that are whole; `Unsuited` where that is
    not all that is wrong."""
    left = octets[stop:].tobytes()
    if len(left) < _HEADER:
        return Damage("truncated-record", f"the file ends inside the header of record {before + 1}", stop)
    (captured,) = struct.unpack_from(head.order + "I", left, _CAPTURED)
    if not 0 < captured <= MAX_PACKET or len(left) >= _HEADER + captured:
        raise Unsuited("its records do not follow each other")
    return Damage("truncated-record", f"the file ends inside record {before + 1}", stop)
