"""Lines that were broken to a width: by a mail program, a ticket system, or a terminal that was copied from.

A broken header is two lines, and the second is none that a message may have. Read as it stands it would be a header
without its end, and findings about what is missing there would be false. So the lines are joined again, where the text
shows that a width broke them: in the head of a message a line stands that begins no header and is not folded (RFC 3261
7.3.1), and the line before it had no room left for its first word. That has to hold for each such line of the sample;
a line that somebody else wrote in between has room before it, and stays what it is.

Words are broken at blanks, so a blank comes back; a word that is longer than the width, and each line of a terminal,
is broken anywhere, and nothing comes back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

NARROWEST, WIDEST = 40, 140
"""Octets of a line between which a width is believed."""
WRAPS = "joined again where they had been broken to a width"
_QUOTED = re.compile(rb"(?:[ \t]{0,3}>)+ ?|[ \t]{1,16}")
_START = re.compile(rb"(?:^|[\]>|:] )(?:[A-Z._-]{3,20} \S{1,200} SIP/2\.0\.?\s*\Z|SIP/2\.0 \d\d\d\b)")
_HALF_START = re.compile(rb"(?:^|\] )[A-Z._-]{3,20}(?: sips?:\S{1,200})?\s*\Z")
"""A start line of which the rest is missing."""
_OPEN = re.compile(rb"<-{2,}(?!.*-->)|\A(?!.*<-).*->[ \t]*\Z| at[ \t]*\Z|\([^()]*\Z")
"""The line over a message, of which the rest is missing."""
_BEGINS = re.compile(
    rb"[^\w\"<;=,]{0,60}(?:[\w.:+ /-]{0,60}[\]>|] ?)?"  # what a logger may write before
    rb"(?!sips?:|tel:|https?:|urn:)[A-Za-z][\w.!%*+`'~-]{0,60}[ \t]*:",
    re.IGNORECASE,
)
"""Any header, known or not: what only looks like one is left where it is."""
_ENTRY = re.compile(rb"\[[^\]]{1,60}\] (?:NOTICE|WARNING|ERROR|SECURITY|VERBOSE)\b")
"""What Asterisk says beside its messages."""
_BLANK = (b"", b".")
"""An empty line, and how ngrep shows one."""
_EMPTY = re.compile(rb"\[[^\]]{1,60}\][ \t]*\Z")
"""A stamp with nothing behind it."""
_OTHER = re.compile(
    rb"<-|\[(?:\d|[A-Z][a-z]{2} )|[#*]|[-=+]{2,}|\d{1,2}:\d\d:\d\d|\d{1,4}[-/]\d{1,2}[-/]\d|[A-Z][a-z]{2} [ 0-3]?\d "
)
"""How a line of a log may begin that is not the rest of another one: framing, a stamp, a date."""


class Wrap:
    """How a text was broken: at `width` octets, within words (`is_cut`), behind the `lead` of each line."""

    code = "repaired-wraps"
    carriers = ()

    def __init__(self, width: int, lead: bytes, *, is_cut: bool) -> None:
        self.width = width
        self.lead = lead
        self.is_cut = is_cut

    @property
    def says(self) -> str:
        """Completes `the lines were ...`."""
        return f"{WRAPS} ({self.width})"

    def joined(self, lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
        """The lines as they were before, each with the number of lines that it was broken into."""
        whole, count, last, inside = b"", 0, b"", False
        for line in lines:
            if count and self._goes_on(whole, last, line, inside=inside):
                rest = line[len(self.lead) :]
                whole += self._between(last, rest) + rest
                count += 1
            else:
                if count:
                    yield count, whole
                whole, count = line, 1
            inside = _is_inside(whole[len(self.lead) :], before=inside)
            last = line
        if count:
            yield count, whole

    def text(self, head: bytes) -> bytes:
        """The same of a text."""
        return b"\n".join(line for _, line in self.joined(head.split(b"\n")))

    def _goes_on(self, whole: bytes, last: bytes, line: bytes, *, inside: bool) -> bool:
        """Whether a line is the rest of the one before: in the head of a message, or of what stands over it."""
        rest = line[len(self.lead) :]
        if not line.startswith(self.lead) or not is_full(last, rest, self.width):
            return False
        if self.is_cut and len(last.rstrip(b"\r")) != self.width:
            return False
        if rest.strip() == b"." and self.is_cut and inside:
            return not last.endswith(b".")  # the last octet of the line before, as ngrep shows its end
        if inside:
            return _is_rest(rest.lstrip(b" ") if self.is_cut else rest)
        if _ENTRY.match(whole):
            return rest.strip() != b"" and rest[:1] not in (b" ", b"\t") and _OTHER.match(rest) is None
        return rest.strip() != b"" and (_OPEN.search(whole) or _HALF_START.search(whole)) is not None

    def _between(self, line: bytes, rest: bytes) -> bytes:
        """What was lost between two parts: nothing within a word, and only one that has no room in a line is broken."""
        line = line.rstrip(b"\r")
        if self.is_cut or line.endswith((b" ", b"\t")):
            return b""
        word = line[len(self.lead) :].split(b" ")[-1] + rest.split(b" ", 1)[0]
        return b"" if len(line) == self.width and len(word) > self.width - len(self.lead) else b" "


def wrap_of(head: bytes) -> Wrap | None:
    """How the text that begins with `head` was broken; None where it was not, or does not show it."""
    lines = [line.rstrip(b"\r") for line in head.split(b"\n")[:-1]]
    lead = _lead_of(lines)
    breaks = list(_breaks([line[len(lead) :] for line in lines]))
    broken = {lead + line for line, _ in breaks}  # a longer word is left whole by some, so it is no measure
    width = max((len(line) for line in lines if b" " in line[len(lead) :].strip() or line in broken), default=0)
    if not breaks or not NARROWEST <= width <= WIDEST:
        return None
    if not all(is_full(lead + line, rest, width) for line, rest in breaks):
        return None
    is_filled = all(len(lead + line) == width for line, _ in breaks)
    if is_filled and len(breaks) == 1:
        return None  # behind the longest line there never is room
    is_cut = is_filled and any(line[-1:].isalnum() and rest[:1].isalnum() for line, rest in breaks)
    return Wrap(width, lead, is_cut=is_cut)


def is_full(line: bytes, rest: bytes, width: int) -> bool:
    """Whether a line had no room for the first word of the next one."""
    line = line.rstrip(b"\r\t ")
    word = rest.split(maxsplit=1)[0] if rest.strip() else b""
    return bool(line) and len(line) + 1 + len(word) > width


def _breaks(lines: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Each line in the head of a message that begins no header, with the one before it."""
    inside = False
    for line, following in pairwise(lines):
        inside = _is_inside(line, before=inside)
        if inside and _is_rest(following):
            yield line, following


def _is_inside(line: bytes, *, before: bool) -> bool:
    """Whether behind a line the head of a message goes on."""
    if line.strip() in _BLANK or _EMPTY.match(line):
        return False
    return before or _START.search(line.rstrip(b"\r")) is not None


def _is_rest(line: bytes) -> bool:
    """Whether a line may be the rest of the one before: it is not empty, not folded, and begins nothing."""
    if line.strip() in _BLANK or line[:1] in (b" ", b"\t") or _OTHER.match(line):
        return False
    return _BEGINS.match(line) is None and _START.search(line.rstrip(b"\r")) is None


def _lead_of(lines: list[bytes]) -> bytes:
    """What each line begins with: the quoting of a mail, or an indentation."""
    filled = [line for line in lines if line.strip(b"> \t")]
    match = _QUOTED.match(filled[0]) if filled else None
    lead = match[0] if match is not None else b""
    return lead if lead and all(line.startswith(lead) for line in filled) else b""
