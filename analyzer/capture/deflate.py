"""permessage-deflate: WebSocket messages that are sent compressed (RFC 7692).

The payload of such a message (RSV1 is set in its first frame, 6) is raw DEFLATE without the four octets that end a
flush (7.2.1). Unless the server's head refuses it, a message may refer to the last 32 KiB (or what was agreed) of what
went the same way before it (context takeover, 7.1.1), so each direction keeps a window of that. A message is inflated
in one step against the window, and nothing but the window lives on. A peer that forgets its context although it need
not does no harm: a message that refers to nothing before it can be read against any window.

DEFLATE makes a thousand octets out of one. What comes out is bounded by `MAX_INFLATED` a message and by `START` and
`RATIO` a direction; all windows together by `MAX_HELD`. A message that could not be read takes the window with it:
whatever refers to it cannot be read either, and zlib knows (a distance that is too far back).
"""

from __future__ import annotations

import enum
import re
import zlib
from collections import OrderedDict
from typing import NamedTuple

MAX_INFLATED = 1 << 20
"""Octets that a message may become."""

START = 1 << 14
"""Octets that a direction may become beyond `RATIO` times what was sent."""

RATIO = 200
"""Octets that one octet may become, over all of a direction: a repetition of the message before comes near 100."""

MAX_HELD = 1 << 26
"""Octets of all windows together; who was silent longest loses its own."""

WINDOW = 1 << 15
"""Octets that a message may refer back to at most (RFC 1951 2)."""

MAX_FINAL_BLOCKS = 16
"""Blocks of one message that may say that they are the last (7.2.3.4): each needs a new beginning."""

_FLUSH = b"\0\0\xff\xff"  # what the sender took off (7.2.1, 7.2.2)
_END = b"\x03\0"  # an empty last block: reached, if and only if what is before it is whole
_HEADER = re.compile(rb"\r\nsec-websocket-extensions[ \t]*:([^\r\n]*)", re.IGNORECASE)
_BITS = re.compile(rb'"?(8|9|1[0-5])"?\Z')


class Direction(NamedTuple):
    """What was agreed for one direction: whether a message may refer to earlier ones, and how far back (octets)."""

    takeover: bool = True
    window: int = WINDOW


class Agreement(NamedTuple):
    """The server's answer: whether it compresses at all, and how each side does (RFC 7692 7.1)."""

    granted: bool
    server: Direction = Direction()
    client: Direction = Direction()


def agreement(head: bytes) -> Agreement:
    """What the head of a server's response agrees to (RFC 6455 9.1, RFC 7692 7.1): the first permessage-deflate."""
    for header in _HEADER.findall(head):
        for extension in header.split(b","):
            name, *parameters = (part.strip().lower() for part in extension.split(b";"))
            if name == b"permessage-deflate":
                given = {key.strip(): value.strip() for key, _, value in (one.partition(b"=") for one in parameters)}
                return Agreement(True, _direction(given, b"server"), _direction(given, b"client"))
    return Agreement(False)


def _direction(given: dict[bytes, bytes], side: bytes) -> Direction:
    bits = _BITS.match(given.get(side + b"_max_window_bits", b""))
    return Direction(side + b"_no_context_takeover" not in given, 1 << int(bits[1]) if bits else WINDOW)


class Outcome(enum.Enum):
    """How it went with a compressed message."""

    READ = "read"
    UNKNOWN = "refers to what was not captured"
    EVICTED = "refers to what is no longer kept"
    CUT = "was not captured whole"
    DAMAGED = "cannot be inflated"
    TOO_LONG = "becomes too long"


DEFECTS = {
    Outcome.DAMAGED: "a compressed WebSocket message cannot be inflated (RFC 7692 7.2.2)",
    Outcome.TOO_LONG: f"a compressed WebSocket message becomes longer than is believed ({RATIO} octets for one)",
}
"""What is said of a message that is at fault itself."""

