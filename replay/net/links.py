"""A link to one peer over UDP, TCP or TLS (RFC 3261 18.1), for asyncio.

A UDP socket is connected: the kernel then hands over what came from the peer's address and nothing that a third party
sent, and reports ICMP errors. On streams messages are cut by Content-Length (18.3), within bounds; a connection that
the peer has closed is made again for the next request (18.1.1).
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Callable, Collection
from typing import Protocol, cast

from analyzer.escape import Told
from analyzer.evidence import Endpoint
from analyzer.sip.framing import StreamFramer
from replay.net.inbox import Inbox, MessageReceived, TransportError
from replay.target import addresses_without_asking, check_name

_CHUNK = 65_536
_FAREWELL = 1.0
"""Seconds for the peer to agree to the end of a connection."""


class LinkError(Told):
    """The peer cannot be reached; the text says what the system said."""


class Link(Protocol):
    """A way to one peer. `local` is the address that it speaks from, `inbox` what came in."""

    local: Endpoint
    inbox: Inbox

    async def send(self, octets: bytes) -> None:
        """Put octets on the wire; raises LinkError where that cannot be."""

    async def close(self) -> None:
        """Leave."""


class UdpLink(asyncio.DatagramProtocol):
    """One connected UDP socket."""

    def __init__(self, peer: Endpoint) -> None:
        self.peer = peer
        self.local = Endpoint("", 0)
        self.inbox = Inbox()
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is there."""
        transport = cast(asyncio.DatagramTransport, transport)  # which the loop's own class does not admit to be
        self._transport = transport
        self.local = _endpoint(transport.get_extra_info("sockname"))

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        """A datagram is a message (18.3)."""
        del addr
        self.inbox.put(MessageReceived(data, self.peer))

    def error_received(self, exc: Exception) -> None:
        """An ICMP error."""
        self.inbox.put(TransportError(_said(exc)))

    async def send(self, octets: bytes) -> None:
        """One datagram."""
        if self._transport is None:
            raise LinkError("the socket is closed")
        self._transport.sendto(octets)

    async def close(self) -> None:
        """Close the socket."""
        if self._transport is not None:
            self._transport.close()


class StreamLink:
    """One TCP or TLS connection at a time.

    A peer may close an idle connection just as the next request leaves. A request that went out over a connection that
    had served before, and met nothing but its end, goes once more over a new one.
    """

    def __init__(self, peer: Endpoint, tls: ssl.SSLContext | None, name: str | None) -> None:
        self.peer = peer
        self.local = Endpoint("", 0)
        self.inbox = Inbox()
        self._tls = tls
        self._name = name
        self._writer: asyncio.StreamWriter | None = None
        self._opened: list[asyncio.StreamWriter] = []
        self._reader: asyncio.Task[None] | None = None
        self._served = False
        self._waiting: bytes = b""

    async def open(self) -> None:
        """Connect; raises LinkError."""
        try:
            reader, writer = await asyncio.wait_for(
                asyncio.open_connection(
                    self.peer.host, self.peer.port, ssl=self._tls, server_hostname=self._name if self._tls else None
                ),
                timeout=10,
            )
        except (OSError, TimeoutError) as error:
            for _ in range(3):  # the loop has yet to close what a failed handshake leaves
                await asyncio.sleep(0)
            raise LinkError(_said(error)) from None
        self._writer, self._served = writer, False
        self._opened = [*self._opened[-3:], writer]
        self.local = _endpoint(writer.get_extra_info("sockname"))
        self._reader = asyncio.create_task(self._read(reader, writer))

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        framer = StreamFramer()
        reason = "the peer closed the connection"
        try:
            while octets := await reader.read(_CHUNK):
                self._waiting, self._served = b"", True
                for framed in framer.feed(octets):
                    self.inbox.put(MessageReceived(framed.octets, self.peer))
        except OSError as error:
            reason = _said(error)
        finally:
            writer.close()
        if self._writer is writer:
            self._writer = None
        if self._waiting and self._served and await self._again():
            return
        self.inbox.put(TransportError(reason))

    async def _again(self) -> bool:
        """Send what met the end of an old connection over a new one."""
        octets, self._waiting = self._waiting, b""
        try:
            await self.send(octets)
        except LinkError:
            return False
        return True

    async def send(self, octets: bytes) -> None:
        """Write; over a new connection where the peer has closed the last one."""
        if self._writer is None or self._writer.is_closing():
            await self.open()
        self._waiting = octets
        try:
            await self._write(octets)
        except LinkError:
            if self._waiting is not octets:
                return  # who reads has met the end of the connection first, and sent it again
            if not self._served:
                raise
            await self.open()
            await self._write(octets)

    async def _write(self, octets: bytes) -> None:
        writer = self._writer
        if writer is None:
            raise LinkError("the connection is closed")
        try:
            writer.write(octets)
            await asyncio.wait_for(writer.drain(), timeout=10)
        except (OSError, TimeoutError) as error:
            raise LinkError(_said(error)) from None

    async def close(self) -> None:
        """Close the connection."""
        self._waiting = b""
        for writer in self._opened:
            await _closed(writer)
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)


