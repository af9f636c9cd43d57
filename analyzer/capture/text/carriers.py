"""Carriers: what stands around each line of a log because of the way it was kept, sent or pasted.

syslog (RFC 3164, RFC 5424, rsyslog's own forms), journald, Docker and Kubernetes, `grep -n`, the quoting of a mail,
indentation, escapes that a terminal or a web page put in; lines broken to a width, padded, or with an empty one between
(`wraps.py`). A dialect is asked about a text as it is first; carriers are looked for only where it does not know that,
and taken off only where it knows what is left. Each is told by the lines around the first message, since nothing else
has to be read.

What a carrier did is undone line by line. It may date a line (its stamp is kept beside the text), and one that writes
line ends as escapes (`#012`, JSON) gives several lines for one. `codes` are the repairs, which hang on each message as
defects: it is not in the form in which its program printed it (docs/rules/traps.md T-LOG).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, pairwise
from typing import BinaryIO

from analyzer.capture.text.carrier_kinds import (
    CARRIERS,
    CLOCK,
    ISO,
    NUMBERED,
    OF_ALL,
    Carrier,
    Part,
    prefixed,
    taken_from_json,
    taken_from_syslog,
    untouched,
)
from analyzer.capture.text.lines import as_utf8, chunks_of, lines_of
from analyzer.capture.text.wraps import Wrap, wrap_of
from analyzer.defect import Defect

MARK = b"SIP/2.0"
_BEFORE, _AFTER = 4096, 8192
"""Octets around the first message by which carriers are told."""
_ENOUGH = 1 << 16
"""Octets behind the first message from which a dialect is told."""
_FEW = 6
"""Lines by which it is told what was done to all."""
_DEEP = 5
"""Carriers around carriers that are followed."""
_UNMISTAKABLE = frozenset(("repaired-json", "repaired-container", "repaired-compose", "repaired-grep"))
"""Carriers that no program's own lines look like: they are taken off though a dialect knows something behind them."""
_BEGINS = re.compile(rb"^(?:via|from|to|call-id|cseq|[vfti])[ \t]*:", re.MULTILINE | re.IGNORECASE)
"""A header at the beginning of a line: of a text that shows one, nothing is to be taken off."""
_ESCAPED = re.compile(rb"&(?:lt|quot|#\d{2,4});|\xe2\x80[\x9c-\x9e]|<(?:pre|code|br)\b", re.IGNORECASE)
_BEFORE_VIA = re.compile(rb"(.{2,160}?[^\w\s])[ \t]*(?:via|v)[ \t]*:[ \t]*SIP/2\.0/", re.IGNORECASE)
_STAMPED = re.compile(rb"(?<!\d)(?:" + ISO + rb"|" + CLOCK + rb")(?!\d)")
_DIGITS = re.compile(rb"\d+")
_ANYWHERE = 2
"""The last so many carriers are no prefix: what they do stands anywhere in a line."""


