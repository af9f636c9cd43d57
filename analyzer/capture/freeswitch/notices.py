"""What FreeSWITCH says of registrations in words of its own (`sofia_reg.c`), with or without a trace of SIP around it.

    2026-11-18 11:06:40.203456 99.40% [WARNING] sofia_reg.c:3210 Can't find user [1001@pbx.example.com] from 192.0.2.10

A 403 of FreeSWITCH looks the same for a wrong password and for a user that it does not have: its log alone tells them
apart, so a trace that holds both is read with both. The lines are seen as they pass by on their way to the reader of
the trace (`Overheard`), which knows nothing of them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, BinaryIO, cast

from analyzer.capture.text.clock import Clock
from analyzer.capture.text.wrappers import Line

if TYPE_CHECKING:
    from analyzer.capture.asterisk.notices import Notices
    from analyzer.evidence import LogNotice, Source

_MARK = b"sofia_reg.c:"
_LINE = re.compile(
    rb"(?:[^\[\n]{0,80}\| )?(?:[0-9a-f-]{36} )?(?:(?P<stamp>\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d{1,9})?) )?"
    rb"(?:[\d.]{1,6}% )?\[(?:WARNING|ERR|NOTICE|INFO|CRIT)\] sofia_reg\.c:\d{1,6} (?P<text>\S.{0,1000})",
    re.DOTALL,
)
_ESCAPES = re.compile(rb"\x1b\[[0-9;]{0,16}m")
_LONGEST = 2000
HINT = (
    "let it log the messages: `sofia global siptrace on` in fs_cli, let it happen again, and give that log to sipcheck"
)


def read_notice(text: bytes, *, entry: bool = False) -> LogNotice | None:
    """The notice that the text of a line is (behind file and line number of the source); None for any other."""
    from analyzer.capture.asterisk.notices import of_wordings
    from analyzer.capture.freeswitch.wordings import CAUSES, WORDINGS

    del entry
    return of_wordings(text, WORDINGS, CAUSES)


def _line(number: int, physical: bytes) -> Line | None:
    """A line of sofia_reg.c without its prefix; None for any other."""
    if _MARK not in physical or len(physical) > _LONGEST:
        return None
    bare = _ESCAPES.sub(b"", physical).rstrip(b"\r ")
    match = _LINE.fullmatch(bare)
    if match is None:
        return None
    return Line(number, match["text"], bare, bare, stamp=match["stamp"] or b"", entry=True)


def is_in(head: bytes) -> bool:
    """Whether a line of `head` is a notice."""
    if _MARK not in head:
        return False
    lines = (_line(1, physical) for physical in head.split(b"\n"))
    return any(line is not None and read_notice(line.text) is not None for line in lines)


class Overheard:
    """A log as it is read by another: the notices in it are noted. `tell` the source of them at the end."""

    def __init__(self, stream: BinaryIO, source: Source, now: float) -> None:
        self._stream, self._source = stream, source
        self._clock = Clock(now)
        self._notices: Notices | None = None
        self._rest = b""
        self._number = 0

    def read(self, size: int = -1) -> bytes:
        """As of the stream below."""
        return self._seen(self._stream.read(size))

    def read1(self, size: int = -1) -> bytes:
        """As of the stream below, as much as there is."""
        read = getattr(self._stream, "read1", self._stream.read)
        return self._seen(cast("bytes", read(size)))

    def _seen(self, chunk: bytes) -> bytes:
        *lines, self._rest = (self._rest + chunk).split(b"\n") if b"\n" in chunk else (self._rest[:_LONGEST] + chunk,)
        for physical in lines:
            self._number += 1
            self._note(physical)
        return chunk

    def _note(self, physical: bytes) -> None:
        line = _line(self._number, physical)
        if line is None:
            return
        moment = self._clock.see(line.stamp)
        if self._notices is None:
            from analyzer.capture.asterisk.notices import Notices

            self._notices = Notices(self._source.name, read_notice, lambda _: HINT)
        self._notices.see(line, moment)

    def tell(self, *, alone: bool) -> None:
        """Give what was noted to the source; `alone`: there was no SIP message."""
        if self._rest:
            self._number += 1
            self._note(self._rest)
            self._rest = b""
        if self._notices is None:
            return
        hint = self._source.hint
        if alone:
            self._clock.report(self._source)
        self._notices.tell(self._source, self._clock)
        if not alone:
            self._source.hint = hint
            for notice in self._source.notices:
                notice.first = notice.last = None  # the zone of the log is what its messages say, to another clock
            return
        self._source.title = "FreeSWITCH log"
        for notice in self._source.notices:
            self._source.note_time(notice.first)
            self._source.note_time(notice.last)
