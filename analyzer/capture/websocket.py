"""SIP over WebSocket (RFC 7118): each WebSocket message is one SIP message, so no Content-Length is needed.

A stream is one after an HTTP upgrade. Frames (RFC 6455 5.2) are unmasked, the fragments of a message joined, pings and
pongs counted as keep-alives. A message that was compressed by an extension (RSV1) is not read. A hole in the capture
loses the place for good: frames have no mark to find again.
"""

from __future__ import annotations

import re

from analyzer.sip.framing import Framed
from analyzer.sip.sniff import Kind, kind

MAX_MESSAGE = 1 << 20
"""Octets of a message that are believed; a longer one ends the reading of its stream."""

_UPGRADE = re.compile(rb"\r\nupgrade[ \t]*:[ \t]*websocket", re.IGNORECASE)
_HEAD_END = b"\r\n\r\n"
_CONTINUATION, _CONTROL = 0, 8


def upgrades(octets: bytes) -> bool:
    """Whether an HTTP head asks for or grants the change to WebSocket (RFC 6455 4.1, 4.2.2)."""
    return _UPGRADE.search(octets, 0, 1 << 14) is not None


class WebSocketFramer:
    """One direction of a WebSocket connection, in the shape of `StreamFramer`; the HTTP head comes first."""

    __slots__ = ("_at", "_buffer", "_compressed", "_first", "_head", "_lost", "_parts", "_scan", "keepalives",
                 "messages", "skipped")  # fmt: skip

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._at = 0  # stream offset of the buffer's first octet
        self._head = True
        self._scan = 0  # the head was searched up to here
        self._lost = False
        self._first = 0  # where the message under way began
        self._parts = bytearray()
        self._compressed = False
        self.keepalives = 0
        self.messages = 0
        self.skipped = 0

    @property
    def idle(self) -> bool:
        """Whether no message is under way."""
        return not self._buffer and not self._parts

    def feed(self, octets: bytes) -> list[Framed]:
        """Take the next octets of the stream; the SIP messages that they complete."""
        framed: list[Framed] = []
        if self._lost:
            self.skipped += len(octets)
            return framed
        self._buffer += octets
        if self._head:
            end = self._buffer.find(_HEAD_END, max(0, self._scan - len(_HEAD_END)))
            self._head = end < 0
            self._scan = len(self._buffer)
            self._lost = self._head and len(self._buffer) > MAX_MESSAGE
            self._consume(end + len(_HEAD_END) if end >= 0 else 0)
        while not self._head and self._frame(framed):
            pass
        return framed

    def gap(self, missing: int) -> list[Framed]:
        """Octets were lost, and with them the place."""
        self._lost = True
        self.skipped += len(self._buffer) + missing
        self._buffer.clear()
        self._parts.clear()
        return []

    def finish(self) -> list[Framed]:
        """The stream ends here."""
        return []

    def _consume(self, size: int) -> None:
        del self._buffer[:size]
        self._at += size

    def _frame(self, framed: list[Framed]) -> bool:
        """Read one frame; False where more octets are needed or none will help."""
        buffer = self._buffer
        if len(buffer) < 2:
            return False
        size, at = buffer[1] & 0x7F, 2
        if size > 125:
            at = 4 if size == 126 else 10
            if len(buffer) < at:
                return False
            size = int.from_bytes(buffer[2:at], "big")
        masked = buffer[1] & 0x80
        body = at + (4 if masked else 0)
        if size + len(self._parts) > MAX_MESSAGE:
            self.gap(0)
            return False
        if len(buffer) < body + size:
            return False
        payload = bytes(buffer[body : body + size])
        self._take(buffer[0], _unmasked(payload, bytes(buffer[at:body])) if masked else payload, body + size, framed)
        return True

    def _take(self, flags: int, payload: bytes, size: int, framed: list[Framed]) -> None:
        start = self._at
        self._consume(size)
        if flags & 0x0F >= _CONTROL:  # close, ping, pong: may stand between the fragments of a message (5.4)
            self.keepalives += flags & 0x0F > _CONTROL
            return
        if flags & 0x0F != _CONTINUATION:
            self._first = start
            self._parts.clear()
            self._compressed = bool(flags & 0x40)
        self._parts += payload
        if flags & 0x80:
            whole = bytes(self._parts)
            self._parts.clear()
            self._complete(whole, framed)

    def _complete(self, whole: bytes, framed: list[Framed]) -> None:
        what = Kind.OTHER if self._compressed else kind(whole)
        if what == Kind.SIP:
            self.messages += 1
            framed.append(Framed(whole, self._first, self._at))
        elif what == Kind.OTHER:
            self.skipped += len(whole)
        else:
            self.keepalives += 1


def _unmasked(payload: bytes, mask: bytes) -> bytes:
    """RFC 6455 5.3, as one operation on large numbers."""
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")
