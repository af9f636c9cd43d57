"""Header rows: where each one lies in the octets, its canonical name, its unfolded value (RFC 3261 7.3.1).

A row may go on in further lines that begin with a blank (folding); the first empty line ends the header section.
Almost every message has CRLF everywhere and nothing folded: then `bytes.split` does the work. All others go line by
line, where LF alone ends a line, too, and CR alone does in a message that has no LF at all.

User agents repeat themselves: most lines of a capture were seen before, octet for octet (`Max-Forwards: 70`, the From
of the request in its answer). So what a line says is a `Row` that equal lines share, together with the value that was
parsed from it; only where it lies (`Header`) belongs to the message. The memory of lines is bounded.

A line that is no header (no colon, no name) stays in the list with the key "", so that the rows cover the section.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from analyzer.defect import Defect
from analyzer.sip.auth_headers import CHALLENGES, CREDENTIALS
from analyzer.sip.text import TOKEN, clip, text

COMPACT = {
    "i": "call-id",  # RFC 3261 7.3.3 and 20
    "m": "contact",
    "f": "from",
    "t": "to",
    "v": "via",
    "l": "content-length",
    "k": "supported",
    "c": "content-type",
    "e": "content-encoding",
    "s": "subject",
    "a": "accept-contact",  # RFC 3841
    "d": "request-disposition",
    "j": "reject-contact",
    "b": "referred-by",  # RFC 3892
    "r": "refer-to",  # RFC 3515
    "o": "event",  # RFC 6665
    "u": "allow-events",
    "n": "identity-info",  # RFC 4474
    "y": "identity",
    "x": "session-expires",  # RFC 4028
}
"""Compact form -> long name, both lower-case."""

SINGLE = frozenset({
    "call-id", "content-length", "content-type", "cseq", "date", "event", "expires", "from", "max-forwards",
    "min-expires", "retry-after", "server", "session-expires", "subject", "to", "user-agent",
})  # fmt: skip
"""Headers that may come once (RFC 3261 7.3.1: repeated only where the value is a comma list)."""

MAX_DEFECTS = 64
"""Defects of one message that are kept; a hostile one has a hundred thousand."""


def canonical(name: str) -> str:
    """The canonical key of a header name: lower-case, compact forms spelled out."""
    lower = name.strip(" \t").lower()
    return COMPACT.get(lower, lower)


def spellings(*keys: str) -> str:
    """The alternatives of a pattern that finds these headers in any case: long names, and compact forms (7.3.3)."""
    return "|".join([*map(re.escape, keys), *(short for short, long in COMPACT.items() if long in keys)])


_LF, _CR = b"\n\r"
"""As numbers: to look for octets in octets costs ten times as much."""
_BARE_LF = re.compile(rb"(?<!\r)\n")
_BARE_CR = re.compile(rb"\r(?!\n)")
_KEPT_NAMES = 4096
_LONGEST_KEPT = 64
# Spelling -> key. It learns the spellings that it meets, up to a limit; the common ones are known from the start.
_COMMON = (
    "Via", "From", "To", "Call-ID", "CSeq", "Contact", "Max-Forwards", "Expires", "Content-Length", "User-Agent",
    "Server", "Allow", "Supported", "Authorization", "WWW-Authenticate", "Date", "v", "f", "t", "i", "m", "l",
)  # fmt: skip
_keys: dict[bytes, str] = {name.encode(): canonical(name) for name in _COMMON}
_new = tuple.__new__


class Header(NamedTuple):
    """One header row. `name` as spelled, `key` the canonical long lower-case name ("" for a line that is no header).

    `value` is unfolded and trimmed; `raw[start:end]` of the message is the whole row with its line ends.
    """

    name: bytes
    key: str
    value: bytes
    start: int
    end: int


class Row:
    """What one header line says, wherever it stands. `parsed` keeps what a parser made of the value, `UNREAD` before:
    each key has one parser."""

    __slots__ = ("_text", "key", "name", "parsed", "value")

    def __init__(self, name: bytes, key: str, value: bytes) -> None:
        self.name = name
        self.key = key
        self.value = value
        self._text: str | None = None
        self.parsed: Any = UNREAD

    @property
    def text(self) -> str:
        """The value decoded."""
        decoded = self._text
        if decoded is None:
            decoded = self._text = self.value.decode("utf-8", "surrogateescape")
        return decoded


UNREAD = object()
"""In `Row.parsed`: nobody has asked yet."""
ODD = ("", Row(b"", "", b""))
"""Stands for a line that is more than a name that is a token, a colon and a value."""
_KEPT_LINES = 4096
_LONGEST_LINE = 512
_UNIQUE = frozenset((*CREDENTIALS, *CHALLENGES, "via"))
"""Keys whose lines hardly come again: they would only push out those that do."""


class Lines(dict[bytes, tuple[str, Row]]):
    """Line without its line end -> canonical key and row; `ODD` for what has to be looked at in its surroundings.

    It learns the lines that it meets, and begins anew when it is full.
    """

    def __missing__(self, line: bytes) -> tuple[str, Row]:
        name, colon, value = line.partition(b":")
        if _LF in value or _CR in value:
            return ODD
        key = _keys.get(name) if colon else None
        if key is None:
            key = _learn(name) if colon else ""
            if not key:
                return ODD
        pair = (key, Row(name, key, value.strip(b" \t")))
        if key not in _UNIQUE and len(line) <= _LONGEST_LINE:
            if len(self) >= _KEPT_LINES:
                self.clear()
            self[line] = pair
        return pair


LINES = Lines()
"""The lines met so far, for all messages of the process."""


def _learn(name: bytes) -> str:
    """The key of a name that is a token; "" for any other, blanks around it included."""
    if len(name) > _LONGEST_KEPT or TOKEN.fullmatch(text(name)) is None:
        return ""
    key = canonical(text(name))
    if len(_keys) < _KEPT_NAMES:
        _keys[name] = key
    return key


class Section(NamedTuple):
    """The header section: its rows, where the empty line begins, where the body begins, and whether it was ended."""

    headers: list[Header]
    end: int
    body: int
    complete: bool


def split_headers(raw: bytes, start: int, defects: list[Defect], *, wire: bool) -> Section:
    """Split the header section that begins at `start`. `wire` false: line ends are no evidence."""
    end = raw.find(b"\r\n\r\n", max(start - 2, 0))
    if end >= 0:
        count = raw.count(b"\r\n", start, end + 2)
        plain = raw.count(b"\n", start, end + 2) == count == raw.count(b"\r", start, end + 2)
        if plain and raw.find(b"\r\n ", start, end) < 0 and raw.find(b"\r\n\t", start, end) < 0:
            return _split_plain(raw, start, end + 2, defects)
    return _split_lines(raw, start, defects, wire)


def _split_plain(raw: bytes, start: int, end: int, defects: list[Defect]) -> Section:
    """The common case: CRLF after each line, nothing folded, `end` is where the empty line begins."""
    headers: list[Header] = []
    add, keys, position = headers.append, _keys, start
    lines = raw[start:end].split(b"\r\n")
    lines.pop()
    if lines and lines[0][:1] in (b" ", b"\t"):
        return _split_lines(raw, start, defects, wire=True)
    for line in lines:
        following = position + len(line) + 2
        name, colon, value = line.partition(b":")
        key = keys.get(name) if colon else None
        if key is None:
            name, key, value = _unusual(line, position, defects)
        add(_new(Header, (name, key, value.strip(b" \t"), position, following)))
        position = following
    return Section(headers, end, end + 2, True)


def _unusual(line: bytes, position: int, defects: list[Defect]) -> tuple[bytes, str, bytes]:
    """A header whose name was not seen before, or a line that is no header."""
    spelled, colon, value = line.partition(b":")
    name = spelled.rstrip(b" \t")  # RFC 3261 7.3.1 allows blanks before the colon
    if not colon or not name:
        _note(defects, "not-a-header", f"no header name and colon in the line {clip(text(line[:80]))!r}", position)
        return b"", "", line
    key = canonical(text(name))
    if TOKEN.fullmatch(text(name)) is None:
        _note(defects, "bad-header-name", f"the header name {clip(text(name[:80]))!r} is no token", position)
    elif len(_keys) < _KEPT_NAMES and len(name) <= _LONGEST_KEPT:
        _keys[name] = key  # never with blanks behind it, so that these come here again
    return name, key, value


def _split_lines(raw: bytes, start: int, defects: list[Defect], wire: bool) -> Section:
    """Any mixture of line ends, with folding."""
    newline = b"\n" if raw.find(b"\n", start) >= 0 else b"\r"
    headers: list[Header] = []
    row: list[bytes] = []
    row_start = position = start
    section = None
    while position < len(raw):
        found = raw.find(newline, position)
        following = len(raw) if found < 0 else found + 1
        line = raw[position:following].rstrip(b"\r\n")
        if not line and found >= 0:
            section = Section(headers, position, following, True)
            break
        if not row or line[:1] not in (b" ", b"\t"):
            _close(row, row_start, position, headers, defects)
            row, row_start = [], position
        row.append(line)
        position = following
    _close(row, row_start, position, headers, defects)
    end = position if section is None else section.body
    if wire:
        section_octets = raw[start:end] if section else raw[start:end].removesuffix(b"\r")  # cut inside CRLF
        _note_line_ends(section_octets, start, newline, defects)
    return section or Section(headers, len(raw), len(raw), False)


def _close(row: list[bytes], start: int, end: int, headers: list[Header], defects: list[Defect]) -> None:
    """Make a header of the lines `row`: folding becomes one SP (RFC 3261 7.3.1)."""
    if not row:
        return
    line = row[0] if len(row) == 1 else b" ".join(part for piece in row if (part := piece.strip(b" \t")))
    if row[0][:1] in (b" ", b"\t"):
        _note(defects, "not-a-header", "a folded line continues no header", start)
        headers.append(Header(b"", "", line.strip(b" \t"), start, end))
        return
    name, colon, value = line.partition(b":")
    key = _keys.get(name) if colon else None
    if key is None:
        name, key, value = _unusual(line, start, defects)
    headers.append(Header(name, key, value.strip(b" \t"), start, end))


def _note_line_ends(section: bytes, start: int, newline: bytes, defects: list[Defect]) -> None:
    """RFC 3261 7: each line MUST end in CRLF, even if the body is absent; CR and LF stand nowhere else."""
    pairs = section.count(b"\r\n")
    if newline == b"\n" and section.count(b"\n") > pairs and (found := _BARE_LF.search(section)):
        _note(defects, "bare-lf", "a line ends in LF without CR", start + found.start())
    if section.count(b"\r") > pairs and (found := _BARE_CR.search(section)):
        _note(defects, "bare-cr", "a CR without LF among the headers", start + found.start())


def _note(defects: list[Defect], code: str, sentence: str, offset: int) -> None:
    if len(defects) < MAX_DEFECTS:
        defects.append(Defect(code, sentence, offset))
