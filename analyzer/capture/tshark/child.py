"""tshark as a child that may fail in any way: die, hang, be stopped, write without end, leave children of its own.

What it says is taken in bounded pieces and its complaints are kept by their end. It lives in a session of its own, so
that Ctrl-C is ours to handle and all that it started ends with it. One that is silent may be at work: a capture of
hours without SIP passes no packet. So it is held for hung only when it says nothing *and* reads nothing for `PATIENCE`
seconds, and these are counted while we wait, not by a clock: a session that was stopped and goes on has lost nothing.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import threading
from collections.abc import Iterable, Iterator
from typing import IO, NamedTuple

from analyzer.capture.tshark.mortal import mortal
from analyzer.escape import Told

PATIENCE = 300
"""Seconds without a word and without work after which tshark is ended."""

SAID = 1 << 16
"""Octets of standard error that are kept, the last ones."""

LONGEST = 1 << 20
"""Octets of a line that are believed."""

_TICK = 1.0
_PIECE = 1 << 16
_GRACE = 30  # seconds that tshark may take to end after its last octet
_LINGER = 3  # seconds that what it started may keep its output open after it ended


class Failed(Told):
    """tshark was ended because it did nothing any more, or said what it never says. The text says which."""


class Done(NamedTuple):
    """A short run: its exit code (negative: a signal), what it said on both ways, as far as it is kept."""

    code: int
    out: bytes
    said: bytes


class Child:
    """A running program, a context manager: left in order it may end by itself, left by an exception it is killed.

    `code` is its exit code then (negative: a signal). OSError where it cannot be started.
    """

    def __init__(self, words: list[str]) -> None:
        self.popen = subprocess.Popen(
            mortal(words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self.code = 0
        self._reaped = False
        self._said = bytearray()
        self._listener = threading.Thread(target=self._listen, name="tshark says", daemon=True)
        self._listener.start()
        self._quiet = self._lingering = 0
        self._seen: tuple[int, int] | None = None

    def __enter__(self) -> Child:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.kill()
        self.end()

    def _listen(self) -> None:
        assert self.popen.stderr is not None
        with self.popen.stderr as errors:
            while piece := _piece(errors):
                self._said += piece
                del self._said[:-SAID]

    def kill(self) -> None:
        """End it and all that it started, now; may be called from any thread, and twice."""
        if self._reaped:  # its number may be another's
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.popen.pid, signal.SIGKILL)

    def is_hung(self, told: int) -> bool:
        """To be asked once a second while it is silent: whether that is enough. `told` counts the octets it wrote."""
        if self.is_gone():
            return False
        seen = told, _octets_read(self.popen.pid)
        self._quiet = self._quiet + 1 if seen == self._seen else 0
        self._seen = seen
        return self._quiet >= PATIENCE

    def is_gone(self) -> bool:
        """Whether it ended. Its output can still be open, for what it started inherited it: that is ended too."""
        if self.popen.poll() is None:
            return False
        self.kill()
        self._lingering += 1
        return True

    @property
    def is_left_open(self) -> bool:
        """Whether its output stays open although it ended, so that there is nothing to wait for."""
        return self._lingering > _LINGER

    def end(self) -> None:
        """Reap it: it ends by itself when it has said everything, or it is made to."""
        try:
            self.code = self.popen.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self.kill()
            self.code = self.popen.wait()
        self.kill()  # what it left behind: a group keeps its number as long as there is one in it
        self._reaped = True
        self._listener.join(_LINGER)

    @property
    def said(self) -> bytes:
        """The end of what it said on standard error, complete after `end`."""
        return bytes(self._said)

    def pieces(self) -> Iterator[bytes]:
        """What it writes, as it comes. Raises `Failed` after it was killed for doing nothing."""
        assert self.popen.stdout is not None
        told = 0
        with self.popen.stdout as out, selectors.DefaultSelector() as waiting:
            waiting.register(out, selectors.EVENT_READ)
            while not self.is_left_open:
                if waiting.select(_TICK):
                    piece = _piece(out)
                    if not piece:
                        return
                    told += len(piece)
                    yield piece
                elif self.is_hung(told):
                    self.kill()
                    raise Failed(nothing_done())


def nothing_done() -> str:
    """The sentence for one that hung."""
    return f"tshark did nothing for {PATIENCE} seconds and was ended"


def lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of an output, without their ends. Raises `Failed` for one that is longer than any."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole
        if len(rest) > LONGEST:
            raise Failed("tshark wrote a line without end and was ended")
    if rest:
        yield rest


def run(words: list[str], seconds: float) -> Done:
    """Run to the end, `seconds` at most; then it is killed, as it is when it writes more than `LONGEST` octets.

    Raises OSError where it cannot be started, `Failed` where it did not end.
    """
    late = threading.Event()
    out = bytearray()

    def give_up() -> None:
        late.set()
        child.kill()

    timer = threading.Timer(seconds, give_up)
    timer.daemon = True
    with Child(words) as child:
        timer.start()
        try:
            for piece in child.pieces():
                out += piece
                if len(out) > LONGEST:
                    raise Failed("tshark writes without end")
            child.popen.wait()  # it may have closed its output, and yet not end
        finally:
            timer.cancel()
            timer.join()
    if late.is_set():
        raise Failed(f"tshark does not answer within {seconds:g} seconds")
    return Done(child.code, bytes(out), child.said)


def _piece(stream: IO[bytes]) -> bytes:
    try:
        return os.read(stream.fileno(), _PIECE)
    except OSError:
        return b""


def _octets_read(session: int) -> int:
    """Octets that the processes of a session have read from anywhere; 0 where the system does not say (no /proc)."""
    total = 0
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc"):
            if name.isdigit():
                with contextlib.suppress(OSError, ValueError, IndexError):
                    total += _read_by(name, session)
    return total


def _read_by(process: str, session: int) -> int:
    with open(f"/proc/{process}/stat", "rb") as file:
        words = file.read().rpartition(b")")[2].split()
    if int(words[3]) != session:
        return 0
    with open(f"/proc/{process}/io", "rb") as file:
        return int(file.read().split()[1])
