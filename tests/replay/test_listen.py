"""The listener on loopback: UDP, TCP, TLS, IPv6, port 0, and what a hostile peer can do to it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from analyzer.evidence import Endpoint
from analyzer.register.digest.secrets import Secrets
from analyzer.sip.message import Message, parse_bytes
from replay.conversation import Conversation
from replay.machine import SECOND
from replay.net import connections as boundary
from replay.net import descriptors
from replay.net.listen import listen, server_context
from replay.registrar import Registrar, RegistrarPolicy
from replay.registrar_events import Ended, Finished, Serving
from replay.uas import StopCondition, UserAgentServer
from tests.replay.live_stage import served
from tests.replay.registrar_stage import request, tokens
from tests.tools import Tool

Body = Callable[[Endpoint], Awaitable[None]]


class Played:
    """A plain registrar on a port of loopback for the time of one conversation."""

    def __init__(self, transport: str, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None, **term: int) -> None:
        user = Registrar(Secrets(), RegistrarPolicy(), tokens())
        self.machine = UserAgentServer(user, Conversation(), StopCondition(**term))
        self.transport, self.bind, self.tls = transport, Endpoint(host, 0), tls
        self.events: list[Any] = []

    def run(self, body: Body) -> None:
        """Listen, and talk to it; then it is cancelled, unless it ended."""
        asyncio.run(asyncio.wait_for(self._run(body), 60))

    async def _run(self, body: Body) -> None:
        ready: asyncio.Future[Endpoint] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(
            listen(self.machine, self.bind, self.transport, self.tls, self.events.append, ready.set_result)
        )
        await asyncio.wait((task, ready), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        try:
            await body(await ready)
            if self.machine.term.clients or task.done():
                await task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def open_tcp(to: Endpoint, **given: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(to.host, to.port, **given)


async def read_answer(reader: asyncio.StreamReader) -> Message:
    return parse_bytes(await reader.readuntil(b"\r\n\r\n"))


def tcp_request(**given: Any) -> bytes:
    return request(via=f"SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK{os.urandom(4).hex()}", **given)


@pytest.mark.parametrize(("host", "family"), [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)])
def test_udp(host: str, family: int) -> None:
    played = Played("UDP", host, clients=1, linger=0)

    async def talk(to: Endpoint) -> None:
        assert to.port != 0 and to.host == host
        with socket.socket(family, socket.SOCK_DGRAM) as phone:
            phone.bind((host, 0))
            phone.settimeout(5)
            shown = f"[{host}]" if ":" in host else host
            for octets in (b"", b"garbage", b"\xff" * 60_000, b"\r\n\r\n"):
                phone.sendto(octets, (to.host, to.port))
            phone.sendto(request(via=f"SIP/2.0/UDP {shown}:9;rport;branch=z9hG4bKa"), (to.host, to.port))
            octets, source = await asyncio.to_thread(phone.recvfrom, 65536)
            answer = parse_bytes(octets)
            assert answer.status == 200 and source[1] == to.port
            assert answer.via is not None and answer.via.rport == str(phone.getsockname()[1])

    played.run(talk)
    assert [type(event) for event in played.events if isinstance(event, Serving | Finished | Ended)] == [
        Serving,
        Finished,
        Ended,
    ]
    report = played.machine.conversation.finish()
    assert report.registrations[0].outcome == "registered"
    assert report.sources[0].first is not None and report.sources[0].first > 1_600_000_000 * SECOND, "real times"


def test_tcp_cuts_messages_out_of_the_stream() -> None:
    async def talk(to: Endpoint) -> None:
        reader, writer = await open_tcp(to)
        octets = b"".join(tcp_request(cseq=cseq) for cseq in (1, 2, 3))
        for at in range(0, len(octets), 97):
            writer.write(octets[at : at + 97])
            await writer.drain()
        assert [(await read_answer(reader)).status for _ in range(3)] == [200, 200, 200]
        writer.close()

    Played("TCP").run(talk)


def test_tcp_keep_alives_are_answered() -> None:
    async def talk(to: Endpoint) -> None:
        reader, writer = await open_tcp(to)
        writer.write(b"\r\n\r\n")
        assert await reader.readexactly(2) == b"\r\n"
        writer.write(tcp_request())
        assert (await read_answer(reader)).status == 200
        writer.close()

    Played("TCP").run(talk)


def test_connections_do_not_mix() -> None:
    async def talk(to: Endpoint) -> None:
        pairs = [await open_tcp(to) for _ in range(5)]
        for number, (_, writer) in enumerate(pairs):
            writer.write(tcp_request(call_id=f"call-{number}", user=f"u{number}"))
        for number, (reader, writer) in enumerate(pairs):
            assert (await read_answer(reader)).call_id == f"call-{number}"
            writer.close()

    Played("TCP").run(talk)


@pytest.mark.needs_tool("openssl")
def test_tls(tmp_path: Path, tool: Tool) -> None:
    key, certificate = str(tmp_path / "key.pem"), str(tmp_path / "certificate.pem")
    command = [tool("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate]
    subprocess.run(command, capture_output=True, timeout=20, check=True)

    async def talk(to: Endpoint) -> None:
        reader, writer = await open_tcp(to, ssl=ssl.create_default_context(cafile=certificate))
        writer.write(request(via="SIP/2.0/TLS 127.0.0.1:9;branch=z9hG4bKa"))
        assert (await read_answer(reader)).status == 200
        writer.close()
        plain, garbage = await open_tcp(to)
        garbage.write(b"REGISTER sip:x SIP/2.0\r\n\r\n" * 10)
        await plain.read()
        garbage.close()

    played = Played("TLS", tls=server_context(certificate, key))
    played.run(talk)
    assert played.machine.clients.count == 1 and played.machine.transport == "TLS"


@pytest.mark.parametrize("transport", ["TLS", "SCTP"])
def test_what_cannot_be_listened_on_is_an_error(transport: str) -> None:
    async def talk(to: Endpoint) -> None:
        raise AssertionError(to)

    with pytest.raises(OSError, match=transport):
        Played(transport).run(talk)


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_a_port_that_is_taken_is_an_error(transport: str) -> None:
    async def talk(to: Endpoint) -> None:
        other = Played(transport)
        with pytest.raises(OSError):
            await listen(other.machine, to, transport, None, other.events.append, lambda local: None)

    Played(transport).run(talk)


# Hostile peers.


def test_a_message_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boundary, "LONGEST_MESSAGE", 4096)

    async def talk(to: Endpoint) -> None:
        reader, writer = await open_tcp(to)
        writer.write(b"REGISTER sip:x SIP/2.0\r\n" + b"X: y\r\n" * 10_000)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
            raise ConnectionResetError
        writer.close()
        reader, writer = await open_tcp(to)
        writer.write(tcp_request())
        assert (await read_answer(reader)).status == 200, "others are served"
        writer.close()

    Played("TCP").run(talk)


def test_idle_octets_are_no_message_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boundary, "LONGEST_MESSAGE", 600)

    async def talk(to: Endpoint) -> None:
        reader, writer = await open_tcp(to)
        for _ in range(5):
            writer.write(bytes(500))
            await writer.drain()
            await asyncio.sleep(0.01)
        writer.write(tcp_request())
        assert (await read_answer(reader)).status == 200
        writer.close()

    Played("TCP").run(talk)


def test_a_message_that_takes_too_long_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boundary, "LONGEST_WAIT", 0.1)

    async def talk(to: Endpoint) -> None:
        reader, writer = await open_tcp(to)
        writer.write(tcp_request())
        assert (await read_answer(reader)).status == 200
        await asyncio.sleep(0.2)
        writer.write(tcp_request(cseq=2))
        assert (await read_answer(reader)).status == 200, "a connection may be silent between messages"
        writer.write(b"REGISTER sip:x SIP/2.0\r\nVia: ")
        with pytest.raises(ConnectionResetError):
            if await reader.read() == b"":
                raise ConnectionResetError
        writer.close()

    Played("TCP").run(talk)


def test_the_connection_that_was_silent_longest_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descriptors, "MOST_CONNECTIONS", 3)

    async def talk(to: Endpoint) -> None:
        pairs = [await open_tcp(to) for _ in range(3)]
        pairs[0][1].write(tcp_request())
        assert (await read_answer(pairs[0][0])).status == 200
        fourth = await open_tcp(to)
        fourth[1].write(tcp_request(call_id="4", user="u4"))
        assert (await read_answer(fourth[0])).status == 200
        with pytest.raises(ConnectionResetError):
            if await pairs[1][0].read() == b"":
                raise ConnectionResetError
        pairs[0][1].write(tcp_request(cseq=2))
        assert (await read_answer(pairs[0][0])).status == 200, "the one that talked is still there"
        for _, writer in (*pairs, fourth):
            writer.close()

    Played("TCP").run(talk)


def test_who_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boundary, "MOST_UNREAD", 20_000)

    async def talk(to: Endpoint) -> None:
        reader, writer = await open_tcp(to, limit=1024)
        octets = tcp_request(method="OPTIONS") * 20
        try:
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                for _ in range(2000):
                    writer.write(octets)
                    await writer.drain()
                await reader.readexactly(10**9)
        finally:
            writer.transport.abort()
            await asyncio.sleep(0)  # so that the socket is closed before the loop is

    played = Played("TCP")
    played.machine.conversation.limit = 0  # judging is not what is tried here
    played.run(talk)


def test_a_peer_that_leaves_at_once_leaves_nothing() -> None:
    async def talk(to: Endpoint) -> None:
        for _ in range(20):
            _, writer = await open_tcp(to)
            writer.write(tcp_request())
            assert writer.transport is not None
            writer.transport.abort()
        reader, writer = await open_tcp(to)
        writer.write(tcp_request(call_id="after"))
        assert (await read_answer(reader)).call_id == "after"
        writer.close()

    Played("TCP").run(talk)


# The end.


def test_the_time_is_over() -> None:
    played = Played("UDP", time=SECOND // 20)

    async def wait(to: Endpoint) -> None:
        while not played.machine.done:
            await asyncio.sleep(0.01)

    played.run(wait)
    assert [event.reason for event in played.events if isinstance(event, Ended)] == ["the time is over"]


def test_cancelled_it_stops_the_machine() -> None:
    played = Played("UDP")

    async def nothing(to: Endpoint) -> None:
        del to

    played.run(nothing)
    assert played.machine.ended == "stopped"


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_a_fault_of_who_watches_ends_it_and_is_told(transport: str) -> None:
    played = Played(transport)

    def broken(event: object) -> None:
        if not isinstance(event, Serving):
            raise BrokenPipeError

    played.events = Broken(broken)  # type: ignore[assignment]

    async def talk(to: Endpoint) -> None:
        kind = socket.SOCK_DGRAM if transport == "UDP" else socket.SOCK_STREAM
        with socket.socket(socket.AF_INET, kind) as phone:
            phone.connect((to.host, to.port))
            phone.send(request())
            await asyncio.sleep(0.2)

    with pytest.raises(BrokenPipeError):
        played.run(talk)


class Broken:
    """A list of events that cannot be written to."""

    def __init__(self, append: Callable[[object], None]) -> None:
        self.append = append


def test_an_interrupt_ends_with_the_report() -> None:
    with served({"timeout": 10.0, "count": 0}) as registrar:
        port = registrar.until("ready")["port"]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
            phone.settimeout(5)
            phone.connect(("127.0.0.1", port))
            phone.send(request(via="SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bKi", uri="sip:alice@example.com"))
            assert parse_bytes(phone.recv(65536)).status == 200
        registrar.process.send_signal(signal.SIGINT)
        last = registrar.result()
        assert last["interrupted"] and last["result"]["ended"] == "stopped"
        assert "R3261-10.2-ruri-userinfo" in last["rules"] and "R3261-10.2-ruri-userinfo" in registrar.kinds(
            "found", "rule"
        )
        assert registrar.process.wait(5) == 0
