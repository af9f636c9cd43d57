"""One machine and one link, until the machine is done: messages in, commands out, a deadline kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

from replay.machine import Command, Machine, Say, Send
from replay.net.links import Arrived, Happening, Link, LinkError, Tell

MOST_AT_ONCE = 64
"""Messages that are taken in before the timers get their turn."""
Ask = Callable[[], None]
"""Returns when the next step may be sent: somebody pressed a key."""


async def converse(
    machine: Machine,
    link: Link,
    tell: Tell,
    *,
    stop: asyncio.Event | None = None,
    keepalive: float = 0.0,
    ask: Ask | None = None,
) -> None:
    """Let `machine` speak over `link`; `tell` hears its events. `stop` asks for an end, `keepalive` is the seconds of
    silence after which CRLFCRLF goes out (RFC 5626 4.4.1; 0: never), `ask` is called where a machine holds."""
    await _carry_out(machine.start(now()), machine, link, tell)
    stopping = asyncio.create_task(stop.wait()) if stop is not None else None
    try:
        while not machine.done:
            if ask is not None and machine.held:
                await asyncio.to_thread(ask)
                await _carry_out(machine.proceed(now()), machine, link, tell)
            await _turn(machine, link, tell, stopping, keepalive)
            if stopping is not None and stopping.done():
                stopping = None
                await _carry_out(machine.stop(now()), machine, link, tell)
    finally:
        if stopping is not None:
            stopping.cancel()


async def _turn(
    machine: Machine, link: Link, tell: Tell, stopping: asyncio.Task[bool] | None, keepalive: float
) -> None:
    """Wait for whatever comes first, and hand it to the machine."""
    left = None if machine.deadline is None else max(0.0, (machine.deadline - now()) / 1e9)
    idle = bool(keepalive) and (left is None or keepalive < left)
    arrival = asyncio.create_task(link.queue.get())
    waiting: set[asyncio.Task[object]] = {arrival}
    if stopping is not None:
        waiting.add(stopping)
    done, _ = await asyncio.wait(waiting, timeout=keepalive if idle else left, return_when=asyncio.FIRST_COMPLETED)
    if arrival not in done:
        arrival.cancel()
        if machine.deadline is not None and machine.deadline <= now():
            await _carry_out(machine.wake(now()), machine, link, tell)
        elif idle and not done:
            await _keep_alive(link)
        return
    await _hand_in(arrival.result(), machine, link, tell)
    for _ in range(MOST_AT_ONCE):  # what came meanwhile needs no waiting for
        if link.queue.empty() or machine.done:
            break
        await _hand_in(link.queue.get_nowait(), machine, link, tell)
    if machine.deadline is not None and machine.deadline <= now():
        await _carry_out(machine.wake(now()), machine, link, tell)


async def _hand_in(happening: Happening, machine: Machine, link: Link, tell: Tell) -> None:
    if isinstance(happening, Arrived):
        commands = machine.receive(happening.octets, happening.peer, now())
    else:
        commands = machine.failed(happening.reason, now())
    await _carry_out(commands, machine, link, tell)


async def _carry_out(commands: Iterable[Command], machine: Machine, link: Link, tell: Tell) -> None:
    for command in commands:
        if isinstance(command, Say):
            tell(command.event)
        elif isinstance(command, Send):
            try:
                await link.send(command.octets)
            except LinkError as error:
                await _carry_out(machine.failed(str(error), now()), machine, link, tell)


async def _keep_alive(link: Link) -> None:
    try:
        await link.send(b"\r\n\r\n")
    except LinkError:
        pass  # the next request will say so


def now() -> int:
    """The instant, in nanoseconds of a clock that only goes forward."""
    return time.monotonic_ns()
