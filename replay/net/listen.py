"""A listener for a machine that answers many: UDP, TCP, TLS, on IPv4 and IPv6.

The rim has no say in SIP: it hands in messages with the address that they came from, carries out commands, and wakes
the machine when it asks for it. What a peer can cost is bounded: connections (the one that was silent longest makes
room), octets of a message that is not complete, time that a message may take, and answers that nobody reads.
"""

from __future__ import annotations

import asyncio
import signal
import ssl
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol, cast

from analyzer.evidence import Endpoint
from analyzer.interruption import diverted
from analyzer.sip.framing import StreamFramer
from replay.machine import Command, Machine, Send

MOST_CONNECTIONS = 500
"""Connections that are open at once."""
LONGEST_MESSAGE = 131_072
"""Octets of a message on a stream that is waited for."""
MOST_UNREAD = 1 << 20
"""Octets of answers that a peer has not read, after which it is cut off."""
LONGEST_WAIT = 32.0
"""Seconds that a message which has begun may take (64*T1: its sender has given up by then)."""
HANDSHAKE = 10.0
"""Seconds for a TLS handshake."""
MOST_PONGS = 8
"""Answers to keep-alives out of one read."""


class Listening(Machine, Protocol):
    """A machine for a listener: it is told where it listens before it starts."""

    def bound(self, local: Endpoint, transport: str, epoch: int) -> None:
        """`epoch` is the nanoseconds since the epoch at instant 0 of the clock."""


class Rim:
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


class _Datagrams(asyncio.DatagramProtocol):
    """The UDP socket."""

    def __init__(self, rim: Rim) -> None:
        self.rim = rim
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)
        self.rim.send = self._send

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self.rim.receive(data, Endpoint(str(addr[0]), int(addr[1])))

    def error_received(self, exc: Exception) -> None:
        self.rim.failed(f"{type(exc).__name__}: {exc}")

    def _send(self, octets: bytes, to: Endpoint) -> None:
        if self.transport is None or not to.port or cast(Any, self.transport).get_write_buffer_size() > MOST_UNREAD:
            return
        try:
            self.transport.sendto(octets, (to.host, to.port))
        except (OSError, ValueError) as error:
            self.rim.failed(f"no answer can be sent to {to}: {error}")


class _Connection(asyncio.Protocol):
    """One TCP or TLS connection."""

    def __init__(self, rim: Rim, connections: _Connections) -> None:
        self.rim = rim
        self.connections = connections
        self.framer = StreamFramer()
        self.transport: asyncio.Transport | None = None
        self.peer = Endpoint("", 0)
        self._waiting = 0
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        address = transport.get_extra_info("peername") or ("", 0)
        self.peer = Endpoint(str(address[0]), int(address[1]))
        self.connections.add(self)

    def data_received(self, data: bytes) -> None:
        self.connections.used(self)
        pings = self.framer.keepalives
        framed = self.framer.feed(data)
        self._waiting = 0 if framed else self._waiting + len(data)
        for one in framed:
            self.rim.receive(one.octets, self.peer)
        self._pong(self.framer.keepalives - pings)
        if self.framer.idle:
            self._waiting = 0
        elif self._waiting > LONGEST_MESSAGE:
            self.close()
        self._be_patient(not self.framer.idle)

    def connection_lost(self, exc: Exception | None) -> None:
        self._be_patient(False)
        self.connections.remove(self)

    def send(self, octets: bytes) -> None:
        """Write, unless nobody reads."""
        if self.transport is None or self.transport.is_closing():
            return
        if self.transport.get_write_buffer_size() > MOST_UNREAD:
            self.close()
        else:
            self.transport.write(octets)

    def close(self) -> None:
        """Cut it off."""
        self._be_patient(False)
        if self.transport is not None:
            self.transport.abort()

    def _pong(self, pings: int) -> None:
        """RFC 5626 4.4.1: a CRLF for each double CRLF."""
        if 0 < pings <= MOST_PONGS:
            self.send(b"\r\n" * pings)

    def _be_patient(self, waiting: bool) -> None:
        if not waiting and self._patience is not None:
            self._patience.cancel()
            self._patience = None
        elif waiting and self._patience is None:
            self._patience = self.rim.loop.call_later(LONGEST_WAIT, self.close)


