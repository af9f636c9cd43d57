"""A REGISTER has six header fields that no request may lack: To, From, CSeq, Call-ID, Max-Forwards and Via.

Each has a job that nothing else does. Via tells the answer its way back, Call-ID and CSeq tell one request from the
next, From and To say who asks and for whom, Max-Forwards stops a request that runs in circles. Without one of the first
five a registrar answers 400 or, as often, nothing at all, and the user sees a registration that times out. A missing
Max-Forwards usually does no harm: the older standard (RFC 2543) did not ask for it. Contact is not among them: a
REGISTER without Contact is a legal question for the bindings that are there.

A short name is as good as a long one (`v` for Via, `f` From, `t` To, `i` Call-ID), and upper or lower case does not
matter. A datagram that ends within its headers lacks what would have come after; one that only the capture cut is not
judged. If many messages lack many headers, suspect the recording: text that was copied by hand has blank lines where
the headers should go on.
"""

from __future__ import annotations

import re

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, InProfile, Need, Rule, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.subjects import MessageSubject
from analyzer.sip.headers import spellings
from analyzer.sip.message import MANDATORY, Message

_LOOK_AHEAD = 4000
_HEADER = re.compile(rf"(?im)^(?:{spellings(*sorted(MANDATORY), 'contact')})[ \t]*:".encode())
_NAMES = {
    "to": "To",
    "from": "From",
    "cseq": "CSeq",
    "call-id": "Call-ID",
    "max-forwards": "Max-Forwards",
    "via": "Via",
}


def check(subject: MessageSubject, context: CaptureContext) -> Answer:
    """Look for the six headers of RFC 3261 8.1.1; the sub-code lists those that are missing."""
    message = subject.message
    if not message.is_request:
        return NOT_APPLICABLE
    missing = [key for key in _NAMES if not message.has(key)]
    if not missing:
        return PASSED
    named = " and no ".join(_NAMES[key] for key in missing)
    return Violated(
        f"the request has no {named} header{_hint(message)}",
        sub=",".join(missing),
        severity="warning" if missing == ["max-forwards"] else "error",
        values=Values(f"no {named}".replace(" and ", ", "), named.replace(" and no ", ", ")),
    )


def _hint(message: Message) -> str:
    """Text that was copied from a page has empty lines inside the headers; to a SIP server they end there. A datagram
    without an empty line was sent so, by a phone that cut its own message or by something on the way."""
    if not message.complete_headers:
        return "; its headers end without an empty line, though the datagram is whole: whoever sent it cut it off"
    beyond = message.raw[message.body_start : message.body_start + _LOOK_AHEAD]
    if not _HEADER.search(beyond):
        return ""
    return "; more headers follow after an empty line: this looks like copied text"


RULE = Rule(
    id="R3261-8.1.1-mandatory",
    title="Mandatory header field missing",
    short_title="A mandatory header is missing",
    question="whether all mandatory headers are there",
    clause="RFC 3261 §8.1.1, §10.2, §20 Tables 2-3",
    force="MUST",
    severity="error",
    at_fault="UAC",
    group="A",
    profiles=(InProfile("legacy2543", ("max-forwards",)),),  # RFC 2543 does not demand it
    subject="message",
    check=check,
    explains=(400, 500, "silence"),
    applies_if=marks.REQUEST,
    violates_only_if=marks.ODD_HEADERS,
    needs=(Need.WHOLE,),
    why="Without To/From/Call-ID/CSeq/Via a registrar answers 400 or drops silently.",
    fix="update the firmware of the phone, or the proxy before it that strips headers: To, From, CSeq, Call-ID, "
    "Max-Forwards and Via must be in every request",
    etsi=("RG_RT_V_014",),
    examples=(
        bad("> REGISTER sip:example.com\n-Max-Forwards", "max-forwards", severity="warning"),
        bad("> REGISTER sip:example.com\n-To", "to", severity="error"),
        bad("> REGISTER sip:example.com\n-From", "from", severity="error"),
        bad("> REGISTER sip:example.com\n-CSeq", "cseq", severity="error"),
        bad("> REGISTER sip:example.com\n-Call-ID", "call-id", severity="error"),
        bad("> REGISTER sip:example.com\n-Via", "via", severity="error"),
        bad("> REGISTER sip:example.com\n-From\n-Max-Forwards", "from,max-forwards", title="both", severity="error"),
        good(
            """
            > REGISTER sip:example.com
            v: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKa
            f: <sip:bob@example.com>;tag=f1
            t: <sip:bob@example.com>
            i: a@192.0.2.10
            CSeq: 1
            -Contact
            -Expires
            """,
            title="compact names, and no Contact: a query",
        ),
        good(
            """
            > REGISTER sip:example.com
            VIA: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKa
            fRoM: <sip:bob@example.com>;tag=f1
            MAX-FORWARDS: 70
            """,
            title="names in any case",
        ),
        good("> REGISTER sip:example.com\n-Content-Length", title="UDP needs no Content-Length"),
        good("> REGISTER sip:example.com\n< 200\n-Max-Forwards", title="answers have no Max-Forwards"),
    ),
)