async def _closed(writer: asyncio.StreamWriter) -> None:
    """Close, and wait for the end that TLS agrees upon (RFC 8446 6.1), but not for a peer that does not."""
    writer.close()
    try:
        await asyncio.wait_for(writer.wait_closed(), _FAREWELL)
    except (OSError, TimeoutError):
        writer.transport.abort()
        await asyncio.sleep(0)


async def connect(
    peer: Endpoint, transport: str, *, tls: ssl.SSLContext | None = None, name: str | None = None
) -> UdpLink | StreamLink:
    """A link to `peer` over "UDP", "TCP" or "TLS" (`tls` is its context, `name` whom the certificate must name).

    Raises LinkError.
    """
    if transport != "UDP":
        link = StreamLink(peer, tls if transport == "TLS" else None, name)
        await link.open()
        return link
    try:
        _, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: UdpLink(peer), remote_addr=(peer.host, peer.port)
        )
    except OSError as error:
        raise LinkError(_said(error)) from None
    return protocol


def tls_context(*, verify: bool = True, authority: str | None = None) -> ssl.SSLContext:
    """What a TLS client believes: the system's authorities or those of a file; nothing is checked only if told so.

    Raises LinkError for a file that holds no certificate.
    """
    try:
        context = ssl.create_default_context(cafile=authority)
    except (OSError, ssl.SSLError) as error:
        raise LinkError(f"{authority}: {_said(error)}") from None
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def addresses_of(
    host: str,
    port: int,
    transport: str,
    allowed: Collection[str] = (),
    *,
    doing: str = "sends there",
    asking: Callable[[str], None] = lambda name: None,
) -> list[Endpoint]:
    """The addresses of a host, in the system's order. The one place where a name is looked up, and only one that is
    `allowed` by name: `asking` is told before a query leaves.

    Raises Refused, before any query, for a name that is not allowed, and LinkError for one that has no address.
    """
    known = addresses_without_asking(host)
    if known:
        return [Endpoint(address, port) for address in known]
    check_name(host, allowed, doing)
    asking(host)
    kind = socket.SOCK_DGRAM if transport == "UDP" else socket.SOCK_STREAM
    try:
        found = socket.getaddrinfo(host, port, type=kind)
    except (OSError, UnicodeError) as error:
        raise LinkError(f"{host}: {_said(error)}") from None
    return list(dict.fromkeys(Endpoint(str(one[4][0]), int(one[4][1])) for one in found))


def _endpoint(name: tuple[str, int]) -> Endpoint:
    return Endpoint(name[0], name[1])


def _said(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not believed: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return "no answer in 10 s"
    if isinstance(error, OSError) and not isinstance(error, (ssl.SSLError, socket.gaierror)) and error.errno:
        return os.strerror(error.errno).lower()  # asyncio has words of its own, with an address in brackets
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
