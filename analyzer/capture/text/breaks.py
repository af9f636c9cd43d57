"""Lines that may be the rest of the one before: of a header, a start line, or what stands over a message.

All of it is told from the two lines alone; `wraps.py` joins by it, `widths.py` finds a width by it.
"""

from __future__ import annotations

import re

from analyzer.capture.text.grammar import METHODS

BEGINS = re.compile(
    rb"[^\w\"<;=,]{0,60}(?:[\w.:+ /-]{0,60}[\]>|] ?)?"  # what a logger may write before
    rb"(?!sips?:|tel:|https?:|urn:)[A-Za-z][\w.!%*+`'~-]{0,60}[ \t]*:",
    re.IGNORECASE,
)
"""Any header, known or not: what only looks like one is left where it is."""
_ESCAPES = re.compile(rb"\x1b\[[0-9;]{0,32}m")
"""Escape sequences: they count for the width, and for nothing else."""
_ESCAPE_BEGINS, _ESCAPE_ENDS = re.compile(rb"\x1b(?:\[[0-9;]{0,32})?\Z"), re.compile(rb"\[?[0-9;]{0,32}m")
"""The two parts of one that was broken itself."""
_BLANK = (b"", b".")
"""An empty line, and how ngrep shows one."""
_EMPTY = re.compile(rb"\[[^\]]{1,60}\][ \t]*\Z")
"""A stamp with nothing behind it."""
START_IN = re.compile(
    rb"(?:^[ \t]{0,16}|[\]>|:] )(?:[A-Z._-]{3,20} \S{1,200} SIP/2\.0\.?\s*\Z|SIP/2\.0 \d\d\d\b)"
    rb"|\A[E`].{27,127}?(?:(?:" + METHODS + rb") \S{1,200} SIP/2\.0\s*\Z|SIP/2\.0 [1-6]\d\d\b)",
    re.DOTALL,
)
"""A start line, behind nothing or what a logger writes before it, or behind the octets of IP (RFC 791 3.1, RFC 8200 3)
and UDP or TCP, that tcpdump -A prints as they are."""
ALONE = re.compile(rb"[ \t]{0,16}(?:[A-Z._-]{3,20} \S{1,200} SIP/2\.0\s*\Z|SIP/2\.0 \d\d\d\b)")
"""A start line, behind nothing."""
GLUED_END = re.compile(rb"SIP/2\.0(?: [1-6]\d\d\b.{0,80})?[.\s]*\Z")
"""A start line, behind whatever."""
HEADER = re.compile(
    rb"[ ]?(?:via|v|from|f|to|t|call-id|i|cseq|contact|m|max-forwards|user-agent|server|expires|min-expires"
    rb"|allow|allow-events|supported|k|require|unsupported|date|route|record-route|path|service-route|event|o"
    rb"|content-length|l|content-type|c|(?:www|proxy)-authenticate|(?:proxy-)?authorization|authentication-info|retry-after|warning|accept|organization"
    rb"|privacy|subject|[xp]-[\w-]{1,60})[ \t]*:",
    re.IGNORECASE,
)
"""A header that is known: where a width broke lines anywhere, the rest of an unknown word looks like any other."""
PARAMETER = re.compile(rb"[\w.-]{1,40}=|[\"<]|sips?:|SIP/2\.0/|[\d.]{7,15}[:;]", re.IGNORECASE)
"""What stands behind a blank in a header, as a rule."""
OTHER = re.compile(
    rb"<-|\[(?:\d(?!x[0-9a-f]|\d{0,6}\] [a-z])|[A-Z][a-z]{2} )"
    rb"|[#*]|[-=+]{2,}(?!\"|[\w.-]{1,80}[;,>\"])|\d{1,2}:\d\d:\d\d|\d{1,4}[-/]\d{1,2}[-/]\d(?!\d{0,3}[;>\"-])"
    rb"|[A-Z][a-z]{2} [ 0-3]?\d "
)
"""How a line of a log may begin that is not the rest of another one: framing, a stamp, a date. Dashes may stand within
a value as well (`branch=z9hG4bK-1---7b3e;rport`, `-2` / `0290-1-0;rport`), where a sign of a header's (RFC 3261 25.1)
ends their word."""
STAMPED = re.compile(
    rb"(?:<\d{1,3}>)?\[?(?:[A-Z][a-z]{2} [ 0-3]?\d (?:\d{4} )?|\d{4}[-/]\d\d[-/]\d\d[T ])?"
    rb"\d\d:\d\d:\d\d[.,:\dZ+\]]{0,16} "
)
"""How a line begins where a logger stamps each."""
_SAME = 5
_METHOD = re.compile(METHODS)
_LETTERS, _LETTERS_BEHIND = re.compile(rb"[A-Z]{1,9}"), re.compile(rb"[A-Z]{1,9}\Z")


