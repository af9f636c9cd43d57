"""The measure of a printed message while it is read: does what is there fit what its sender counted?"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_TRUSTED = 1 << 16
"""Content-Length and octets announced beyond this are not waited for (a UDP datagram cannot hold them)."""

_LENGTH = re.compile(rb"(?:content-length|l)[ \t]*:[ \t]*(\d{1,9})[ \t]*\Z", re.IGNORECASE)


@dataclass(slots=True)
class Tally:
    """The measure of one reading of the block."""

    head: int = 0
    octets: int = 0
    lines: int = 0
    total: int = 0
    least: int = 0
    blanks: int = 0
    body: bool = False
    length: int | None = None
    seams: int = 0
    """Places of the body at which lines were joined that a width had broken, or that may have been two."""

    def add(self, text: bytes, eol: int, seams: int = 0) -> None:
        """Count one line whose line end on the wire has `eol` octets, and which was joined at `seams` places."""
        self.total += len(text) + eol
        self.least += len(text) + 1
        if self.body:
            self.octets += len(text)
            self.seams += seams
            self.lines += 1
            self.blanks = 0 if text else self.blanks + 1
        elif text:
            self.head += 1
            if self.length is None and text[:1] in b"cClL" and (match := _LENGTH.match(text)):
                self.length = int(match[1])
        elif self.head:
            self.body = True

    def fits(self) -> bool:
        """Whether the body has Content-Length octets, with CR LF or LF ends, with or without a last one (18.3)."""
        length = self.length or 0
        inner = max(self.lines - 1, 0)
        sizes = {self.octets + eol * ends for eol in (1, 2) for ends in (inner, self.lines)}
        return length in sizes or (self.octets == 0 and length == 0 and self.blanks == self.lines)

    def may_fit(self) -> bool:
        """Whether the body has Content-Length octets, if some of the lines that were joined had been two."""
        least = self.octets + max(self.lines - 1, 0)
        return self.length is not None and least <= self.length <= self.octets + 2 * (self.lines + self.seams)

    def short(self) -> bool:
        """Whether more body lines may come before Content-Length is exceeded."""
        return self.length is not None and self.octets + self.lines < self.length <= MAX_TRUSTED

    def measures(self, size: int, eol: int) -> bool:
        """Whether this reading has `size` octets, the line end of its last line (`eol` octets) counted or not."""
        return size in (self.total, self.total - eol)

    def measures_bare(self, size: int) -> bool:
        """The same, had all lines or those of the body ended in LF."""
        return self.total > size and bool({size, size + 1} & {self.least, self.total - self.lines})

    @property
    def over(self) -> bool:
        """Whether the body has more octets than Content-Length says, whatever its line ends were."""
        return self.octets + max(self.lines - 1, 0) > (self.length or 0)

    def counted(self, count: tuple[int, int]) -> bool:
        """Whether `--- (n headers m lines) ---` describes this reading (chan_sip stops counting at 64 and 256)."""
        headers, lines = count
        return (headers == self.head or headers == 64 <= self.head) and (
            self.lines - self.blanks <= lines <= self.lines or lines == 256 <= self.lines
        )
