"""A directory as input: the captures, or logs, in it, in the order of their names; what is left out is said.

Not recursive, and hidden files are left alone. What a file is, its content says. All files are open at once while they
are read (captures are one in time order), so a directory has an end: more files than that are a mistake, or a job for
several runs, and no part of them is taken in silence.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from typing import BinaryIO, NamedTuple

from analyzer.capture import formats, magics
from analyzer.capture.input_stream import InputStream
from analyzer.capture.inputs import has_directory
from analyzer.capture.recognition import recognise
from analyzer.defect import SourceError
from analyzer.evidence import Source

MOST_ENTRIES = 10_000
"""Names in a directory that are looked at."""
MOST_FILES = 500
"""Files of a directory that are read together; a process may have a thousand open."""
MOST_NAMED = 8
"""Files left out that are named."""

Input = str | os.PathLike[str] | BinaryIO


class Expanded(NamedTuple):
    """The inputs with files in the place of directories; a sentence for each directory."""

    inputs: list[Input]
    notes: list[str]


def expand(inputs: Sequence[Input], *, kind: str | None = None, dialect: str | None = None) -> Expanded:
    """Put the files of each directory in its place. Raises SourceError for a directory that holds nothing of `kind`,
    too much, or that cannot be read; what is no directory stays as it is, also where it does not exist."""
    expanded = Expanded([], [])
    for one in inputs:
        if not isinstance(one, str | os.PathLike) or not has_directory([one]):
            expanded.inputs.append(one)
            continue
        taken, note = _files(os.fspath(one), kind, dialect)
        expanded.inputs.extend(taken)
        expanded.notes.append(note)
    return expanded


def _files(directory: str, kind: str | None, dialect: str | None) -> tuple[list[str], str]:
    names, hidden = _names(directory)
    taken: list[str] = []
    skipped: list[str] = []
    seen: dict[tuple[int, int], str] = {}
    for name in names:
        path = os.path.join(directory, name)
        reason = _reason_against(path, name, seen, kind, dialect)
        if reason:
            skipped.append(f"{name} ({reason})")
        else:
            taken.append(path)
    what = {"capture": "capture", "log": "log"}.get(kind or "", "capture or log")
    left = "; ".join(_left(skipped, hidden))
    if not taken:
        raise SourceError(
            directory, f"is a directory with no {what} in it" if names else "is an empty directory", hint=left
        )
    if len(taken) > MOST_FILES:
        hint = "name those that belong together, or merge them (mergecap)"
        raise SourceError(directory, f"is a directory with more than {MOST_FILES} files to read", hint=hint)
    files = f"{len(taken)} file{'s' * (len(taken) > 1)} of {directory} {'were' if len(taken) > 1 else 'was'} read"
    return taken, files + (f"; left out: {left}" if left else "")


def _left(skipped: Sequence[str], hidden: int) -> Iterator[str]:
    if skipped:
        more = len(skipped) - MOST_NAMED
        yield ", ".join(skipped[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    if hidden:
        yield f"{hidden} hidden"


def _names(directory: str) -> tuple[list[str], int]:
    """The names in a directory, sorted, without the hidden; how many these are."""
    names, hidden = [], 0
    try:
        with os.scandir(directory) as entries:
            for number, entry in enumerate(entries):
                if number >= MOST_ENTRIES:
                    why = f"is a directory with more than {MOST_ENTRIES} entries"
                    raise SourceError(directory, why, hint="name the files")
                hidden += entry.name.startswith(".")
                if not entry.name.startswith("."):
                    names.append(entry.name)
    except OSError as error:
        raise SourceError(directory, f"cannot be read: {error.strerror or error}") from error
    return sorted(names), hidden


def _reason_against(
    path: str, name: str, seen: dict[tuple[int, int], str], kind: str | None, dialect: str | None
) -> str:
    """Why a file is left out; empty where it is taken. `seen` are the files so far: a link makes no second copy."""
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            return "a directory"
        if not stat.S_ISREG(status.st_mode):  # to open a pipe may wait for ever
            return "no plain file"
        if twin := seen.get((status.st_dev, status.st_ino)):
            return f"the same file as {twin}"
        seen[status.st_dev, status.st_ino] = name
        with open(path, "rb") as file:
            return _not_of(file, path, kind, dialect)
    except OSError as error:
        return (error.strerror or str(error)).lower()


def _not_of(file: BinaryIO, path: str, kind: str | None, dialect: str | None) -> str:
    source = Source(path)
    try:
        input_stream = InputStream(file, source, owned=False)
        form = recognise(input_stream, source, formats.discover(), None, None)
    except SourceError as error:
        return _of_no_format(file, error, kind, dialect)
    return "" if kind in (None, form.kind) else f"{'an' if form.title[:1] in 'AEIOU' else 'a'} {form.title}"


def _of_no_format(file: BinaryIO, error: SourceError, kind: str | None, dialect: str | None) -> str:
    """What is said of a file that no format claims: a foreign capture tshark may read, a text is a log if so named."""
    file.seek(0)
    head = file.read(magics.HEAD)
    if not head:
        return "empty"
    foreign = magics.capture(head)
    if foreign and kind != "log":
        return "" if shutil.which("tshark") else f"{foreign}, which tshark would read"
    if dialect is not None and kind != "capture" and magics.other(head)[0] == "text":
        return ""
    _, _, looks = error.reason.partition("it looks like ")
    return looks or ("of no known kind" if "neither" in error.reason else error.reason)
