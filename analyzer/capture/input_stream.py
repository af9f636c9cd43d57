"""The way in for octets: files, streams without seek, compressed or not, with a look at the beginning.

Decompression is our own loop around the standard decompressors, because the file classes of the standard library throw
away what they had when a file ends early, and a capture whose writer was killed ends early. It hands out bounded
pieces, so that a small file that claims to be a huge one costs time, not memory.

A file may change while it is read. What is appended is read too; one that is cut, or that the disk or the network fails
to deliver, ends where it ends, and `source` says so. That is why files are read and not mapped: a page of a map that
lies behind the new end kills the process (SIGBUS), and Python cannot catch it.
"""

from __future__ import annotations

import bz2
import io
import lzma
import os
import stat
import zlib
from collections.abc import Callable
from typing import BinaryIO, Protocol

from analyzer.defect import SourceError
from analyzer.evidence import Source

CHUNK = 1 << 18
_STEP = 256  # octets that a decompressor is given at first
_MAGIC = 6  # octets by which a compression is told
_PACKED = 6
"""Times as large as when it is packed a capture of SIP is mostly, at least."""

_GZIP, _BZIP2, _XZ, _ZSTD = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"


class UnknownFormat(SourceError):
    """Nothing here knows this format; another engine may."""


class _Decompressor(Protocol):
    """What the decompressors of bz2 and lzma have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Gunzip:
    """zlib in the shape of the other two."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(31)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        octets = self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)
        self.needs_input = not self._zlib.unconsumed_tail and len(octets) < max_length
        return octets


_COMPRESSED: tuple[tuple[bytes, Callable[[], _Decompressor]], ...] = (
    (_GZIP, _Gunzip),
    (_BZIP2, bz2.BZ2Decompressor),
    (_XZ, lzma.LZMADecompressor),
)


def size_of(path: str | os.PathLike[str]) -> int:
    """How many octets a file has, about, when it is unpacked; 0 where it cannot be read."""
    try:
        return os.path.getsize(path) * (_PACKED if is_compressed(path) else 1)
    except OSError:
        return 0


def is_compressed(path: str | os.PathLike[str]) -> bool:
    """Whether a file is compressed in a way that we can undo. Raises `OSError`."""
    with open(path, "rb") as file:
        begin = file.read(_MAGIC)
    return any(begin.startswith(magic) for magic, _ in _COMPRESSED)


