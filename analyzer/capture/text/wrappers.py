"""Wrappers: what wraps a printed line, taken off again.

The same text reaches the reader in many wrappings: logger files (default, plain, JSON), consoles with and without
stamps and colours, remote consoles with prompts in between, syslog (which writes the escape of a colour `#033`). All of
them become `Line` values here. What the wrapping said is kept beside the text: the stamp, the thread
(`VERBOSE[18974][C-00000001]`), and how many carriage returns ended the line, because a line that ended in CR LF on the
wire has one more than the wrapper's own.

Escape sequences are taken off the text; `coloured` keeps it with them, since a message may have contained some.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from analyzer.capture.text.stamps import PATTERN, stamp_shape

_ESCAPE = re.compile(rb"\x1b(?:\[[0-9;?]{0,32}[ -/]?[@-~]|[()][0-9A-B]|[=>])")
_JUNK = re.compile(
    rb"(?:\r|\x1b(?:\[[0-9;?]{0,32}[ -/]?[@-~]|[()][0-9A-B]|[=>])|\0|(?:[\w.@-]{1,64}\*CLI> ?))+",
)
_LEVEL = (
    rb"(?P<level>VERBOSE|NOTICE|WARNING|ERROR|DEBUG|SECURITY|DTMF|FAX|TRACE|[A-Z]{3,12})"
    rb"(?P<thread>\[\d{1,10}\](?:\[C-[0-9a-f]{1,16}\])?)"
    rb"(?::? (?:[\w./-]{1,80}\.[a-z]{1,4}:(?:\d{1,6}(?: in)? [\w<>?~$.-]{1,80}:)?|pjproject:(?: <\?>:)?))?:?(?: |\Z)"
)
_ENTRY = re.compile(rb"(?P<lead>[ \t>]*)(?:\[(?P<stamp>[^\]\[]{1,48})\] ?)?" + _LEVEL)
_STAMPED = re.compile(rb"[ \t>]*\[(" + PATTERN + rb")\](?: |\Z)")
_BRACKETED = re.compile(rb"[ \t>]*\[([^\]\[]{1,48})\](?: |\Z)")
_INDENT = re.compile(rb"[ \t>]*")
_SYSLOG = re.compile(rb"[ \t>]*(?:<\d{1,3}>)?(?:1 )?(" + PATTERN + rb") \S{1,255} asterisk(?:\[\d{1,10}\])?:(?: |\Z)")
_OCTAL = re.compile(rb"#(0[0-3][0-7])")
_SHOWN_ESCAPE = re.compile(rb"(?:#033|\^\[)(?=\[[0-9;]{0,32}m)")


class Line(NamedTuple):
    """One printed line without its wrapping.

    `number` is that of the physical line; `returns` counts the carriage returns before the line feed; `raw` is the
    text with its prefix (a message body may hold something that merely looks like one); `thread` is empty unless the
    line opens a log entry (`entry`), `lead` is what the entry is indented by; `whole` says that the wrapper tells for
    certain where the entry ends (JSON).
    """

    number: int
    text: bytes
    raw: bytes
    coloured: bytes
    returns: int = 0
    stamp: bytes = b""
    thread: bytes = b""
    entry: bool = False
    whole: bool = False
    lead: bytes = b""


def unwrap(
    number: int,
    physical: bytes,
    complain: Callable[[str, str], None],
    opens: Callable[[bytes], object],
    *,
    inside: bool = False,
    shape: bytes = b"",
) -> Iterable[Line]:
    """The printed lines in one physical line: one, or several where the wrapper escapes line ends.

    `opens` says of a text whether it opens a printed message in the log's dialect: what stands in brackets before one
    is a stamp, in whatever form. `inside` says that a block of text is open: what looks like a JSON entry then is its
    content. `shape` is that of the log's stamps (`stamp_shape`) where their form is not known.
    """
    if number == 1:
        physical = physical.removeprefix(b"\xef\xbb\xbf")
    if physical[:1] in b" \t>" and b'"logmsg"' in physical:
        physical = physical.lstrip(b" \t>")
    if physical[:1] == b"{" and not inside and (physical.startswith(b'{"hostname"') or b'"logmsg"' in physical):
        return _json(number, physical, complain)
    line = _plain(number, physical, shape, inside, opens)
    if line.stamp and b"#012" in line.text and not inside:
        return _unescaped(line)
    return (line,)


def _plain(number: int, physical: bytes, shape: bytes, inside: bool, opens: Callable[[bytes], object]) -> Line:
    body = physical.rstrip(b"\r")
    returns = len(physical) - len(body)
    if not inside and (b"#033[" in body[:400] or b"^[[" in body[:400]):
        body = _uncovered(body)
    coloured = _unprompted(body)
    raw = _ESCAPE.sub(b"", coloured) if b"\x1b" in coloured else coloured
    stamp, thread, text, lead = _prefix(raw)
    if not stamp and not thread and b"[" in raw[:32] and (match := _BRACKETED.match(raw)):
        rest = raw[match.end() :]
        if stamp_shape(match[1]) == shape if shape else not inside and opens(rest):
            stamp, text = match[1], rest
    if len(text) < len(raw):
        coloured = text
    return Line(number, text, raw, coloured, returns, stamp, thread, lead is not None, False, lead or b"")


def _uncovered(body: bytes) -> bytes:
    """A line whose wrapper is coloured, with escapes that rsyslog (`#033`) or `cat -v` (`^[`) wrote out; any other line
    as it is: what a sender wrote is his own."""
    found = _SHOWN_ESCAPE.sub(b"\x1b", body)
    thread = _prefix(_ESCAPE.sub(b"", found))[1]
    return found if thread and thread != _prefix(body)[1] else body


def _unprompted(body: bytes) -> bytes:
    """The line without a remote console's prompts and erase codes in front; indentation and quoting stay."""
    if body[:1] in b"\r\x1b\0" and (junk := _JUNK.match(body)):
        return body[junk.end() :]
    if b"*CLI>" not in body[:160] and not (body[:1] in b" \t>" and b"\r" in body[:64]):
        return body
    indent = _INDENT.match(body)
    start = indent.end() if indent else 0
    junk = _JUNK.match(body, start)
    if junk is None or not (b"\r" in junk[0] or b"*CLI>" in junk[0]):
        return body
    return body[:start] + body[junk.end() :]


