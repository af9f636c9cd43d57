"""SIP messages out of a byte stream (RFC 3261 18.3), sans-IO.

A stream has no marks between messages: the headers end at the first empty line, the body is as long as Content-Length
says, and a stream that is read wrong once is read wrong for ever. So the framer knows when it lost its place: wherever
a message should begin and no start line does, it walks line by line to the next start line, and says on that message
how much it skipped. The same walk serves a capture that begins in the middle of a stream, a hole in the capture, a
Content-Length that lies, and a body that none announced.

Holes are told by `gap`. A hole inside a body ends the message early but keeps the place, since the length is known; a
hole anywhere else loses it. Memory is bounded by `MAX_HEADERS` and `MAX_BODY`; each octet is searched once, however the
stream is cut into feeds.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from analyzer.defect import Defect
from analyzer.sip.headers import spellings
from analyzer.sip.sniff import MAX_START_LINE, Kind, kind, looks_like_start, start_within

MAX_HEADERS = 1 << 20
"""Octets of start line and headers that are waited for."""

MAX_BODY = 1 << 20
"""Largest Content-Length that is believed on a stream, in octets."""

_BETWEEN, _HEADERS, _BODY = range(3)
_IDLE = frozenset(b"\r\n\0")
_LF = 0x0A
_EMPTY_LINE = re.compile(rb"\n\r?\n")
# Content-Length (20.14), any case, blanks before the colon, folded (7.3.1).
_NAME = spellings("content-length").encode()
_LENGTH = re.compile(rb"\n(?:" + _NAME + rb")[ \t]*:((?:[^\r\n]|\r?\n[ \t])*)", re.IGNORECASE)


class Framed(NamedTuple):
    """A message out of a stream: octets `first` to `last` (not included), counted from the stream's begin.

    `missing` octets are known to be lost from its end; where the length cannot be known, at least as many.
    """

    octets: bytes
    first: int
    last: int
    missing: int = 0
    defects: tuple[Defect, ...] = ()


class StreamFramer:
    """One direction of one connection. `feed` and `gap` in stream order, `finish` once.

    `keepalives` counts CRLFCRLF and CRLF between messages (RFC 5626 4.4.1), `messages` what was framed, `skipped`
    octets that belong to no message.
    """

    __slots__ = ("_at", "_buffer", "_defects", "_junk", "_lines", "_need", "_rest", "_scan", "_state", "keepalives",
                 "messages", "skipped")  # fmt: skip

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._at = 0  # stream offset of the buffer's first octet
        self._state = _BETWEEN
        self._scan = 0  # the buffer was searched up to here
        self._need = 0  # length of the message whose headers are complete
        self._rest = 0  # octets of a cut body that are still to come
        self._junk = 0  # octets skipped since the last message
        self._lines = 0  # line ends of the run of keep-alives at hand
        self._defects: list[Defect] = []
        self.keepalives = 0
        self.messages = 0
        self.skipped = 0

    @property
    def idle(self) -> bool:
        """Whether no message is under way."""
        return not self._buffer and not self._rest

    def feed(self, octets: bytes) -> list[Framed]:
        """Take the next octets of the stream; the messages that they complete."""
        if self._rest:
            passed = min(self._rest, len(octets))
            self._rest -= passed
            self._at += passed
            octets = octets[passed:]
        self._buffer += octets
        framed: list[Framed] = []
        while self._buffer and self._step(framed):
            pass
        return framed

    def gap(self, missing: int) -> list[Framed]:
        """Go over `missing` octets that nobody will deliver; the message that they cut, if one was under way."""
        known = self._state == _BODY
        left = self._need - len(self._buffer) if known else missing
        framed = self._cut(left)
        if self._rest or (known and missing < left):
            rest = self._rest or left
            self._rest = max(0, rest - missing)
        self._at += missing
        return framed

    def finish(self) -> list[Framed]:
        """The stream ends here; the message that it cuts, if one was under way."""
        self._rest = 0
        return self._cut(self._need - len(self._buffer) if self._state == _BODY else 1)

    def _cut(self, missing: int) -> list[Framed]:
        """End what is in the buffer without its rest."""
        if self._state == _BETWEEN and kind(bytes(self._buffer), cut=True) != Kind.SIP:
            self._drop(len(self._buffer))
            return []
        return [self._take(len(self._buffer), missing)] if self._buffer else []

    def _step(self, framed: list[Framed]) -> bool:
        """Go one state further; False where more octets are needed."""
        if self._state == _BETWEEN:
            return self._find_start()
        if self._state == _HEADERS and not self._find_headers(framed):
            return False
        if self._state == _BODY and len(self._buffer) >= self._need:
            framed.append(self._take(self._need))
            return True
        return self._state == _BETWEEN

    def _find_start(self) -> bool:
        self._skip_idle()
        buffer = self._buffer
        if not buffer:
            return False
        end = buffer.find(b"\n", self._scan, MAX_START_LINE)
        if end < 0 and len(buffer) < MAX_START_LINE:
            self._scan = len(buffer)
            return False
        self._lines = 0
        size = end + 1 if end >= 0 else MAX_START_LINE
        # Out of step, the rest of a body may stand before the start line and would look like a part of its method.
        inside = start_within(buffer, size) if self._junk else -1
        if inside > 0:
            self._drop(inside)
        if inside > 0 or looks_like_start(buffer):
            self._state = _HEADERS
            self._scan = 0
        else:
            self._drop(size)
        return True

    def _skip_idle(self) -> None:
        """Go over keep-alives: the first, third, ... line end of a run counts one, as CRLFCRLF is one ping."""
        buffer = self._buffer
        if self._scan or buffer[0] not in _IDLE:
            return
        end = 0
        while end < len(buffer) and buffer[end] in _IDLE:
            if buffer[end] == _LF:
                self.keepalives += not self._lines & 1
                self._lines += 1
            end += 1
        del buffer[:end]
        self._at += end

    def _find_headers(self, framed: list[Framed]) -> bool:
        """Look for the empty line; True where the state changed."""
        buffer = self._buffer
        match = _EMPTY_LINE.search(buffer, max(0, self._scan - 2))
        if match is None or match.end() > MAX_HEADERS:
            self._scan = len(buffer)
            if len(buffer) <= MAX_HEADERS:
                return False
            self._defects.append(Defect("headers-too-long", f"no empty line within {MAX_HEADERS} octets"))
            framed.append(self._take(MAX_HEADERS))
            return True
        self._need = match.end() + self._content_length(bytes(buffer[: match.end()]))
        self._state = _BODY
        return True

    def _content_length(self, headers: bytes) -> int:
        """Length of the body in octets; 0, with a defect, where it is not said or cannot be believed (18.3)."""
        values = [value.strip() for value in _LENGTH.findall(headers)]
        if not values:
            self._defects.append(
                Defect("no-content-length", "no Content-Length on a stream; the body is taken as empty")
            )
            return 0
        if len(set(values)) > 1:
            self._defects.append(Defect("differing-content-length", "Content-Length is there twice; the first counts"))
        value = values[0]
        if not value.isdigit():
            self._defects.append(
                Defect("bad-content-length", "Content-Length is no number; the body is taken as empty")
            )
            return 0
        length = int(value) if len(value) < 20 else MAX_BODY + 1
        if length > MAX_BODY:
            self._defects.append(Defect("absurd-content-length", f"Content-Length is above {MAX_BODY}; not believed"))
            return 0
        return length

    def _take(self, size: int, missing: int = 0) -> Framed:
        """Make a message of the first `size` octets of the buffer."""
        if self._junk:
            text = f"{self._junk} octets before this message belong to none"
            self._defects.insert(0, Defect("resync", text))
        framed = Framed(bytes(self._buffer[:size]), self._at, self._at + size, missing, tuple(self._defects))
        del self._buffer[:size]
        self._at += size
        self._state, self._scan, self._need, self._junk = _BETWEEN, 0, 0, 0
        self._defects.clear()
        self.messages += 1
        return framed

    def _drop(self, size: int) -> None:
        del self._buffer[:size]
        self._at += size
        self._scan = 0
        self._junk += size
        self.skipped += size
