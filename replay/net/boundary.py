"""Between a machine that listens and whatever carries its octets: commands out, messages in, an alarm kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from analyzer.evidence import Endpoint
from replay.machine import Command, Machine, Send


class Listening(Machine, Protocol):
    """A machine for a listener: it is told where it listens before it starts, and who had to go."""

    def bound(self, local: Endpoint, transport: str, epoch: int) -> None:
        """`epoch` is the nanoseconds since the epoch at instant 0 of the clock."""

    def turn_away(self, why: str, now: int) -> Sequence[Command]:
        """A connection ended at our wish, or was none: a whole sentence, the same for the same kind."""


class IoBoundary:
    """Carries out commands, and keeps the alarm that the machine asks for."""

    def __init__(self, machine: Listening, tell: Callable[[Any], None], loop: asyncio.AbstractEventLoop) -> None:
        self.machine = machine
        self.tell = tell
        self.loop = loop
        self.over = asyncio.Event()
        self.fault: BaseException | None = None
        self.send: Callable[[bytes, Endpoint], None] = lambda octets, to: None
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at: int | None = None

    def receive(self, octets: bytes, peer: Endpoint) -> None:
        """A message came."""
        self._do(lambda now: self.machine.receive(octets, peer, now))

    def failed(self, reason: str) -> None:
        """The transport gave an error."""
        self._do(lambda now: self.machine.failed(reason, now))

    def turned_away(self, why: str) -> None:
        """A connection had to go."""
        self._do(lambda now: self.machine.turn_away(why, now))

    def _do(self, step: Callable[[int], Sequence[Command]]) -> None:
        """One step of the machine. A fault, ours or that of who watches (a pipe that is closed), ends the listening:
        out of a callback the loop would log it and go on."""
        if self.fault is not None:
            return
        try:
            self.act(step(time.monotonic_ns()))
        except Exception as fault:
            self.fault = fault
            self.over.set()

    def act(self, commands: Sequence[Command]) -> None:
        """Send and tell, in this order; then set the alarm."""
        for command in commands:
            if isinstance(command, Send):
                if command.to is not None:
                    self.send(command.octets, command.to)
            else:
                self.tell(command.event)
        self._arm()

    def stop(self) -> None:
        """Somebody wants an end."""
        self.act(self.machine.stop(time.monotonic_ns()))

    def disarm(self) -> None:
        """No alarm any more."""
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self._alarm_at = None

    def _arm(self) -> None:
        if self.machine.done:
            self.over.set()
        deadline = None if self.machine.done else self.machine.deadline
        if deadline == self._alarm_at:
            return
        self.disarm()
        if deadline is not None:
            wait = max(0, deadline - time.monotonic_ns()) / 1e9
            self._alarm_at, self._alarm = deadline, self.loop.call_later(wait, self._wake)

    def _wake(self) -> None:
        self._alarm = self._alarm_at = None
        self._do(self.machine.wake)
