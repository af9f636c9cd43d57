"""FreeSWITCH's siptrace (`sofia global siptrace on`), and any other program on sofia-sip with TPORT_LOG=1.

    recv 443 bytes from udp/[192.0.2.10]:5060 at 10:11:12.345678:
       ------------------------------------------------------------------------
       REGISTER sip:pbx.example.com SIP/2.0
       ...
       ------------------------------------------------------------------------

The lines of the message are indented (by three blanks; by a tab, or not at all, in what people paste), so what is not
indented is none of it. In a log file each line may begin with the id of a call or with its time. What FreeSWITCH says
of registrations in words of its own is read too, and alone where there is no trace.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import BinaryIO, cast

from analyzer.capture.freeswitch.notices import Overheard, is_in
from analyzer.capture.text.grammar import HOST, Banner, Grammar, endpoint
from analyzer.capture.text.patterns import Lazy, has_line
from analyzer.evidence import Endpoint, Item, Source

NAME = "freeswitch"
TITLE = "FreeSWITCH or sofia-sip trace (siptrace)"
EXAMPLE = b"""recv 239 bytes from udp/[192.0.2.10]:5060 at 10:11:12.345678:
   ------------------------------------------------------------------------
   REGISTER sip:pbx.example.com SIP/2.0
   Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1
   From: <sip:bob@example.com>;tag=f1
   To: <sip:bob@example.com>
   Call-ID: a1
   CSeq: 1 REGISTER
   Contact: <sip:bob@192.0.2.10:5060>
   Content-Length: 0
   
   ------------------------------------------------------------------------
send 188 bytes to udp/[192.0.2.10]:5060 at 10:11:12.346912:
   ------------------------------------------------------------------------
   SIP/2.0 200 OK
   Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1
   From: <sip:bob@example.com>;tag=f1
   To: <sip:bob@example.com>;tag=t1
   Call-ID: a1
   CSeq: 1 REGISTER
   Content-Length: 0
   
   ------------------------------------------------------------------------
"""  # noqa: W293

HINT = (
    "let it print the messages: `sofia global siptrace on` in fs_cli, or TPORT_LOG=1 for another program on sofia-sip"
)
_ID = rb"(?P<id>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12} )?"
_CLOCK = rb"(?:\d{4}-\d\d-\d\d[ T])?\d\d:\d\d:\d\d(?:\.\d{1,9})?"
_BANNER = Lazy(
    rb"(?:freeswitch(?:@[\w.-]{1,80})?> ?)?"  # the prompt of fs_cli
    + _ID
    + rb"(?:(?P<early>"
    + _CLOCK
    + rb") (?P<level>(?:[\d.]{1,6}% )?(?:\[\w{1,10}\] )?(?:\S{1,60}\.c:\d{1,6} )?))?"
    rb"(?:tport[\w() ]{0,60}: )?(?P<way>recv|send) (?P<size>\d{1,7}) bytes (?:from|to) "
    rb"(?P<transport>udp|tcp|tls|wss?|sctp)/(?P<host>" + HOST + rb"):(?P<port>\d{1,5})"
    rb"(?: at (?P<stamp>" + _CLOCK + rb"))?:?[ \t]*\Z"
)
_RULER = Lazy(rb"[ \t]*-{2,100}[ \t]*\Z")
"""Perhaps broken to a width."""


def looks_like(head: bytes) -> bool:
    """Whether a line tells the octets of a message as sofia-sip does, or is one of FreeSWITCH on a registration."""
    return has_line(head, b" bytes ", _BANNER) or is_in(head)


def _banner(text: bytes) -> Banner | None:
    match = _BANNER.match(text)
    if match is None:
        return None
    peer, received = endpoint(match["host"], match["port"]), match["way"] == b"recv"
    early, late = match["early"] or b"", match["stamp"] or b""
    # drachtio and others on sofia-sip put a time before the line, and no level behind it
    own = Endpoint("unknown", 0) if early and not match["level"] and not match["id"] else None
    return Banner(
        peer if received else own,
        own if received else peer,
        match["transport"].decode("ascii").upper(),
        early[:11] + late if len(early) > 18 and len(late) == 15 else late or early,
        int(match["size"]),
        received,
        match["id"] or b"",
    )


def _refine(banner: Banner, text: bytes) -> Banner | None:
    text = text.removeprefix(banner.lead)
    return banner if not text.strip() or _RULER.match(text) else None


GRAMMAR = Grammar("freeswitch", _banner, (b" bytes ",), refine=_refine, server=True, indented=True, hint=HINT)


def read(stream: BinaryIO, source: Source) -> Iterator[Item]:
    """The messages of the trace, in its order; what FreeSWITCH says beside them goes into `source`."""
    from analyzer.capture.text.reader import Reader

    overheard, alone = Overheard(stream, source, time.time()), True
    try:
        for item in Reader(GRAMMAR, source, looks_like).read(cast("BinaryIO", overheard)):
            alone = False
            yield item
    finally:
        overheard.tell(alone=alone)