class Carriers:
    """The carriers of one log, from the outermost; `codes` says what taking them off repairs. `wrap` says how its lines
    were broken, after all else was done to them."""

    def __init__(self, carriers: tuple[Carrier, ...] = (), wrap: Wrap | None = None) -> None:
        self.all = carriers
        self.wrap = wrap
        self._pads: list[int] = [0] * len(carriers)
        self.defects = tuple(Defect(one.code, f"the lines were {one.says}") for one in carriers)

    @classmethod
    def found(
        cls, head: bytes, recognised: Callable[[bytes], bool], *, as_it_is: bool = False, taken: tuple[str, ...] = ()
    ) -> Carriers:
        """Those around a log that begins with `head`, by which a dialect that does not know it comes to; none where it
        is `recognised` as it stands, or is not anyhow.

        Some dialects know their lines behind anything. They are believed where a message begins at the beginning of a
        line, or where they need no such line (`as_it_is`).
        """
        if MARK not in head:
            return NONE
        near, known = _near(head), recognised(head)
        if (wrap := wrap_of(near)) is not None:
            found = cls.found(wrap.text(near) + b"\n", recognised, as_it_is=as_it_is, taken=taken)
            return cls((*found.all, Carrier("repaired-wraps", wrap.says, 0, untouched)), wrap)
        outer = next((one for one in OF_ALL if one.code not in taken and _is_on_all(one, near)), None)
        if outer is not None:
            bare = cls((outer,)).bare(near)
            found = cls.found(bare, recognised, as_it_is=as_it_is, taken=(*taken, outer.code))
            return cls((outer, *found.all), found.wrap)
        is_carried = known and as_it_is and _is_carried(near)
        if known and (as_it_is or _BEGINS.search(near)) and not _ESCAPED.search(near) and not is_carried:
            return NONE
        escaped, second = _ESCAPED.search(near) is not None, NONE
        for found in _guesses(near):
            bare = found.bare(near)
            freed = escaped and not _ESCAPED.search(bare)
            if recognised(bare) and (not known or freed or is_carried or _BEGINS.search(bare)):
                if freed or not escaped:
                    return found
                second = second or found
        return second

    @property
    def hides(self) -> bool:
        """Whether a message may be written so that its text is not to be seen in the octets of the log."""
        return any(one.take is taken_from_json for one in self.all)

    def __bool__(self) -> bool:
        return bool(self.all)

    def bare(self, head: bytes) -> bytes:
        """`head` without them."""
        lines = as_utf8(head).split(b"\n")
        fresh = Carriers(self.all)
        return b"\n".join(text for line in lines for text, _ in fresh.lines(line))

    def numbered(self, lines: Iterator[bytes], before: int) -> Iterator[tuple[int, bytes]]:
        """Lines with their numbers, those put together that were broken, under the number of the first; `before` is the
        number of lines before them."""
        if self.wrap is None:
            yield from enumerate(lines, before + 1)
            return
        number = before + 1
        for count, whole in self.wrap.joined(lines):
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
        if carrier.take is not taken_from_syslog:
            return [(line, b"")] if found is None else found
        if found is not None:
            self._pads[depth] = len(line) - len(found[0][0]) if len(found) == 1 else 0
            return found
        pad = self._pads[depth]  # journalctl indents the further lines of an entry by the length of its prefix
        return [(line[pad:] if pad and not line[:pad].strip(b" ") else line, b"")]


NONE = Carriers()


class CarriedLines:
    """The lines of a log that reads each of them: number in the file, text, and the stamp of its carrier. `carriers` is
    what was taken off, and may be known; `before` is the number of lines before those of the stream."""

    def __init__(
        self,
        stream: BinaryIO,
        on_cut: Callable[[int], None],
        recognised: Callable[[bytes], bool],
        *,
        before: int = 0,
        carriers: Carriers | None = None,
    ) -> None:
        chunks = chunks_of(stream)
        head = next(chunks, b"")
        # What an empty line behind each is, and a mail's quoting, these readers know by themselves.
        self.carriers = carriers or Carriers.found(head, recognised, as_it_is=True, taken=("repaired-spacing",))
        self._before = before
        self._lines = lines_of(chain((head,), chunks), lambda number: on_cut(before + number))

    def __iter__(self) -> Iterator[tuple[int, bytes, bytes]]:
        for number, physical in self.carriers.numbered(self._lines, self._before):
            for text, stamp in self.carriers.lines(physical):
                yield number, text, stamp


def guesses(head: bytes) -> Iterator[bytes]:
    """What a log may be without what carries its lines, a carrier less each time; first in UTF-8 with line feeds."""
    text = _near(as_utf8(head))
    if text != head:
        yield text
    wrap = wrap_of(text)
    if wrap is not None:
        text = wrap.text(text)
        yield text
    for carrier in OF_ALL:
        if _is_on_all(carrier, text):
            text = Carriers((carrier,)).bare(text)
            yield text
    for carriers in _guesses(text):
        yield carriers.bare(text)


def _near(head: bytes) -> bytes:
    """As much of the beginning as is needed to tell a log: from before the first message on."""
    place = head.find(MARK)
    begin = head.rfind(b"\n", 0, max(place - _BEFORE, 0)) + 1
    return head[begin : place + _ENOUGH]


