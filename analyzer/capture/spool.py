"""A copy of a stream for a program that wants a file: nameless, bounded, gone in any case.

tshark reads a file several times and from any place, so what comes from a pipe, or was packed by what it does not
unpack, is copied first. The input may have no end, or be a small file that claims to be a huge one. So the copy is at
most `MOST` octets long, and at most half of what is free in the temporary folder, which others need too. It has no
name where the system can open it through /proc, and so nothing is left of it even when this process is killed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from typing import IO, BinaryIO, cast

from analyzer.defect import SourceError

MOST = 4 << 30
"""Longest copy that is made, in octets."""

_CHUNK = 1 << 18
_HINT = "save it to a file, unpacked, and name that: it needs no copy then"


def spooled(stream: BinaryIO, name: str) -> tuple[IO[bytes], str]:
    """A copy of all that `stream` has, and the path by which a child process opens it as long as it is not closed.

    `name` is what the input is called. Raises SourceError where the copy would be too long, or cannot be written.
    """
    try:
        spool, path = _nameless()
    except OSError as error:
        raise SourceError(name, f"the copy for tshark cannot be written: {error.strerror or error}") from error
    try:
        _copy(stream, spool, name)
    except BaseException:
        with contextlib.suppress(OSError):  # what the full disk did not take is tried once more
            spool.close()
        raise
    return spool, path


def _nameless() -> tuple[IO[bytes], str]:
    spool = tempfile.TemporaryFile(prefix="sipcheck-")  # noqa: SIM115
    path = f"/proc/{os.getpid()}/fd/{spool.fileno()}"
    if os.path.exists(path):
        return spool, path
    spool.close()
    named = tempfile.NamedTemporaryFile(prefix="sipcheck-")  # noqa: SIM115
    return cast(IO[bytes], named), named.name


def _copy(stream: BinaryIO, spool: IO[bytes], name: str) -> None:
    room = min(MOST, shutil.disk_usage(tempfile.gettempdir()).free // 2)
    left = room
    while chunk := stream.read(min(_CHUNK, left + 1)):
        left -= len(chunk)
        if left < 0:
            why = f"tshark needs a copy of it, and it is longer than {_size(room)}"
            why += "" if room == MOST else f", half of what is free in {tempfile.gettempdir()}"
            raise SourceError(name, why, hint=_HINT)
        try:
            spool.write(chunk)
            spool.flush()
        except OSError as error:
            raise SourceError(name, f"the copy for tshark cannot be written: {error.strerror or error}") from error


def _size(octets: int) -> str:
    return f"{octets / (1 << 30):.1f} GB" if octets >= 1 << 30 else f"{octets >> 20} MB"
