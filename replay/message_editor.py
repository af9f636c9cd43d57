"""A message on its way from evidence to the wire: octets that stay as they are until an edit says otherwise.

Every change goes through `change`, `patch`, `drop`, `insert`, `restart` or `complete`, which note what was, what is,
why, and by which rule: nothing is altered in silence. All else keeps its octets: rows with their folding and spelling,
line ends of any kind, empty lines before the start line, a head that nothing ends, octets beyond Content-Length. Out of
a printed log, which has lost line ends, lines end in CRLF; what the snap length cut in two is left out, and that is an
edit.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from analyzer.evidence import Fidelity
from analyzer.sip.grammar import LWS
from analyzer.sip.headers import canonical
from analyzer.sip.message import Message
from analyzer.sip.text import clip, is_token
from analyzer.sip.text import octets as encoded
from analyzer.sip.text import text as decoded

_SPELLING = {
    "call-id": "Call-ID",
    "cseq": "CSeq",
    "www-authenticate": "WWW-Authenticate",
    "mime-version": "MIME-Version",
}
_CRLF = b"\r\n"
_LINE_END = re.compile("\r\n|\n|\r")
_CUT = "the capture has no more of it"


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


class MessageEditor:
    """A request or a response to be. `start` is its first line without its end, `lead` what stands before it, `end` the
    empty line, `trailing` what follows the body; `edits` what was changed so far, in order."""

    def __init__(self, message: Message) -> None:
        printed = message.raw_message.fidelity is Fidelity.TEXT_LOG
        first = message.raw[: message.headers[0].start if message.headers else message.head_end]
        line = first.strip(b"\r\n")
        at = first.find(line)
        self.is_request = message.is_request
        self.start = decoded(line)
        self.lead = b"" if printed else first[:at]
        self.start_end = _CRLF if printed else first[at + len(line) :]
        self.lines: list[_Line] = []
        for header in message.headers:
            row = message.raw[header.start : header.end]
            if printed:
                row = row.rstrip(b"\r\n").replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") + _CRLF
            self.lines.append(_Line(header.key, decoded(header.name).strip(), decoded(header.value), row))
        self.end = _CRLF if printed else message.raw[message.head_end : message.body_start]
        self.body = message.body
        self.trailing = b"" if printed else message.trailing
        self.edits: list[Edit] = []
        if message.raw_message.missing and not message.complete_headers:
            self._leave_out_what_is_cut(message)

    def _leave_out_what_is_cut(self, message: Message) -> None:
        """Half a value is no value: its row goes, and the head gets the end that was not captured."""
        cut = message.cut_header
        if cut is not None:
            gone = self.lines.pop()
            self.edits.append(Edit(gone.name or "Header", gone.value, "", None, _CUT))
        self.complete(why=_CUT)

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
            self.add(key, value)
        self.edits.append(Edit(spelled(key), before, value, rule, why))

    def patch(self, key: str, at: int, patched: Callable[[str], str], rule: str | None = None, why: str = "") -> None:
        """Change the `at`-th row called `key` (from 0) within: `patched` makes of all that stands behind its colon,
        folding and line end included, what shall stand there."""
        rows = [line for line in self.lines if line.key == key]
        if at >= len(rows):
            return
        row = rows[at]
        name, colon, value = decoded(row.octets).partition(":")
        after = patched(value)
        if after != value:
            before, row.value, row.octets = row.value, unfolded(after), encoded(f"{name}{colon}{after}")
            self.edits.append(Edit(spelled(key), before, row.value, rule, why))

    def drop(self, key: str, rule: str | None = None, why: str = "", *, at: int | None = None) -> None:
        """Leave out every row called `key`, or the `at`-th alone (from 0)."""
        rows = [line for line in self.lines if line.key == key]
        if at is not None:
            rows = rows[at : at + 1]
        if rows:
            self.lines = [line for line in self.lines if not any(line is row for row in rows)]
            self.edits.append(Edit(spelled(key), ", ".join(row.value for row in rows), "", rule, why))

    def drop_lines(self, rule: str | None = None, why: str = "") -> None:
        """Leave out every line that is no header: no colon, or a name that is no token (RFC 3261 7.3.1)."""
        for line in [line for line in self.lines if not line.key or not is_token(line.name)]:
            self.lines.remove(line)
            self.edits.append(Edit("Line", decoded(line.octets).strip(), "", rule, why))

    def add(self, key: str, value: str) -> None:
        """One more row, without an edit: for responses that are built, not repaired."""
        name, at = spelled(key), self._place_for(key)
        if at and not self.lines[at - 1].octets.endswith((b"\n", b"\r")):
            self.lines[at - 1].octets += _CRLF
        self.lines.insert(at, _Line(key, name, value, _row(name, value)))

    def insert(self, key: str, value: str, rule: str | None = None, why: str = "") -> None:
        """One more row, beside those that are called `key`."""
        self.add(key, value)
        self.edits.append(Edit(spelled(key), "", value, rule, why))

    def complete(self, rule: str | None = None, why: str = "") -> None:
        """End the head, where nothing ends it."""
        if self.end:
            return
        if self.lines and not self.lines[-1].octets.endswith(_CRLF):
            self.lines[-1].octets = self.lines[-1].octets.rstrip(b"\r\n") + _CRLF
        self.start_end, self.end = self.start_end or _CRLF, _CRLF
        self.edits.append(Edit("End of the headers", "", "an empty line", rule, why))

    def straighten(self, rule: str | None = None, why: str = "") -> None:
        """CRLF at the end of each line (RFC 3261 7)."""
        odd = [line for line in self.lines if _with_crlf(line.octets) != line.octets]
        count = len(odd) + (self.start_end != _CRLF) + (self.end not in (b"", _CRLF))
        if count:
            self.edits.append(Edit("Line ends", f"{count} without CRLF", "CRLF", rule, why))
        for line in odd:
            line.octets = _with_crlf(line.octets)
        self.start_end, self.end = _CRLF, _CRLF if self.end else b""

    def uncover(self, rule: str | None = None, why: str = "") -> None:
        """Leave out the empty lines before the start line."""
        if self.lead:
            self.edits.append(Edit("Before the start line", f"{len(self.lead)} octets", "", rule, why))
            self.lead = b""

    def cut(self, rule: str | None = None, why: str = "") -> None:
        """Leave out what follows the body."""
        if self.trailing:
            shown = clip(decoded(self.trailing[:80]))
            self.edits.append(Edit("After the body", f"{len(self.trailing)} octets: {shown}", "", rule, why))
            self.trailing = b""

    def head(self) -> bytes:
        """All but what follows the empty line."""
        return b"".join(
            [self.lead, encoded(self.start), self.start_end, *(line.octets for line in self.lines), self.end]
        )

    def octets(self) -> bytes:
        """What goes on the wire."""
        return b"".join([self.head(), self.body, self.trailing])

    def _place_for(self, key: str) -> int:
        """A Via goes on top (RFC 3261 18.2.2 wants it there to be found), anything else before Content-Length."""
        if key == "via":
            return 0
        return next((at for at, line in enumerate(self.lines) if line.key == "content-length"), len(self.lines))


def spelled(key: str) -> str:
    """The usual spelling of a canonical header key."""
    return _SPELLING.get(key) or "-".join(part.capitalize() for part in canonical(key).split("-"))


def unfolded(value: str) -> str:
    """What stands behind the colon of a row as one value: folding is one blank (RFC 3261 7.3.1)."""
    return " ".join(part for line in _LINE_END.split(value) if (part := line.strip(LWS)))


def _with_crlf(row: bytes) -> bytes:
    """A row, folded or not, whose lines end in CRLF; a CR or LF within a line, where no folding is, becomes a blank."""
    first, *others = re.split(rb"\r\n|\n|\r", row.rstrip(b"\r\n"))
    return b"".join([first, *((_CRLF if line[:1] in (b" ", b"\t") else b" ") + line for line in others), _CRLF])


def _row(name: str, value: str) -> bytes:
    return encoded(f"{name}: {value}\r\n")