def _prefix(raw: bytes) -> tuple[bytes, bytes, bytes, bytes | None]:
    """(stamp, thread, text, indentation of an entry) of a line without colours."""
    stamp = b""
    if b" asterisk" in raw[:330] and (match := _SYSLOG.match(raw)):
        stamp, raw = match[1], raw[match.end() :]
    first = raw[:1] if raw[:1] not in b" \t>" else raw.lstrip(b" \t>")[:1]
    if first == b"[" or raw[:4] in _LEVELS:
        if match := _ENTRY.match(raw):
            return match["stamp"] or stamp, match["thread"], raw[match.end() :], match["lead"]
        if match := _STAMPED.match(raw):
            return match[1], b"", raw[match.end() :], None
    return stamp, b"", raw, None


_LEVELS = frozenset(name[:4] for name in (b"VERBOSE", b"NOTICE", b"WARNING", b"ERROR", b"DEBUG", b"SECURITY"))


def _unescaped(line: Line) -> Iterator[Line]:
    """A syslog line whose control characters were written `#012` (line feed) and `#015` (carriage return)."""
    text = _OCTAL.sub(lambda match: bytes((int(match[1], 8),)), line.text)
    yield from _entry(line.number, text, line.stamp, line.thread or b"[]")


def _json(number: int, physical: bytes, complain: Callable[[str, str], None]) -> Iterator[Line]:
    try:
        record = json.loads(physical.decode("utf-8", "surrogateescape"))
        message, stamp = record["logmsg"]["message"], record.get("timestamp", "")
        identifiers = record.get("identifiers") or {}
        thread = f"[{identifiers.get('lwp', '')}]{identifiers.get('callid', '')}"
        texts = [message.encode("utf-8", "surrogateescape"), stamp.encode(), thread.encode()]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        complain("bad-json", f"a JSON log line cannot be read ({type(error).__name__})")
        return
    yield from _entry(number, *texts)


def _entry(number: int, message: bytes, stamp: bytes, thread: bytes) -> Iterator[Line]:
    """The lines of an entry whose extent the wrapper knows."""
    for index, printed in enumerate(message.removesuffix(b"\n").split(b"\n")):
        coloured = printed.rstrip(b"\r")
        text = _ESCAPE.sub(b"", coloured) if b"\x1b" in coloured else coloured
        opens = index == 0
        returns = len(printed) - len(coloured)
        yield Line(number, text, text, coloured, returns, stamp, thread if opens else b"", opens, True)
