"""CSV `username,realm,password[,ha1]`; an empty realm is any realm, a header line may name and order the columns.

A header of a database dump works the same way (`id,username,domain,password,ha1,...`): columns are found by name, and
the rest is ignored. Without a header the columns are those above, separated by commas. A row has a password, or an HA1,
or both (then the password is taken, for it can do more). The csv module is lenient about a stray quote inside a field,
which passwords do have.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping

from analyzer.register.digest.credential_lines import HA1, first_line, refuse_long_lines
from analyzer.register.digest.secret import CredentialsError, Secret

NAME = "csv"
EXAMPLE = b"username,realm,password\nbob,example.com,secret\n"

_COLUMNS = {
    "username": ("username", "user", "auth_username", "authuser"),
    "realm": ("realm", "domain"),
    "password": ("password", "secret", "passwd"),
    "ha1": ("ha1", "a1-hash", "md5secret"),
}
_DEFAULT_COLUMNS = {"username": 0, "realm": 1, "password": 2, "ha1": 3}


def _header(fields: list[str]) -> dict[str, int] | None:
    """Column numbers by meaning if this row is a header, which has a user name column and a secret column."""
    names = [field.strip().strip('"').lower() for field in fields]
    found = {
        meaning: names.index(spelling)
        for meaning, spellings in _COLUMNS.items()
        for spelling in reversed(spellings)
        if spelling in names
    }
    return found if "username" in found and ("password" in found or "ha1" in found) else None


def _delimiter(line: str) -> str:
    """Comma, unless the line is a header under another separator."""
    return next((mark for mark in ",;\t|" if _header(line.split(mark))), ",")


def looks_like(octets: bytes) -> bool:
    """A header line, or a first row of three or four fields that no other line format claims."""
    line = first_line(octets)
    if line.lstrip().startswith(("<", "[", "--", "/*", "INSERT", "CREATE", "COPY")):
        return False
    if _header(line.split(_delimiter(line))):
        return True
    last = line.rstrip().rpartition(":")[2]
    htdigest = HA1.fullmatch(last) is not None and "," not in line.partition(":")[0]
    try:
        return not htdigest and len(next(csv.reader([line]), [])) in (3, 4)
    except csv.Error:
        return False


def read(octets: bytes, name: str) -> Iterator[Secret]:
    """One secret per row; raises `CredentialsError` at a row that holds none."""
    columns: Mapping[str, int] | None = None
    line = first_line(octets)
    refuse_long_lines(octets, name)
    lines = io.TextIOWrapper(io.BytesIO(octets), "utf-8", "surrogateescape", newline="")
    rows = csv.reader(lines, delimiter=_delimiter(line))
    try:
        for row in rows:
            if not any(row) or row[0].lstrip().startswith("#"):
                continue
            if columns is None:
                header = _header(row)
                columns = header or _DEFAULT_COLUMNS
                if header:
                    continue
            yield _secret(row, columns, name, rows.line_num)
    except csv.Error:
        raise CredentialsError(name, "is not CSV", line=rows.line_num) from None


def _secret(row: list[str], columns: Mapping[str, int], name: str, line: int) -> Secret:
    def field(meaning: str) -> str:
        place = columns.get(meaning, len(row))
        return row[place] if place < len(row) else ""

    username, realm, password, ha1 = (field(meaning) for meaning in ("username", "realm", "password", "ha1"))
    origin = f"{name}:{line}"
    if not username.strip():
        raise CredentialsError(name, "has no user name", line=line)
    if password:
        return Secret(password, username=username.strip(), realm=realm.strip(), kind="password", origin=origin)
    if not HA1.fullmatch(ha1.strip()):
        raise CredentialsError(name, "has neither a password nor an HA1 of 32 or 64 hex digits", line=line)
    if not realm.strip():
        raise CredentialsError(name, "has an HA1 without its realm", line=line)
    return Secret(ha1, username=username.strip(), realm=realm.strip(), kind="ha1", origin=origin)
