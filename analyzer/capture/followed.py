"""A log that is still written: its octets as they come, until somebody says that it is enough.

A file is read to its end and looked at again a moment later. Where it was renamed and begun anew (logrotate's
`create`), what was still written to the old one is read first; where it was emptied (`copytruncate`, `>`), the reading
begins at its start again. A pipe gives what it has.

A dialect knows that a message is whole when the next one begins, and its clock waits for later lines. So where nothing
has come for a while, and the last line is whole, the stream ends for the time being: the reader hands out what it has,
then asks `more` whether it goes on (`Source.goes_on`). A writer that stops within a line is waited for.
"""

from __future__ import annotations

import io
import math
import os
import select
import stat
import time
from collections.abc import Callable

from analyzer.defect import SourceError

QUIET = 1.0
"""Seconds without a new octet after which what was read is handed out."""
POLL = 0.2
"""Seconds from one look to the next."""
PATIENCE = 5.0
"""Seconds without such a pause after which the shortest will do: one from a look to the next."""
_CHUNK = 1 << 16


class Followed(io.RawIOBase):
    """The octets of a growing log; `end` makes the next look the last one. `calm` is called at each look that finds
    nothing. `turns` are the lines after which the log began anew: renamed away, or emptied. `lines` were read so far;
    `passed` of them are given to nobody. What is read is kept for `again` until it is `recognised`."""

    def __init__(self, name: str, calm: Callable[[], None], *, quiet: float = QUIET, poll: float = POLL) -> None:
        super().__init__()
        self.name = name
        self.turns: list[int] = []
        self.ended = False
        self.lines = self.passed = 0
        self._kept: list[bytes] | None = []
        self._calm = calm
        self._quiet = quiet
        self._poll = poll
        self._overdue = time.monotonic() + (PATIENCE if quiet < math.inf else math.inf)
        self._in_line = False
        self._ahead = b""

    def end(self) -> None:
        """Read no more than what is there; a signal handler may call this."""
        self.ended = True

    def complaint(self) -> str:
        """Why it ended though nobody asked for that; "" where it did not."""
        return ""

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """What is there; 0 where nothing came for a while, and no line is open."""
        octets = self._ahead or self._waited_for(len(buffer))
        size = min(len(buffer), len(octets))
        buffer[:size] = octets[:size]
        self._ahead = octets[size:]
        if self._kept is not None:
            self._kept.append(octets[:size])
        return size

    def more(self) -> bool:
        """Wait until there is more to read; False where it is enough."""
        while not self._take(_CHUNK):
            if self.ended:
                return False
            self._pause()
        return True

    def _waited_for(self, size: int) -> bytes:
        since = time.monotonic()
        while not self._take(size) and not self.ended:
            now = time.monotonic()
            if not self._in_line and now - since >= (self._quiet if now < self._overdue else self._poll):
                self._overdue = now + PATIENCE
                return b""
            self._pause()
        octets, self._ahead = self._ahead, b""
        return octets

    def recognised(self) -> None:
        """It is known what the log is: nothing has to be read again."""
        self._kept = None

    def again(self, most: int) -> None:
        """Begin once more with all that was read; if these are more octets than `most`, with the next line."""
        octets = b"".join(self._kept or ())
        self._kept = []
        if len(octets) > most:
            end = octets.rfind(b"\n") + 1
            self.passed += octets.count(b"\n", 0, end)
            octets = octets[end:]
        self._ahead = octets + self._ahead

    def _take(self, size: int) -> bool:
        """Whether there is something to be given out."""
        if not self._ahead and (octets := self.fetch(size)):
            self._ahead = octets
            self._in_line = not octets.endswith(b"\n")
            self.lines += octets.count(b"\n")
        return bool(self._ahead)

    def turn(self) -> bytes:
        """The log begins anew: what ends the line that was open, if one was."""
        self.turns.append(self.lines + self._in_line)
        return b"\n" if self._in_line else b""

    def fetch(self, size: int) -> bytes:
        """At most `size` octets that are there now; none where there are none."""
        raise NotImplementedError

    def _pause(self) -> None:
        self._calm()
        time.sleep(self._poll)


class FollowedFile(Followed):
    """A file, by its path. Raises SourceError where it cannot be opened at first; one that is gone later is waited
    for."""

    def __init__(self, path: str, calm: Callable[[], None], *, quiet: float = QUIET, poll: float = POLL) -> None:
        super().__init__(path, calm, quiet=quiet, poll=poll)
        self._file = _opened(path)

    def fetch(self, size: int) -> bytes:
        """The next octets, of the file that has the path now where the one before has no more."""
        octets = self._file.read(size)
        if octets:
            return octets
        here = os.fstat(self._file.fileno())
        if here.st_size < self._file.tell():
            self._file.seek(0)
            return self.turn()
        try:
            there = os.stat(self.name)
            if (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino) or not there.st_size:
                return b""  # the same, or one that nobody writes yet: the writer may not know of it
            following = open(self.name, "rb", buffering=0)  # noqa: SIM115
        except OSError:
            return b""  # renamed away, and not there again yet
        octets = self._file.read(size)  # written to the old one while nobody looked
        if octets:
            following.close()
            return octets
        self._file.close()
        self._file = following
        return self.turn()

    def close(self) -> None:
        """Close the file, too."""
        if not self.closed:
            self._file.close()
        super().close()


class FollowedPipe(Followed):
    """What somebody pipes into standard input; it ends where the writer ends."""

    def __init__(self, descriptor: int, calm: Callable[[], None], *, quiet: float = QUIET, poll: float = POLL) -> None:
        super().__init__("-", calm, quiet=quiet, poll=poll)
        self._descriptor = descriptor

    def fetch(self, size: int) -> bytes:
        """What the pipe has."""
        if not select.select([self._descriptor], [], [], 0)[0]:
            return b""
        octets = os.read(self._descriptor, size)
        if not octets:
            self.ended = True
            self.over()
        return octets

    def over(self) -> None:
        """The writer has closed the pipe; told at each look from then on."""


def _opened(path: str) -> io.FileIO:
    from analyzer.capture.inputs import reason_of

    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise SourceError(path, "is no file that grows", hint="pipe it: ... | sipcheck log --follow -")
        return open(path, "rb", buffering=0)
    except (OSError, ValueError) as error:
        raise SourceError(path, reason_of(error)) from error
