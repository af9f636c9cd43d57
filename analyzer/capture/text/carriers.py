"""Carriers: what stands around each line of a log because of the way it was kept, sent or pasted.

syslog (RFC 3164, RFC 5424, rsyslog's own forms), journald, Docker and Kubernetes, `grep -n`, the quoting of a mail,
indentation, escapes that a terminal or a web page put in; lines broken to a width, padded, or with an empty one between
(`wraps.py`); records that span lines (`records/`). A dialect is asked about a text as it is first; carriers are looked
for only where it does not know that, and taken off only where it knows what is left (`guessing.py`).

What a carrier did is undone line by line. It may date a line (its stamp is kept beside the text), and one that writes
line ends as escapes (`#012`, JSON) gives several lines for one. `codes` are the repairs, which hang on each message as
defects: it is not in the form in which its program printed it (docs/rules/traps.md T-LOG).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from analyzer.capture.text.carrier_kinds import COLLAPSED, MARK, Carrier, Part, taken_from_json, taken_from_syslog
from analyzer.capture.text.lines import as_utf8
from analyzer.capture.text.payload import Printed
from analyzer.capture.text.records import Joiner
from analyzer.capture.text.said import said_in
from analyzer.defect import Defect

_BLANKS, _COMMENT = 64, -1
"""Empty lines that are held back, at most; what is held while a mail's writer speaks."""


class Carriers:
    """The carriers of one log, from the outermost; `codes` says what taking them off repairs. `joiner` puts lines
    together first: such as were broken to a width, or are part of a record."""

    def __init__(self, carriers: tuple[Carrier, ...] = (), joiner: Joiner | None = None) -> None:
        self.all = carriers
        self.joiner = joiner
        self._pads: list[int] = [0] * len(carriers)
        self.defects = tuple(Defect(one.code, f"the lines were {one.says}") for one in carriers)

    @property
    def hides(self) -> bool:
        """Whether a message may be written so that its text is not to be seen in the octets of the log."""
        return any(one.take is taken_from_json for one in self.all)

    def __bool__(self) -> bool:
        return bool(self.all)

    def bare(self, head: bytes) -> bytes:
        """`head` without them."""
        head = as_utf8(head)
        fresh = Carriers(self.all, self.joiner)
        lines = fresh.numbered(iter(head.split(b"\n")), 0)
        return b"\n".join(text for _, line in lines for text, _ in fresh.lines(line))

    def numbered(self, lines: Iterator[bytes], before: int) -> Iterator[tuple[int, bytes]]:
        """Lines with their numbers, those put together that were broken, under the number of the first; `before` is the
        number of lines before them."""
        if self.joiner is None:
            yield from enumerate(lines, before + 1)
            return
        number = before + 1
        for count, whole in self.joiner.joined(lines):
            if whole is not None:
                yield number, whole
            number += count

    def lines(self, physical: bytes) -> Iterable[Part]:
        """The lines in one physical line, without what carries them."""
        if not self.all:
            return ((physical, b""),)
        parts: list[Part] = [(physical, b"")]
        for depth, carrier in enumerate(self.all):
            parts = [
                (text, inner or stamp) for line, stamp in parts for text, inner in self._taken(depth, carrier, line)
            ]
        return parts

    def _taken(self, depth: int, carrier: Carrier, line: bytes) -> list[Part]:
        if carrier.code == "repaired-spacing":
            self._pads[depth], is_between = not self._pads[depth] or line.strip() != b"", self._pads[depth]
            return [] if is_between and not line.strip() else [(line, b"")]
        found = carrier.take(line)
        if carrier.code == "repaired-quoting":
            return self._quoted(depth, line, found)
        if carrier.take is not taken_from_syslog:
            return [(line, b"")] if found is None else found
        if found is not None:
            self._pads[depth] = len(line) - len(found[0][0]) if len(found) == 1 else 0
            return found
        pad = self._pads[depth]  # journalctl indents the further lines of an entry by the length of its prefix
        return [(line[pad:] if pad and not line[:pad].strip(b" ") else line, b"")]

    def _quoted(self, depth: int, line: bytes, found: list[Part] | None) -> list[Part]:
        """A line of a mail that quotes another. What stands behind an empty line without the sign, its writer put in
        between: both are left out, but for one that says when a message went and where: some programs put a sign before
        the lines of messages alone. Before a quoted line the empty one is the other mail's; and what follows a quoted
        line at once is the rest of one that was broken to a width."""
        blanks = self._pads[depth]
        if found is None and blanks and (said := said_in(line)).stamp and said.tells:
            self._pads[depth] = 0
            return [(b"", b"")] * max(blanks, 1) + [(line, b"")]
        if found is not None:
            self._pads[depth] = 0
            return [(b"", b"")] * max(blanks, 0) + found
        if not line.strip():
            self._pads[depth] = min(blanks + 1, _BLANKS) if blanks >= 0 else blanks
        elif blanks:
            self._pads[depth] = _COMMENT
        return [(line, b"")] if line.strip() and not blanks else []


NONE = Carriers()


_TRIMMING = frozenset(("repaired-json", "repaired-journal", "repaired-table", "repaired-quoting", COLLAPSED.code))
"""Carriers that end a text at its last letter."""
NO_BODY = re.compile(rb"[ \t]*(?:content-length|l)[ \t]*:[ \t]*0+\.?[ \t\r]*\Z", re.IGNORECASE)


def with_collapsed(carriers: Carriers, near: bytes) -> Carriers:
    """The carriers of a text of which `near` is the part around the first message, with one more where that has no
    empty line at all, and a header that says that no body follows: then none could end the headers (RFC 3261 7.5)."""
    if any(one.code in _TRIMMING for one in carriers.all):
        return carriers
    _, mark, behind = carriers.bare(near).partition(MARK)
    lines = behind.split(b"\n")[1 if mark else 0 : -1 if behind.endswith(b"\n") else None]
    if not all(line.strip(b" \t\r.") for line in lines) or not any(map(NO_BODY.match, lines)):
        return carriers
    return Carriers((*carriers.all, COLLAPSED), carriers.joiner)


def is_trimmed(texts: Sequence[bytes], carriers: Sequence[Carrier]) -> bool:
    """Whether a keeper of records took the empty line off that ended the headers, of a message without body."""
    if b"" in texts[1:] or not any(one.code in _TRIMMING for one in carriers):
        return False
    return Printed(texts, None).content_length() == 0
