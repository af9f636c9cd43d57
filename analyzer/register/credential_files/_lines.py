"""What the line formats share."""

from __future__ import annotations

import re
from collections.abc import Iterator

HA1 = re.compile(r"[0-9a-fA-F]{32}(?:[0-9a-fA-F]{32})?")
"""A stored H(username:realm:password): 32 hex digits for MD5, 64 for the SHA-2 forms (RFC 7616 3.4.2, RFC 8760 2.7)."""


def decoded(octets: bytes) -> str:
    """Text of a file; what is not UTF-8 survives as surrogates and is hashed as it stood."""
    return octets.decode("utf-8", "surrogateescape")


def numbered(octets: bytes, comments: str = "#") -> Iterator[tuple[int, str]]:
    """Non-empty lines with their numbers from 1, without line ends; lines that begin with `comments` are left out."""
    for number, line in enumerate(decoded(octets).split("\n"), 1):
        line = line.removesuffix("\r")
        if line.strip() and not line.lstrip().startswith(tuple(comments)):
            yield number, line


def first_line(octets: bytes) -> str:
    """The first line that holds anything, or the empty string."""
    return next((line for _, line in numbered(octets)), "")