def header_begins(line: bytes) -> bool:
    """Whether a line begins with a header that is known, behind what a logger may write before."""
    return HEADER.search(line[:80]) is not None


def is_header(line: bytes) -> bool:
    """Whether a line is a header that is known."""
    return HEADER.match(line) is not None


def is_piece(line: bytes, rest: bytes, *, is_first: bool = True, is_row: bool = False) -> bool:
    """Whether a line may be the rest of one that filled the width: it does not begin anything. `line` is the part
    before, and the first one or not; of the row of a message that is printed in one (`is_row`), a header may begin
    anywhere."""
    if not rest.strip() or rest[:2].isspace() or rest[:1] == b"\t":
        return False
    if _ESCAPE_BEGINS.search(line) and _ESCAPE_ENDS.match(rest):
        return True
    if is_row:
        return OTHER.match(rest) is None
    if line.endswith(b" SIP/2.0") or (is_first and line[:_SAME] == rest[:_SAME] and not line[:_SAME].isalnum()):
        return False  # a start line ends there; what a logger writes before each
    if ALONE.match(rest):
        return is_method(line, rest)
    if line[-1:] in (b" ", b";", b",", b"=", b":"):
        return True
    return not (HEADER.match(rest) or OTHER.match(rest) or START_IN.search(rest.rstrip(b"\r")))


def is_method(line: bytes, rest: bytes) -> bool:
    """Whether two lines have a method between them: what stands behind the break looks like a start line of its own."""
    begin, end = _LETTERS_BEHIND.search(line), _LETTERS.match(rest)
    return begin is not None and end is not None and _METHOD.fullmatch(begin[0] + end[0]) is not None


def has_words(line: bytes) -> bool:
    """Whether a line is more than a rule of one sign."""
    return len(set(line.strip())) > 2


def is_full(line: bytes, rest: bytes, width: int) -> bool:
    """Whether a line had no room for the first word of the next one."""
    line = line.rstrip(b"\r\t ")
    word = rest.split(maxsplit=1)[0] if rest.strip() else b""
    return bool(line) and len(line) + 1 + len(word) > width


def is_filled(line: bytes, rest: bytes, width: int) -> bool:
    """The same, where some programs put two blanks before a parameter."""
    return is_full(line, rest, width - 1 if PARAMETER.match(rest) else width)


def is_filled_to_value(line: bytes, rest: bytes, width: int) -> bool:
    """The same, where some programs put two blanks behind a name (`Content-Length:  0`)."""
    return is_full(line, rest, width - 1 if line.endswith(b":") else width)


def _uncoloured(line: bytes) -> bytes:
    return _ESCAPES.sub(b"", line) if b"\x1b" in line else line


def is_colour(line: bytes) -> bool:
    """Whether a line has nothing but the end of a colour, and of the line in it, as sipgrep shows that."""
    return b"\x1b" in line and _uncoloured(line).strip() in _BLANK


def is_inside(line: bytes, *, before: bool) -> bool:
    """Whether behind a line the head of a message goes on."""
    line = _uncoloured(line)
    if line.strip() in _BLANK or _EMPTY.match(line):
        return False
    return before or START_IN.search(line.rstrip(b"\r")) is not None


def may_be_rest(line: bytes) -> bool:
    """Whether a line may be the rest of the one before: it is not empty, not folded, and begins nothing."""
    line = _uncoloured(line)
    if line.strip() in _BLANK or line[:1] in (b" ", b"\t") or OTHER.match(line) or GLUED_END.search(line):
        return False
    return BEGINS.match(line) is None and START_IN.search(line.rstrip(b"\r")) is None
