"""Mails as they were sent (RFC 2045): text in quoted-printable (`=3D`, lines that end in `=`) or in base64."""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Iterable, Iterator

from analyzer.capture.text.carrier_kinds import Carrier, untouched
from analyzer.capture.text.records import RECORDS

_MOST = 1 << 23
"""Octets of a part in base64 that are kept."""
_CODING = re.compile(rb"content-transfer-encoding:[ \t]*(base64|quoted-printable)[ \t]*\r?\Z", re.IGNORECASE)
_QUOTED = re.compile(rb"=(?:[0-9A-F]{2}|\r?\Z)")
_BARE = re.compile(rb"[\w\"]=(?![0-9A-F]{2}|\r?\Z)")
"""A parameter with its equals sign as it is, which is none in quoted-printable."""
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{4,100}={0,2}\s{0,4}\Z")


class Mail:
    """A mail, or what was copied out of one. `always` says that all of it is quoted-printable."""

    code = "repaired-mail"
    says = RECORDS["repaired-mail"]
    carriers: tuple[Carrier, ...] = (Carrier(code, says, 0, untouched),)

    def __init__(self, *, always: bool) -> None:
        self._always = always

    def joined(self, lines: Iterable[bytes]) -> Iterator[tuple[int, bytes | None]]:
        """The lines of the text; those of a part in base64 under the number of its first line."""
        coding = b"quoted-printable" if self._always else b""
        held: list[bytes] = []
        in_body = self._always
        for line in lines:
            if held and not _goes_on(held, line, coding):
                yield from _decoded(held, coding)
                held = []
            if match := _CODING.match(line):
                coding, in_body = match[1].lower(), False
            elif not line.strip():
                in_body = True
            if in_body and coding and line.strip():
                held.append(line)
            else:
                yield 1, line
        if held:
            yield from _decoded(held, coding)


def _goes_on(held: list[bytes], line: bytes, coding: bytes) -> bool:
    """Whether a line belongs to those that are held."""
    if coding == b"base64":
        return _BASE64.match(line) is not None and len(held) * 76 < _MOST
    return held[-1].rstrip(b"\r").endswith(b"=") and len(held) < 1000


def _decoded(held: list[bytes], coding: bytes) -> Iterator[tuple[int, bytes | None]]:
    if coding == b"base64":
        try:
            octets = b"".join(map(bytes.strip, held))
            octets = octets[: len(octets) // 4 * 4]  # the last line of a beginning may be cut
            lines = base64.b64decode(octets).removesuffix(b"\n").split(b"\n")
        except binascii.Error:
            yield from ((1, line) for line in held)
            return
    else:
        lines = quopri.decodestring(b"\n".join(held)).split(b"\n")
    for line in lines[:-1]:
        yield 0, line
    yield len(held), lines[-1]


def found(head: bytes) -> Mail | None:
    """The mail that begins with `head`; None where nothing in it is encoded."""
    lines = head[: 1 << 16].split(b"\n")
    if any(_CODING.match(line) for line in lines):
        return Mail(always=False)
    quoted, bare = (sum(one.search(line) is not None for line in lines) for one in (_QUOTED, _BARE))
    return Mail(always=True) if quoted > 2 and quoted > 4 * bare else None
