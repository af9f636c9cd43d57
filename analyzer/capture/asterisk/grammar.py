"""Asterisk's printed messages as a grammar, for texts that hold those of other programs as well.

A log of Asterisk alone has a reader of its own (`reader.py`), which knows its wrappings and notices.
"""

from __future__ import annotations

from analyzer.capture.asterisk.banners import Kind, is_trailer, match_banner, match_count
from analyzer.capture.text.grammar import Banner, Grammar
from analyzer.capture.text.patterns import Lazy

_PREFIX = Lazy(
    rb"[ \t>]*(?:\[(?P<stamp>[^\]\[]{1,48})\] ?)?(?:(?P<level>[A-Z]{3,12})\[\d{1,10}\](?:\[C-[0-9a-f]{1,16}\])?:?[ ]?"
    rb"(?:[\w./-]{1,80}\.c:(?:\d{1,6}(?: in)? [\w<>?~$.-]{1,80}:)? ?)?)?"
)
_ENDS = (Kind.READ, Kind.SENT, Kind.REQUEST)


def _banner(text: bytes) -> Banner | None:
    found, stamp = match_banner(text), b""
    if found is None and (match := _PREFIX.match(text)) is not None and match.end():
        found, stamp = match_banner(text[match.end() :]), match["stamp"] or b""
    if found is None:
        return None
    return Banner(
        found.peer if found.received else None,
        None if found.received else found.peer,
        found.transport,
        stamp,
        found.size,
        found.received,
        resend=found.resend,
        missing=found.missing,
        defects=found.defects,
    )


def _is_entry(text: bytes) -> bool:
    """A line of the log: its level and thread stand before."""
    match = _PREFIX.match(text)
    return match is not None and match["level"] is not None


def _is_end(text: bytes) -> bool:
    return any(is_trailer(text, kind) for kind in _ENDS) or match_count(text) is not None


GRAMMAR = Grammar("asterisk", _banner, (b"<--- ", b"ransmitting "), _is_entry, _is_end, server=True)
