"""Twinkle's log (twinkle.log): an entry from `+++ date time` to `---`, where to or from, the message."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from analyzer.capture.text.grammar import HOST, Banner, Grammar, endpoint
from analyzer.capture.text.patterns import Lazy, has_line
from analyzer.evidence import Item, Source

NAME = "twinkle"
TITLE = "log of Twinkle"
EXAMPLE = b"""+++ 29-11-2026 23:43:19.607462 INFO SIP ::send_sip_udp
Send to: udp:192.0.2.1:5060
REGISTER sip:pbx.example.com SIP/2.0\r
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1\r
From: <sip:bob@example.com>;tag=f1\r
To: <sip:bob@example.com>\r
Call-ID: a1\r
CSeq: 1 REGISTER\r
Contact: <sip:bob@192.0.2.10:5060>\r
Content-Length: 0\r
\r

---

+++ 29-11-2026 23:43:19.608037 INFO SIP ::process_sip_msg
Received from: udp:192.0.2.1:5060
SIP/2.0 200 OK\r
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1\r
From: <sip:bob@example.com>;tag=f1\r
To: <sip:bob@example.com>;tag=t1\r
Call-ID: a1\r
CSeq: 1 REGISTER\r
Content-Length: 0\r
\r

---

"""

HINT = "let Twinkle log SIP: Edit, System settings, Log, or `log_show_sip=yes` in ~/.twinkle/twinkle.sys"
_ENTRY = Lazy(rb"\+\+\+ (\d\d)-(\d\d)-(\d{4}) (\d\d:\d\d:\d\d\.\d{1,9}) [A-Z]{4,10} [A-Z]{2,10} \S{1,80}")
_PEER = Lazy(rb"(Send to|Received from): (udp|tcp|tls):(" + HOST + rb"):(\d{1,5})[ \t]*\Z")


def looks_like(head: bytes) -> bool:
    """Whether an entry begins as Twinkle's do."""
    return has_line(head, b"+++ ", _ENTRY)


def _banner(text: bytes) -> Banner | None:
    match = _ENTRY.match(text)
    if match is None:
        return None
    day, month, year, clock = match.groups()
    return Banner(stamp=b"%b-%b-%b %b" % (year, month, day, clock))


def _refine(banner: Banner, text: bytes) -> Banner | None:
    """The line that names the other end; an entry without one is none of SIP."""
    match = _PEER.match(text)
    if match is None:
        return None if banner.received is None or text.strip() else banner
    peer, received = endpoint(match[3], match[4]), match[1] == b"Received from"
    return banner._replace(
        source=peer if received else None,
        destination=None if received else peer,
        transport=match[2].decode("ascii").upper(),
        received=received,
    )


def _is_end(text: bytes) -> bool:
    return text.rstrip() == b"---"


GRAMMAR = Grammar("twinkle", _banner, (b"+++ ",), end=_is_end, refine=_refine, hint=HINT)


def read(stream: BinaryIO, source: Source) -> Iterator[Item]:
    """The messages of the log, in its order."""
    from analyzer.capture.text.reader import Reader

    return Reader(GRAMMAR, source, looks_like).read(stream)
