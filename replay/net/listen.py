"""A listener for a machine that answers many: UDP, TCP, TLS, on IPv4 and IPv6.

The I/O boundary has no say in SIP: it hands in messages with the address that they came from, carries out commands, and
wakes the machine when it asks for it. What a peer can cost is bounded: see `connections.py` for streams. Whatever
asyncio would log with a traceback is told in one line, and counted.
"""

from __future__ import annotations

import asyncio
import signal
import ssl
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, cast

from analyzer.evidence import Endpoint
from analyzer.interruption import diverted
from replay.net.boundary import IoBoundary, Listening
from replay.net.connections import MOST_UNREAD, Connections
from replay.net.descriptors import afford, most_connections
from replay.net.door import bound_sockets, keep_door, numeric
from replay.net.leftovers import told_in_a_line


class _Datagrams(asyncio.DatagramProtocol):
    """The UDP socket."""

    def __init__(self, boundary: IoBoundary) -> None:
        self.boundary = boundary
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)
        self.boundary.send = self._send

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self.boundary.receive(data, Endpoint(str(addr[0]), int(addr[1])))

    def error_received(self, exc: Exception) -> None:
        self.boundary.failed(f"{type(exc).__name__}: {exc}")

    def _send(self, octets: bytes, to: Endpoint) -> None:
        if self.transport is None or not to.port or cast(Any, self.transport).get_write_buffer_size() > MOST_UNREAD:
            return
        try:
            self.transport.sendto(octets, (to.host, to.port))
        except (OSError, ValueError, OverflowError) as error:
            self.boundary.failed(f"no answer can be sent to {to}: {error}")


async def listen(
    machine: Listening,
    bind: Endpoint,
    transport: str,
    tls_context: ssl.SSLContext | None,
    tell: Callable[[Any], None],
    ready: Callable[[Endpoint], None],
) -> None:
    """Serve until the machine is done. `transport` is `UDP`, `TCP` or `TLS` (which needs `tls_context`); port 0 takes a
    free one, and `ready` is told the address that was bound. Raises OSError where the address cannot be bound, or is a
    name.

    Cancelled, it stops the machine, closes what is open, and lets the cancellation through.
    """
    loop = asyncio.get_running_loop()
    boundary = IoBoundary(machine, tell, loop)
    loop.set_exception_handler(told_in_a_line(boundary.turned_away))
    close, local = await _opened(boundary, bind, transport.upper(), tls_context)
    try:
        machine.bound(local, transport.upper(), time.time_ns() - time.monotonic_ns())
        boundary.act(machine.start(time.monotonic_ns()))
        ready(local)
        await boundary.over.wait()
        if boundary.fault is not None:
            raise boundary.fault
    except asyncio.CancelledError:
        boundary.stop()
        raise
    finally:
        boundary.disarm()
        await close()


async def _opened(
    boundary: IoBoundary, bind: Endpoint, transport: str, tls_context: ssl.SSLContext | None
) -> tuple[Callable[[], Awaitable[None]], Endpoint]:
    """Bind; how to close, and the address."""
    if transport == "UDP":
        return await _datagrams(boundary, bind)
    if transport not in ("TCP", "TLS") or (transport == "TLS" and tls_context is None):
        raise OSError(f"no way to listen on {transport}" + (" without a certificate" if transport == "TLS" else ""))
    sockets = bound_sockets(numeric(bind))
    crowd = Connections(boundary, most_connections(), tls_context if transport == "TLS" else None)
    doors = [asyncio.create_task(keep_door(one, crowd)) for one in sockets]
    for door in doors:
        door.add_done_callback(lambda done: _fell_shut(done, boundary))

    async def close() -> None:
        for door in doors:
            door.cancel()
        await asyncio.gather(*doors, return_exceptions=True)
        for one in sockets:
            one.close()
        await crowd.close()

    return close, _endpoint(sockets[0].getsockname())


def _fell_shut(door: asyncio.Task[None], boundary: IoBoundary) -> None:
    """A door that nobody keeps any more is a fault of ours: it ends the listening."""
    if not door.cancelled() and door.exception() is not None:
        boundary.fault = boundary.fault or door.exception()
        boundary.over.set()


async def _datagrams(boundary: IoBoundary, bind: Endpoint) -> tuple[Callable[[], Awaitable[None]], Endpoint]:
    numeric(bind)
    socket, _ = await boundary.loop.create_datagram_endpoint(
        lambda: _Datagrams(boundary), local_addr=(bind.host, bind.port)
    )

    async def close() -> None:
        socket.close()
        await asyncio.sleep(0)  # what was written last goes out

    return close, _endpoint(socket.get_extra_info("sockname"))


def _endpoint(address: tuple[Any, ...]) -> Endpoint:
    return Endpoint(str(address[0]), int(address[1]))


def server_context(certificate: str, key: str) -> ssl.SSLContext:
    """TLS for a listener, from PEM files. Raises OSError where one cannot be read or is none."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key or None)
    return context


def listen_until_interrupted(
    machine: Listening,
    bind: Endpoint,
    transport: str,
    tls_context: ssl.SSLContext | None,
    tell: Callable[[Any], None],
    ready: Callable[[Endpoint], None],
) -> None:
    """`listen` in a loop of its own. Ctrl-C (and whatever else would be raised as that) stops the machine, which then
    ends as it should. Raises OSError as `listen` does, and where there are no descriptors for a loop."""

    async def run() -> None:
        task = asyncio.create_task(listen(machine, bind, transport, tls_context, tell, ready))
        loop = asyncio.get_running_loop()

        def stop(number: int) -> None:
            del number
            loop.call_soon_threadsafe(task.cancel)

        with diverted(stop, always=[signal.SIGINT]), suppress(asyncio.CancelledError):  # the loop listens for it, too
            await task

    afford()
    asyncio.run(run())
