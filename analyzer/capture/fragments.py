"""Fragments put together (RFC 791 3.2, RFC 8200 4.5), in bounded memory.

A whole is finished when its last fragment is there and nothing is missing before it. Wholes that stay open are given
up 30 seconds of capture time after their first fragment (what RFC 791 and most systems use), or, oldest first, when too
many are open; each is a defect of the source, since a message that nobody can read any more may have been in it.
"""

from __future__ import annotations

from typing import NamedTuple

from analyzer.capture.ip import Packet
from analyzer.capture.pieces import Pieces
from analyzer.capture.record import Record
from analyzer.evidence import SECOND

TIMEOUT = 30 * SECOND
"""Nanoseconds of capture time after which an unfinished whole is given up."""

MAX_OPEN = 1024
"""Wholes that may be open at once."""

MAX_HELD = 1 << 24
"""Octets that all open wholes together may hold, with `PIECE` for each fragment."""

PIECE = 256
"""Octets that a fragment costs beside its own: most of the memory, where it has eight."""

_LARGEST = 65535  # octets of an IP packet


class _Key(NamedTuple):
    source: bytes
    destination: bytes
    protocol: int
    ident: int | None


class _Whole:
    """One packet that is being put together. `cut` is the first octet that the capture cut off, if any."""

    __slots__ = ("cut", "pieces", "protocol", "record", "total")

    def __init__(self, record: Record) -> None:
        self.pieces = Pieces()
        self.record = record
        self.total: int | None = None
        self.cut: int | None = None
        self.protocol = 0

    @property
    def cost(self) -> int:
        """Octets of memory."""
        return self.pieces.held + PIECE * len(self.pieces)

    def fits(self, end: int, *, last: bool) -> bool:
        """Whether a fragment that ends at `end` agrees with what is known of the length."""
        if self.total is not None:
            return end == self.total if last else end <= self.total
        return not last or end >= self.pieces.end


class Reassembler:
    """Takes fragments, gives whole packets."""

    def __init__(self) -> None:
        self._open: dict[_Key, _Whole] = {}
        self._held = 0

    def add(self, packet: Packet, record: Record) -> Packet | None:
        """Take a fragment that came in `record`; the whole packet when this completes it."""
        self._expire(record.time)
        protocol = packet.protocol if len(packet.source) == 4 else -1  # IPv6: only the first fragment must know it
        key = _Key(packet.source, packet.destination, protocol, packet.ident)
        whole = self._open.get(key)
        if whole is None:
            whole = self._open[key] = _Whole(record)
        self._put(whole, packet, record)
        if whole.total is None or whole.pieces.held < whole.total:
            self._bound()
            return None
        self._drop(key)
        octets = whole.pieces.join()
        body = octets[: whole.cut]
        missing = len(octets) - len(body)
        return packet._replace(
            protocol=whole.protocol, body=body, missing=missing, offset=0, more=False, reassembled=True
        )

    def _put(self, whole: _Whole, packet: Packet, record: Record) -> None:
        start, end = packet.offset, packet.offset + len(packet.body) + packet.missing
        if end > _LARGEST or not whole.fits(end, last=not packet.more):
            record.source.defect("bad-fragment", "a fragment contradicts the length of its packet", record.place)
            return
        if not packet.offset:
            whole.protocol = packet.protocol
        if not packet.more:
            whole.total = end
        octets = packet.body
        if packet.missing:
            cut = start + len(octets)
            whole.cut = cut if whole.cut is None else min(whole.cut, cut)
            octets += bytes(packet.missing)
        before = whole.cost
        if whole.pieces.add(start, octets):
            record.source.defect(
                "overlapping-fragments", "fragments overlap and differ; the first is kept", record.place
            )
        self._held += whole.cost - before

    def _expire(self, now: int | None) -> None:
        """Give up what is too old: wholes stand in the order of their first fragments."""
        while now is not None and self._open:
            key, whole = next(iter(self._open.items()))
            if whole.record.time is not None and now - whole.record.time <= TIMEOUT:
                return
            self._give_up(key)

    def _bound(self) -> None:
        while len(self._open) > MAX_OPEN or self._held > MAX_HELD:
            self._give_up(next(iter(self._open)))

    def _drop(self, key: _Key) -> _Whole:
        whole = self._open.pop(key)
        self._held -= whole.cost
        return whole

    def _give_up(self, key: _Key) -> None:
        record = self._drop(key).record
        record.source.defect("incomplete-fragments", "fragments of a packet are missing", record.place)

    def finish(self) -> None:
        """Report what is still open at the end."""
        while self._open:
            self._give_up(next(iter(self._open)))
