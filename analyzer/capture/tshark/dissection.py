"""One run of tshark through pyshark, in a thread with an event loop of its own.

pyshark drives an event loop, and a notebook or an asyncio program already has one running in its thread, where a
second cannot run. So pyshark lives in a thread, and hands over what it read through a short queue: a slow reader makes
the thread wait, the full pipe makes tshark wait, and memory stays bounded. asyncio's own way to start programs is not
used, because it reaps children through a watcher that belongs to the whole process, whose kind others choose (pyshark
used elsewhere in the same program changes it); a plain `Popen` is reaped by whoever started it.

Only octets are taken: `-x` gives the octets of each layer, `-j frame` leaves out all that tshark makes of them.
pyshark's JSON mode is the one that has them, and the faster one. What tshark prints of hostile text never has to be
read as JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import weakref
from collections.abc import Iterator
from typing import Any, NamedTuple

from packaging.version import Version
from pyshark import FileCapture
from pyshark.capture.capture import StopCapture

from analyzer.capture.tshark.child import Child, nothing_done
from analyzer.capture.tshark.program import FILTER, Program
from analyzer.escape import Told

WAITING = 256
"""Packets that wait for the reader at most."""

_LAYERS = ("frame", "ip", "ipv6", "udp", "tcp", "sctp", "icmp", "icmpv6", "exported_pdu", "sip")
_PATIENCE = 0.1  # seconds after which a waiting thread looks whether it is still wanted
_TICK = 1.0  # seconds of silence after which a waiting reader looks whether tshark is still at work
_MOST_OCTETS = 1 << 26  # that tshark writes for one packet

Octets = tuple[bytes, int]
"""A layer's octets, and their offset in whatever they are a part of."""


class Seen(NamedTuple):
    """A packet as tshark saw it: the octets of each layer in order, `protocols` from outermost to innermost."""

    number: int
    time: str
    protocols: tuple[str, ...]
    raw: dict[str, list[Octets]]
    segmented: bool


class Garbled(Told):
    """What tshark wrote cannot be read; the text says why, and may be hostile."""


class _Output(asyncio.StreamReader):
    """tshark's output; pyshark keeps all of it until a packet is whole, so it is counted. `told` counts the octets."""

    def __init__(self) -> None:
        super().__init__()
        self.told = 0
        self.since = 0  # the last packet

    async def read(self, n: int = -1) -> bytes:
        """As a StreamReader. Raises `Garbled` for more than a packet can be."""
        piece = await super().read(n)
        self.told += len(piece)
        self.since += len(piece)
        if self.since > _MOST_OCTETS:
            raise Garbled(f"{_MOST_OCTETS >> 20} MB without a packet")
        return piece


class _Process:
    """tshark as pyshark wants to see it: a stream for its output, and no way to be killed but `end`."""

    def __init__(self, words: list[str]) -> None:
        self.child = Child(words)
        self.pid = self.child.popen.pid
        self.stdout = _Output()

    async def connect(self) -> None:
        """Read the output in the running loop."""
        self._loop = loop = asyncio.get_running_loop()
        protocol = asyncio.StreamReaderProtocol(self.stdout)
        self._transport, _ = await loop.connect_read_pipe(lambda: protocol, self.child.popen.stdout)

    def kill(self) -> None:
        """End it now; may be called from any thread, and twice."""
        self.child.kill()

    def close_output(self) -> None:
        """There is nothing to wait for; may be called from any thread."""
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self.stdout.feed_eof)

    async def end(self) -> None:
        """Reap it: it ends by itself when it has said everything, or its pipe is closed."""
        self._transport.close()
        await asyncio.sleep(0)
        self.child.end()


class _Capture(FileCapture):  # type: ignore[misc]  # pyshark has no types
    """pyshark's reader, with the program, its version and its end in our hands."""

    def __init__(self, thread: _Thread, loop: asyncio.AbstractEventLoop) -> None:
        self._thread = thread
        super().__init__(
            thread.path, keep_packets=False, display_filter=FILTER, use_json=True, include_raw=True, eventloop=loop,
            custom_parameters=thread.words,
        )  # fmt: skip

    def _get_tshark_version(self) -> Version:
        return Version(".".join(map(str, self._thread.program.version)))

    async def _get_tshark_process(self, packet_count: int | None = None, stdin: object = None) -> _Process:
        del packet_count, stdin
        words = [self._thread.program.path, "-n", "-T", "json", "--no-duplicate-keys", "-j", "frame"]
        process = _Process([*words, *self.get_parameters()])
        await process.connect()
        self._running_processes.add(process)
        self._thread.started(process)
        return process

    async def _cleanup_subprocess(self, process: _Process) -> None:
        if not self._eof_reached:
            process.kill()
        await process.end()


