"""Who is let in: sockets that are bound and accepted from in our own hands.

asyncio's server accepts whatever comes: a handshake counts for nothing there, and where descriptors run out it logs a
traceback a hundred times in a turn of the loop. Here one connection is let in at a time, each is counted before the
next, and where the system has no descriptor left the door stays shut for a while: the queue of the kernel holds those
that wait.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from typing import cast

from analyzer.evidence import Endpoint
from replay.net.connections import Connections

QUEUE = 100
"""Connections that the kernel holds until they are accepted."""
PAUSE = 0.5
"""Seconds that the door stays shut where the system has no means for another connection."""
_GONE = frozenset((errno.ECONNABORTED, errno.EPROTO, errno.EINTR, errno.EPERM))
"""A peer that left while it waited (accept(2)); the next one may be all right."""


def bound_sockets(addresses: list[tuple[socket.AddressFamily, tuple[str, int]]]) -> list[socket.socket]:
    """A listening socket for each address. Raises OSError where one cannot be bound, and leaves none open then."""
    made: list[socket.socket] = []
    try:
        for family, address in addresses:
            made.append(socket.create_server(address, family=family, backlog=QUEUE))
            made[-1].setblocking(False)
    except OSError as error:
        for one in made:
            one.close()
        raise OSError(error.errno, os.strerror(error.errno) if error.errno else str(error)) from None
    return made


def numeric(bind: Endpoint) -> list[tuple[socket.AddressFamily, tuple[str, int]]]:
    """An address as the system has it. Raises OSError for a name: nobody is asked here (see `links.addresses_of`)."""
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    found = socket.getaddrinfo(bind.host, bind.port, type=socket.SOCK_STREAM, flags=flags)
    return [(one[0], cast(tuple[str, int], one[4])) for one in found]


async def _knocked(listening: socket.socket) -> None:
    """Wait until somebody waits. What `loop.sock_accept` has accepted would be lost, and stay open, where the task that
    awaits it is cancelled before it goes on; so accepting is left to who has no more to wait for."""
    loop, somebody = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(listening, somebody.set)
    try:
        await somebody.wait()
    finally:
        loop.remove_reader(listening)


async def keep_door(listening: socket.socket, crowd: Connections) -> None:
    """Let in whoever comes, for ever."""
    while True:
        await _knocked(listening)
        try:
            accepted, address = listening.accept()
            accepted.setblocking(False)
        except BlockingIOError:  # who knocked has left
            continue
        except OSError as error:
            if error.errno not in _GONE:
                crowd.boundary.turned_away(f"the door was shut for {PAUSE} s: {os.strerror(error.errno or 0).lower()}")
                crowd.spare()
                await asyncio.sleep(PAUSE)
        else:
            crowd.admit(accepted, Endpoint(str(address[0]), int(address[1])))
        await asyncio.sleep(0)  # the others have their turn
        await crowd.make_room()
