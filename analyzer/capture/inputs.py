"""What can be said of an input before anything is read of it: its name, whether it is there, and how large it is."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Sequence
from typing import BinaryIO

from analyzer.defect import SourceError

Input = str | os.PathLike[str] | BinaryIO
"""A path (`-` is standard input) or an open binary file."""


def are_files(inputs: Sequence[Input]) -> bool:
    """Whether all inputs are files that can be opened again."""
    return all(isinstance(one, (str, os.PathLike)) and os.path.isfile(one) for one in inputs)


def has_directory(inputs: Sequence[Input]) -> bool:
    """Whether any input is a directory, which `analyzer.capture.directories` makes files of."""
    return any(isinstance(one, (str, os.PathLike)) and _is_directory(one) for one in inputs)


def _is_directory(path: str | os.PathLike[str]) -> bool:
    try:
        return os.path.isdir(path)
    except ValueError:  # no name that a file can have
        return False


def plain_path(one: Input) -> str | None:
    """The path of a plain file, or None for whatever else octets come from."""
    if not isinstance(one, (str, os.PathLike)) or os.fspath(one) == "-" or not os.path.isfile(one):
        return None
    return os.fspath(one)


def name_of(one: Input) -> str:
    """What an input is called: its path, a stream's own name, or `stream`."""
    if isinstance(one, (str, os.PathLike)):
        return os.fspath(one)
    name = getattr(one, "name", None)
    return name if isinstance(name, str) else "stream"


def stream_of(one: Input, name: str) -> BinaryIO:
    """The open file; `name` is the input's. Raises SourceError where it cannot be opened."""
    if not isinstance(one, (str, os.PathLike)):
        return one
    if name == "-":
        return open(sys.stdin.fileno(), "rb", closefd=False)
    try:
        return open(one, "rb")
    except (OSError, ValueError) as error:
        raise SourceError(name, reason_of(error)) from error


def check_read_once(stream: BinaryIO, name: str, streams: dict[object, str]) -> None:
    """Raise SourceError for a pipe, or standard input, that was named before under any name: half of it would be in
    each. A file may be named twice."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, AttributeError):
        return
    key = None if stat.S_ISREG(status.st_mode) else (status.st_dev, status.st_ino)
    for one in (key, name if name == "-" else None):
        if one in streams:
            raise SourceError(name, f"is the same stream as {streams[one]}", hint="it can be read only once")
        if one is not None:
            streams[one] = name


def reason_of(error: Exception) -> str:
    """Why a file cannot be read, in words."""
    if isinstance(error, IsADirectoryError):
        return "is a directory"
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, PermissionError):
        return "permission denied"
    return f"cannot be read: {error.strerror if isinstance(error, OSError) and error.strerror else error}"


def size_of(stream: BinaryIO) -> int | None:
    """Size of a regular file that is read from its beginning."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, AttributeError):
        return None
    return status.st_size or None
