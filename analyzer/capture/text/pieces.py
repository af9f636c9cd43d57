"""Messages that a printer of packets shows in pieces: fragments of IP, segments of TCP.

Such a program knows of no message: it prints what a packet has. What was cut at the end of one goes on in the next
packet of the same key (the banner's), and only there. Each piece is printed with a line end behind it that was none on
the wire, so the last line of one and the first line of the next are one line.
"""

from __future__ import annotations

from analyzer.capture.text.entry import Close, Entry, Rank
from analyzer.capture.text.grammar import START, Banner
from analyzer.capture.text.rows import Row

MOST = 64
"""Messages whose other pieces are waited for; beyond that the oldest is given out as it is."""


class Pieces:
    """Entries whose message goes on in another packet, by the key of their banner."""

    def __init__(self) -> None:
        self._held: dict[bytes, Entry] = {}
        self._latest: Entry | None = None

    def between(self, row: Row, is_mark: bool) -> None:
        """A row behind the piece that was kept last: it tells whether that ended in a line end."""
        if self._latest is not None:
            self._latest.breaks += not row.text
            self._latest.is_marked = self._latest.is_marked or is_mark

    def hold(self, entry: Entry, close: Close) -> list[Entry]:
        """Keep the first piece of a message; those that have to be given out for it (this one, where nothing can
        follow)."""
        key = entry.banner.key
        if not key or close.rank not in (Rank.CUT, Rank.OPEN):
            return [entry]
        del entry.own[close.end :]
        while len(entry.own) > 2 and not (entry.own[-1].text or entry.own[-1].returns):
            del entry.own[-1]
            entry.breaks += 1
        entry.breaks += bool(close.taken > len(entry.own) + entry.breaks and not entry.rows[close.taken - 1].text)
        older = self.taken(key)
        self._held[key] = self._latest = entry
        if len(self._held) > MOST:
            older += self.taken(next(iter(self._held)))
        return older

    def taken(self, key: bytes) -> list[Entry]:
        """The piece that is kept under a key, which is no longer kept then."""
        found = self._held.pop(key, None) if key else None
        return [] if found is None else [found]

    @property
    def waits(self) -> bool:
        """Whether no other packet came behind the piece that was kept last."""
        return self._latest is not None

    def last(self) -> Entry | None:
        """The piece that was kept last, which is no longer kept then; None where another packet came behind it."""
        latest, self._latest = self._latest, None
        if latest is None or self._held.get(latest.banner.key) is not latest:
            return None
        return self._held.pop(latest.banner.key)

    def others(self, banner: Banner) -> list[Entry]:
        """The datagrams of which no fragment follows next: they are as they are."""
        self._latest = None
        keys = [key for key in self._held if key[:1] == b"U" and key != banner.key]
        return [entry for key in keys for entry in self.taken(key)]

    def rest(self) -> list[Entry]:
        """Whatever was never completed."""
        held, self._held = list(self._held.values()), {}
        return held


def goes_on(banner: Banner, first: Row) -> bool:
    """Whether a packet that begins with this line can be the next piece of a message."""
    return not START.match(first.text) and (banner.piece or banner.key[:1] != b"U")
