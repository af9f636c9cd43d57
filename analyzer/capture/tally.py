"""What the readers of packets could not show, told once per source when reading is over."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from analyzer.capture.handshakes import Handshakes
from analyzer.capture.record import Record
from analyzer.capture.speakers import OTHER_PROTOCOLS, Speakers
from analyzer.evidence import Endpoint, Source

if TYPE_CHECKING:
    from analyzer.capture.deflate import Outcome

USER_LINKS = range(147, 163)
"""LINKTYPE_USER0 to 15: whoever captured knows what they are, tshark does not."""

_MAX_PAIRS = 1000
_CLOSED = "could not be read without keys (--tls-keylog FILE)"
_MAX_KINDS = 1000
_FEW = 3
_MAX_TOLD = 5
_MAX_LINKS = 20  # link types that get a sentence of their own; a damaged file has thousands


@dataclass(slots=True)
class Tally:
    """Counts of one source: packets that two interfaces showed; packets that were cut by a snap length, or lack octets
    although they are told to be whole (how many, and the length of the header before IP); packets of unknown link
    types, and encrypted ones; compressed messages of WebSockets by how it went with them, but for those that were read
    as it was agreed; packets that may hold SIP in something unknown, while no SIP was met. `speakers` are those of the
    whole capture, by which TLS that may be SIP's is told from other TLS."""

    source: Source
    copies: int = 0
    cut: int = 0
    snap: int = 0
    short: Counter[tuple[int, int]] = field(default_factory=Counter)
    links: Counter[int] = field(default_factory=Counter)
    tls: Counter[tuple[Endpoint, Endpoint]] = field(default_factory=Counter)
    tls_more: int = 0
    compressed: Counter[Outcome] = field(default_factory=Counter)
    unopened: Counter[str] = field(default_factory=Counter)
    speakers: Speakers = field(default_factory=Speakers)
    handshakes: Handshakes = field(default_factory=Handshakes)

    def note_cut(self, record: Record) -> None:
        """Count a packet that the capture cut."""
        self.cut += 1
        self.snap = max(self.snap, len(record.octets))

    def note_short(self, missing: int, header: int) -> None:
        """Count a packet of which the file says that it is whole, while its own headers say that octets are missing."""
        if (missing, header) in self.short or len(self.short) < _MAX_KINDS:
            self.short[missing, header] += 1

    def _tell_short(self) -> None:
        """Say of which octets all packets are short, where it is the same number for all: that is how they were
        written, and no damage. sipgrep leaves out as many at the end as the link's header has."""
        if len(self.short) != 1:
            return
        (((missing, header), count),) = self.short.items()
        if count < _FEW or 2 * count < self.source.frames:
            return
        octets = f"{missing} octets" if missing > 1 else "octet"
        writer = " (`sipgrep -O` writes them so)" if missing == header else ""
        text = f"the last {octets} of {count} packets are missing, though the file says that they are whole{writer}"
        self.source.quality.append(text)

    def note_tls(self, one: Endpoint, other: Endpoint) -> None:
        """Count an encrypted packet between a client and its server; only so many connections are told apart."""
        pair = (one, other)
        if pair in self.tls or len(self.tls) < _MAX_PAIRS:
            self.tls[pair] += 1
        elif other.port not in OTHER_PROTOCOLS:
            self.tls_more += 1

    def note_compressed(self, outcomes: Counter[Outcome], record: Record, agreed: bool | None) -> None:
        """Count compressed messages of a WebSocket that came up to `record`; `agreed` is None where its handshake was
        not seen. What is damaged by itself is a defect."""
        from analyzer.capture.deflate import DEFECTS, Outcome

        for outcome, count in outcomes.items():
            if outcome in DEFECTS:
                for _ in range(count):
                    self.source.defect("websocket-deflate", DEFECTS[outcome], record.place)
            elif outcome is not Outcome.READ or agreed is None:
                self.compressed[outcome] += count

    def note_unopened(self, what: str) -> None:
        """Count a packet that may hold SIP; `what` names its kind, empty where it is of no interest."""
        if what and (what in self.unopened or len(self.unopened) < _MAX_KINDS):
            self.unopened[what] += 1

    def _tell_unopened(self) -> None:
        """Say to the source what might hold SIP, where none was found."""
        if self.source.messages:
            return
        told = [number for number in self.links if number >= 0 and number not in USER_LINKS]
        kinds = Counter({f"link type {number}": self.links[number] for number in told})
        self.source.unopened = [(what, count) for what, count in (self.unopened + kinds).most_common(_MAX_TOLD)]

    def tell(self) -> None:
        """Put it into sentences for the reader."""
        say = self.source.quality.append
        self._tell_unopened()
        if self.copies:
            say(f"{_packets(self.copies)} there from a second interface too, and counted once")
        if self.cut:
            say(f"{_packets(self.cut)} cut at {self.snap} octets")
        self._tell_short()
        links = sorted((number, count) for number, count in self.links.items() if number >= 0)
        for number, count in links[:_MAX_LINKS]:
            say(f"{_packets(count)} of link type {number}, which is not read")
        if rest := sum(count for _, count in links[_MAX_LINKS:]):
            say(f"{_packets(rest)} of {len(links) - _MAX_LINKS} more link types that are not read")
        for sentence in self.handshakes.sentences(self.speakers):
            say(sentence)
        for (one, other), count in self.tls.items():
            if not self.speakers.concern(one, other) or self.handshakes.is_broken(one, other):
                continue
            say(f"TLS on {one} - {other}: {count} packet{'s' if count > 1 else ''} {_CLOSED}")
        if self.tls_more:
            say(f"TLS on other connections: {self.tls_more} packets {_CLOSED}")
        if self.compressed:
            from analyzer.capture.deflate import REMARKS

            for outcome, count in self.compressed.items():
                say(f"{count} compressed WebSocket message{'s' if count > 1 else ''} {REMARKS[outcome]}")


def _packets(count: int) -> str:
    return f"{count} packets are" if count > 1 else "1 packet is"
