"""Messages that a printer writes in one row each (ngrep: a line end is two dots), and that were broken at words.

No line of such a text begins with a header, so none of what `widths.py` goes by is to be seen. What is: rows stand
between empty lines or marks of packets, and whatever begins a line in one is either the printer's own (two blanks,
where ngrep itself breaks a row at the width of its terminal), or the rest of the line before, which had no room for it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from analyzer.capture.text.breaks import is_filled_to_value
from analyzer.capture.text.wraps import NARROWEST, WIDEST, Wrap

SEAM = re.compile(rb"\.\.[A-Za-z][\w-]{0,30}:|SIP/2\.0\.\.|\.\.\.\.\s*\Z")
"""A line end (RFC 3261 7.3.1), as ngrep shows it within a row."""
_NAME_BEHIND = re.compile(rb"\.\.[A-Za-z][\w-]{0,30}:\r?\Z")
"""The name of a header, behind which every program writes a blank."""
_END = re.compile(rb"\.\.(?:content-length|l)[ \t]*:[ \t]*0+\.{4,}\s*\Z", re.IGNORECASE)
"""The end of a row whose message has no body (20.14)."""
_OWN = b"  "
"""What ngrep begins a line with that it broke itself."""
_FEW = 3
"""Lines that are rests, at least, of a text that was broken."""


class RowWrap(Wrap):
    """How such a text was broken: at `width` octets, and by its printer before at `own` (0: not at all)."""

    own = 0

    def _goes_on(self, whole: bytes, last: bytes, line: bytes, *, inside: bool, began: bool) -> bool:
        """Whether a line is the rest of one that opens a message, or that is part of its row."""
        rest = line[len(self.lead) :]
        if not line.startswith(self.lead) or not _is_rest(rest):
            return False
        if not is_filled_to_value(last, rest, self.width):
            return False
        bare = whole[len(self.lead) :]
        if _END.search(bare) is not None:
            return False
        if self.opens is None:
            return True
        if self.opens(rest) is not None:
            return False
        if bare.startswith(_OWN) or SEAM.search(bare) is not None:
            return True
        return (self.opens(bare) or self.opens(bare + b" " + rest)) is not None

    def _between(self, whole: bytes, line: bytes, rest: bytes) -> bytes:
        """A blank, but not within a word that is longer than the width, nor where the printer had broken the row."""
        if _NAME_BEHIND.search(line):
            return self._behind_name(whole, line, rest)
        if self.own and len(whole) - len(self.lead) == self.own:
            return b""
        return super()._between(whole, line, rest)


def in_rows(lines: list[bytes], lead: bytes) -> Wrap | None:
    """How the rows of a text were broken; None where there are none, or they were not."""
    width = max(map(len, lines), default=0)
    if not NARROWEST <= width <= WIDEST:
        return None
    bare = [line[len(lead) :] for line in lines]
    rests = list(_rests(bare))
    if (
        len(rests) < _FEW
        or sum(is_filled_to_value(lead + line, rest, width) for line, rest in rests) * 10 < len(rests) * 9
    ):
        return None
    if sum(len(lead + line) < width for line, _ in rests) * 10 < len(rests):
        return None  # broken anywhere, as a terminal does
    wrap = RowWrap(width, lead, is_cut=False)
    wrap.own = _own_width(line for _, line in wrap.joined(bare))
    return wrap


def _rests(lines: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Each line of a row that is the rest of the one before, with that."""
    begin = 0
    for place in range(len(lines) + 1):
        if place < len(lines) and not _is_between(lines[place]):
            continue
        row = lines[begin:place]
        if sum(SEAM.search(line) is not None for line in row) >= _FEW:
            yield from (pair for pair in pairwise(row) if _is_rest(pair[1]))
        begin = place + 1


def _own_width(lines: Iterator[bytes]) -> int:
    """At which width a printer broke rows: that of most lines behind which its own blanks stand."""
    lengths = Counter(len(line) for line, rest in pairwise(lines) if line[:2] == rest[:2] == _OWN)
    width, count = lengths.most_common(1)[0] if lengths else (0, 0)
    return width if count >= _FEW else 0


def _is_between(line: bytes) -> bool:
    """Whether a line stands between rows: an empty one, or ngrep's marks of packets."""
    return not line.strip() or (line[:1] == b"#" and not line.strip(b"#\r "))


def _is_rest(line: bytes) -> bool:
    return not line.startswith(_OWN) and not _is_between(line)
