"""Carriers: what stands around each line of a log because of the way it was kept, sent or pasted.

syslog (RFC 3164, RFC 5424, rsyslog's own forms), journald, Docker and Kubernetes, `grep -n`, the quoting of a mail,
indentation, escapes that a terminal or a web page put in. A dialect is asked about a text as it is first; carriers are
looked for only where it does not know that, and taken off only where it knows what is left. Each is told by the lines
around the first message, since nothing else has to be read.

What a carrier did is undone line by line. It may date a line (its stamp is kept beside the text), and one that writes
line ends as escapes (`#012`, JSON) gives several lines for one. `codes` are the repairs, which hang on each message as
defects: it is not in the form in which its program printed it (docs/rule-catalogue.md T-LOG).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import chain, pairwise
from typing import BinaryIO, NamedTuple

from analyzer.capture.text.lines import as_utf8, chunks_of, lines_of
from analyzer.defect import Defect

MARK = b"SIP/2.0"
_BEFORE, _AFTER = 4096, 8192
"""Octets around the first message by which carriers are told."""
_ENOUGH = 1 << 16
"""Octets behind the first message from which a dialect is told."""
_DEEP = 5
"""Carriers around carriers that are followed."""
Part = tuple[bytes, bytes]
"""The text of a line, and the stamp that its carrier gave it."""

_MONTH = rb"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_CLOCK = rb"\d\d:\d\d:\d\d(?:[.,]\d{1,9})?"
_ISO = rb"\d{4}-\d\d-\d\d[T ]" + _CLOCK + rb"(?:Z|[+-]\d\d:?\d\d)?"
_OCTAL = re.compile(rb"#(0[0-3][0-7])")
_ESCAPES = re.compile(rb"\x1b(?:\[[0-9;?]{0,32}[ -/]?[@-~]|[()][0-9A-B]|[=>])")
_SHOWN = re.compile(rb"(?:#033|\^\[|\\033|\\e|\\x1b|\\u001b)\[[0-9;]{0,32}m")
_BEGINS = re.compile(rb"^(?:via|from|to|call-id|cseq|[vfti])[ \t]*:", re.MULTILINE | re.IGNORECASE)
"""A header at the beginning of a line: of a text that shows one, nothing is to be taken off."""
_ESCAPED = re.compile(rb"&(?:lt|quot|#\d{2,4});|\xe2\x80[\x9c-\x9e]")
_BEFORE_VIA = re.compile(rb"(.{2,160}?[^\w\s])[ \t]*(?:via|v)[ \t]*:[ \t]*SIP/2\.0/", re.IGNORECASE)
_STAMPED = re.compile(rb"(?<!\d)(?:" + _ISO + rb"|" + _CLOCK + rb")(?!\d)")
_NUMBERED = re.compile(rb"(?:(?=[\w./-]{0,200}[A-Za-z/])[\w./-]{1,200}?[:-])?(\d{1,10})[:-]")
_DIGITS = re.compile(rb"\d+")
_QUOTES = ((b"\xe2\x80\x9c", b'"'), (b"\xe2\x80\x9d", b'"'), (b"\xe2\x80\x9e", b'"'), (b"\xc2\xa0", b" "))


class Carrier(NamedTuple):
    """One way of keeping lines: `says` completes `the lines were ...`; `share` is how many percent of the lines it has;
    `take` gives the parts of a line, None where the line is not carried."""

    code: str
    says: str
    share: int
    take: Callable[[bytes], list[Part] | None]


@cache
def _pattern(source: bytes) -> re.Pattern[bytes]:
    return re.compile(source, re.DOTALL)


def _prefixed(source: bytes) -> Callable[[bytes], list[Part] | None]:
    """A prefix; the group `stamp`, where there is one, dates the line."""

    def take(line: bytes) -> list[Part] | None:
        match = _pattern(source).match(line)
        return None if match is None else [(line[match.end() :], match.groupdict().get("stamp") or b"")]

    return take


_SYSLOG = (
    rb"(?:<\d{1,3}>)?(?:1 (?P<five>" + _ISO + rb"|-) \S{1,255} \S{1,48} \S{1,128} \S{1,32} "
    rb"(?:-|(?:\[(?:[^\]\\]|\\.){0,2000}\]){1,8})(?: |\Z)(?:\xef\xbb\xbf)?"
    rb"|(?P<three>" + _MONTH + rb" [ 0-3]?\d (?:\d{4} )?" + _CLOCK + rb"|" + _ISO + rb") [\w.:-]{0,254}[\w.-] "
    rb"(?!INFO|WARN|ERROR|DEBUG|NOTICE)[\w./-]{1,64}(?:\[\d{1,10}\])?:(?: |\Z))"
)


def _syslog(line: bytes) -> list[Part] | None:
    match = _pattern(_SYSLOG).match(line)
    if match is None:
        return None
    stamp, text = match["five"] or match["three"] or b"", line[match.end() :]
    if b"#01" not in text:
        return [(text, stamp)]
    text = _OCTAL.sub(lambda found: bytes((int(found[1], 8),)), text)
    return [(part, stamp) for part in text.removesuffix(b"\n").split(b"\n")]


_KEYS = (
    ("log", "time"),
    ("MESSAGE", "__REALTIME_TIMESTAMP"),
    ("message", "@timestamp"),
    ("message", "timestamp"),
    ("msg", "time"),
    ("line", "ts"),
    ("textPayload", "timestamp"),
)
"""What keepers of logs call the text and its time in JSON: Docker, journald, Logstash, others, Loki, Google."""


def _json(line: bytes) -> list[Part] | None:
    """A line that is an object of JSON: Docker's `log`, journald's `MESSAGE`, what shippers of logs call it."""
    if line[:1] != b"{" or not line.rstrip().endswith(b"}"):
        return None
    try:
        record = json.loads(line.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError):
        return None
    for key, time in _KEYS:
        value = record.get(key)
        if isinstance(value, list):  # what journald has of a message that is no UTF-8
            value = "".join(chr(one) for one in value if isinstance(one, int) and 0 <= one < 256)
        if isinstance(value, str):
            text = value.encode("utf-8", "surrogateescape" if value.isascii() else "surrogatepass")
            stamp = _stamp(record.get(time))
            return [(part, stamp) for part in text.removesuffix(b"\n").split(b"\n")]
    return None


def _stamp(value: object) -> bytes:
    """A time in JSON: ISO 8601 as it is, or a count of seconds, milliseconds, microseconds or nanoseconds."""
    text = str(value) if isinstance(value, (str, int, float)) else ""
    if text.isdigit() and len(text) in (10, 13, 16, 19):
        return f"{text[:10]}.{text[10:] or 0}".encode()
    return text.encode("ascii", "replace")[:64]


def uncoloured(line: bytes) -> bytes:
    """A line without escape sequences, and without those that rsyslog (`#033`) or `cat -v` (`^[`) wrote out."""
    return _SHOWN.sub(b"", _ESCAPES.sub(b"", line))


def _uncoloured(line: bytes) -> list[Part] | None:
    text = uncoloured(line)
    return None if text == line else [(text, b"")]


def _plain(line: bytes) -> list[Part] | None:
    """What a web page or a word processor made of `<`, `>`, `&` and quotes."""
    text = line
    for fancy, plain in _QUOTES:
        text = text.replace(fancy, plain)
    if b"&" in text:
        import html  # late: most logs are none of a web page

        text = html.unescape(text.decode("latin-1")).encode("latin-1", "xmlcharrefreplace")
    return None if text == line else [(text, b"")]


CARRIERS = (
    Carrier("repaired-json", "taken out of JSON (Docker, Kubernetes, journald)", 60, _json),
    Carrier(
        "repaired-container",
        "stripped of a container's prefix",
        60,
        _prefixed(
            rb"(?P<stamp>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,9}(?:Z|[+-]\d\d:\d\d)) (?:std(?:out|err) [FP] )?"
            rb"(?!\S{1,255} [\w./-]{1,64}\[\d{1,10}\]: )"  # that is rsyslog's
        ),
    ),
    Carrier("repaired-syslog", "taken out of syslog", 2, _syslog),
    Carrier("repaired-compose", "stripped of a container's name", 80, _prefixed(rb"[\w.-]{1,64} {0,40}\| ?")),
    Carrier("repaired-quoting", "stripped of a mail's quoting", 80, _prefixed(rb"(?:[ \t]{0,3}[>|])+(?: |\Z)?")),
    Carrier(
        "repaired-grep",
        "stripped of grep's names and numbers",
        80,
        _prefixed(_NUMBERED.pattern),
    ),
    Carrier("repaired-escapes", "freed of HTML entities or typographic quotes", 1, _plain),
    Carrier("repaired-colours", "freed of escape sequences", 1, _uncoloured),
)


_ANYWHERE = 2
"""The last so many carriers are no prefix: what they do stands anywhere in a line."""


class Carriers:
    """The carriers of one log, from the outermost; `codes` says what taking them off repairs."""

    def __init__(self, carriers: tuple[Carrier, ...] = ()) -> None:
        self.all = carriers
        self._pads: list[int] = [0] * len(carriers)
        self.defects = tuple(Defect(one.code, f"the lines were {one.says}") for one in carriers)

    @classmethod
    def found(cls, head: bytes, recognised: Callable[[bytes], bool], *, as_it_is: bool = False) -> Carriers:
        """Those around a log that begins with `head`, by which a dialect that does not know it comes to; none where it
        is `recognised` as it stands, or is not anyhow.

        Some dialects know their lines behind anything. They are believed where a message begins at the beginning of a
        line, or where they need no such line (`as_it_is`).
        """
        if MARK not in head:
            return NONE
        near, known = _near(head), recognised(head)
        if known and (as_it_is or _BEGINS.search(near)) and not _ESCAPED.search(near):
            return NONE
        for found in _guesses(near):
            bare = found.bare(near)
            freed = _ESCAPED.search(near) and not _ESCAPED.search(bare)
            if recognised(bare) and (not known or freed or _BEGINS.search(bare)):
                return found
        return NONE

    @property
    def hides(self) -> bool:
        """Whether a message may be written so that its text is not to be seen in the octets of the log."""
        return any(one.take is _json for one in self.all)

    def __bool__(self) -> bool:
        return bool(self.all)

    def bare(self, head: bytes) -> bytes:
        """`head` without them."""
        lines = as_utf8(head).split(b"\n")
        fresh = Carriers(self.all)
        return b"\n".join(text for line in lines for text, _ in fresh.lines(line))

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
        found = carrier.take(line)
        if carrier.take is not _syslog:
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
        self.carriers = carriers or Carriers.found(head, recognised, as_it_is=True)
        self._before = before
        self._lines = lines_of(chain((head,), chunks), lambda number: on_cut(before + number))

    def __iter__(self) -> Iterator[tuple[int, bytes, bytes]]:
        for number, physical in enumerate(self._lines, self._before + 1):
            for text, stamp in self.carriers.lines(physical):
                yield number, text, stamp


def guesses(head: bytes) -> Iterator[bytes]:
    """What a log may be without what carries its lines, a carrier less each time; first in UTF-8 with line feeds."""
    text = _near(as_utf8(head))
    if text != head:
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


def _indentation(sample: list[bytes]) -> Iterator[Carrier]:
    """What all lines begin with, if it is blank."""
    lines = [line for line in sample if line.strip()]
    if not lines:
        return
    lead = min((line[: len(line) - len(line.lstrip(b" \t"))] for line in lines), key=len)
    if lead and all(line.startswith(lead) for line in lines):
        take = _prefixed(b"(?:" + re.escape(lead) + rb"|[ \t\r]*\Z)")
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
    take = _prefixed(begin + b"(?P<stamp>" + inside + b")" + end + b" ?")
    yield Carrier("repaired-prefix", "stripped of what their logger writes before each", 80, take)


def _rises(lines: list[bytes]) -> bool:
    """Whether the numbers before the lines are those of lines: each greater than the last."""
    numbers = [int(match[1]) for line in lines if (match := _NUMBERED.match(line))]
    return all(one < other for one, other in pairwise(numbers))
