"""The `subscriber` table of Kamailio and OpenSIPS as SQL: INSERT statements (mysqldump, SQLite), or COPY (pg_dump).

Columns come from the statement, else from CREATE TABLE, else they are those of the table's standard layout. `password`
is taken where it is not empty, else `ha1`; `ha1b` is H(user@domain:domain:password) and belongs to that user name.
A dump as CSV with a header is read as CSV.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from analyzer.register.digest.credential_lines import HA1, decoded
from analyzer.register.digest.secret import CredentialsError, Secret

NAME = "kamailio"
EXAMPLE = b"INSERT INTO subscriber (username, domain, password) VALUES ('bob', 'example.com', 'secret');\n"

_NAMED = r"(?:[`\"\[]?\w+[`\"\]]?\.)?[`\"\[]?subscriber[`\"\]]?"
_CREATE = re.compile(rf"CREATE TABLE\s+(?:IF NOT EXISTS\s+)?{_NAMED}\s*\(", re.IGNORECASE)
_COLUMN = re.compile(r"^[ \t]*[`\"\[]?(\w+)[`\"\]]?\s+\w+", re.MULTILINE)
_INSERT = re.compile(rf"INSERT\s+(?:IGNORE\s+)?INTO\s+{_NAMED}\s*(?:\(([^()]*)\)\s*)?VALUES\s*", re.IGNORECASE)
_COPY = re.compile(rf"^COPY\s+{_NAMED}\s*\(([^()]*)\)\s+FROM\s+stdin;[ \r]*\n", re.IGNORECASE | re.MULTILINE)
LONGEST_VALUE = 65_536
"""Characters, or runs of them, of one value: what a quote without its fellow would take in otherwise is the file."""
MOST_COLUMNS = 1000
"""Of one row; the table has fifteen at most."""
_VALUE = re.compile(
    rf"\s*+(?:'((?:[^'\\]{{1,{LONGEST_VALUE}}}+|\\.|''){{0,{LONGEST_VALUE}}})'(?!')|([^,()';]*+))\s*+", re.DOTALL
)
_NEXT = re.compile(r"\)\s*+,?\s*+")
_ESCAPE = re.compile(r"\\(.)|''", re.DOTALL)
_STANDARD = ("id", "username", "domain", "password", "ha1", "ha1b")
_OLDER = ("id", "username", "domain", "password", "email_address", "ha1", "ha1b", "rpid")


def looks_like(octets: bytes) -> bool:
    """A statement about the table `subscriber` stands in it."""
    text = decoded(octets)
    return any(pattern.search(text) for pattern in (_INSERT, _COPY))


def read(octets: bytes, name: str) -> Iterator[Secret]:
    """The secrets of all rows; raises `CredentialsError` at a row without user name or with a broken HA1."""
    text = decoded(octets)
    created = _created(text)
    lines = _Lines(text)
    for found in _INSERT.finditer(text):
        columns = _names(found[1]) if found[1] else created
        for position, row in _rows(text, found.end()):
            yield from _secrets(row, columns, name, lines.at(position))
    for found in _COPY.finditer(text):
        position, columns = found.end(), _names(found[1])
        for line in text[position : _end_of_copy(text, position)].splitlines(keepends=True):
            yield from _secrets(line.rstrip("\r\n").split("\t", MOST_COLUMNS), columns, name, lines.at(position))
            position += len(line)


class _Lines:
    """Line numbers of growing positions, counted once over the text."""

    def __init__(self, text: str) -> None:
        self.text, self.position, self.line = text, 0, 1

    def at(self, position: int) -> int:
        if position < self.position:
            self.position, self.line = 0, 1
        self.line += self.text.count("\n", self.position, position)
        self.position = position
        return self.line


def _names(columns: str) -> list[str]:
    return [column.strip(' `"[]\r\n\t').lower() for column in columns.split(",")]


def _created(text: str) -> list[str]:
    """The columns of CREATE TABLE, or none."""
    found = _CREATE.search(text)
    if found is None:
        return []
    definition = text[found.end() : text.find(";", found.end())]
    keys = ("primary", "unique", "key", "constraint", "index")
    return [column.lower() for column in _COLUMN.findall(definition) if column.lower() not in keys]


def _rows(text: str, position: int) -> Iterator[tuple[int, list[str]]]:
    """The tuples after VALUES with their places, up to the semicolon or whatever is none."""
    while position < len(text) and text[position] == "(":
        start = position
        row: list[str] = []
        while position < len(text) and text[position] in "(," and len(row) <= MOST_COLUMNS:
            value = _VALUE.match(text, position + 1)
            assert value is not None  # every part is optional
            row.append(_ESCAPE.sub(_unescaped, value[1]) if value[1] is not None else value[2].strip())
            position = value.end()
        yield start, row
        after = _NEXT.match(text, position)
        position = after.end() if after else len(text)


def _unescaped(found: re.Match[str]) -> str:
    return {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}.get(found[1], found[1]) if found[1] else "'"


def _end_of_copy(text: str, position: int) -> int:
    r"""Where `\.` ends the rows, or the end of the text."""
    end = text.find("\n\\.", position - 1)
    return len(text) if end < 0 else max(end + 1, position)


def _secrets(row: Sequence[str], columns: Sequence[str], name: str, line: int) -> Iterator[Secret]:
    if len(row) > MOST_COLUMNS:
        raise CredentialsError(name, f"has more than {MOST_COLUMNS} columns", line=line)
    named = dict(zip(columns or (_OLDER if len(row) >= len(_OLDER) else _STANDARD), row, strict=False))
    fields = {column: "" if value.upper() in ("NULL", r"\N") else value for column, value in named.items()}
    username, domain, password = (fields.get(column, "") for column in ("username", "domain", "password"))
    origin = f"{name}:{line}"
    if not username:
        raise CredentialsError(name, "has no user name", line=line)
    if password:
        yield Secret(password, username=username, realm=domain, kind="password", origin=origin)
        return
    for column, user in (("ha1", username), ("ha1b", f"{username}@{domain}")):
        value = fields.get(column, "")
        if value and not HA1.fullmatch(value):
            raise CredentialsError(name, f"has an {column} that is not 32 or 64 hex digits", line=line)
        if value:
            yield Secret(value, username=user, realm=domain, kind="ha1", origin=origin)
