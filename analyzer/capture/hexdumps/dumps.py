"""Rows to dumps: which rows are one packet, and what stands above them.

The offsets of a dump rise by what its rows hold. Where they do not, lines are lost: what stands behind a gap is left
out, since what stood in it nobody knows, and the dump says so. A new dump begins at offset 0, behind a line that is no
row, or where a stream goes on (Wireshark's `Follow` counts each way on by itself). A dump of words of two octets in the
order of the machine (hexdump, od -x) is told from one of octets by what it holds, later.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from analyzer.capture.hexdumps.digits import Digits, agrees, digits_of, last_offset
from analyzer.capture.text.grammar import HOST, endpoint
from analyzer.capture.text.stamps import PATTERN
from analyzer.evidence import Endpoint

MOST = 1 << 17
"""Octets of a dump that are kept: no packet is longer."""
_LEADS = 8
_RADIXES = (16, 8, 10)
_STAMP = re.compile(rb"(?:^|[ \t\[(#])(?!\d{9,10}(?![.,\d]))(" + PATTERN + rb")(?![\d:])")
_EPOCH = re.compile(rb"Epoch (?:Arrival )?Time: (\d{9,10}\.\d{1,9})")
_PORT = rb"[:.](\d{1,5})(?![\d.])"
_ENDS = re.compile(
    rb"(?:^|[ \t(])(" + HOST + rb")" + _PORT + rb"[ \t]{0,4}(?:->|>|=>|\xe2\x86\x92)[ \t]{0,4}(" + HOST + rb")" + _PORT
)
_ARROWS = (b">", b"\xe2\x86\x92")
_NODE = re.compile(rb"[ \t]*Node ([01]): (" + HOST + rb")" + _PORT)
_SECTION = re.compile(rb"([A-Z][\w ./()-]{2,60}) \(\d{1,7} bytes?\)[ \t]*[:|]?[ \t]*\Z")
_STREAM = re.compile(rb"(?:T|TCP) |.{0,120}(?:Flags \[|: tcp )")
_HEADER = re.compile(rb"[ \t]*[A-Za-z][\w-]*:[ \t]")
"""A line of a message that stands above its dump (tcpdump -v): what it says of time is no stamp."""
_LOOKED_AT = 400
Line = tuple[int, bytes, bytes]
"""Number, text, and the stamp that its carrier gave it."""


@dataclass(slots=True)
class Title:
    """What stands above a dump: a stamp, both ends as far as they are printed, `section` where it names a part of a
    packet (`Reassembled TCP`)."""

    stamp: bytes = b""
    carried: bytes = b""
    source: Endpoint | None = None
    destination: Endpoint | None = None
    transport: str = ""
    section: bytes = b""
    is_dated: bool = False

    def see(self, text: bytes, carried: bytes) -> None:
        """The next line above a dump."""
        text = text[:_LOOKED_AT]
        self.carried = carried or self.carried
        section = _SECTION.match(text)
        self.section = section[1] if section else self.section if not text.strip() else b""
        if section:
            return
        if match := _EPOCH.search(text):
            self.stamp, self.is_dated = match[1], True
        elif not self.is_dated and not _HEADER.match(text) and (match := _STAMP.search(text[:80])):
            self.stamp = match[1]
        if any(arrow in text for arrow in _ARROWS) and (match := _ENDS.search(text)):
            self.source, self.destination = endpoint(match[1], match[2]), endpoint(match[3], match[4])
            self.transport = "TCP" if _STREAM.match(text) else "UDP"


@dataclass(slots=True)
class Dump:
    """The octets that some rows hold, with the lines where they stand. `base` is the offset of the first octet;
    `goes_on` says that a stream of one way goes on here; `gap` where rows are lost, from which on nothing is kept;
    `differing` counts rows whose characters contradict their digits, `wrapped` those whose characters stand below."""

    first: int
    last: int
    title: Title
    base: int = 0
    lead: int = 0
    octets: bytearray = field(default_factory=bytearray)
    goes_on: bool = False
    has_offsets: bool = False
    pairs: bool = False
    agrees: bool = False
    differing: int = 0
    gap: int | None = None
    repeats: bool = False
    spaced: bool = False
    width: int = 0
    radix: int = 0
    wrapped: int = 0
    row: bytes = b""
    """The octets of the last row, if nothing showed all of them yet."""
    begun: bytes = b""
    """The characters behind the last row, if they are the first ones of it."""
    is_raw: bool = False
    """Whether each row is a packet of a stream (Wireshark's `Follow`, raw)."""

    def takes(self, number: int, row: Digits) -> bool:
        """Add a row, if it belongs to this dump."""
        if bool(row.offset) is not self.has_offsets or row.lead != self.lead:
            return False
        if not row.offset:
            if not self.is_raw and (self.spaced or self.width < len(row.octets) or self._last_width < self.width):
                return False
        elif not self._is_next(row):
            return False
        self._add(number, row)
        return True

    @property
    def _last_width(self) -> int:
        return len(self.octets) - (len(self.octets) - 1) // self.width * self.width if self.octets else 0

    def _is_next(self, row: Digits) -> bool:
        """Whether an offset is the next one, or one behind a gap."""
        here = self.base + len(self.octets)
        if not self.radix:
            self.radix = next((radix for radix in _RADIXES if _value(row.offset, radix) == here), 0)
        value = _value(row.offset, self.radix or 16)
        if self.repeats and value > here:
            self.fill(value)
            here = self.base + len(self.octets)
        if value < here or (self.gap is not None and value < self.gap):
            return False
        if value > here and self.gap is None:
            self.gap = here
        return value - here < MOST

    def _add(self, number: int, row: Digits) -> None:
        self.last, self.spaced, self.repeats = number, False, False
        self.width = self.width or len(row.octets)
        if self.gap is not None:
            return
        self.octets += row.octets
        self.row = b"" if row.agrees or (row.differs and not row.begun) else row.octets
        self.begun = row.begun
        self.differing += row.differs
        self.agrees = self.agrees or row.agrees
        if len(self.octets) > MOST:
            del self.octets[MOST:]
            self.gap = self.base + MOST

    def continues(self, number: int, text: bytes) -> bool:
        """Whether a line holds the characters of the row above, or the last ones: a width broke it there."""
        if not self.row or not agrees(self.begun + text.strip(b" \t\r"), self.row):
            return False
        self.differing -= bool(self.begun)
        self.row, self.begun, self.last = b"", b"", number
        self.wrapped += 1
        return True

    def fill(self, value: int) -> None:
        """Rows that were left out because they repeat the last one (`*`): as many octets as there are, at most."""
        missing = value - self.base - len(self.octets)
        if self.gap is None and self.width and 0 < missing <= min(len(self.octets), MOST - len(self.octets)):
            row = bytes(self.octets[-self.width :])
            self.octets += (row * (missing // self.width + 1))[:missing]
        self.repeats = False

    def ends_at(self, text: bytes) -> None:
        """The offset that stands behind the last row: rows before it may be left out, or lost; a last word has an octet
        less."""
        value = _value(text, self.radix or 16)
        if self.repeats:
            self.fill(value)
        here = self.base + len(self.octets)
        if self.gap is None and value == here - 1 and self.pairs:
            del self.octets[-2 if not self.octets[-2] else -1]
        elif self.gap is None and value > here and value - here < MOST:
            self.gap = here


def _value(offset: bytes, radix: int) -> int:
    try:
        return int(offset, radix)
    except ValueError:
        return -1


class Dumps:
    """Iterate it once: the dumps in lines of a text, in their order."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._lines = lines
        self._title = Title()
        self._ends: dict[int, int] = {}  # per indentation: where the last dump of a stream ended
        self._nodes: list[Endpoint | None] = [None, None]

    def __iter__(self) -> Iterator[Dump]:
        dump: Dump | None = None
        for number, text, carried in self._lines:
            if dump is not None and dump.row and dump.continues(number, text):
                continue
            row = digits_of(text)
            if row is not None and dump is not None and dump.takes(number, row):
                continue
            if row is None and dump is not None and self._is_inside(dump, number, text):
                continue
            if dump is not None:
                yield self._ended(dump)
            dump = None if row is None else self._begun(number, row, carried)
            if row is None:
                self._see(text, carried)
        if dump is not None:
            yield self._ended(dump)

    def _is_inside(self, dump: Dump, number: int, text: bytes) -> bool:
        """Whether a line that is no row belongs to a dump all the same."""
        bare = text.strip(b" \t\r")
        if not bare:
            dump.spaced = True
            return dump.has_offsets
        if bare == b"*" and dump.has_offsets:
            dump.repeats, dump.last = True, number
            return True
        if dump.has_offsets and (offset := last_offset(text)):
            dump.ends_at(offset)
            dump.last = number
        return False

    def _begun(self, number: int, row: Digits, carried: bytes) -> Dump:
        title, self._title = self._title, Title()
        title.carried = title.carried or carried
        value = _value(row.offset, 16) if row.offset else 0
        goes_on = value > 0 and self._ends.get(row.lead) == value
        if self._nodes[0] is not None:
            way = self._nodes if not row.lead else self._nodes[::-1]
            title = replace(title, source=way[0], destination=way[1])
        dump = Dump(number, number, title, value, row.lead, goes_on=goes_on, has_offsets=bool(row.offset))
        dump.pairs, dump.is_raw = row.pairs, self._nodes[0] is not None
        dump._add(number, row)
        return dump

    def _ended(self, dump: Dump) -> Dump:
        if len(self._ends) >= _LEADS:
            self._ends.clear()
        self._ends[dump.lead] = dump.base + len(dump.octets)
        return dump

    def _see(self, text: bytes, carried: bytes) -> None:
        if text.startswith(b"Follow: "):
            self._ends.clear()
            self._nodes = [None, None]
            self._title.transport = "TCP" if text.startswith(b"Follow: tcp") else ""
        elif match := _NODE.match(text):
            self._nodes[int(match[1])] = endpoint(match[2], match[3])
        else:
            self._title.see(text, carried)
