"""ngrep (`-W byline`, `-W single`, plain) and sipgrep: one packet after the other, with or without times.

Octets that cannot be printed are dots, so each line that ended in CR LF ends in one. Plain output breaks lines where
the terminal ended, behind two blanks; single output is one line; both print CR LF as two dots. A fragment of IP is
marked `+id@offset:length` and has no ports. Stamps have microseconds, or in what sipcheck writes the steps of another
log's clock, and a mark (`text/marks.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, BinaryIO

from analyzer.capture.text.grammar import HOST, Banner, Grammar, endpoint
from analyzer.capture.text.marks import MARK, marked
from analyzer.capture.text.patterns import Lazy, has_line
from analyzer.evidence import Item, Source

if TYPE_CHECKING:
    from analyzer.capture.text.rows import Row

NAME = "ngrep"
TITLE = "output of ngrep or sipgrep"
EXAMPLE = b"""interface: eth0 (192.0.2.0/255.255.255.0)
filter: ((ip || ip6) || (vlan && (ip || ip6)))
#
U 2026/11/20 11:53:43.746947 192.0.2.10:5060 -> 192.0.2.1:5060 #1
REGISTER sip:pbx.example.com SIP/2.0.
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1.
From: <sip:bob@example.com>;tag=f1.
To: <sip:bob@example.com>.
Call-ID: a1.
CSeq: 1 REGISTER.
Contact: <sip:bob@192.0.2.10:5060>.
Content-Length: 0.
.

#
U 2026/11/20 11:53:43.747421 192.0.2.1:5060 -> 192.0.2.10:5060 #2
SIP/2.0 200 OK.
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1.
From: <sip:bob@example.com>;tag=f1.
To: <sip:bob@example.com>;tag=t1.
Call-ID: a1.
CSeq: 1 REGISTER.
Content-Length: 0.
.

"""

_STAMP = rb"(?:(?P<stamp>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})?)|[+-]\d{1,10}\.\d{6}) "
_BANNER = Lazy(
    rb"(?P<protocol>[UT])(?:\(\d{1,3}\))? (?:" + _STAMP + rb")?(?:(?P<source>" + HOST + rb"):(?P<from>\d{1,5}) -> "
    rb"(?P<destination>" + HOST + rb"):(?P<to>\d{1,5})(?P<flags> \[[A-Z]{1,8}\])?"
    rb"|(?P<first>" + HOST + rb") -> (?P<second>" + HOST + rb")(?= \+))"
    rb"(?: \+\d{1,10}@(?P<offset>\d{1,10}):\d{1,10})?(?: #\d{1,10})?" + MARK + rb"(?: (?P<rest>\S.*))?[ \t]*\Z"
)
_BLOCK = Lazy(rb"(?:  [A-Z]{3,20} |  SIP/2\.0 |[A-Z]{3,20} \S{1,2048} SIP/2\.0\.\.|SIP/2\.0 [1-6]\d\d.{0,200}?\.\.)")
_FLAGS = Lazy(rb"[ \t]*\[[A-Z]{1,8}\][ \t]*\Z")
_NUMBER = Lazy(rb"#\d{1,10}[ \t]*\Z")
_SEGMENT = b"BAD M:["
_SEAM = b"\0\0"
"""Stands where a segment begins within a line: NUL ends what sipgrep prints."""
_NAME = re.compile(rb"[A-Za-z][\w.-]{0,39}[ \t]*:|[ \t]")


def looks_like(head: bytes) -> bool:
    """Whether a line is that of a packet, as ngrep prints it."""
    return has_line(head, b" -> ", _BANNER)


def _banner(text: bytes) -> Banner | None:
    match = _BANNER.match(text)
    if match is None:
        return None
    is_piece = bool(match["offset"] and int(match["offset"]))
    one, other = match["source"] or match["first"], match["destination"] or match["second"]
    source, destination = endpoint(one, match["from"]), endpoint(other, match["to"])
    if match["protocol"] == b"U":
        transport, key = "UDP", b"U%b>%b" % (one, other)
    else:
        transport, key = "TCP", b"T%b:%b>%b:%b" % (one, match["from"], other, match["to"]) if match["flags"] else b""
    told = marked(match["mark"])
    return Banner(
        source,
        destination,
        told.transport or transport,
        match["stamp"] or b"",
        told.size,
        rest=match["rest"] or b"",
        key=key,
        piece=is_piece,
        missing=told.missing,
        defects=told.defects,
    )


def _inner(banner: Banner, row: Row) -> Row | None:
    """A line whose CR is a dot; the marks of packets that did not match are nobody's."""
    del banner
    text = row.text
    if text.endswith(b"."):
        return row._replace(text=text[:-1], returns=True)
    return None if text and not text.strip(b"#") else row


def _refine(banner: Banner, text: bytes) -> Banner | None:
    """sipgrep puts the flags of TCP on a line of their own, and an empty line behind; the number of the packet stands
    there where a width broke it off."""
    if not _FLAGS.match(text):
        return None if text.strip() and not _NUMBER.match(text) else banner
    return banner._replace(key=f"T{banner.source}>{banner.destination}".encode())


def _is_end(text: bytes) -> bool:
    """The marks of packets; what sipgrep says where a segment of TCP ends within a header."""
    return (text[:1] == b"#" and not text.strip(b"#")) or text.startswith((b"Unknown METHOD: ", b"BAD M:["))


def _more(text: bytes) -> bytes | None:
    """What sipgrep says of a segment of TCP that begins within a message, whose first word it takes for a method. Its
    octets stand there as they are, and behind them what was left in the buffer, up to a bracket."""
    return _SEAM + text[len(_SEGMENT) :] if text.startswith(_SEGMENT) else None


def _fix(texts: list[bytes]) -> tuple[str, bool]:
    """Mend what lies over the end of a segment: whole where the first part was printed line by line; else octets that
    are no part of it stand in the line, which is left out."""
    lost = False
    for at in reversed([at for at, text in enumerate(texts) if _SEAM in text]):
        if texts[at].partition(_SEAM)[0].endswith(b"]"):
            del texts[at]
            lost = True
        else:
            texts[at] = texts[at].replace(_SEAM, b"")
    if not lost:
        return "", False
    return "a line lies in two segments of TCP, and was printed with other octets in it: it is left out", True


def _whole(texts: Sequence[bytes]) -> list[bytes]:
    """The lines of a message that was printed in one, or broken where the terminal ended."""
    text = b"".join(one[2:] if one.startswith(b"  ") else one for one in texts).rstrip(b" ")
    head, end, body = text.partition(b"....")
    lines: list[bytes] = []
    for part in head.split(b".."):
        if lines and not _NAME.match(part):
            lines[-1] += b".." + part
        else:
            lines.append(part)
    return [*lines, b"", *body.split(b"..")] if body else [*lines, b""] if end else lines


GRAMMAR = Grammar(
    "unknown",
    _banner,
    (b" -> ",),
    end=_is_end,
    refine=_refine,
    inner=_inner,
    block=lambda banner, text: _BLOCK.match(text),
    in_block=lambda text: text.startswith(b"  "),
    whole=_whole,
    more=_more,
    fix=_fix,
    dotted=True,
    coloured=True,
    hint="print whole messages with `ngrep -W byline -t -d any port 5060`, or save a capture with ngrep -O FILE",
)


def read(stream: BinaryIO, source: Source) -> Iterator[Item]:
    """The messages of the output, in its order."""
    from analyzer.capture.text.reader import Reader

    return Reader(GRAMMAR, source, looks_like).read(stream)
