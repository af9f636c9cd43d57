"""What happened and was not looked at yet: a bounded queue with one reader, who waits no longer than told.

`asyncio.Queue` with `wait_for` makes a task for every message, which at a thousand messages a second costs more than
all the rest of a replay.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from analyzer.evidence import Endpoint

MOST_QUEUED = 10_000
"""Messages that wait to be read; a peer that floods loses the rest."""


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """A message came in."""

    octets: bytes
    peer: Endpoint


@dataclass(frozen=True, slots=True)
class TransportError:
    """The transport gave an error, or the peer closed."""

    reason: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Somebody wants an end."""


@dataclass(frozen=True, slots=True)
class Proceed:
    """Somebody wants the next step."""


Happening = MessageReceived | TransportError | Stop | Proceed


class Inbox:
    """Happenings in their order. `lost` counts those that found no room."""

    def __init__(self) -> None:
        self._waiting: deque[Happening] = deque()
        self._reader: asyncio.Future[None] | None = None
        self.lost = 0

    def put(self, happening: Happening) -> None:
        """Add one; what somebody at the keyboard wants always has room."""
        if len(self._waiting) >= MOST_QUEUED and not isinstance(happening, (Stop, Proceed)):
            self.lost += 1
            return
        self._waiting.append(happening)
        self._wake()

    def take(self) -> Happening | None:
        """The next one, None if there is none yet."""
        return self._waiting.popleft() if self._waiting else None

    async def get(self, timeout: float | None) -> Happening | None:
        """The next one; None after `timeout` seconds (None: wait for ever)."""
        if not self._waiting:
            await self._wait(timeout)
        return self.take()

    async def _wait(self, timeout: float | None) -> None:
        loop = asyncio.get_running_loop()
        self._reader = loop.create_future()
        timer = loop.call_later(timeout, self._wake) if timeout is not None else None
        try:
            await self._reader
        finally:
            self._reader = None
            if timer is not None:
                timer.cancel()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)
