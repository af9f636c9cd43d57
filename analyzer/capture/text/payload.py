"""From the printed lines of a message to its octets.

The log lost line ends: chan_sip prints received messages without carriage returns, a paste loses all. Headers get
CR LF back (RFC 3261 7). A body gets the line ends with which it has Content-Length octets (18.3), a PJSIP
message those with which it has the announced size. Nothing inside a line is touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

CRLF = b"\r\n"
_LENGTH = re.compile(rb"(?:content-length|l)[ \t]*:[ \t]*(\d{1,9})[ \t]*\Z", re.IGNORECASE)
_VIA = re.compile(rb"(?:via|v)[ \t]*:[ \t]*SIP[ \t]*/[ \t]*2\.0[ \t]*/[ \t]*([A-Za-z]{2,8})", re.IGNORECASE)
_OPEN = re.compile(rb"[;=,&<]\Z|<[^>]*\Z")
_DATE = re.compile(rb"date[ \t]*:(.{1,80})\Z", re.IGNORECASE)


class Printed:
    """The lines of one printed message: `texts`, and `ends`, the line ends they had, or None where they were lost."""

    def __init__(self, texts: Sequence[bytes], ends: Sequence[bytes] | None) -> None:
        start = next((n for n, text in enumerate(texts) if text), len(texts))
        self.skipped = start
        self.texts = texts
        self.ends = ends
        self.blank = next((n for n in range(start, len(texts)) if not texts[n]), len(texts))
        self.head = texts[start : self.blank]

    @property
    def has_end_of_headers(self) -> bool:
        """Whether the empty line after the headers is there."""
        return self.blank < len(self.texts)

    def content_length(self) -> int | None:
        """The first Content-Length of the headers, if it is a number (RFC 3261 20.14)."""
        for text in self.head:
            if text[:1] in b"cClL" and (match := _LENGTH.match(text)):
                return int(match[1])
        return None

    def transport(self) -> str:
        """The transport of the topmost Via (RFC 3261 20.42), or empty."""
        for text in self.head:
            if text[:1] in b"vV" and (match := _VIA.match(text)):
                return match[1].decode("ascii").upper()
        return ""

    def date(self) -> bytes | None:
        """The value of the Date header (RFC 3261 20.17)."""
        for text in self.head:
            if text[:1] in b"dD" and (match := _DATE.match(text)):
                return match[1]
        return None

    def octets(self) -> bytes:
        """The message as chan_sip printed it: headers, empty line, the body that fits Content-Length best."""
        head = CRLF.join(self.head) + CRLF
        if not self.has_end_of_headers:
            return head
        return head + CRLF + self._body(self.content_length())

    def _body(self, length: int | None) -> bytes:
        """The lines after the empty one, with the line ends, and less as many blank lines, as fit `length`."""
        texts = self.texts[self.blank + 1 :]
        count = len(texts)
        endings = list(self._endings(count))
        sizes = [sum(map(len, texts)) + sum(map(len, ends)) for ends in endings]
        while count:
            for index, ends in enumerate(endings):
                last = len(ends[count - 1])
                if length in (sizes[index] - last, sizes[index]):
                    return b"".join(text + end for text, end in zip(texts[:count], ends, strict=False))[:length]
                sizes[index] -= last
            if texts[count - 1]:
                break
            count -= 1
        return CRLF.join(texts[:count])

    def _endings(self, count: int) -> Iterator[Sequence[bytes]]:
        if self.ends is not None:
            yield self.ends[self.blank + 1 :]
        yield [CRLF] * count
        yield [b"\n"] * count

    def exactly(self, size: int) -> bytes:
        """The message as PJSIP printed it: the rendering that has `size` octets, or the first one, cut there."""
        renderings = list(self._whole())
        for whole, last in renderings:
            if size in (len(whole), len(whole) - last):
                return whole[:size]
        whole, last = renderings[0]
        return whole[: min(size, len(whole) - last)]

    def _whole(self) -> Iterator[tuple[bytes, int]]:
        """(octets, octets of the last line end) with the printed line ends, and with what the log may have lost."""
        count = len(self.texts)
        choices = [] if self.ends is None else [list(self.ends)]
        choices.append([CRLF] * count)
        choices.append([CRLF] * min(self.blank + 1, count) + [b"\n"] * max(count - self.blank - 1, 0))
        choices.append([b"\n"] * count)
        for ends in choices:
            joined = b"".join(text + end for text, end in zip(self.texts, ends, strict=True))
            yield joined, len(ends[-1]) if ends else 0


def is_unfinished(line: bytes) -> bool:
    """Whether a line ends within quotes or brackets, or where more has to come: it may have been cut."""
    return line.count(b'"') % 2 == 1 or _OPEN.search(line) is not None
