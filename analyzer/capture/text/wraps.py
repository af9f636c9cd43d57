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
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

NARROWEST, WIDEST, WIDEST_TERMINAL = 40, 140, 260
"""Octets of a line between which a width is believed."""
_LONGEST = 400
"""Octets of a line over a message."""
_SAME = 5
_FEW = 2
"""Words that were broken, at least, of a text that a terminal broke."""
WRAPS = "joined again where they had been broken to a width"
_QUOTED = re.compile(rb"(?:[ \t]{0,3}>)+ ?|[ \t]{1,16}")
_START = re.compile(rb"(?:^[ \t]{0,16}|[\]>|:] )(?:[A-Z._-]{3,20} \S{1,200} SIP/2\.0\.?\s*\Z|SIP/2\.0 \d\d\d\b)")
_ALONE = re.compile(rb"[ \t]{0,16}(?:[A-Z._-]{3,20} \S{1,200} SIP/2\.0\s*\Z|SIP/2\.0 \d\d\d\b)")
"""A start line, behind nothing."""
_GLUED = re.compile(rb"SIP/2\.0(?: [1-6]\d\d\b.{0,80})?[.\s]*\Z")
"""A start line, behind whatever."""
_HALF_START = re.compile(rb"(?:^|\] )[A-Z._-]{3,20}(?: sips?:\S{1,200})?\s*\Z")
"""A start line of which the rest is missing."""
_OPEN = re.compile(rb"<-{2,}(?!.*-->)|\A(?!.*<-).*->[ \t]*\Z| at[ \t]*\Z|: SIP:[ \t]*\Z|\([^()]*\Z")
"""The line over a message, of which the rest is missing."""
_BEGINS = re.compile(
    rb"[^\w\"<;=,]{0,60}(?:[\w.:+ /-]{0,60}[\]>|] ?)?"  # what a logger may write before
    rb"(?!sips?:|tel:|https?:|urn:)[A-Za-z][\w.!%*+`'~-]{0,60}[ \t]*:",
    re.IGNORECASE,
)
"""Any header, known or not: what only looks like one is left where it is."""
_ENTRY = re.compile(rb"\[[^\]]{1,60}\] (?:NOTICE|WARNING|ERROR|SECURITY|VERBOSE)\b")
"""What Asterisk says beside its messages."""
_ESCAPES = re.compile(rb"\x1b\[[0-9;]{0,32}m")
"""Escape sequences: they count for the width, and for nothing else."""
_BLANK = (b"", b".")
"""An empty line, and how ngrep shows one."""
_EMPTY = re.compile(rb"\[[^\]]{1,60}\][ \t]*\Z")
"""A stamp with nothing behind it."""
_HEADER = re.compile(
    rb"[ ]?(?:via|v|from|f|to|t|call-id|i|cseq|contact|m|max-forwards|user-agent|server|expires|min-expires"
    rb"|allow|allow-events|supported|k|require|unsupported|date|route|record-route|path|service-route|event|o"
    rb"|content-length|l|content-type|c|(?:www|proxy)-authenticate|(?:proxy-)?authorization|authentication-info|retry-after|warning|accept|organization"
    rb"|privacy|subject|[xp]-[\w-]{1,60})[ \t]*:",
    re.IGNORECASE,
)
"""A header that is known: where a width broke lines anywhere, the rest of an unknown word looks like any other."""
_PARAMETER = re.compile(rb"[\w.-]{1,40}=|[\"<]|sips?:|SIP/2\.0/|[\d.]{7,15}[:;]", re.IGNORECASE)
"""What stands behind a blank in a header, as a rule."""
_OTHER = re.compile(
    rb"<-|\[(?:\d(?!x[0-9a-f]|\d{0,6}\] [a-z])|[A-Z][a-z]{2} )"
    rb"|[#*]|[-=+]{2,}|\d{1,2}:\d\d:\d\d|\d{1,4}[-/]\d{1,2}[-/]\d|[A-Z][a-z]{2} [ 0-3]?\d "
)
"""How a line of a log may begin that is not the rest of another one: framing, a stamp, a date."""


