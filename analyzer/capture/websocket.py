"""SIP over WebSocket (RFC 7118): each WebSocket message is one SIP message, so no Content-Length is needed.

A stream is one after an HTTP upgrade. Frames (RFC 6455 5.2) are unmasked, the fragments of a message joined, pings and
pongs counted as keep-alives, and what was compressed (RSV1) is inflated (`deflate`). Frames have no mark to find again,
but programs send a message in one go: where the capture began later, or lost something, a segment that begins with a
frame that holds SIP, or fits the segment to the octet, gives the place.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from analyzer.capture.record import Record
from analyzer.capture.tally import Tally
from analyzer.capture.websocket_frames import (
    COMPRESSED,
    CONTROL,
    FINAL,
    LONGEST_HEADER,
    MAX_MESSAGE,
    OPCODE,
    OPCODES,
    RESERVED,
    Frame,
    begins,
    header,
    payload_of,
)
from analyzer.defect import Defect
from analyzer.evidence import Source
from analyzer.sip.framing import Framed
from analyzer.sip.sniff import Kind, kind

if TYPE_CHECKING:
    from analyzer.capture.deflate import Agreement, Inflater, Outcome, Windows

_UPGRADE = re.compile(rb"\r\nupgrade[ \t]*:[ \t]*websocket", re.IGNORECASE)
_EXTENSIONS = re.compile(rb"\r\nsec-websocket-extensions[ \t]*:", re.IGNORECASE)
_NONE = -1
_HEAD_END = b"\r\n\r\n"
_NOT_AGREED = (Defect("websocket-rsv1", "RSV1 is set, and the server agreed to no compression (RFC 6455 5.2)"),)


def upgrades(octets: bytes) -> bool:
    """Whether an HTTP head asks for or grants the change to WebSocket (RFC 6455 4.1, 4.2.2)."""
    return _UPGRADE.search(octets, 0, 1 << 14) is not None


class WebSockets:
    """What all connections of a capture share: the memory of what they may refer back to; `tally` is where each source
    is told what could not be shown."""

    def __init__(self, tally: Callable[[Source], Tally] = Tally) -> None:
        self.tally = tally
        self._windows: Windows | None = None

    @property
    def windows(self) -> Windows:
        """The windows of compressed connections; hardly any capture has one."""
        if self._windows is None:
            from analyzer.capture.deflate import Windows

            self._windows = Windows()
        return self._windows


class Upgrade:
    """What both directions of a connection share: whether the server's answer was seen, and what it says of
    compression (None: nothing)."""

    __slots__ = ("agreement", "answered", "shared")

    def __init__(self, shared: WebSockets | None = None) -> None:
        self.shared = shared or WebSockets()
        self.answered = False
        self.agreement: Agreement | None = None

    def answer(self, head: bytes) -> None:
        """Take the head of the server's response."""
        self.answered = True
        if _EXTENSIONS.search(head):
            from analyzer.capture.deflate import agreement

            self.agreement = agreement(head)

    @property
    def agreed(self) -> bool | None:
        """Whether compression was agreed to; None where the server's answer was not seen."""
        if not self.answered:
            return None
        return self.agreement is not None and self.agreement.granted


