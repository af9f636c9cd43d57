"""Apache htdigest: `username:realm:HA1`, one user per line; the realm may hold colons, the user name not."""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzer.register.digest.credential_lines import HA1, first_line, numbered, refuse_long_lines
from analyzer.register.digest.secret import CredentialsError, Secret

NAME = "htdigest"
EXAMPLE = b"bob:example.com:0123456789abcdef0123456789abcdef\n"

_LINE = re.compile(rf"([^:,]+):(.*):({HA1.pattern})\s*")


def looks_like(octets: bytes) -> bool:
    """The first line with content is `user:realm:HA1`."""
    return _LINE.fullmatch(first_line(octets)) is not None


def read(octets: bytes, name: str) -> Iterator[Secret]:
    """One HA1 per line; raises `CredentialsError` at the first line of another form."""
    refuse_long_lines(octets, name)
    for number, line in numbered(octets):
        found = _LINE.fullmatch(line)
        if found is None:
            raise CredentialsError(name, "is not username:realm:HA1 with 32 or 64 hex digits", line=number)
        username, realm, value = found.groups()
        yield Secret(value, username=username, realm=realm, kind="ha1", origin=f"{name}:{number}")
