"""Credential files, one module per format, recognised by content.

A module declares `NAME`, `looks_like(octets) -> bool` (the whole file, within the bounds of `_source.py`) and
`read(octets, name) -> Iterator[Secret]`, which yields as it reads, so that a file with too many is left in time. They
are found in name order; a file that two formats claim is an error that names both, one that none claims is an error
that lists what can be read. An error names the line, never its content.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Protocol, cast

from analyzer.register.digest.credential_source import MOST_ENTRIES, octets_of
from analyzer.register.digest.secret import CredentialsError, Secret


class Format(Protocol):
    """What a module of this package offers."""

    NAME: str

    def looks_like(self, octets: bytes) -> bool:
        """Whether the file is of this format."""

    def read(self, octets: bytes, name: str) -> Iterator[Secret]:
        """Its secrets; raises `CredentialsError`."""


@cache
def formats() -> tuple[Format, ...]:
    """The formats, in the order of their module names."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))
    return tuple(cast(Format, importlib.import_module(f"{__name__}.{name}")) for name in names)


def parse_credentials(octets: bytes, name: str) -> list[Secret]:
    """The secrets in a file's octets; `name` is for messages. Raises `CredentialsError`."""
    octets = octets.removeprefix(b"\xef\xbb\xbf")
    claims = [form for form in formats() if form.looks_like(octets)]
    if len(claims) != 1:
        names = ", ".join(form.NAME for form in claims or formats())
        raise CredentialsError(name, f"could be any of: {names}" if claims else f"is none of: {names}")
    found = list(islice(claims[0].read(octets, name), MOST_ENTRIES + 1))
    if len(found) > MOST_ENTRIES:
        raise CredentialsError(name, f"holds more than {MOST_ENTRIES} secrets")
    if not found:
        raise CredentialsError(name, f"holds no secret ({claims[0].NAME})")
    return found


def read_credentials(path: str | Path) -> list[Secret]:
    """The secrets in a file. Raises `CredentialsError` when it cannot be read or recognised."""
    return parse_credentials(octets_of(path), str(path))
