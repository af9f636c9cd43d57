"""A capture once more, as pcapng, with comments on its packets that Wireshark shows (opt_comment, pcapng 3.5).

Of pcapng every octet is copied as it stands (interfaces, name resolution, decryption secrets, statistics, blocks that
nobody knows, damage): a packet block with a comment alone is written anew, with the comment behind the options that it
has, and a section that says its length says the new one. Classic pcap has no room for comments: its packets become
blocks of one interface, with their number, octets, lengths and times. What was compressed is written plain.

A simple packet block has no options, and a packet that our own walk does not find has no block: what is to be said of
these stands in the comment of the first section, with the number of the frame.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO, NamedTuple

from analyzer.capture import pcapng_blocks as blocks
from analyzer.capture.formats import pcap, pcapng
from analyzer.capture.input_stream import InputStream
from analyzer.capture.pcap_layouts import header
from analyzer.capture.window import Window
from analyzer.defect import SourceError
from analyzer.evidence import Source

MOST_GENERAL = 1000
"""Comments of a section: more are counted in the last of them."""

_ORDERS = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
_MOST_OCTETS = 0xFFFF - 3
_CHUNK = 1 << 18
_FIXED = {blocks.SECTION: 24, blocks.OLD_PACKET: 28, blocks.PACKET: 28}
"""Octets of a block before what its length or its options tell."""
_FCS_SAID = 1 << 26  # in the link type of a pcap header; the length in 16-bit words is above it


class Annotated(NamedTuple):
    """What was written: `packets` that got a comment, `comments` on packets, `frames` that cannot carry one, and in
    `damage` what of the file could not be read."""

    packets: int
    comments: int
    frames: tuple[int, ...]
    damage: tuple[str, ...]


def annotate(path: str, out: BinaryIO, comments: Mapping[int, Sequence[str]], general: Sequence[str]) -> Annotated:
    """Write the capture at `path` to `out`, a file that can be sought in, with `comments` by the number of the frame
    (from 1, as Wireshark counts) and `general` ones on the whole. What a packet says already is not said again.

    SourceError where it is neither pcap nor pcapng; OSError where it cannot be read or `out` not be written.
    """
    done = _Copy(path, out, comments, general).written()
    if not done.frames:
        return done
    out.seek(0)
    out.truncate()
    homeless = [f"frame {number}: {text}" for number in done.frames for text in comments[number]]
    return _Copy(path, out, comments, [*general, *homeless]).written()


class _Copy:
    """One way through the file."""

    def __init__(self, path: str, out: BinaryIO, comments: Mapping[int, Sequence[str]], general: Sequence[str]) -> None:
        self._path = path
        self._out = out
        self._comments = comments
        self._general = _bounded(general)
        self._at: dict[int, int] = {}  # where the blocks of the frames with comments begin
        self._carrying: set[int] = set()
        self._packets = self._added = 0
        self._sign = "<"
        self._length_at = self._length = self._grown = 0  # of the section at hand: where it says its length, and what
        self._is_first = True

    def written(self) -> Annotated:
        source = Source(self._path, "capture")
        with open(self._path, "rb") as file, InputStream(file, source) as stream:
            head = stream.head(12)
            if pcapng.looks_like(head):
                self._look_up()
                self._copy(Window(_buffered(stream)))
            elif pcap.looks_like(head):
                self._convert(stream, source)
            else:
                hint = f"write it as pcapng first: editcap -F pcapng {self._path} new.pcapng"
                raise SourceError(self._path, "is of a format that comments cannot be put into", hint=hint)
        missing = tuple(sorted(number for number in self._comments if number not in self._carrying))
        damage = tuple(defect.text for _, defect in source.defect_list)
        return Annotated(self._packets, self._added, missing, damage)

    # pcapng: copied

    def _look_up(self) -> None:
        """Find where the blocks of the frames begin: what is a packet, and which number it has, the reader says."""
        scratch = Source(self._path, "capture")
        last = max(self._comments, default=0)
        with open(self._path, "rb") as file, InputStream(file, scratch) as stream:
            for record in pcapng.records(_buffered(stream), scratch):
                if record.number in self._comments:
                    self._at[record.offset] = record.number
                if record.number >= last:
                    break

    def _copy(self, window: Window) -> None:
        """Copy block after block; from damage on as far as the next block that is to be changed."""
        places = iter([*sorted(self._at), None])
        following = next(places)
        while window.need(1):
            size = self._size(window)
            if not size:
                following = _later(following, places, window.position)
                self._copy_octets(window, None if following is None else following - window.position)
                continue
            number = self._at.get(window.position)
            if number is not None or (self._general and self._is_first):
                self._out.write(self._changed(window.buffer[window.at : window.at + size], number))
            else:
                self._out.write(window.buffer[window.at : window.at + size])
            self._is_first = False
            window.at += size
        self._end_section()

    def _size(self, window: Window) -> int:
        """Octets of the block at the window's place, all of which are there; 0 where no block can be told."""
        if not window.need(12):
            return 0
        head = window.buffer[window.at : window.at + 12]
        if head[:4] == b"\n\r\r\n" and head[8:] in _ORDERS:
            self._end_section()
            self._sign = _ORDERS[head[8:]]
        (size,) = struct.unpack_from(self._sign + "I", head, 4)
        if size < 12 or size & 3 or size > blocks.MAX_BLOCK or not window.need(size):
            return 0
        if window.buffer[window.at + size - 4 : window.at + size] != head[4:8]:
            return 0
        if head[:4] == b"\n\r\r\n" and size >= 28:
            (self._length,) = struct.unpack_from(self._sign + "q", window.buffer, window.at + 16)
            self._length_at = self._out.tell() + 16
        return int(size)

    def _copy_octets(self, window: Window, count: int | None) -> None:
        """Copy so many octets, or all that are left."""
        while (count is None or count > 0) and window.need(1):
            part = window.buffer[window.at : window.at + min(window.left, _CHUNK if count is None else count)]
            self._out.write(part)
            window.at += len(part)
            count = None if count is None else count - len(part)

    def _end_section(self) -> None:
        """Correct the length that the section says of itself."""
        if self._grown and self._length_at and self._length > 0:
            end = self._out.tell()
            self._out.seek(self._length_at)
            self._out.write(struct.pack(self._sign + "q", self._length + self._grown))
            self._out.seek(end)
        self._grown = self._length_at = 0
        self._length = blocks.UNKNOWN_LENGTH

    def _changed(self, block: bytes, number: int | None) -> bytes:
        """A block with its comments, or the block as it is where it can carry none."""
        (kind,) = struct.unpack_from(self._sign + "I", block)
        is_section = kind == blocks.SECTION
        texts = self._general if is_section else self._comments[number] if number is not None else ()
        begin = _options_begin(kind, block, self._sign)
        if begin is None:
            return block
        end, there = _options_end(block, begin, self._sign)
        fresh = [text for text in map(_octets, texts) if text not in there]
        added = b"".join(blocks.option(blocks.COMMENT, text, self._sign) for text in fresh)
        if not is_section:
            self._note(number or 0, len(fresh))
        if not added:
            return block
        rest = block[end:-4] or blocks.end(self._sign)
        body = block[8:end] + added + rest
        if not is_section:  # a section's own header is not counted in its length
            self._grown += 12 + len(body) - len(block)
        return blocks.block(kind, body, self._sign)

    def _note(self, number: int, comments: int) -> None:
        self._carrying.add(number)
        self._packets += 1
        self._added += comments

    # pcap: made anew

    def _convert(self, stream: InputStream, source: Source) -> None:
        head = header(stream.head(24).ljust(24, b"\0"))
        link = struct.unpack_from(head.order + "I", stream.head(24).ljust(24, b"\0"), 20)[0]
        if head.linktype > 0xFFFF:
            raise SourceError(self._path, f"has a link type that pcapng cannot say: {head.linktype}")
        self._out.write(blocks.section(_comments(self._general)))
        options = blocks.option(
            blocks.TIME_RESOLUTION, blocks.MICROSECONDS if head.step == 1000 else blocks.NANOSECONDS
        )
        if link & _FCS_SAID:
            options += blocks.option(blocks.CHECK_LENGTH, bytes([2 * (link >> 28)]))
        self._out.write(blocks.interface(head.linktype, head.snaplen, options))
        last = 0
        for record in pcap.all_records(_buffered(stream), source):
            for number in range(last + 1, record.number):  # zeros between two records are counted, so they are written
                self._write_packet(number, 0, b"", 0)
            last = record.number
            self._write_packet(last, (record.time or 0) // head.step, record.octets, record.length)

    def _write_packet(self, number: int, ticks: int, octets: bytes, length: int) -> None:
        texts = self._comments.get(number)
        if texts is None:
            self._out.write(blocks.packet(0, ticks, octets, length))
            return
        self._out.write(blocks.packet(0, ticks, octets, length, _comments(texts) + blocks.end()))
        self._note(number, len(texts))


def _comments(texts: Sequence[str]) -> bytes:
    return b"".join(blocks.option(blocks.COMMENT, _octets(text)) for text in texts)


def _buffered(stream: InputStream) -> BinaryIO:
    return io.BufferedReader(stream, _CHUNK)


def _later(following: int | None, places: Iterator[int | None], position: int) -> int | None:
    """The first of the places that lies behind a position."""
    while following is not None and following <= position:
        following = next(places)
    return following


def _options_begin(kind: int, block: bytes, sign: str) -> int | None:
    """Where the options of a block begin; None where it can have none."""
    fixed = _FIXED.get(kind)
    if fixed is None or len(block) < fixed + 4:
        return None
    captured = struct.unpack_from(sign + "I", block, 20)[0] if kind != blocks.SECTION else 0
    begin = int(fixed + captured + (-captured % 4))
    return begin if begin <= len(block) - 4 else None


def _options_end(block: bytes, at: int, sign: str) -> tuple[int, set[bytes]]:
    """Where the last option ends that is well-formed, before the end of options, and the comments among them."""
    there, last = set(), len(block) - 4
    while at + 4 <= last:
        code, size = struct.unpack_from(sign + "HH", block, at)
        after = at + 4 + size + (-size % 4)
        if not code or after > last:
            break
        if code == blocks.COMMENT:
            there.add(block[at + 4 : at + 4 + size])
        at = after
    return at, there


def _octets(text: str) -> bytes:
    """A comment as it is stored: UTF-8, not terminated; what is too long is cut between two characters."""
    octets = text.encode("utf-8", "backslashreplace")
    return octets if len(octets) <= _MOST_OCTETS else octets[:_MOST_OCTETS].decode("utf-8", "ignore").encode()


def _bounded(general: Sequence[str]) -> list[str]:
    if len(general) <= MOST_GENERAL:
        return list(general)
    return [*general[: MOST_GENERAL - 1], f"sipcheck: and {len(general) - MOST_GENERAL + 1:,} more comments"]
