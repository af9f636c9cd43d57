"""The connections of a listener over TCP or TLS: how many, how long, and how much of each.

A connection counts from the moment that it was accepted, its TLS handshake included. At the limit a new peer is let in
and another makes room: of those that have not yet said one whole SIP message whoever came first; where the new one is
the only such, whoever has been silent longest. So a crowd that only connects takes turns among itself, and displaces
one phone that is served at most.

Time: `HANDSHAKE` for TLS, `FIRST_MESSAGE` until the first message is whole, `LONGEST_WAIT` for each later one that has
begun, `LONGEST_SILENCE` between messages. Octets: `LONGEST_MESSAGE` of a message that is not whole, `MOST_UNREAD` of
responses that nobody reads.

Turns: each connection has `A_TURN` of its messages handled in a turn of the loop, and what it sent more waits its turn
with reading paused, so that one that says a thousand things at once keeps nobody waiting. What waits is the rest of one
read. Answers are written once in a turn, all together: a transport that fails is known to have failed in the next one
or two, and until then asyncio would complain of every write to it (over TLS it does not even say that it is closing).
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import OrderedDict, deque
from contextlib import suppress
from typing import cast

from analyzer.evidence import SECOND, Endpoint
from analyzer.sip.framing import StreamFramer
from analyzer.sip.sniff import PONG
from analyzer.sip.timers import TIMER_F
from replay.net.boundary import IoBoundary

LONGEST_MESSAGE = 131_072
"""Octets of a message on a stream that is waited for."""
MOST_UNREAD = 1 << 20
"""Octets of responses that a peer has not read, after which it is cut off."""
HANDSHAKE = 10.0
"""Seconds for a TLS handshake."""
FIRST_MESSAGE = TIMER_F / SECOND
"""Seconds from the connection to the end of its first message (64*T1): keep-alives alone are none."""
LONGEST_WAIT = TIMER_F / SECOND
"""Seconds that a message which has begun may take (64*T1: its sender has given up by then)."""
LONGEST_SILENCE = 7_200.0
"""Seconds without a message: the longest interval that a registrar here grants, so a phone comes back before."""
MOST_PONGS = 8
"""Answers to keep-alives out of one read."""
A_TURN = 8
"""Messages of one connection that are handled in one turn of the loop."""
FAREWELL = 1.0
"""Seconds for the peers to agree to the end of their connections (RFC 8446 6.1)."""
UNHANDLED = "a connection ended before this message out of it was handled"
UNSENT = "a connection ended before this answer was sent"


class Connection(asyncio.Protocol):
    """One peer. `leaving`: it was told to go and is not gone yet; `spoke`: a whole message has come."""

    def __init__(self, boundary: IoBoundary, crowd: Connections, peer: Endpoint) -> None:
        self.boundary = boundary
        self.crowd = crowd
        self.peer = peer
        self.framer = StreamFramer()
        self.transport: asyncio.Transport | None = None
        self.arriving: asyncio.Task[None] | None = None
        self.leaving = False
        self.spoke = False
        self._waiting = 0
        self._unhandled: deque[bytes] = deque()
        self._unsent: list[bytes] = []
        self._unsent_octets = 0
        self._begun = False
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is there, its handshake made."""
        self.transport = cast(asyncio.Transport, transport)
        if self.leaving:
            self.transport.abort()
        else:
            self._be_patient(FIRST_MESSAGE, "no whole message came in time")

    def data_received(self, data: bytes) -> None:
        """Cut messages out of the stream."""
        pings = self.framer.keepalives
        framed = self.framer.feed(data)
        self._waiting = 0 if framed else self._waiting + len(data)
        self.spoke |= bool(framed)
        self.crowd.used(self)
        self._unhandled.extend(one.octets for one in framed)
        self._pong(self.framer.keepalives - pings)
        if self.framer.idle:
            self._waiting = 0
        self._take_turn()
        if self._unhandled:
            assert self.transport is not None
            self.transport.pause_reading()
            self._hurry_no_more()  # it waits for us now
        elif self._waiting > LONGEST_MESSAGE:
            self.cut_off("a message was too long")
        else:
            self._keep_time(bool(framed))

    def _take_turn(self) -> None:
        """Handle what it may say in a turn; the rest in the next ones."""
        for _ in range(min(A_TURN, len(self._unhandled))):
            if self._unhandled:  # unless it was cut off meanwhile
                self.boundary.receive(self._unhandled.popleft(), self.peer)
        self.flush()  # before an end of the stream that came with it is heard
        if self._unhandled:
            self.boundary.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        """The next turn; after the last, it may say more."""
        if not self._unhandled:
            return
        self._take_turn()
        if not self._unhandled and self.transport is not None and not self.leaving:
            self.transport.resume_reading()
            self._keep_time(True)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over, whoever ended it."""
        self._hurry_no_more()
        self.crowd.left(self)
        self.transport = None
        self._give_up()

    def send(self, octets: bytes) -> None:
        """Write at the end of this turn, unless nobody reads."""
        if self.transport is None or self.transport.is_closing():
            self.boundary.turned_away(UNSENT)
        elif self.transport.get_write_buffer_size() + self._unsent_octets > MOST_UNREAD:
            self.cut_off("answers were not read")
        else:
            if not self._unsent:
                self.boundary.loop.call_soon(self.flush)
            self._unsent.append(octets)
            self._unsent_octets += len(octets)

    def flush(self) -> None:
        """Write what was to be sent, in this turn at the latest."""
        if self._unsent and self.transport is not None and not self.transport.is_closing():
            self.transport.write(b"".join(self._unsent))
            self._unsent.clear()
            self._unsent_octets = 0

    def _give_up(self) -> None:
        """Nothing more is handled or sent; each is counted."""
        for why, waiting in ((UNHANDLED, self._unhandled), (UNSENT, self._unsent)):
            count = len(waiting)
            waiting.clear()
            for _ in range(count):
                self.boundary.turned_away(why)
        self._unsent_octets = 0

    def cut_off(self, why: str) -> None:
        """End it now, and say why."""
        if not self.leaving:
            self.abort()
            self.boundary.turned_away(f"a connection was cut off: {why}")

    def leave(self) -> None:
        """End it in peace: what was answered is sent, what was not handled will not be."""
        self.leaving = True
        self.flush()
        self._give_up()
        if self.transport is not None:
            self.transport.close()

    def abort(self) -> None:
        """End it now."""
        self.leaving = True
        self._hurry_no_more()
        self._give_up()
        if self.transport is not None:
            self.transport.abort()
        elif self.arriving is not None:
            self.arriving.cancel()

    def _pong(self, pings: int) -> None:
        """RFC 5626 4.4.1: a CRLF for each double CRLF."""
        if 0 < pings <= MOST_PONGS:
            self.send(PONG * pings)

    def _keep_time(self, whole: bool) -> None:
        """Each message has its own time; octets that make none whole gain none."""
        begun = not self.framer.idle
        if self.leaving or not self.spoke or (begun and self._begun and not whole):
            return
        self._begun = begun
        if begun:
            self._be_patient(LONGEST_WAIT, "a message took too long")
        else:
            self._be_patient(LONGEST_SILENCE, "nothing came for a long time")

    def _be_patient(self, seconds: float, why: str) -> None:
        self._hurry_no_more()
        self._patience = self.boundary.loop.call_later(seconds, self.cut_off, why)

    def _hurry_no_more(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


class Connections:
    """The connections that are open or being opened, at most `limit` and the one that is just let in."""

    def __init__(self, boundary: IoBoundary, limit: int, tls: ssl.SSLContext | None) -> None:
        self.boundary = boundary
        self.limit = limit
        self.tls = tls
        self._strangers: OrderedDict[Connection, None] = OrderedDict()
        self._known: OrderedDict[Connection, None] = OrderedDict()
        self._by_peer: dict[Endpoint, Connection] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._someone_left = asyncio.Event()
        boundary.send = self._send

    def __len__(self) -> int:
        return len(self._strangers) + len(self._known)

    def admit(self, accepted: socket.socket, peer: Endpoint) -> None:
        """A connection was accepted: it counts from now on, and has its handshake to make."""
        one = Connection(self.boundary, self, peer)
        self._strangers[one] = None
        self._by_peer[peer] = one
        one.arriving = self.boundary.loop.create_task(self._let_in(one, accepted))
        self._tasks.add(one.arriving)
        one.arriving.add_done_callback(self._tasks.discard)

    async def _let_in(self, one: Connection, accepted: socket.socket) -> None:
        given = {"ssl_handshake_timeout": HANDSHAKE, "ssl_shutdown_timeout": FAREWELL} if self.tls is not None else {}
        try:
            await self.boundary.loop.connect_accepted_socket(lambda: one, accepted, ssl=self.tls, **given)
        except OSError:  # ssl.SSLError and a timeout are some
            if not one.leaving:
                self.boundary.turned_away(f"a connection ended {'in its TLS handshake' if self.tls else 'at once'}")
        finally:
            one.arriving = None
            if one.transport is None:
                await _closed(accepted)
                self.left(one)

    async def make_room(self) -> None:
        """Return when no more than `limit` are left, whoever has to go for it."""
        while len(self) > self.limit:
            self._evict(len(self) - self.limit)
            self._someone_left.clear()
            with suppress(TimeoutError):  # whoever was told to go is gone in a turn of the loop or two
                await asyncio.wait_for(self._someone_left.wait(), FAREWELL)

    def _evict(self, surplus: int) -> None:
        """Tell so many to go, those counted that are going already. The newest is the last to be asked."""
        *strangers, newest = self._strangers or (None,)
        staying = [one for one in (*strangers, *self._known, newest) if one is not None and not one.leaving]
        for one in staying[: max(0, surplus - (len(self) - len(staying)))]:
            one.cut_off(f"{self.limit} are served at once, and it had to make room")

    def spare(self) -> None:
        """One fewer, whatever the limit is: there are no descriptors left."""
        self._evict(1)

    def used(self, one: Connection) -> None:
        """It said something: it is the last to make room. A stranger is known by a whole message."""
        if one.spoke and one in self._strangers:
            del self._strangers[one]
            self._known[one] = None
        elif one in self._known:
            self._known.move_to_end(one)

    def left(self, one: Connection) -> None:
        """It is gone, and its descriptor free."""
        self._strangers.pop(one, None)
        self._known.pop(one, None)
        if self._by_peer.get(one.peer) is one:
            del self._by_peer[one.peer]
        self._someone_left.set()

    async def close(self) -> None:
        """End all in peace, and after `FAREWELL` without; return when nothing of them is left."""
        for one in [*self._strangers, *self._known]:
            if one.transport is None:
                one.abort()
            else:
                one.leave()
        await self._all_left()
        for one in [*self._strangers, *self._known]:
            one.abort()
        await self._all_left()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _all_left(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL):
                while len(self):
                    self._someone_left.clear()
                    await self._someone_left.wait()

    def _send(self, octets: bytes, to: Endpoint) -> None:
        connection = self._by_peer.get(to)
        if connection is None:
            self.boundary.turned_away(UNSENT)
        else:
            connection.send(octets)


async def _closed(accepted: socket.socket) -> None:
    """The socket of a connection that did not come about: asyncio closes it in a later turn, unless it never had it."""
    for _ in range(5):
        if accepted.fileno() == -1:
            return
        await asyncio.sleep(0)
    accepted.close()