class InputStream(io.RawIOBase):
    """A readable stream of the uncompressed octets of `stream`; damage is noted in `source`.

    `position` counts the octets taken from `stream`, so that progress is that of the file. Raises `SourceError` for a
    compression that this Python cannot undo, `OSError` where the first octets cannot be read.
    """

    def __init__(self, stream: BinaryIO, source: Source, *, owned: bool = True) -> None:
        super().__init__()
        self._owned = owned
        self._stream = stream
        self._source = source
        self._read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
        self._interruption: KeyboardInterrupt | None = None
        self.position = 0
        self._promised = _octets_ahead(stream)
        self._chunk = b""
        self._used = 0  # octets of the chunk that were taken from it
        self._step = _STEP
        self._make = self._recognised()
        if self._chunk.startswith(_ZSTD):
            raise UnknownFormat(source.name, "is compressed with zstd", hint="decompress it first: zstd -d")
        self._engine = self._make() if self._make else None
        self._ahead = b""

    def _recognised(self) -> Callable[[], _Decompressor] | None:
        """The compression that begins with the next octets."""
        while len(self._chunk) - self._used < _MAGIC and (more := self._take()):
            self._chunk, self._used = self._chunk[self._used :] + more, 0
        return next((make for magic, make in _COMPRESSED if self._chunk.startswith(magic, self._used)), None)

    def _take(self) -> bytes:
        self.check()
        try:
            chunk = self._read(CHUNK)
        except OSError as error:
            if not self.position:
                raise
            self._read = lambda _: b""
            return self._end("read-error", f"the file cannot be read any further: {error.strerror or error}")
        self.position += len(chunk)
        if not chunk and self.position < self._promised:
            return self._end("file-shrank", "the file was cut while it was read")
        return chunk

    def _end(self, code: str, text: str) -> bytes:
        """No octets, and a note why."""
        self._promised = 0
        self._source.damaged = True
        self._source.defect(code, text, offset=self.position)
        return b""

    def head(self, count: int) -> bytes:
        """The first octets, at most `count`; they will be read again. To be asked before anything is read.

        Ctrl-C while more of them are waited for is raised when more is read: what there is was read, and is reported.
        """
        pieces = [self._ahead]
        held = len(self._ahead)
        try:
            while held < count and self._interruption is None and (chunk := self._next()):
                pieces.append(chunk)
                held += len(chunk)
        except KeyboardInterrupt as interruption:
            self._interruption = interruption
        self._ahead = b"".join(pieces)
        return self._ahead[:count]

    def pass_zeros(self, limit: int) -> int:
        """Go over the zeros that are next, and say how many: no more than `limit` or so, unless the file is longer."""
        passed = 0
        while passed < limit or self.position < self._promised:
            octets = self._ahead or self._next()
            self._ahead = octets.lstrip(b"\0")
            passed += len(octets) - len(self._ahead)
            if self._ahead or not octets:
                break
        return passed

    def interrupt(self) -> None:
        """Raise KeyboardInterrupt where more is read; another thread may call this."""
        self._interruption = KeyboardInterrupt()

    def check(self) -> None:
        """Raise what came while the first octets were read: for who cannot make anything of these."""
        if self._interruption is not None:
            raise self._interruption

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """What is at hand, at most one chunk."""
        octets = self._ahead or self._next()
        size = min(len(buffer), len(octets))
        buffer[:size] = octets[:size]
        self._ahead = octets[size:]
        return size

    def close(self) -> None:
        """Close the file below too, if it is `owned`."""
        if not self.closed and self._owned:
            self._stream.close()
        super().close()

    def _next(self) -> bytes:
        """The next uncompressed octets; none at the end."""
        if self._make is None:
            octets, self._chunk = self._chunk or self._take(), b""
            return octets
        while self._engine is not None:
            octets = self._inflate()
            if octets:
                return octets
        return b""

    def _inflate(self) -> bytes:
        """One step of decompression; may give nothing although more will come."""
        engine = self._engine
        assert engine is not None
        if engine.needs_input and self._used == len(self._chunk):
            self._chunk, self._used = self._take(), 0
            if not self._chunk:
                return self._stop("the compressed file ends early")
        try:
            octets = engine.decompress(self._feed() if engine.needs_input else b"", CHUNK)
        except (zlib.error, OSError, lzma.LZMAError, EOFError) as error:
            return self._stop(f"the compressed file is damaged: {error}")
        if engine.eof:
            self._following(len(engine.unused_data))
        return octets

    def _feed(self) -> bytes:
        """The next octets for the decompressor. What it does not use it gives back as a copy, so few come at first: a
        file may be a million small ones, one after the other."""
        feed = self._chunk[self._used : self._used + self._step]
        self._used += len(feed)
        self._step = min(2 * self._step, CHUNK)
        return feed

    def _following(self, unused: int) -> None:
        """A compressed file may be several, one after the other; anything else behind it is dropped."""
        self._used -= unused
        self._step = _STEP
        same = self._recognised() is self._make
        self._engine = self._make() if same and self._make else None
        if not same and self._chunk[self._used :].strip(b"\0"):
            self._source.defect("trailing-garbage", "octets after the end of the compressed file", offset=self.position)

    def _stop(self, text: str) -> bytes:
        self._engine = None
        return self._end("damaged-compression", text)


def _octets_ahead(stream: BinaryIO) -> int:
    """Octets between the place in a regular file and its end; 0 for everything else, which has no end to know."""
    try:
        status = os.fstat(stream.fileno())
        return status.st_size - stream.tell() if stat.S_ISREG(status.st_mode) else 0
    except (OSError, AttributeError):
        return 0
