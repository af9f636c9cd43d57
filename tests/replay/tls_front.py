"""TLS in front of a TCP server, and the keys for it: an authority of our own, and certificates right and wrong."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from tests.tools import require_tool


@dataclass(frozen=True)
class TlsKeys:
    """Files in PEM. `certificate` is for localhost, 127.0.0.1 and ::1, signed by `authority`; `stranger` is for
    another name; `stranger_authority` has signed nothing. All server certificates have the one `key`."""

    authority: Path
    certificate: Path
    stranger: Path
    stranger_authority: Path
    key: Path


def make_keys(folder: Path) -> TlsKeys:
    """Make them in `folder` with the program openssl; skips by name without it."""
    openssl = require_tool("openssl")

    def run(*arguments: str) -> None:
        subprocess.run([openssl, *arguments], check=True, capture_output=True, cwd=folder, timeout=60)

    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-batch")
    extensions = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
    for name in ("authority", "stranger_authority"):
        names = ("-subj", f"/CN=sipcheck test {name}")
        run("req", "-x509", *curve, *names, *extensions, "-days", "2", "-keyout", f"{name}.key", "-out", f"{name}.pem")
    run("req", *curve, "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr")
    for name, alternatives in (
        ("server", "DNS:localhost,IP:127.0.0.1,IP:::1"),
        ("stranger", "DNS:elsewhere.invalid"),
    ):
        (folder / f"{name}.ext").write_text(f"subjectAltName={alternatives}\n")
        sign = ("-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial", "-days", "2")
        run("x509", "-req", "-in", "server.csr", *sign, "-extfile", f"{name}.ext", "-out", f"{name}.pem")
    return TlsKeys(
        folder / "authority.pem",
        folder / "server.pem",
        folder / "stranger.pem",
        folder / "stranger_authority.pem",
        folder / "server.key",
    )


@dataclass
class TlsRelay:
    """A relay that runs. `handshakes` that were made, `failures` of those that were not."""

    address: tuple[str, int]
    upstream: tuple[str, int]
    handshakes: int = 0

    @property
    def target(self) -> str:
        """`HOST:PORT`, as the command line takes it."""
        host, port = self.address
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@contextlib.contextmanager
def tls_relay(upstream: tuple[str, int], keys: TlsKeys, *, stranger: bool = False) -> Iterator[TlsRelay]:
    """TLS on the same loopback address and a port that the kernel chose, passed on to `upstream` over TCP.

    `stranger`: with the certificate for another name.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(keys.stranger if stranger else keys.certificate, keys.key)
    begun: Future[tuple[TlsRelay, asyncio.AbstractEventLoop, asyncio.Event]] = Future()
    thread = threading.Thread(target=lambda: asyncio.run(_serve(upstream, context, begun)), name="tls relay")
    thread.start()
    relay, loop, over = begun.result(10)
    try:
        yield relay
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()


async def _serve(
    upstream: tuple[str, int],
    context: ssl.SSLContext,
    begun: Future[tuple[TlsRelay, asyncio.AbstractEventLoop, asyncio.Event]],
) -> None:
    over = asyncio.Event()
    talks: set[asyncio.Task[None]] = set()
    relay = TlsRelay(("", 0), upstream)

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        relay.handshakes += 1
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await _relayed(reader, writer, upstream)
        talks.discard(task)

    server = await asyncio.start_server(accepted, upstream[0], 0, ssl=context)
    relay.address = server.sockets[0].getsockname()[:2]
    begun.set_result((relay, asyncio.get_running_loop(), over))
    await over.wait()
    server.close()
    for talk in list(talks):
        talk.cancel()
    await asyncio.gather(*talks, return_exceptions=True)


async def _relayed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, upstream: tuple[str, int]) -> None:
    writers = [writer]
    pumps: list[asyncio.Task[None]] = []
    try:
        up_reader, up_writer = await asyncio.open_connection(*upstream)
        writers.append(up_writer)
        pumps += [asyncio.create_task(_pump(reader, up_writer)), asyncio.create_task(_pump(up_reader, writer))]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
    finally:  # all is closed before the first await, as the end of the relay may cancel each
        for one in writers:
            one.close()
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        for one in writers:
            with contextlib.suppress(OSError, asyncio.TimeoutError):
                await asyncio.wait_for(one.wait_closed(), 1)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while octets := await reader.read(65535):
            writer.write(octets)
            await writer.drain()
