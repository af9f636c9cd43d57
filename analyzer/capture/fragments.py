"""Fragments put together (RFC 791 3.2, RFC 8200 4.5), in bounded memory.

A whole is finished when its last fragment is there and nothing is missing before it. Wholes that stay open are given
up 30 seconds of capture time after their first fragment (what RFC 791 and most systems use), or, oldest first, when too
many are open; each is a defect of the source, since a message that nobody can read any more may have been in it.

A capture may hold a packet several times: from several interfaces, or from a mirror port that shows both ways. Each
interface has its own wholes, so that one that was cut by a snap length does not spoil the other; what none of them has
whole is put together of the fragments of all, since a bundle of links may share them out. A fragment that is in a whole
that was finished a moment ago is a copy of it, and where nothing but copies stays open nothing is missing.

What begins a whole that is not finished two seconds after its latest fragment is given out by itself (`heads`): the
first fragment of a request has its headers, and without it the sender would seem to have said nothing.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import NamedTuple

from dpkt.ip import IP_PROTO_UDP

from analyzer.capture.ip import Packet
from analyzer.capture.pieces import Pieces
from analyzer.capture.record import Record
from analyzer.evidence import SECOND

TIMEOUT = 30 * SECOND
"""Nanoseconds of capture time after which an unfinished whole is given up."""

PATIENCE = 2 * SECOND
"""Nanoseconds after its latest fragment until the beginning of an unfinished whole is given out: fragments follow each
other within milliseconds."""

MAX_OPEN = 1024
"""Wholes that may be open at once."""

MAX_HELD = 1 << 24
"""Octets that all open wholes together may hold, with `PIECE` for each fragment."""

PIECE = 256
"""Octets that a fragment costs beside its own: most of the memory, where it has eight."""

MARK = 128
"""Octets that it takes to know a fragment again."""

COPIES = SECOND // 5
"""Nanoseconds within which a fragment of the same content is a copy: well below T1, when a message is sent again."""

MOST_AROUND = 256
"""Octets that the headers before a fragment and a filling behind it have at most."""
_OVERFULL = (
    "a packet that its writer had put together is saved as the last of its fragments alone, with other octets behind "
    "it: its beginning is not in the file (`sipgrep -O` writes it so)"
)

_FEW = 64  # fragments of a packet that are known again, or put together of several interfaces
_LINKS = 8  # interfaces of which that is done
_LINUX_COOKED_2 = 276
_LARGEST = 65535  # octets of an IP packet


class _Packet(NamedTuple):
    """What the fragments of one packet have in common."""

    source: bytes
    destination: bytes
    protocol: int
    ident: int | None


class _Key(NamedTuple):
    """A packet as one interface shows it."""

    packet: _Packet
    link: tuple[int, int, bytes]


class _Whole:
    """One packet that is being put together. `latest` is when its latest fragment came, `packet` its beginning, without
    octets; `told` says that that was given out. `cut` is the first octet that the capture cut off, if any; `marks` tell
    its fragments from others of the same place; `copied` says that all of them are in a whole that was finished;
    `is_overfull` that the record of a fragment goes on behind it."""

    __slots__ = (
        "copied", "cut", "is_overfull", "latest", "marks", "packet", "pieces", "protocol", "record", "told", "total"
    )  # fmt: skip

    def __init__(self, record: Record) -> None:
        self.pieces = Pieces()
        self.record = record
        self.total: int | None = None
        self.cut: int | None = None
        self.protocol = 0
        self.marks: set[tuple[int, int]] = set()
        self.copied = True
        self.is_overfull = self.told = False
        self.packet: Packet | None = None
        self.latest = record.time

    @property
    def cost(self) -> int:
        """Octets of memory."""
        return self.pieces.held + PIECE * len(self.pieces) + MARK * len(self.marks)

    @property
    def finished(self) -> bool:
        """Whether nothing is missing."""
        return self.total is not None and self.pieces.held >= self.total

    def fits(self, end: int, *, last: bool) -> bool:
        """Whether a fragment that ends at `end` agrees with what is known of the length."""
        if self.total is not None:
            return end == self.total if last else end <= self.total
        return not last or end >= self.pieces.end

    def joined(self, packet: Packet) -> Packet:
        """The packet, of which `packet` is a fragment."""
        octets = self.pieces.join()
        body = octets[: self.cut]
        missing = len(octets) - len(body)
        return packet._replace(
            protocol=self.protocol, body=body, missing=missing, offset=0, more=False, reassembled=True
        )


class Reassembler:
    """Takes fragments, gives whole packets; `untold` are those of which `heads` may give out the beginning."""

    def __init__(self) -> None:
        self._open: dict[_Key, _Whole] = {}
        self._links: dict[_Packet, list[_Key]] = {}
        self._done: OrderedDict[_Packet, tuple[int | None, set[tuple[int, int]]]] = OrderedDict()
        self._held = 0
        self.untold: deque[tuple[_Key, _Whole]] = deque()

    def heads(self, now: int | None, *, all_of_them: bool = False) -> Iterator[tuple[Packet, Record]]:
        """The beginnings of UDP packets that are not whole in time, each once; `all_of_them` at the end. Of them
        `missing` are the octets that the header of UDP tells of beyond what came without a hole."""
        while self.untold:
            key, whole = self.untold[0]
            if not all_of_them and (now is None or whole.latest is None or now - whole.latest <= PATIENCE):
                return
            self.untold.popleft()
            if self._open.get(key) is whole and not whole.copied and not whole.is_overfull:
                head = _head(whole) if not self._is_told(key) else None
                if head is not None:
                    whole.told = True
                    yield head, whole.record

    def _is_told(self, key: _Key) -> bool:
        """Whether another interface has shown the beginning of a packet, and it was given out."""
        return any(self._open[other].told for other in self._links.get(key.packet, ())[:_LINKS])

    def add(self, packet: Packet, record: Record) -> Packet | None:
        """Take a fragment that came in `record`; the whole packet when this completes it."""
        self._expire(record.time)
        protocol = packet.protocol if len(packet.source) == 4 else -1  # IPv6: only the first fragment must know it
        key = _Key(_Packet(packet.source, packet.destination, protocol, packet.ident), _link(record))
        whole = self._open.get(key)
        if whole is None:
            whole = self._open[key] = _Whole(record)
            self.untold.append((key, whole))
            if len(self.untold) > 2 * MAX_OPEN:
                alive = [one for one in self.untold if self._open.get(one[0]) is one[1]]
                self.untold.clear()
                self.untold.extend(alive)
            self._links.setdefault(key.packet, []).append(key)
        self._put(key, whole, packet, record)
        if whole.finished:
            self._drop(key)
        else:
            together = self._together(key.packet)
            if together is None:
                self._bound()
                return None
            whole = together
        self._finish(key.packet, whole, record)
        return whole.joined(packet)

    def _together(self, one: _Packet) -> _Whole | None:
        """The packet of the fragments that several interfaces show, where all of it is there."""
        keys = self._links[one]
        if not 1 < len(keys) <= _LINKS:
            return None
        wholes = [self._open[key] for key in keys]
        if sum(len(whole.pieces) for whole in wholes) > _FEW or any(whole.cut is not None for whole in wholes):
            return None
        together = _Whole(wholes[0].record)
        for whole in wholes:
            together.total = together.total or whole.total
            together.protocol = together.protocol or whole.protocol
            together.marks |= whole.marks
            for piece in whole.pieces:
                together.pieces.add(piece.start, piece.octets)
        if not together.finished:
            return None
        for key in list(keys):
            self._drop(key)
        return together

    def _finish(self, one: _Packet, whole: _Whole, record: Record) -> None:
        """Remember of what a packet was made, to tell the copies of that."""
        if len(whole.marks) > _FEW:
            return
        self._done.pop(one, None)
        self._done[one] = record.time, whole.marks
        if len(self._done) > MAX_OPEN:
            self._done.popitem(last=False)
        for key in self._links.get(one, ())[:_LINKS]:
            self._open[key].copied = self._open[key].marks <= whole.marks

    def _is_copy(self, one: _Packet, mark: tuple[int, int], now: int | None) -> bool:
        """Whether a fragment is in a packet that was finished a moment ago."""
        if one not in self._done:
            return False
        then, marks = self._done[one]
        return mark in marks and (then is None or now is None or now - then <= COPIES)

    def _put(self, key: _Key, whole: _Whole, packet: Packet, record: Record) -> None:
        mark, whole.latest = (packet.offset, hash(packet.body)), record.time
        before = whole.cost
        whole.marks.add(mark)
        whole.copied = whole.copied and self._is_copy(key.packet, mark, record.time)
        self._held += whole.cost - before
        whole.is_overfull = whole.is_overfull or len(record.octets) > len(packet.body) + MOST_AROUND
        start, end = packet.offset, packet.offset + len(packet.body) + packet.missing
        if end > _LARGEST or not whole.fits(end, last=not packet.more):
            record.source.defect("bad-fragment", "a fragment contradicts the length of its packet", record.place)
            return
        if not packet.offset:
            whole.protocol = packet.protocol
            whole.packet = whole.packet or packet._replace(body=b"")
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
        keys = self._links[key.packet]
        keys.remove(key)
        if not keys:
            del self._links[key.packet]
        return whole

    def _give_up(self, key: _Key) -> None:
        whole = self._drop(key)
        if whole.copied:
            return
        record = whole.record
        if whole.is_overfull:
            record.source.defect("overwritten-fragments", _OVERFULL, record.place)
        else:
            record.source.defect("incomplete-fragments", "fragments of a packet are missing", record.place)
        for other in self._links.get(key.packet, ())[:_LINKS]:  # the same loss, which another interface shows
            self._open[other].copied = self._open[other].copied or _agree(whole.marks, self._open[other].marks)

    def finish(self) -> None:
        """Report what is still open at the end."""
        while self._open:
            self._give_up(next(iter(self._open)))


def _head(whole: _Whole) -> Packet | None:
    """What a whole has without a hole from its beginning on, if it is UDP and goes on behind that."""
    packet, parts, end = whole.packet, [], 0
    for piece in whole.pieces:
        if piece.start != end:
            break
        parts.append(piece.octets)
        end += len(piece.octets)
    octets = b"".join(parts)[: whole.cut]
    if packet is None or whole.protocol != IP_PROTO_UDP or len(octets) <= 8:
        return None
    missing = (octets[4] << 8 | octets[5]) - len(octets)
    if missing <= 0:
        return None
    return packet._replace(protocol=whole.protocol, body=octets, missing=missing, more=False)


def _agree(some: set[tuple[int, int]], others: set[tuple[int, int]]) -> bool:
    """Whether fragments may be of one packet: those of one place are the same."""
    if len(some) + len(others) > _FEW:
        return False
    places = dict(some)
    return all(places.get(place, content) == content for place, content in others)


def _link(record: Record) -> tuple[int, int, bytes]:
    """What tells the interface of a record from others of the capture: of Linux cooked captures, their header."""
    index = record.octets[4:8] if record.linktype == _LINUX_COOKED_2 else b""
    return id(record.source), record.interface, index
