"""A message on its way from evidence to the wire: header rows that stay as they are until an edit says otherwise.

Every change goes through `change`, `drop` or `start`, which note what was, what is, why, and by which rule: nothing is
altered in silence. A row that nobody touches keeps its octets, folding and spelling included; out of a printed log,
which has lost line ends, rows end in CRLF.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from analyzer.evidence import Fidelity
from analyzer.sip.headers import canonical
from analyzer.sip.message import Message
from analyzer.sip.text import octets as encoded
from analyzer.sip.text import text as decoded

_SPELLING = {
    "call-id": "Call-ID",
    "cseq": "CSeq",
    "www-authenticate": "WWW-Authenticate",
    "mime-version": "MIME-Version",
}


class Edit(NamedTuple):
    """One change: `what` names the part ("Call-ID", "Request-URI"), `before` and `after` its value ("" for none).

    `rule` is the rule that the captured form breaks, None where the change is one that a replay must make; `why` says
    it in a few words.
    """

    what: str
    before: str
    after: str
    rule: str | None = None
    why: str = ""


@dataclass(slots=True)
class _Line:
    key: str
    name: str
    value: str
    octets: bytes


class Draft:
    """A request or an answer to be. `start` is its first line; `edits` what was changed so far, in order."""

    def __init__(self, message: Message) -> None:
        printed = message.datagram.fidelity is Fidelity.PRINTED
        self.is_request = message.is_request
        self.start = decoded(message.raw[: _end_of_line(message)].strip(b"\r\n"))
        self.lines: list[_Line] = []
        for header in message.headers:
            row = message.raw[header.start : header.end]
            if printed or not row.endswith(b"\n"):
                row = row.rstrip(b"\r\n").replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") + b"\r\n"
            self.lines.append(_Line(header.key, decoded(header.name).strip(), decoded(header.value), row))
        self.body = message.body
        self.edits: list[Edit] = []

    def first(self, key: str) -> str | None:
        """The value of the first row called `key` (canonical), or None."""
        return next((line.value for line in self.lines if line.key == key), None)

    def all(self, key: str) -> list[str]:
        """The values of all rows called `key`."""
        return [line.value for line in self.lines if line.key == key]

    def restart(self, line: str, what: str, before: str, after: str, rule: str | None = None, why: str = "") -> None:
        """Give it another start line."""
        if line != self.start:
            self.start = line
            self.edits.append(Edit(what, before, after, rule, why))

    def change(self, key: str, value: str, rule: str | None = None, why: str = "") -> None:
        """Make `value` the one value of `key`: the first row takes it, further ones go, a missing one comes."""
        rows = [line for line in self.lines if line.key == key]
        if [row.value for row in rows] == [value]:
            return
        before = ", ".join(row.value for row in rows)
        if rows:
            self.lines = [line for line in self.lines if line.key != key or line is rows[0]]
            rows[0].value, rows[0].octets = value, _row(rows[0].name, value)
        else:
            name = spelled(key)
            self.lines.insert(self._place_for(key), _Line(key, name, value, _row(name, value)))
        self.edits.append(Edit(spelled(key), before, value, rule, why))

    def drop(self, key: str, rule: str | None = None, why: str = "") -> None:
        """Leave out every row called `key`."""
        rows = [line for line in self.lines if line.key == key]
        if rows:
            self.lines = [line for line in self.lines if line.key != key]
            self.edits.append(Edit(spelled(key), ", ".join(row.value for row in rows), "", rule, why))

    def add(self, key: str, value: str) -> None:
        """One more row, without an edit: for answers that are built, not repaired."""
        name = spelled(key)
        self.lines.insert(self._place_for(key), _Line(key, name, value, _row(name, value)))

    def octets(self) -> bytes:
        """What goes on the wire."""
        return b"".join([encoded(self.start), b"\r\n", *(line.octets for line in self.lines), b"\r\n", self.body])

    def _place_for(self, key: str) -> int:
        """A Via goes on top (RFC 3261 18.2.2 wants it there to be found), anything else before Content-Length."""
        if key == "via":
            return 0
        return next((at for at, line in enumerate(self.lines) if line.key == "content-length"), len(self.lines))


def spelled(key: str) -> str:
    """The usual spelling of a canonical header key."""
    return _SPELLING.get(key) or "-".join(part.capitalize() for part in canonical(key).split("-"))


def _row(name: str, value: str) -> bytes:
    return encoded(f"{name}: {value}\r\n")


def _end_of_line(message: Message) -> int:
    if message.headers:
        return message.headers[0].start
    return message.head_end
