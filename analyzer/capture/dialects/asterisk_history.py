"""Entries of Asterisk's `pjsip show history entry N`: number, way, other end, seconds since 1970, message.

PJSIP prints the message anew, and Content-Length once more than it had; the second one is left out. The listing
(`pjsip show history`) has start lines alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from analyzer.capture.text.grammar import HOST, Banner, Grammar, endpoint
from analyzer.capture.text.patterns import Lazy, has_line
from analyzer.evidence import Item, Source

NAME = "asterisk-history"
TITLE = "Asterisk PJSIP history (pjsip show history)"
EXAMPLE = b"""<--- History Entry 0 Received from 192.0.2.10:5060 at 1795964373 --->
REGISTER sip:pbx.example.com SIP/2.0
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1
From: <sip:bob@example.com>;tag=f1
To: <sip:bob@example.com>
Call-ID: a1
CSeq: 1 REGISTER
Contact: <sip:bob@192.0.2.10:5060>
Content-Length:  0


<--- History Entry 1 Sent to 192.0.2.10:5060 at 1795964373 --->
SIP/2.0 200 OK
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1
From: <sip:bob@example.com>;tag=f1
To: <sip:bob@example.com>;tag=t1
Call-ID: a1
CSeq: 1 REGISTER
Content-Length:  0


"""

_BANNER = Lazy(
    rb"<--- History Entry \d{1,10} (Received from|Sent to) ("
    + HOST
    + rb"):(\d{1,5}) at (\d{9,10})[ ]{0,2} --->[ \t]*\Z"
)
_LISTED = Lazy(rb"\d{5,10} \d{9,10} \* (?:<==|==>) \S{1,80} {1,40}(?:SIP/2\.0 \d{3}|[A-Z]{3,20} sips?:)")
_LENGTH = Lazy(rb"content-length[ \t]*:[ \t]*(\d{1,9})[ \t]*\Z", 2)  # re.IGNORECASE
HINT = (
    "a listing has start lines alone: `pjsip show history entry N` prints one message, and `pjsip set logger on` "
    "logs them all"
)


def looks_like(head: bytes) -> bool:
    """Whether there is an entry of the history, or a line of its listing."""
    return has_line(head, b"<--- History Entry ", _BANNER) or has_line(head, b" * ", _LISTED)


def _banner(text: bytes) -> Banner | None:
    match = _BANNER.match(text)
    if match is None:
        return None
    peer, received = endpoint(match[2], match[3]), match[1] == b"Received from"
    return Banner(peer if received else None, None if received else peer, stamp=match[4], received=received)


def _fix(texts: list[bytes]) -> tuple[str, bool]:
    """Leave out a Content-Length that repeats the first one."""
    end = texts.index(b"") if b"" in texts else len(texts)
    found = [(place, match[1]) for place in range(end) if (match := _LENGTH.match(texts[place]))]
    if len(found) == 2 and found[0][1] == found[1][1]:
        del texts[found[1][0]]
    return "", False


GRAMMAR = Grammar("asterisk", _banner, (b"<--- History Entry ",), fix=_fix, server=True, hint=HINT)


def read(stream: BinaryIO, source: Source) -> Iterator[Item]:
    """The messages of the entries, in their order."""
    from analyzer.capture.text.reader import Reader

    return Reader(GRAMMAR, source, looks_like).read(stream)
