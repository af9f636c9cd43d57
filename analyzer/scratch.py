"""Temporary folders and files that are gone afterwards, however it ends: they are made and taken away while signals
wait, for one that came in the midst of that would leave half of them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from analyzer.interruption import unheard

PREFIX = "sipcheck-"


@contextmanager
def temporary_folder(parent: str | os.PathLike[str] | None = None, prefix: str = PREFIX) -> Iterator[Path]:
    """A folder, in `parent` or where the system has such. What cannot be removed (a process that dies writes on) stays
    and is no error; raises OSError where none can be made."""
    name = ""
    try:
        with unheard():
            name = tempfile.mkdtemp(prefix=prefix, dir=parent)
        yield Path(name)
    finally:
        if name:
            with unheard():
                shutil.rmtree(name, ignore_errors=True)


@contextmanager
def temporary_file() -> Iterator[IO[bytes]]:
    """An open file that has a name."""
    file: IO[bytes] | None = None
    try:
        with unheard():
            file = tempfile.NamedTemporaryFile(prefix=PREFIX, delete=False)  # noqa: SIM115
        yield file
    finally:
        if file is not None:
            with unheard():
                file.close()
                with suppress(FileNotFoundError):
                    os.unlink(file.name)
