"""One machine and one link, until the machine is done: messages in, commands out, a deadline kept."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from analyzer.sip.sniff import PING
from replay.machine import SECOND, Command, Machine, Notify, Send, Stepwise
from replay.net.inbox import Happening, Inbox, MessageReceived, Proceed, Stop, TransportError
from replay.net.links import Link, LinkError

MOST_AT_ONCE = 64
"""Messages that are taken in before the timers get their turn."""
Ask = Callable[[], bool]
"""Returns when somebody has decided: True where the next step may be sent, False where nothing more shall be."""
Tell = Callable[[object], None]
"""Who hears of events."""


async def converse(
    machine: Stepwise, link: Link, tell: Tell, *, keepalive: float = 0.0, ask: Ask | None = None
) -> None:
    """Let `machine` speak over `link`; `tell` hears its events. A `Stop` in the link's inbox asks it for an end.

    `keepalive` is the seconds of silence after which CRLFCRLF goes out (RFC 5626 4.4.1; 0: never); `ask` is called
    where the machine holds.
    """
    await _carry_out(machine.start(now()), machine, link, tell)
    asked = False
    while not machine.done:
        if ask is not None and machine.held and not asked:
            asked = True
            _in_background(ask, link.inbox)
        await _turn(machine, link, tell, keepalive)
        asked = asked and machine.held


async def _turn(machine: Stepwise, link: Link, tell: Tell, keepalive: float) -> None:
    """Wait for whatever comes first, and hand it to the machine."""
    left = None if machine.deadline is None else max(0.0, (machine.deadline - now()) / SECOND)
    idle = bool(keepalive) and (left is None or keepalive < left)
    happening = await link.inbox.get(keepalive if idle else left)
    if happening is None and idle:
        await _keep_alive(link)
    taken = 0
    while happening is not None and not machine.done:
        await _carry_out(_handed_in(happening, machine), machine, link, tell)
        taken += 1
        happening = link.inbox.take() if taken < MOST_AT_ONCE else None  # what came meanwhile needs no waiting for
    if machine.deadline is not None and machine.deadline <= now() and not machine.done:
        await _carry_out(machine.wake(now()), machine, link, tell)


def _in_background(ask: Ask, inbox: Inbox) -> None:
    """Ask in a thread, which must not hold anybody up: while nobody answers, messages and Ctrl-C have their way."""
    loop = asyncio.get_running_loop()

    def run() -> None:
        happening = Proceed() if ask() else Stop()
        with suppress(RuntimeError):  # the loop is closed: it was over before somebody answered
            loop.call_soon_threadsafe(inbox.put, happening)

    threading.Thread(target=run, name="asking", daemon=True).start()


def _handed_in(happening: Happening, machine: Stepwise) -> Iterable[Command]:
    if isinstance(happening, MessageReceived):
        return machine.receive(happening.octets, happening.peer, now())
    if isinstance(happening, TransportError):
        return machine.failed(happening.reason, now())
    if isinstance(happening, Proceed):
        return machine.proceed(now())
    return machine.stop(now())


async def _carry_out(commands: Iterable[Command], machine: Machine, link: Link, tell: Tell) -> None:
    for command in commands:
        if isinstance(command, Notify):
            tell(command.event)
        elif isinstance(command, Send):
            try:
                await link.send(command.octets)
            except LinkError as error:
                await _carry_out(machine.failed(str(error), now()), machine, link, tell)


async def _keep_alive(link: Link) -> None:
    try:
        await link.send(PING)
    except LinkError:
        pass  # the next request will say so


def now() -> int:
    """The instant, in nanoseconds of a clock that only goes forward."""
    return time.monotonic_ns()
