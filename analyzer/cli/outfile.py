"""Files that a command writes beside, or instead of, standard output: whole or not at all, and never over an input."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import click

from analyzer.cli.run import die
from analyzer.interruption import unheard
from analyzer.scratch import temporary_folder


def check_place(option: str, out: str, inputs: Iterable[str]) -> None:
    """Refuse a place that this run reads, or that the next one would: a file in a folder that is an input (exit 2)."""
    place = Path(os.path.realpath(out))
    if _is_read_by_us(place):
        raise click.UsageError(f"{option} {out}: that file is standard input, so it is not replaced")
    for name in inputs:
        other = Path(os.path.realpath(name))
        if place == other or _is_same(place, other):
            raise click.UsageError(f"{option} {out}: that file is read by this command, so it is not replaced")
        if other.is_dir() and place.is_relative_to(other):
            raise click.UsageError(f"{option} {out}: that lies in the folder {name}, which is an input")
    if place.is_dir():
        raise click.UsageError(f"{option} {out}: that is a folder")
    if not place.exists() and not os.access(place.parent, os.W_OK | os.X_OK):  # before the work is done for nothing
        why = errno.EACCES if place.parent.is_dir() else errno.ENOENT
        die(f"{out} cannot be written: {os.strerror(why)}", 3)


def _is_read_by_us(place: Path) -> bool:
    """Whether a file is what standard input was redirected from."""
    try:
        return place.is_file() and os.path.samestat(os.fstat(0), place.stat())
    except OSError:
        return False


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.is_file() and os.path.samefile(one, other)
    except OSError:
        return False


@contextmanager
def replaced(out: str) -> Iterator[IO[str]]:
    """A text to write to that takes the place of `out` when all of it is written, in one step: who reads `out`
    meanwhile has the old or the new one whole. What is no plain file (a pipe, `/dev/null`) is written to as it is.
    Exits with 3 where that cannot be done."""
    place = Path(os.path.realpath(out))  # a link goes on pointing to where it pointed
    try:
        if place.exists() and not place.is_file():
            with place.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
                yield stream
            return
        with temporary_folder(place.parent, f".{place.name[:40]}.") as folder:
            unfinished = folder / "unfinished"
            with unfinished.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())  # or a crash of the machine could leave the name without the octets
            with unheard():
                unfinished.replace(place)
    except OSError as error:
        die(f"{out} cannot be written: {error.strerror or error}", 3)
