"""The octets of a file that the user named, whatever that file is: never more than can be held, never waited for ever.

A file may have no end (a device, a pipe whose writer does not stop) or no beginning (a FIFO that nobody writes to).
Neither may hang the program or fill the memory, while a pipe from `<(...)` whose writer ends is a file like any other.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from analyzer.register.digest.secret import CredentialsError

MOST_OCTETS = 256 * 1024 * 1024
"""Of one credential file: a million subscribers take 40 MB as CSV, 130 MB as an SQL dump."""
MOST_LINES = 8_000_000
"""Of one credential file."""
MOST_ENTRIES = 2_000_000
"""Secrets, or sections that may hold one, of one credential file."""
LONGEST_PASSWORD = 65_536
"""Octets of the first line of a password file."""
PATIENCE = 120
"""Seconds without an octet from a pipe after which it is given up: long enough to type the passphrase of whoever
decrypts the file into it."""
_CHUNK = 1 << 20


def octets_of(path: str | Path) -> bytes:
    """All octets of a file, a device or a pipe. Raises `CredentialsError` where it cannot be read or is too long."""
    found = bytearray()
    for chunk in _chunks(path):
        found += chunk
        if len(found) > MOST_OCTETS:
            raise CredentialsError(str(path), f"is longer than {MOST_OCTETS >> 20} MiB, which no credential file is")
    if max(found.count(b"\n"), found.count(b"\r")) > MOST_LINES:
        raise CredentialsError(str(path), f"has more than {MOST_LINES} lines")
    return bytes(found)


def first_line_of(path: str | Path) -> bytes:
    """The first line of a file, without its line feed; nothing after it is waited for. Raises `CredentialsError`."""
    found = bytearray()
    for chunk in _chunks(path):
        found += chunk
        if b"\n" in chunk or len(found) > LONGEST_PASSWORD:
            break
    line = bytes(found).partition(b"\n")[0]
    if len(line) > LONGEST_PASSWORD:
        raise CredentialsError(str(path), f"the first line is longer than {LONGEST_PASSWORD} octets", line=1)
    return line


def _chunks(path: str | Path) -> Iterator[bytes]:
    try:
        # A FIFO opened so does not wait for its writer; poll does, and for its octets, and knows when to stop.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as file:
            is_pipe = stat.S_ISFIFO(os.fstat(file.fileno()).st_mode)
            os.set_blocking(file.fileno(), not is_pipe)
            while chunk := _waited_for(file.fileno(), path) if is_pipe else file.read(_CHUNK):
                yield chunk
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "cannot be read"
        raise CredentialsError(str(path), reason) from None


def _waited_for(descriptor: int, path: str | Path) -> bytes:
    """What a pipe has next, nothing at its end."""
    import select  # late: hardly any credentials come by a pipe

    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN | select.POLLHUP)
    while waiting.poll(PATIENCE * 1000):
        try:
            return os.read(descriptor, _CHUNK)
        except BlockingIOError:  # a writer came, and has written nothing yet
            continue
    raise CredentialsError(str(path), f"nothing was written to this pipe for {PATIENCE} seconds")