class WebSocketFramer:
    """One direction of a WebSocket connection, in the shape of `StreamFramer`; the HTTP head comes first, unless
    `headless` says that it was not seen. `compressed` counts the compressed messages by how it went with them, until
    they are told."""

    __slots__ = ("_at", "_buffer", "_compressed", "_first", "_head", "_headless", "_inflater", "_lost", "_parts",
                 "_rest", "_scan", "_seeks", "_server", "_whole", "compressed", "keepalives", "messages", "skipped",
                 "upgrade")  # fmt: skip

    def __init__(self, upgrade: Upgrade | None = None, *, headless: bool = False) -> None:
        self._buffer = bytearray()
        self._at = 0  # stream offset of the buffer's first octet
        self._head = not headless
        self._headless = headless
        self._scan = 0  # the head was searched up to here
        self._lost = False  # for good
        self._seeks = False  # until a feed begins with a frame
        self._rest = 0  # octets of a cut frame that are still to come
        self._whole = not headless  # nothing that was compressed before is missing
        self._first = _NONE  # where the message under way began
        self._parts = bytearray()
        self._compressed = False
        self._server = False
        self._inflater: Inflater | None = None
        self.upgrade = upgrade or Upgrade()
        self.compressed: Counter[Outcome] = Counter()
        self.keepalives = 0
        self.messages = 0
        self.skipped = 0

    @property
    def idle(self) -> bool:
        """Whether no message is under way."""
        return not self._buffer and not self._parts and not self._rest

    @property
    def sure(self) -> bool:
        """Whether this is a WebSocket beyond doubt: one segment may fit a frame by chance."""
        return not self._headless or self.messages > 0 or self.compressed.total() > 1

    def feed(self, octets: bytes) -> list[Framed]:
        """Take the next octets of the stream; the SIP messages that they complete."""
        framed: list[Framed] = []
        octets = self._pass_rest(octets)
        if self._seeks and begins(octets):
            self._seeks = self._head = False
        if self._lost or self._seeks:
            self.skipped += len(octets)
            self._at += len(octets)
            return framed
        self._buffer += octets
        if self._head:
            self._find_head_end()
        while not self._head and self._frame(framed):
            pass
        return framed

    def gap(self, missing: int) -> list[Framed]:
        """Octets were lost; the message that they cut, if one was under way. The place is kept within a frame."""
        framed = self._cut(missing)
        if self._rest >= missing:
            self._rest -= missing
        else:
            self._rest = 0
            self._seeks = True
            self._lose()
        self._at += missing
        return framed

    def finish(self) -> list[Framed]:
        """The stream ends here; the message that it cuts, if one was under way."""
        framed = self._cut(1)
        self._rest = 0
        if self._inflater is not None:
            self._inflater.close()
        return framed

    def tell(self, record: Record) -> None:
        """Tell of the compressed messages that came up to `record`."""
        if self.compressed and self.sure:
            self.upgrade.shared.tally(record.source).note_compressed(self.compressed, record, self.upgrade.agreed)
            self.compressed.clear()

    def _pass_rest(self, octets: bytes) -> bytes:
        passed = min(self._rest, len(octets))
        self._rest -= passed
        self._at += passed
        return octets[passed:] if passed else octets

    def _find_head_end(self) -> None:
        buffer = self._buffer
        end = buffer.find(_HEAD_END, max(0, self._scan - len(_HEAD_END)))
        self._head = end < 0
        self._scan = len(buffer)
        if not self._head and buffer.startswith(b"HTTP/"):
            self._server = True
            self.upgrade.answer(bytes(buffer[: end + len(_HEAD_END)]))
        if self._head and len(buffer) > MAX_MESSAGE:
            self._lose_for_good()
        self._consume(end + len(_HEAD_END) if end >= 0 else 0)

    def _cut(self, missing: int) -> list[Framed]:
        """End the message under way without its rest, of which `missing` octets are lost at least; `_rest` is what is
        known to follow."""
        buffer = self._buffer
        frame = None if self._head or self._rest else header(buffer)
        if frame is not None:
            self._rest = max(0, frame.end - len(buffer))
            if frame.flags & OPCODE < CONTROL:
                self._begin(frame.flags)
                self._parts += payload_of(buffer, frame)
                missing = max(missing, self._rest) if frame.flags & FINAL else missing
        self._at += len(buffer)
        buffer.clear()
        whole, first = bytes(self._parts), self._first
        self._parts.clear()
        self._first = _NONE
        if whole and self._compressed:
            self._note_cut()
        elif kind(whole, cut=True) is Kind.SIP:
            self.messages += 1
            return [Framed(whole, first, self._at, missing)]
        else:
            self.skipped += len(whole)
        return []

    def _lose_for_good(self) -> None:
        self._lost = True
        self.skipped += len(self._buffer)
        self._at += len(self._buffer)
        self._buffer.clear()
        self._parts.clear()

    def _lose(self) -> None:
        """Something is missing: what was compressed may refer to it."""
        self._whole = False
        if self._inflater is not None:
            self._inflater.lose()

    def _consume(self, size: int) -> None:
        del self._buffer[:size]
        self._at += size

    def _frame(self, framed: list[Framed]) -> bool:
        """Read one frame; False where more octets are needed or none will help."""
        buffer = self._buffer
        frame = header(buffer[:LONGEST_HEADER])
        if frame is None:
            return False
        strange = frame.flags & RESERVED or frame.flags & OPCODE not in OPCODES
        if frame.end - frame.body + len(self._parts) > MAX_MESSAGE or (self._headless and strange):
            self._lose_for_good()
            return False
        if len(buffer) < frame.end:
            return False
        self._take(frame, payload_of(buffer, frame), framed)
        return True

    def _take(self, frame: Frame, payload: bytes, framed: list[Framed]) -> None:
        if frame.flags & OPCODE >= CONTROL:  # close, ping, pong: may stand between the fragments of a message (5.4)
            self.keepalives += frame.flags & OPCODE > CONTROL
            self._consume(frame.end)
            return
        self._begin(frame.flags)
        self._consume(frame.end)
        self._parts += payload
        if frame.flags & FINAL:
            whole, first = bytes(self._parts), self._first
            self._parts.clear()
            self._first = _NONE
            self._complete(whole, first, framed)

    def _begin(self, flags: int) -> None:
        """A data frame begins at the buffer's first octet: one of a new message, unless it continues another."""
        if flags & OPCODE or self._first == _NONE:  # a continuation of what was not seen stands for itself
            self._first = self._at
            self._parts.clear()
            self._compressed = bool(flags & COMPRESSED)

    def _complete(self, whole: bytes, first: int, framed: list[Framed]) -> None:
        size = len(whole)
        defects: tuple[Defect, ...] = ()
        if self._compressed:
            self._compressed = False
            content = self._inflated(whole)
            if content is None:
                return
            whole = content
            defects = _NOT_AGREED if self.upgrade.agreed is False else ()
        what = kind(whole)
        if what == Kind.SIP:
            self.messages += 1
            framed.append(Framed(whole, first, self._at, defects=defects))
        elif what == Kind.OTHER:
            self.skipped += size
        else:
            self.keepalives += 1

    def _inflated(self, octets: bytes) -> bytes | None:
        """The content of a compressed message, or None where it cannot be read, which is counted."""
        from analyzer.capture.deflate import Direction, Inflater, Outcome

        if self._inflater is None:
            self._inflater = Inflater(self.upgrade.shared.windows, complete=self._whole)
        agreed = self.upgrade.agreement
        direction = Direction() if agreed is None else agreed.server if self._server else agreed.client
        outcome, content = self._inflater.message(octets, direction)
        self.compressed[outcome] += 1
        return content if outcome is Outcome.READ else None

    def _note_cut(self) -> None:
        """A compressed message that the capture cut."""
        from analyzer.capture.deflate import Outcome

        self.compressed[Outcome.CUT] += 1
        self._compressed = False
        self._lose()