_STAMPED = re.compile(
    rb"(?:<\d{1,3}>)?\[?(?:[A-Z][a-z]{2} [ 0-3]?\d (?:\d{4} )?|\d{4}[-/]\d\d[-/]\d\d[T ])?"
    rb"\d\d:\d\d:\d\d[.,:\dZ+\]]{0,16} "
)
"""How a line begins where a logger stamps each."""
_STAMPS, _RESTS = 6, 4
"""Lines of a text with stamps before each, at least, that have one, and that have lost theirs."""


class Wrap:
    """How a text was broken: at `width` octets, within words (`is_cut`), behind the `lead` of each line. `is_hard` says
    that each line was, none of them longer than the width."""

    code = "repaired-wraps"
    carriers = ()

    is_guess = False
    """Whether no header shows it: it is one if it makes something known of the text."""
    is_stamped = False
    """Whether a stamp begins each line that was not broken."""
    opens: Callable[[bytes], object] | None = None
    """Tells what opens a message; where it is given, lines over a message are joined as well."""

    def __init__(self, width: int, lead: bytes, *, is_cut: bool, is_hard: bool = False) -> None:
        self.width = width
        self.lead = lead
        self.is_cut = is_cut
        self.is_hard = is_hard

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
                whole = whole.rstrip(b"\r") + self._between(whole, last, rest) + rest
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
        if self.is_stamped:
            is_rest = line.startswith(self.lead) and not _STAMPED.match(rest)
            return is_rest and (
                len(last.rstrip(b"\r")) == self.width if self.is_cut else is_full(last, rest, self.width)
            )
        if self.is_hard:
            return line.startswith(self.lead) and len(last.rstrip(b"\r")) == self.width and _is_piece(last, rest)
        if not line.startswith(self.lead) or not _is_filled(last, rest, self.width):
            return False
        if self.is_cut and len(last.rstrip(b"\r")) != self.width:
            return False
        if len(last.rstrip(b"\r")) == self.width and inside and _HEADER.match(rest) is None and rest[:1].isalnum():
            return _is_piece(last, rest) and _GLUED.search(rest) is None
        if rest.strip() == b"." and self.is_cut and inside:
            return not last.endswith(b".")  # the last octet of the line before, as ngrep shows its end
        if inside:
            return _is_rest(rest.lstrip(b" ") if self.is_cut else rest)
        if _ENTRY.match(whole):
            return rest.strip() != b"" and rest[:1] not in (b" ", b"\t") and _OTHER.match(rest) is None
        if rest.strip() == b"" or _OPEN.search(whole) or _HALF_START.search(whole):
            return rest.strip() != b""
        if self.opens is None or len(whole) > _LONGEST or not _is_piece(b"", rest):
            return False
        return not self.opens(whole) and not self.opens(rest)

    def opening(self, opens: Callable[[bytes], object]) -> Wrap:
        """The same, for a log in which `opens` tells what opens a message."""
        other = Wrap(self.width, self.lead, is_cut=self.is_cut, is_hard=self.is_hard)
        other.opens, other.is_stamped = opens, self.is_stamped
        return other

    def _between(self, whole: bytes, line: bytes, rest: bytes) -> bytes:
        """What was lost between two parts: nothing within a word, and only one that has no room in a line is broken."""
        line = line.rstrip(b"\r")
        if self.is_cut or line.endswith((b" ", b"\t")):
            return b""
        if line.endswith(b",") and _PARAMETER.match(rest) and b", " in whole + rest:
            return b" "  # as the other parameters are apart
        word = line[len(self.lead) :].split(b" ")[-1] + rest.split(b" ", 1)[0]
        return b"" if len(line) == self.width and len(word) > self.width - len(self.lead) else b" "


def header_begins(line: bytes) -> bool:
    """Whether a line begins with a header that is known, behind what a logger may write before."""
    return _HEADER.search(line[:80]) is not None


