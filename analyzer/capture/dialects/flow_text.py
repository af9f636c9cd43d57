"""Call flows as RFCs, slides and web pages print them: `F1 REGISTER Bob -> Server` stands above the first message.

Such text was copied, often more than once: indented, with wrapped and empty lines, without its line ends, with the feet
and heads of pages, bullets, HTML entities, names that a legend explains. What can be put right in one way only is put
right, and each message says what was (docs/rules/reconstruction.md 1 item 5). Each titled flow is a capture of its own,
in the order of its numbers, without a clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from analyzer.capture.text.lines import as_utf8, is_text
from analyzer.evidence import Item, Source

NAME = "flow-text"
TITLE = "call flows in a text (RFC, slides, web page)"
EXAMPLE = b"""2.1.  First Registration

   Carol                      Registrar
     |                            |
     |        REGISTER F1         |
     |--------------------------->|
     |           200 F2           |
     |<---------------------------|

   F1 REGISTER Carol -> Registrar

   REGISTER sip:pbx.example.com SIP/2.0
   Via: SIP/2.0/UDP phone.example.com:5060;branch=z9hG4bK1
   From: <sip:carol@example.com>;tag=f1
   To: <sip:carol@example.com>
   Call-ID: a1
   CSeq: 1 REGISTER
   Contact: <sip:carol@phone.example.com:5060>
   Content-Length: 0

   F2 200 OK Registrar -> Carol

   SIP/2.0 200 OK
   Via: SIP/2.0/UDP phone.example.com:5060;branch=z9hG4bK1
   From: <sip:carol@example.com>;tag=f1
   To: <sip:carol@example.com>;tag=t1
   Call-ID: a1
   CSeq: 1 REGISTER
   Content-Length: 0
"""

FLOWS = True
"""Each flow is a capture of its own."""

_MARK = b"SIP/2.0"
_MOST_LOOKS = 16
_BEFORE, _AFTER = 400, 400


def looks_like(head: bytes) -> bool:
    """Whether a heading with a number stands above a start line and a header."""
    if _MARK not in head or not is_text(head):
        return False
    from analyzer.capture.flows.recognition import shows_a_step

    head = as_utf8(head)
    place = head.find(_MARK)
    for _ in range(_MOST_LOOKS):
        if place < 0:
            return False
        begin = head.rfind(b"\n", 0, max(place - _BEFORE, 0)) + 1
        if shows_a_step(head[max(begin, place - 2 * _BEFORE) : place + _AFTER]):
            return True
        place = head.find(_MARK, place + _AFTER)
    return False


def read(stream: BinaryIO, source: Source) -> Iterator[Item]:
    """The messages of the document, flow by flow."""
    from analyzer.capture.flows.document import Document

    return Document(source, looks_like).read(stream)
