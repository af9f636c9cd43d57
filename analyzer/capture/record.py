"""One record of a capture file: the octets of one packet as they were stored."""

from __future__ import annotations

from typing import NamedTuple

from analyzer.evidence import Frame, Source


class Record(NamedTuple):
    """A packet as the file has it.

    `number` counts from 1 within `source`, as Wireshark counts; `offset` is where the record begins in the
    (uncompressed) file, in octets; `time` is nanoseconds since the epoch, or None where the record has none;
    `linktype` is the LINKTYPE_ number; `length` what the packet had on the wire, which may exceed `len(octets)`;
    `interface` tells the interfaces of one source apart.
    """

    source: Source
    number: int
    offset: int
    time: int | None
    linktype: int
    length: int
    octets: bytes
    interface: int = 0

    @property
    def place(self) -> Frame:
        """The record as evidence."""
        return Frame(self.source.name, self.number, self.offset)
