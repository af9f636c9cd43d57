"""What the line formats share."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

from analyzer.register.digest.secret import CredentialsError
from analyzer.sip.grammar import DIGEST

HA1 = re.compile(DIGEST)
"""A stored H(username:realm:password): 32 hex digits for MD5, 64 for the SHA-2 forms (RFC 7616 3.4.2, RFC 8760 2.7)."""

LONGEST_LINE = 1 << 20
"""Octets of one line of a format of lines."""


def decoded(octets: bytes) -> str:
    """Text of a file; what is not UTF-8 survives as surrogates and is hashed as it stood."""
    return octets.decode("utf-8", "surrogateescape")


def numbered(octets: bytes, comments: str = "#") -> Iterator[tuple[int, str]]:
    """Non-empty lines with their numbers from 1, without line ends; lines that begin with `comments` are left out."""
    for number, row in enumerate(io.BytesIO(octets), 1):  # one line at a time: no list of all of them
        line = decoded(row.removesuffix(b"\n").removesuffix(b"\r"))
        if line.strip() and not line.lstrip().startswith(tuple(comments)):
            yield number, line


def first_line(octets: bytes) -> str:
    """The first line that holds anything; empty without one, and where it is too long to be one of these formats."""
    line = next((line for _, line in numbered(octets)), "")
    return line if len(line) <= LONGEST_LINE else ""


def refuse_long_lines(octets: bytes, name: str) -> None:
    """Raise `CredentialsError` at a line that would be millions of fields."""
    for number, line in enumerate(io.BytesIO(octets), 1):
        if len(line) > LONGEST_LINE:
            raise CredentialsError(name, f"is longer than {LONGEST_LINE} octets", line=number)