def _guesses(head: bytes) -> Iterator[Carriers]:
    """Sets of carriers that the lines around the first message may have, each a carrier longer than the last."""
    place = head.find(MARK)
    sample = head[max(place - _BEFORE, 0) : place + _AFTER].split(b"\n")[1 if place > _BEFORE else 0 : -1]
    sample = sample or head.split(b"\n")
    yield from _chosen(sample, _ANYWHERE)
    yield from _chosen(sample, 0)  # a prefix may be the dialect's own, behind something else


def _chosen(sample: list[bytes], late: int) -> Iterator[Carriers]:
    """Carrier after carrier of a sample; a prefix that nobody named goes before the last `late` of the named ones."""
    chosen: tuple[Carrier, ...] = ()
    place = len(CARRIERS) - late
    for _ in range(_DEEP):
        known = (*_indentation(sample), *CARRIERS[:place], *_prefix(sample), *CARRIERS[place:])
        carrier = next((one for one in known if _fits(one, sample, chosen)), None)
        if carrier is None:
            return
        chosen += (carrier,)
        yield Carriers(chosen)
        taker = Carriers((carrier,))
        sample = [text for line in sample for text, _ in taker.lines(line)]


def _fits(carrier: Carrier, sample: list[bytes], chosen: tuple[Carrier, ...]) -> bool:
    lines = [line for line in sample if line.strip()]
    if any(one.code == carrier.code for one in chosen) and carrier.code != "repaired-syslog":
        return False
    if carrier.code == "repaired-grep" and not _rises(lines):
        return False
    carried = sum(carrier.take(line) is not None for line in lines)
    return carried > 0 and carried * 100 >= carrier.share * len(lines)


def _is_carried(head: bytes) -> bool:
    """Whether all lines around the first message have a carrier that cannot be a program's own doing."""
    lines = [line for line in head.split(b"\n")[1:-1] if line.strip()]
    return len(lines) >= _FEW and any(
        one.code in _UNMISTAKABLE and all(map(one.take, lines)) and (one.code != "repaired-grep" or _rises(lines))
        for one in CARRIERS
    )


def _is_on_all(carrier: Carrier, head: bytes) -> bool:
    """Whether the lines of a text were all padded, or all spaced."""
    lines = [line.rstrip(b"\r") for line in head.split(b"\n")[:-1]]
    filled = [line for line in lines if line.strip()]
    if len(filled) < _FEW:
        return False
    if carrier.code == "repaired-padding":
        return 100 * sum(map(_unpadded_differs, filled)) >= carrier.share * len(filled)
    return not any(one.strip() and other.strip() for one, other in pairwise(lines))


def _unpadded_differs(line: bytes) -> bool:
    return line[-1:] in (b" ", b"\t")


def _indentation(sample: list[bytes]) -> Iterator[Carrier]:
    """What all lines begin with, if it is blank."""
    lines = [line for line in sample if line.strip()]
    if not lines or all(map(NUMBERED.match, lines)):
        return
    lead = min((line[: len(line) - len(line.lstrip(b" \t"))] for line in lines), key=len)
    if lead and all(line.startswith(lead) for line in lines):
        take = prefixed(b"(?:" + re.escape(lead) + rb"|[ \t\r]*\Z)")
        yield Carrier("repaired-indentation", "stripped of their indentation", 100, take)


def _prefix(sample: list[bytes]) -> Iterator[Carrier]:
    """What stands before a Via, if it stands before all lines but for its digits: a logger that nobody named."""
    match = next((found for line in sample if (found := _BEFORE_VIA.match(line))), None)
    if match is None:
        return
    before = match[1]
    stamp = _STAMPED.search(before)
    cuts = (len(before), len(before)) if stamp is None else stamp.span()
    begin, inside, end = (
        _DIGITS.sub(rb"\\d+", re.escape(part)) for part in (before[: cuts[0]], before[slice(*cuts)], before[cuts[1] :])
    )
    take = prefixed(begin + b"(?P<stamp>" + inside + b")" + end + b" ?")
    yield Carrier("repaired-prefix", "stripped of what their logger writes before each", 80, take)


def _rises(lines: list[bytes]) -> bool:
    """Whether the numbers before the lines are those of lines: each greater than the last."""
    numbers = [int(match[1] or match[2]) for line in lines if (match := NUMBERED.match(line))]
    return all(one < other for one, other in pairwise(numbers))
