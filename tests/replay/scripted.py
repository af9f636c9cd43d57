"""A peer that says what a test wants, well or badly formed, over UDP or TCP, from a thread of its own.

It knows nothing of the code under test: it cuts a stream by Content-Length and copies header lines, no more.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

HANG_UP = b""
"""As an answer over TCP: close the connection. Over UDP it is an empty datagram."""

Answers = Callable[[bytes], Iterable[bytes]] | Sequence[Iterable[bytes]]
"""What to say to each request; a sequence has the answers to the first request, the second, ... and then silence. An
iterable may be endless: it is followed until the test ends or the client goes away."""

_TICK = 0.05
_COPIED = ("via", "v", "from", "f", "to", "t", "call-id", "i", "cseq")


@dataclass
class ScriptedPeer:
    """A peer that runs. `received` has the requests as they came, `sources` where from, `sent` how many it said."""

    address: tuple[str, int]
    transport: Literal["udp", "tcp"]
    answers: Answers
    received: list[bytes] = field(default_factory=list)
    sources: list[tuple[str, int]] = field(default_factory=list)
    sent: int = 0
    errors: list[BaseException] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _heard: threading.Condition = field(default_factory=threading.Condition)

    @property
    def target(self) -> str:
        """`HOST:PORT`, as the command line takes it."""
        host, port = self.address
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def wait_for(self, count: int, timeout: float = 10.0) -> bool:
        """Whether `count` requests have come, at the latest after `timeout` seconds."""
        with self._heard:
            return self._heard.wait_for(lambda: len(self.received) >= count, timeout)

    def _saying(self, request: bytes, source: tuple[str, int]) -> Iterator[bytes]:
        with self._heard:
            number = len(self.received)
            self.received.append(request)
            self.sources.append(source)
            self._heard.notify_all()
        if callable(self.answers):
            said = self.answers(request)
        else:
            said = self.answers[number] if number < len(self.answers) else ()
        for octets in said:
            if self._over.is_set():
                return
            self.sent += 1
            yield octets

    def _serve_udp(self, server: socket.socket) -> None:
        while not self._over.is_set():
            with contextlib.suppress(TimeoutError, ConnectionRefusedError):
                request, source = server.recvfrom(65535)
                for octets in self._saying(request, source[:2]):
                    server.sendto(octets, source)

    def _serve_tcp(self, server: socket.socket) -> None:
        talks: list[threading.Thread] = []
        while not self._over.is_set():
            with contextlib.suppress(TimeoutError):
                connection, source = server.accept()
                talks.append(threading.Thread(target=self._guarded, args=(self._talk, connection, source[:2])))
                talks[-1].start()
        for talk in talks:
            talk.join()

    def _talk(self, connection: socket.socket, source: tuple[str, int]) -> None:
        connection.settimeout(_TICK)
        waiting = b""
        with connection, contextlib.suppress(ConnectionError):
            while not self._over.is_set():
                try:
                    octets = connection.recv(65535)
                except TimeoutError:
                    continue
                if not octets:
                    return
                requests, waiting = _cut(waiting + octets)
                for request in requests:
                    for answer in self._saying(request, source):
                        if answer == HANG_UP:
                            return
                        self._write(connection, answer)

    def _write(self, connection: socket.socket, octets: bytes) -> None:
        """All of it, however slow the reader, but not after the test's end."""
        rest = memoryview(octets)
        while rest and not self._over.is_set():
            with contextlib.suppress(TimeoutError):
                rest = rest[connection.send(rest) :]

    def _guarded(self, serve: Callable[..., None], *arguments: object) -> None:
        try:
            serve(*arguments)
        except BaseException as error:
            self.errors.append(error)


@contextlib.contextmanager
def scripted_peer(
    answers: Answers, *, transport: Literal["udp", "tcp"] = "udp", host: str = "127.0.0.1"
) -> Iterator[ScriptedPeer]:
    """A peer on a port that the kernel chose. An error in `answers` fails the test at the end of the block."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    with socket.socket(family, kind) as server:
        server.bind((host, 0))
        server.settimeout(_TICK)
        if transport == "tcp":
            server.listen()
        peer = ScriptedPeer(server.getsockname()[:2], transport, answers)
        serve = peer._serve_udp if transport == "udp" else peer._serve_tcp
        thread = threading.Thread(target=peer._guarded, args=(serve, server), name="scripted peer")
        thread.start()
        try:
            yield peer
        finally:
            peer._over.set()
            thread.join()
    assert peer.errors == []


def answer_to(
    request: bytes,
    status: int,
    *headers: str,
    reason: str = "Whatever",
    change: Callable[[str], str] = lambda line: line,
    tag: str = "scripted",
    body: bytes = b"",
    length: int | None = None,
) -> bytes:
    """An answer with the lines that RFC 3261 8.2.6.2 has copied, each through `change` (to get them wrong)."""
    lines = [f"SIP/2.0 {status} {reason}"]
    for line in request.partition(b"\r\n\r\n")[0].decode("utf-8", "surrogateescape").split("\r\n")[1:]:
        name = line.partition(":")[0].strip().lower()
        if name in _COPIED:
            tagged = name in ("to", "t") and status > 100 and ";tag=" not in line
            lines.append(change(f"{line};tag={tag}" if tagged else line))
    lines += [*headers, f"Content-Length: {len(body) if length is None else length}", "", ""]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + body


def _cut(stream: bytes) -> tuple[list[bytes], bytes]:
    """Whole messages of a stream, and what is left (RFC 3261 18.3)."""
    messages: list[bytes] = []
    while True:
        stream = stream.lstrip(b"\r\n")
        head, end, rest = stream.partition(b"\r\n\r\n")
        if not end:
            return messages, stream
        found = re.search(rb"(?im)^(?:content-length|l)[ \t]*:[ \t]*(\d+)", head)
        length = int(found[1]) if found else 0
        if len(rest) < length:
            return messages, stream
        messages.append(head + end + rest[:length])
        stream = rest[length:]
