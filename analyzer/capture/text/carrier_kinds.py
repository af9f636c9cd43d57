"""The ways in which lines of a log are kept, sent or pasted, and how each is undone (`carriers.py` finds out which)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

from analyzer.capture.text import written
from analyzer.capture.text.rows_of_homer import banner_of
from analyzer.capture.text.stamps import spelled

MARK = b"SIP/2.0"
Part = tuple[bytes, bytes]
"""The text of a line, and the stamp that its carrier gave it."""

_MONTH = rb"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
CLOCK = rb"\d\d:\d\d:\d\d(?:[.,]\d{1,9})?"
ISO = rb"\d{4}-\d\d-\d\d[T ]" + CLOCK + rb"(?:Z|[+-]\d\d:?\d\d)?"
_OCTAL = re.compile(rb"#(0[0-3][0-7])")
_ESCAPES = re.compile(rb"\x1b(?:\[[0-9;?]{0,32}[ -/]?[@-~]|[()][0-9A-B]|[=>])")
_SHOWN = re.compile(rb"(?:#033|\^\[|\\033|\\e|\\x1b|\\u001b)\[[0-9;]{0,32}m")
NUMBERED = re.compile(
    rb"(?:> |  )?(?:(?=[\w./-]{0,200}[A-Za-z/])[\w./-]{1,200}?[:-])?(\d{1,10})[:-]|[ ]{0,12}(\d{1,10})(?:[\t ]|\Z)"
)
"""Numbers of lines: grep -n, cat -n; `less -N` and editors put a blank behind."""
_BREAK = re.compile(rb"<br[ \t]*/?>", re.IGNORECASE)
_BLOCK = re.compile(rb"<(?=(?:pre|p|div|li|tr|blockquote|h[1-6])[\s>])", re.IGNORECASE)
"""What begins a line of its own on a web page, wherever it stands."""
_CELL = re.compile(rb"</t[dh]>", re.IGNORECASE)
_TWICE = re.compile(rb"&amp;(?:lt|gt|quot|amp|nbsp|#\d{1,5});")
_NESTED = 3
"""Pages that escaped what another had escaped, at most."""
_TAG = re.compile(
    rb"</?(?:pre|code|p|div|span|tt|font|td|tr|th|li|ul|ol|table|tbody|blockquote|samp|html|head|title|body|meta|link|main"
    rb"|article|section|h[1-6]|b|i|u|a|em|strong|small|kbd|o:p)"
    rb"(?:[ \t]{1,8}[\w:-]{1,40}(?:=(?:\"[^\"<>]{0,400}\"|'[^'<>]{0,400}'"
    rb"|[^\s<>\"']{1,200}))?){0,12}[ \t]{0,8}/?>|<!doctype[^<>]{0,200}>|<\?xml[^<>]{0,200}>|<!\[CDATA\[|\]\]>",
    re.IGNORECASE,
)


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


def prefixed(source: bytes) -> Callable[[bytes], list[Part] | None]:
    """A prefix; the group `stamp`, where there is one, dates the line."""

    def take(line: bytes) -> list[Part] | None:
        match = _pattern(source).match(line)
        return None if match is None else [(line[match.end() :], match.groupdict().get("stamp") or b"")]

    return take


_SYSLOG = (
    rb"(?:<\d{1,3}>)?(?:1 (?P<five>" + ISO + rb"|-) \S{1,255} \S{1,48} \S{1,128} \S{1,32} "
    rb"(?:-|(?:\[(?:[^\]\\]|\\.){0,2000}\]){1,8})(?: |\Z)(?:\xef\xbb\xbf)?"
    rb"|(?P<three>" + _MONTH + rb" [ 0-3]?\d (?:\d{4} )?" + CLOCK + rb"|" + ISO + rb") [\w.:-]{0,254}[\w.-] "
    rb"(?!INFO|WARN|ERROR|DEBUG|NOTICE)[\w./-]{1,64}(?:\[\d{1,10}\])?:(?: |\Z))"
)


def taken_from_syslog(line: bytes) -> list[Part] | None:
    """A line behind the header of RFC 3164 or RFC 5424; rsyslog writes line ends as `#012`."""
    match = _pattern(_SYSLOG).match(line)
    if match is None:
        return None
    stamp, text = match["five"] or match["three"] or b"", line[match.end() :]
    if b"#01" not in text:
        return [(text, stamp)]
    text = _OCTAL.sub(lambda found: bytes((int(found[1], 8),)), text)
    return [(part, stamp) for part in text.removesuffix(b"\n").split(b"\n")]


TEXT_KEYS = (
    "log",
    "MESSAGE",
    "message",
    "msg",
    "line",
    "textPayload",
    "_raw",
    "@message",
    "raw",
    "body",
    "content",
    "text",
)
TIME_KEYS = (
    "time",
    "__REALTIME_TIMESTAMP",
    "@timestamp",
    "timestamp",
    "ts",
    "_time",
    "Time",
    "date",
    "datetime",
    "tsNs",
)
"""What keepers of logs call the text and its time in JSON and in tables: Docker, journald, Logstash, Loki, Google,
Splunk, CloudWatch, loggers of programs. The first one that is there is taken, but a text with a message goes first."""
_DEEPEST = 8


def taken_from_json(line: bytes) -> list[Part] | None:
    """A line that is an object of JSON, or a list of some: Docker's `log`, journald's `MESSAGE`, what shippers of logs
    call it, wherever it stands within."""
    if line[:1] not in (b"{", b"[", b'"') or line.rstrip()[-1:] not in (b"}", b"]", b'"', b","):
        return None
    try:
        record = json.loads(line.strip().removesuffix(b",").decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError):
        return None
    if isinstance(record, dict) and "logmsg" in record:
        return None  # Asterisk's own form, which its dialects read
    parts = [part for text, stamp in _texts(record, "", 0, marked=MARK in line) for part in _parts(text, stamp)]
    return parts or None


def _parts(text: str, stamp: object) -> list[Part]:
    octets = text.encode("utf-8", "surrogateescape" if text.isascii() else "surrogatepass")
    return [(part, json_stamp(stamp)) for part in octets.removesuffix(b"\n").split(b"\n")]


def _texts(value: object, time: object, depth: int, *, marked: bool) -> Iterator[tuple[str, object]]:
    """The texts in a value of JSON, with their times; those that have messages alone, where there are such."""
    if depth > _DEEPEST:
        return
    if isinstance(value, str):
        if depth == 0 or (marked and MARK.decode() in value):
            yield value, time
    elif isinstance(value, list):
        if len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], str) and value[0].isdigit():
            yield value[1], value[0]  # Loki
            return
        for one in value:
            yield from ((one, time),) if isinstance(one, str) else _texts(one, time, depth + 1, marked=marked)
    elif isinstance(value, dict):
        yield from _texts_of(value, time, depth, marked=marked)


def _texts_of(record: dict[str, object], time: object, depth: int, *, marked: bool) -> Iterator[tuple[str, object]]:
    time = next((record[key] for key in TIME_KEYS if isinstance(record.get(key), (str, int, float))), time)
    found = [(key, text) for key in TEXT_KEYS if (text := _as_text(record.get(key))) is not None]
    texts = [text for _, text in found if not marked or MARK.decode() in text]
    if texts:
        yield (banner_of(record) + texts[0] if marked else texts[0]), time
        return
    inner = [one for value in record.values() for one in _texts(value, time, depth + 1, marked=marked)]
    yield from inner or [(text, time) for _, text in found[:1]]


def _as_text(value: object) -> str | None:
    if isinstance(value, list) and value and all(isinstance(one, int) for one in value):
        # what journald has of a message that is no UTF-8
        return "".join(chr(one) for one in value if isinstance(one, int) and 0 <= one < 256)
    return value if isinstance(value, str) else None


def json_stamp(value: object) -> bytes:
    """A time in JSON: ISO 8601 as it is, or a count of seconds, milliseconds, microseconds or nanoseconds."""
    text = str(value) if isinstance(value, (str, int, float)) else ""
    if text.isdigit() and len(text) in (10, 13, 16, 19):
        return f"{text[:10]}.{text[10:] or 0}".encode()
    return text.encode("ascii", "replace")[:64]


_NAMED = re.compile(rb" {0,12}(?!\d{1,4}[-.]\d{1,2}[-.]\d{1,4} {0,2}\|)([\w.-]{1,64}) {0,40}\| ?")
_TOGETHER = re.compile(rb"(0[1-9]|1[0-2])([0-3]\d)([0-2]\d)([0-5]\d)([0-5]\d)(\.\d{1,9})?\Z")


def _named(line: bytes) -> list[Part] | None:
    """A line behind the name of a container, or a number, but no date; phones of Polycom write month, day and time."""
    match = _NAMED.match(line)
    if match is None:
        return None
    stamp = _TOGETHER.match(match[1])
    text = b""
    if stamp is not None:
        month, day, *clock, part = stamp.groups()
        text = spelled(int(month), day, b":".join(clock) + (part or b""))
    return [(line[match.end() :], text)]


def uncoloured(line: bytes) -> bytes:
    """A line without escape sequences, and without those that rsyslog (`#033`) or `cat -v` (`^[`) wrote out."""
    return _SHOWN.sub(b"", _ESCAPES.sub(b"", line))


def _uncoloured(line: bytes) -> list[Part] | None:
    text = uncoloured(line)
    return None if text == line else [(text, b"")]


def untouched(line: bytes) -> list[Part] | None:
    """A line of which nothing is to be taken off: what was done was done to all lines together."""
    return [(line, b"")]


def _plain(line: bytes) -> list[Part] | None:
    """What a web page or a word processor made of `<`, `>`, `&` and quotes."""
    text = written.plain(line)
    if b"<" in text:
        text, cells = _CELL.subn(b"\t", _BLOCK.sub(b"\n<", _BREAK.sub(b"\n", text)))
        text = _TAG.sub(b"", text)
        text = text.strip(b"\t") if cells else text
        text = text.lstrip(b"\n") if line.lstrip()[:1] == b"<" else text
        if b"\n" in text and text.rstrip()[-1:] == b"|" and _BREAK.search(line):
            text = text.rstrip(b"| \t\r")  # what ends a row of a Markdown table is none of its last cell's
    for _ in range(_NESTED):
        if b"&" not in text:
            break
        import html  # late: most logs are none of a web page

        again = _TWICE.search(text) is not None
        text = written.plain(html.unescape(text.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape"))
        if not again:
            break
    return None if text == line else [(part, b"") for part in text.removesuffix(b"\n").split(b"\n")]


def _unpadded(line: bytes) -> list[Part] | None:
    text = line.rstrip(b" \t")
    return None if text == line else [(text, b"")]


MARKED = "freed of line ends that were written out (^M, $, <CR>)"
CARRIERS = (
    Carrier("repaired-json", "taken out of JSON (Docker, Kubernetes, journald)", 60, taken_from_json),
    Carrier(
        "repaired-container",
        "stripped of a container's prefix",
        60,
        prefixed(
            rb"(?P<stamp>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,9}(?:Z|[+-]\d\d:\d\d)) (?:std(?:out|err) [FP] )?"
            rb"(?!\S{1,255} [\w./-]{1,64}\[\d{1,10}\]: )"  # that is rsyslog's
        ),
    ),
    Carrier("repaired-syslog", "taken out of syslog", 2, taken_from_syslog),
    Carrier("repaired-compose", "stripped of a container's name", 80, _named),
    Carrier("repaired-quoting", "stripped of a mail's quoting", 80, prefixed(rb"(?:[ \t]{0,3}[>|])+(?: |\Z)?|\+")),
    Carrier(
        "repaired-grep",
        "stripped of line numbers (grep -n, cat -n)",
        80,
        prefixed(NUMBERED.pattern),
    ),
    Carrier(
        "repaired-escapes",
        "freed of HTML entities or tags, or of a word processor's quotes, dashes and blanks",
        1,
        _plain,
    ),
    Carrier("repaired-links", "freed of links that a mail program or a chat made of addresses", 1, written.unlinked),
    Carrier("repaired-strings", "taken out of strings with escaped line ends", 1, written.unescaped),
    Carrier("repaired-line-ends", MARKED, 20, written.unmarked),
    Carrier("repaired-colours", "freed of escape sequences", 1, _uncoloured),
)


OF_ALL = (
    Carrier("repaired-line-ends", MARKED, 90, written.unmarked),
    Carrier("repaired-padding", "stripped of the blanks at their ends", 80, _unpadded),
    Carrier("repaired-spacing", "freed of an empty line behind each", 100, untouched),
)
"""What is done to all lines alike, and is told from these lines alone: a dialect may know its own in spite of it, and
read half of them."""
COLLAPSED = Carrier("repaired-collapsed", "given back the empty one behind the headers of each message", 0, untouched)
"""What a forum or a copy took out of a text: all of its empty lines."""