def is_header(line: bytes) -> bool:
    """Whether a line is a header that is known."""
    return _HEADER.match(line) is not None


def wrap_of(head: bytes) -> Wrap | None:
    """How the text that begins with `head` was broken; None where it was not, or does not show it."""
    lines = [line.rstrip(b"\r") for line in head.split(b"\n")[:-1]]
    lead = _lead_of(lines)
    if (behind := _behind_stamps(lines, lead)) is not None:
        return behind
    if (hard := _terminal(lines, lead)) is not None:
        return hard
    lines = [line for line in lines if line.startswith(lead.rstrip())]
    breaks = list(_breaks([line[len(lead) :] for line in lines]))
    broken = {lead + line for line, _ in breaks}  # a longer word is left whole by some, so it is no measure
    width = max((len(line) for line in lines if b" " in line[len(lead) :].strip() or line in broken), default=0)
    telling = [(line, rest) for line, rest in breaks if _PARAMETER.match(rest)]
    least = 9 if telling else 10
    telling = telling or breaks
    if not breaks or not NARROWEST <= width <= WIDEST:
        return None
    if sum(_is_filled(lead + line, rest, width) for line, rest in telling) * 10 < len(telling) * least:
        return None
    is_filled = all(len(lead + line) == width for line, _ in telling)
    if is_filled and len(telling) == 1:
        return None  # behind the longest line there never is room
    is_cut = is_filled and any(line[-1:].isalnum() and rest[:1].isalnum() for line, rest in breaks)
    return Wrap(width, lead, is_cut=is_cut)


def starts_in(text: bytes) -> int:
    """How many lines of a text are start lines, and nothing else."""
    return sum(_ALONE.match(line) is not None for line in text.split(b"\n"))


def guess_of(head: bytes) -> Wrap | None:
    """How a text may have been broken of which no header shows it: at the width of its longest line. It is a guess."""
    lines = [line.rstrip(b"\r") for line in head.split(b"\n")[:-1]]
    lead = _lead_of(lines)
    width = max((len(line) for line in lines if b" " in line[len(lead) :].strip()), default=0)
    starts = [line[len(lead) :] for line in lines if _GLUED.search(line)]
    if not NARROWEST <= width <= WIDEST or not all(map(_ALONE.match, starts)):
        return None  # behind what a logger writes before each line, the rest of one is not to be told
    wrap = Wrap(width, lead, is_cut=False)
    wrap.is_guess = True
    return wrap


def _behind_stamps(lines: list[bytes], lead: bytes) -> Wrap | None:
    """The width at which lines were broken that a logger begins with a stamp each: those without one are rests."""
    texts = [line[len(lead) :] for line in lines]
    rests = [place for place, text in enumerate(texts) if place and text.strip() and not _STAMPED.match(text)]
    width = max((len(line) for line, text in zip(lines, texts, strict=True) if b" " in text.strip()), default=0)
    if (
        not NARROWEST <= width <= WIDEST_TERMINAL
        or len(rests) < _RESTS
        or sum(map(bool, map(_STAMPED.match, texts))) < _STAMPS
    ):
        return None
    longest = max(map(len, lines))  # only a terminal breaks words, and what is one word
    is_cut = all(len(lines[place - 1]) == longest for place in rests)
    if not is_cut and not all(is_full(lines[place - 1], texts[place], width) for place in rests):
        return None
    wrap = Wrap(longest if is_cut else width, lead, is_cut=is_cut)
    wrap.is_stamped = True
    return wrap


