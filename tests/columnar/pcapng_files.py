"""pcapng files block by block, and what the reader of packets makes of a file beside what columns make of it."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np

from analyzer.capture import pcapng_blocks as blocks
from analyzer.capture.opener import open_sources
from analyzer.capture.packets import PacketReader
from analyzer.capture.record import Record
from analyzer.columnar.copies import hold_single
from analyzer.columnar.packets import packets_of, records_of
from analyzer.columnar.records import Unsuited
from analyzer.columnar.strangers import record_of
from analyzer.evidence import Item, RawMessage, Source
from tests.columnar.captures import Packet

MICROSECONDS, NANOSECONDS, PICOSECONDS = 6, 9, 12
"""Values of if_tsresol."""
_OFFSET = 14


def section(order: str = "<", options: bytes = b"") -> bytes:
    """The header of a section that does not say its length."""
    return blocks.block(blocks.SECTION, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1) + options, order)


def interface(order: str = "<", *, link: int = 1, resolution: int | None = None, offset: int = 0) -> bytes:
    """An interface: its clock counts microseconds where no `resolution` is given, from `offset` seconds on."""
    options = b"" if resolution is None else blocks.option(blocks.TIME_RESOLUTION, bytes([resolution]), order)
    if offset:
        options += blocks.option(_OFFSET, struct.pack(order + "q", offset), order)
    return blocks.block(blocks.INTERFACE, struct.pack(order + "HHI", link, 0, 262144) + options, order)


def packet(
    one: Packet,
    order: str = "<",
    *,
    which: int = 0,
    scale: int = 1,
    offset: int = 0,
    options: bytes = b"",
    cut: int = 0,
    claimed: int | None = None,
) -> bytes:
    """An enhanced packet block: `scale` ticks of its clock, which began at `offset` seconds, are a microsecond; `cut`
    octets were not captured; so many octets are `claimed` to be there."""
    ticks = (one.time - offset * 1_000_000) * scale
    octets = one.frame[: len(one.frame) - cut]
    captured = len(octets) if claimed is None else claimed
    fixed = struct.pack(
        order + "IIIII", which, ticks >> 32, ticks & 0xFFFFFFFF, captured, max(captured, len(one.frame))
    )
    return blocks.block(blocks.PACKET, fixed + octets + bytes(-len(octets) % 4) + options, order)


def statistics(order: str = "<", *, which: int = 0, dropped: int = 0) -> bytes:
    """Statistics of an interface that tell of packets which the system dropped."""
    options = blocks.option(5, struct.pack(order + "Q", dropped), order) + blocks.end(order)
    return blocks.block(blocks.STATISTICS, struct.pack(order + "III", which, 0, 0) + options, order)


def write_blocks(path: Path, several: Iterable[bytes]) -> Path:
    """A file of blocks."""
    path.write_bytes(b"".join(several))
    return path


def write_pcapng(path: Path, several: Sequence[Packet], order: str = "<") -> Path:
    """A capture of packets, as the programs of our days write it."""
    return write_blocks(path, [section(order), interface(order), *(packet(one, order) for one in several)])


_TOLD = frozenset(one.name for one in fields(Source)) - {"kind", "format", "title", "kept", "goes_on", "unopened"}


def assert_same_packets(path: Path) -> bool:
    """Whether columns read a file: then the messages in it, their places and times, and all that is said of the file
    itself are those of the reader."""
    try:
        packets = packets_of(records_of(path))
        hold_single(packets)
    except Unsuited:
        return False
    own = Source(str(path))
    packets.records.begin(own)

    def records() -> Iterator[Record]:
        for row in np.sort(np.concatenate([packets.plain, packets.odd])).tolist():
            yield record_of(packets, own, row)
        own.other += packets.media
        packets.records.end(own)

    reader = PacketReader()
    found = [_shown(item) for item in reader.items(records())]
    with open_sources([path], asks=False) as reading:
        wanted = [_shown(item) for item in reading]
    assert reader.copies or found == wanted
    told, expected = ({name: getattr(one, name) for name in _TOLD} for one in (own, reading.sources[0]))
    assert reader.copies or told == expected
    return not reader.copies


def _shown(item: Item) -> tuple[object, ...]:
    payload = item.payload if isinstance(item, RawMessage) else b""
    return type(item), item.place, item.time, payload, item.source, item.destination
