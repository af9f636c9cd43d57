"""Credential files, one module per format, recognised by content: `CredentialFormat` says what a module declares.

They are found in name order; a file that two formats claim is an error that names both, one that none claims is an
error that lists what can be read. An error names the line, never its content.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Protocol

from analyzer import plugins
from analyzer.register.digest.credential_source import MOST_ENTRIES, octets_of
from analyzer.register.digest.secret import CredentialsError, Secret


class CredentialFormat(Protocol):
    """A module of this folder: how a program keeps the passwords of its users.

    `NAME` is the word for the format in messages. `EXAMPLE` is a small file with one secret at least that no other
    format claims: the tests read it, change it at random and make it long.
    """

    NAME: str
    EXAMPLE: bytes

    def looks_like(self, octets: bytes) -> bool:
        """Whether the file is of this format. `octets` is the whole file without its byte order mark, within the bounds
        of `credential_source`; it may be of any other kind. Never raises; work linear in the file."""

    def read(self, octets: bytes, name: str) -> Iterator[Secret]:
        """Its secrets, each with an `origin` of `name:line`, yielded as it reads, so that a file with too many is left
        in time. Raises `CredentialsError` with `name` and the line, never with its content, and nothing else; work
        linear in the file."""


@cache
def formats() -> tuple[CredentialFormat, ...]:
    """The formats, in the order of their module names. Raises `ContractError`."""
    return plugins.load_all(sys.modules[__name__], CredentialFormat)


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