class _Connections:
    """The open connections by peer, the longest silent first."""

    def __init__(self, rim: Rim) -> None:
        self.open: OrderedDict[Endpoint, _Connection] = OrderedDict()
        rim.send = self._send

    def add(self, connection: _Connection) -> None:
        self.open[connection.peer] = connection
        if len(self.open) > MOST_CONNECTIONS:
            _, oldest = self.open.popitem(last=False)
            oldest.close()

    def used(self, connection: _Connection) -> None:
        if self.open.get(connection.peer) is connection:
            self.open.move_to_end(connection.peer)

    def remove(self, connection: _Connection) -> None:
        if self.open.get(connection.peer) is connection:
            del self.open[connection.peer]

    def close(self) -> None:
        for connection in [*self.open.values()]:
            if connection.transport is not None:
                connection.transport.close()

    def _send(self, octets: bytes, to: Endpoint) -> None:
        connection = self.open.get(to)
        if connection is not None:
            connection.send(octets)


async def listen(
    machine: Listening,
    bind: Endpoint,
    transport: str,
    tls_context: ssl.SSLContext | None,
    tell: Callable[[Any], None],
    ready: Callable[[Endpoint], None],
) -> None:
    """Serve until the machine is done. `transport` is `UDP`, `TCP` or `TLS` (which needs `tls_context`); port 0 takes a
    free one, and `ready` is told the address that was bound. Raises OSError where the address cannot be bound.

    Cancelled, it stops the machine, closes what is open, and lets the cancellation through.
    """
    loop = asyncio.get_running_loop()
    rim = Rim(machine, tell, loop)
    close, local = await _opened(rim, bind, transport.upper(), tls_context)
    try:
        machine.bound(local, transport.upper(), time.time_ns() - time.monotonic_ns())
        rim.act(machine.start(time.monotonic_ns()))
        ready(local)
        await rim.over.wait()
        if rim.fault is not None:
            raise rim.fault
    except asyncio.CancelledError:
        rim.stop()
        raise
    finally:
        rim.disarm()
        close()
        await asyncio.sleep(0)  # what was written last goes out


async def _opened(
    rim: Rim, bind: Endpoint, transport: str, tls_context: ssl.SSLContext | None
) -> tuple[Callable[[], None], Endpoint]:
    """Bind; how to close, and the address."""
    address = (bind.host, bind.port)
    if transport == "UDP":
        socket, _ = await rim.loop.create_datagram_endpoint(lambda: _Datagrams(rim), local_addr=address)
        return socket.close, _endpoint(socket.get_extra_info("sockname"))
    if transport not in ("TCP", "TLS") or (transport == "TLS" and tls_context is None):
        raise OSError(f"no way to listen on {transport}" + (" without a certificate" if transport == "TLS" else ""))
    connections = _Connections(rim)
    given = tls_context if transport == "TLS" else None
    server = await rim.loop.create_server(
        lambda: _Connection(rim, connections),
        *address,
        ssl=given,
        ssl_handshake_timeout=HANDSHAKE if given is not None else None,
    )

    def close() -> None:
        server.close()
        connections.close()

    return close, _endpoint(server.sockets[0].getsockname())


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
    ends as it should."""

    async def run() -> None:
        task = asyncio.create_task(listen(machine, bind, transport, tls_context, tell, ready))
        loop = asyncio.get_running_loop()

        def stop(number: int) -> None:
            del number
            loop.call_soon_threadsafe(task.cancel)

        with diverted(stop, always=[signal.SIGINT]), suppress(asyncio.CancelledError):  # the loop listens for it, too
            await task

    asyncio.run(run())