REMARKS = {
    Outcome.READ: "read as permessage-deflate (RFC 7692), though the handshake was not captured",
    Outcome.UNKNOWN: "not read: earlier messages, to which compression may refer, were not captured (RFC 7692 7.1.1)",
    Outcome.EVICTED: "not read: earlier messages, to which compression refers, were no longer kept",
    Outcome.CUT: "not read: not captured whole",
}
"""What is said of the others, behind their number."""


def inflate(octets: bytes, window: bytes | bytearray = b"", most: int = MAX_INFLATED) -> bytes:
    """The content of a compressed message (RFC 7692 7.2.2), at most `most` octets, which is 1 at least.

    Raises `zlib.error` where the message is damaged or refers to something before `window`, `OverflowError` where it
    becomes longer.
    """
    if not octets:  # some send an empty message so, and not as an empty block (7.2.3.6)
        return b""
    end = _FLUSH + _END
    rest, parts, room = octets + end, [], most
    for _ in range(MAX_FINAL_BLOCKS):
        engine = zlib.decompressobj(-15, zdict=window)
        parts.append(engine.decompress(rest, room + 1))
        room -= len(parts[-1])
        if room < 0:
            raise OverflowError(f"more than {most} octets")
        if not engine.eof:
            break
        rest = engine.unused_data
        if not rest or rest == end:  # some leave out the empty block behind the last one (7.2.3.4)
            return b"".join(parts)
        window = (bytes(window) + parts[-1])[-WINDOW:]
    raise zlib.error("incomplete")


class Windows:
    """The windows of all connections of a capture, in bounded memory."""

    def __init__(self) -> None:
        self._held = 0
        self._used: OrderedDict[Inflater, int] = OrderedDict()

    def keep(self, inflater: Inflater, octets: int) -> None:
        """Note what the window of a direction that was just used takes, and take the oldest where all is too much."""
        self._held += octets - self._used.pop(inflater, 0)
        self._used[inflater] = octets
        while self._held > MAX_HELD:
            oldest, size = self._used.popitem(last=False)
            self._held -= size
            oldest.evict()

    def drop(self, inflater: Inflater) -> None:
        """A direction ended."""
        self._held -= self._used.pop(inflater, 0)


class Inflater:
    """One direction of one connection. `complete` says that all since its beginning was seen."""

    __slots__ = ("_allowed", "_evicted", "_whole", "_window", "_windows")

    def __init__(self, windows: Windows, *, complete: bool) -> None:
        self._windows = windows
        self._window = bytearray()
        self._whole = complete  # nothing that the next message may refer to is missing
        self._evicted = False
        self._allowed = START

    def message(self, octets: bytes, direction: Direction) -> tuple[Outcome, bytes]:
        """The content of the next message; empty unless it could be read."""
        self._allowed += RATIO * (len(octets) + 1)
        most = min(MAX_INFLATED, self._allowed)
        outcome, content = self._inflated(octets, most)
        self._allowed -= most if outcome is Outcome.TOO_LONG else len(content)
        if outcome is not Outcome.READ:
            self.lose()
        if direction.takeover:
            self._remember(content, direction.window)
        return outcome, content

    def _inflated(self, octets: bytes, most: int) -> tuple[Outcome, bytes]:
        try:
            return Outcome.READ, inflate(octets, self._window, most)
        except OverflowError:
            return Outcome.TOO_LONG, b""
        except zlib.error:
            if self._evicted:
                return Outcome.EVICTED, b""
            return (Outcome.DAMAGED if self._whole else Outcome.UNKNOWN), b""

    def _remember(self, content: bytes, size: int) -> None:
        window = self._window
        window += content
        if len(window) > size + size // 4:  # not at each message: most are far shorter
            del window[:-size]
        self._windows.keep(self, len(window))

    def lose(self) -> None:
        """Something was not seen, or could not be read: what refers to it is lost too."""
        self._window.clear()
        self._whole = False

    def evict(self) -> None:
        """The window is taken away for others."""
        self._window.clear()
        self._evicted = True

    def close(self) -> None:
        """Nothing more comes."""
        self._window.clear()
        self._windows.drop(self)