class _Thread(threading.Thread):
    """Reads until the end or until nobody wants more. The last thing in the queue is None, or what went wrong."""

    def __init__(self, program: Program, path: str, words: list[str]) -> None:
        super().__init__(name="tshark", daemon=True)
        self.program, self.path, self.words = program, path, words
        self.queue: queue.Queue[Seen | Exception | None] = queue.Queue(WAITING)
        self.process: _Process | None = None
        self._stop_asked = threading.Event()

    def run(self) -> None:
        """Called by `start`."""
        last: Exception | None = None
        try:
            asyncio.run(self._read(), debug=False)  # which would find waiting for the reader slow
        except Exception as error:  # whatever it is, the reader must hear of it
            last = error
        self._put(last)

    async def _read(self) -> None:
        capture = _Capture(self, asyncio.get_running_loop())
        await capture.packets_from_tshark(self._hand_over)

    def _hand_over(self, packet: Any) -> None:
        if self.process is not None:
            self.process.stdout.since = 0
        if not self._put(_seen(packet)):
            raise StopCapture

    def _put(self, one: Seen | Exception | None) -> bool:
        """Put into a queue that may be full; False where nobody wants it any more."""
        while not self._stop_asked.is_set():
            try:
                self.queue.put(one, timeout=_PATIENCE)
                return True
            except queue.Full:
                continue
        return False

    def started(self, process: _Process) -> None:
        """The program runs; it may be too late for it."""
        self.process = process
        if self._stop_asked.is_set():
            process.kill()

    def end(self) -> None:
        """Nobody reads on."""
        self._stop_asked.set()
        if self.process is not None:
            self.process.kill()
        if self.is_alive():
            self.join()


class Run:
    """What tshark lets through of a file: iterate it once, `close` it in any case.

    When it is exhausted, `code` is tshark's exit code (negative: the signal that ended it), `said` the end of what it
    wrote on standard error, `hung` says that it had to be ended because it did nothing. Raises `Garbled` where pyshark
    cannot read what tshark wrote, KeyboardInterrupt soon after another thread has set `interrupted`.
    """

    def __init__(
        self, program: Program, path: str, words: list[str], interrupted: threading.Event | None = None
    ) -> None:
        self._interrupted = interrupted
        self.code = 0
        self.said = b""
        self.hung = ""
        self._thread = _Thread(program, path, words)
        # Also called when a reader was evicted, and when the interpreter ends.
        self.close = weakref.finalize(self, self._thread.end)
        self._thread.start()

    def __iter__(self) -> Iterator[Seen]:
        while (seen := self._next()) is not None:
            if isinstance(seen, Garbled):
                raise seen
            if isinstance(seen, Exception):
                raise Garbled(f"{type(seen).__name__}: {seen}") from seen
            yield seen
        self._thread.join()
        process = self._thread.process
        if process is not None:
            self.code, self.said = process.child.code, process.child.said

    def _next(self) -> Seen | Exception | None:
        while True:
            if self._interrupted is not None and self._interrupted.is_set():
                raise KeyboardInterrupt
            try:
                return self._thread.queue.get(timeout=_TICK)
            except queue.Empty:
                if self._thread.process is not None:
                    self._look_after(self._thread.process)

    def _look_after(self, process: _Process) -> None:
        """It says nothing: once a second."""
        if process.child.is_left_open:
            process.close_output()
        elif not self.hung and process.child.is_hung(process.stdout.told):
            self.hung = nothing_done()
            process.kill()


def _seen(packet: Any) -> Seen:
    """What a packet holds, as octets."""
    layers = {layer.layer_name: layer for layer in packet.layers}
    frame = packet.frame_info
    raw = {name: _octets(layers[f"{name}_raw"]) for name in _LAYERS if f"{name}_raw" in layers}
    protocols = tuple(str(frame.get_field("protocols")).split(":"))
    return Seen(int(packet.number), str(packet.sniff_timestamp), protocols, raw, "tcp.segments_raw" in layers)


def _octets(layer: Any) -> list[Octets]:
    """tshark writes [octets, offset, ...], or a list of such lists for repeated layers.

    pyshark takes any list for repeated layers, down to the numbers: the first entry becomes the layer, the others its
    duplicates.
    """
    if isinstance(layer.value, str):
        return [_entry(layer)]
    first = layer.value
    return [(bytes.fromhex(first[0]), int(first[1])), *(_entry(more) for more in layer.duplicate_layers)]


def _entry(layer: Any) -> Octets:
    return bytes.fromhex(layer.value), int(layer.duplicate_layers[0].value)
