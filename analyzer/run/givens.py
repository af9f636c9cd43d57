"""What is given to a run besides captures: directories that stand for them, and files of passwords."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import BinaryIO, Literal

from analyzer.capture.inputs import has_directory
from analyzer.register.digest.secrets import Secrets

Input = str | os.PathLike[str] | BinaryIO
Kind = Literal["capture", "log"]


def secrets_of(credentials: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> Secrets:
    """The passwords of one credential file or of several. Raises `CredentialsError`."""
    files = [credentials] if isinstance(credentials, str | os.PathLike) else list(credentials)
    return Secrets.load([os.fspath(file) for file in files])


def expanded(inputs: list[Input], kind: Kind | None, dialect: str | None) -> tuple[list[Input], list[str]]:
    """The files of each directory in its place, and what is to be said of them."""
    if not has_directory(inputs):
        return inputs, []
    from analyzer.capture.directories import expand  # late: hardly anybody names one

    return expand(inputs, kind=kind, dialect=dialect)