def _terminal(lines: list[bytes], lead: bytes) -> Wrap | None:
    """The width of a terminal: no line is longer, and most that are as long go on in the next, within words."""
    width = max(map(len, lines), default=0)
    if not NARROWEST <= width <= WIDEST_TERMINAL:
        return None
    pairs = [(line, rest[len(lead) :]) for line, rest in pairwise(lines) if len(line) == width and _has_words(line)]
    pieces = [(line, rest) for line, rest in pairs if rest.strip() and _is_piece(line, rest)]
    within = sum(_is_within(line, rest) for line, rest in pieces)
    if within < _FEW or len(pieces) * 10 < len(pairs) * 7:
        return None
    breaks = list(_breaks([line[len(lead) :] for line in lines]))
    if sum(len(lead + line) < width and _PARAMETER.match(rest) is not None for line, rest in breaks) * 10 > len(pieces):
        return None  # broken between words, and long words within
    wrap = Wrap(width, lead, is_cut=True, is_hard=True)
    wrap.is_guess = not any(len(lead + line) == width and _HEADER.match(line.lstrip()) for line, _ in breaks)
    return wrap


def _is_within(line: bytes, rest: bytes) -> int:
    """Whether a break is within a word; one within quotes of a header cannot be anything else."""
    if not (line[-1:].isalnum() and rest[:1].isalnum()):
        return 0
    return _FEW if _HEADER.match(line) and line.count(b'"') % 2 and rest.count(b'"') % 2 else 1


def _has_words(line: bytes) -> bool:
    """Whether a line is more than a rule of one sign."""
    return len(set(line.strip())) > 2


def _is_piece(line: bytes, rest: bytes) -> bool:
    """Whether a line may be the rest of one that filled the width: it does not begin anything."""
    if not rest.strip() or rest[:2].isspace():
        return False
    if line.endswith(b" SIP/2.0") or (line[:_SAME] == rest[:_SAME] and not line[:_SAME].isalnum()):
        return False  # a start line ends there; what a logger writes before each
    if line[-1:] in (b" ", b";", b",", b"=", b":"):
        return True
    return not (_HEADER.match(rest) or _OTHER.match(rest) or _START.search(rest.rstrip(b"\r")))


def is_full(line: bytes, rest: bytes, width: int) -> bool:
    """Whether a line had no room for the first word of the next one."""
    line = line.rstrip(b"\r\t ")
    word = rest.split(maxsplit=1)[0] if rest.strip() else b""
    return bool(line) and len(line) + 1 + len(word) > width


def _is_filled(line: bytes, rest: bytes, width: int) -> bool:
    """The same, where some programs put two blanks before a parameter."""
    return is_full(line, rest, width - 1 if _PARAMETER.match(rest) else width)


def _breaks(lines: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Each line in the head of a message that begins no header, with the one before it."""
    inside = False
    for line, following in pairwise(lines):
        inside = _is_inside(line, before=inside)
        if inside and _is_rest(following) and _GLUED.search(line) is None:
            yield line, following


def _uncoloured(line: bytes) -> bytes:
    return _ESCAPES.sub(b"", line) if b"\x1b" in line else line


def _is_inside(line: bytes, *, before: bool) -> bool:
    """Whether behind a line the head of a message goes on."""
    line = _uncoloured(line)
    if line.strip() in _BLANK or _EMPTY.match(line):
        return False
    return before or _START.search(line.rstrip(b"\r")) is not None


def _is_rest(line: bytes) -> bool:
    """Whether a line may be the rest of the one before: it is not empty, not folded, and begins nothing."""
    line = _uncoloured(line)
    if line.strip() in _BLANK or line[:1] in (b" ", b"\t") or _OTHER.match(line) or _GLUED.search(line):
        return False
    return _BEGINS.match(line) is None and _START.search(line.rstrip(b"\r")) is None


def _lead_of(lines: list[bytes]) -> bytes:
    """What each line begins with: the quoting of a mail, or an indentation; of a quoting, what most begin with."""
    filled = [line for line in lines if line.strip(b"> \t")]
    match = _QUOTED.match(filled[0]) if filled else None
    lead = match[0] if match is not None else b""
    if lead and all(line.startswith(lead) for line in filled):
        return lead
    quoted = Counter(match[0] for line in filled if line[:4].lstrip()[:1] == b">" and (match := _QUOTED.match(line)))
    lead, count = quoted.most_common(1)[0] if quoted else (b"", 0)
    return lead if count * 10 >= len(filled) * 8 else b""
