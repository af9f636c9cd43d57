"""Messages as each dialect prints them: its example, with other lines in it. Nothing here names a dialect."""

from __future__ import annotations

import re
from typing import NamedTuple

from tests.plugins.folders import FOLDERS, loaded

HEADER = b"Call-ID: a1"
_OTHERS = ("asterisk_chan_sip", "asterisk_pjsip", "hexdump")
NAMES = [name for name in FOLDERS["dialect"].names() if name not in _OTHERS]
"""The dialects that are read by a grammar; Asterisk's two and hex dumps have tests of their own."""
SIZES = re.compile(rb"\b(239|188)\b")
"""What the examples announce for their request and their answer."""


class Style(NamedTuple):
    """What a dialect puts before and behind each line of a message."""

    before: bytes
    behind: bytes

    def lines(self, texts: list[bytes]) -> bytes:
        return b"".join(self.before + text + self.behind + b"\n" for text in texts)


def style(example: bytes) -> Style:
    line = next(line for line in example.split(b"\n") if HEADER in line)
    before, _, behind = line.partition(HEADER)
    return Style(before, behind)


def example(name: str) -> bytes:
    text: bytes = loaded("dialect", name).EXAMPLE
    return text


def with_body(name: str, body: list[bytes], length: int | None = None) -> bytes:
    """The example whose request has a body of these lines, and says so (or says `length`)."""
    text = example(name)
    how = style(text)
    octets = sum(len(line) + 2 for line in body)
    said = octets if length is None else length
    at = text.index(b"Content-Length:")
    end = text.index(b"\n", at) + 1
    blank = text.index(b"\n", end) + 1
    head = text[:at] + b"Content-Length: %d" % said + how.behind + b"\n" + text[end:blank]
    grown = octets + len(str(said)) - 1
    return SIZES.sub(lambda match: b"%d" % (int(match[0]) + grown), head, count=1) + how.lines(body) + text[blank:]


def with_header(name: str, line: bytes) -> bytes:
    """The example whose request has one line more among its headers."""
    text = example(name)
    how = style(text)
    at = text.index(b"\n", text.index(HEADER)) + 1
    grown = len(line) + 2
    return SIZES.sub(lambda match: b"%d" % (int(match[0]) + grown), text[:at], count=1) + how.lines([line]) + text[at:]
