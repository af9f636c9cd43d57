"""The lines that open and close a printed SIP message in an Asterisk log.

<--- SIP read from UDP:10.0.0.1:5060 --->                          chan_sip, received; ends at <------------->
<--- Reliably Transmitting (no NAT) to 10.0.0.1:5060 --->          chan_sip, sent response; ends at <------------>
Retransmitting #1 (no NAT) to 10.0.0.1:5060:                       chan_sip, sent request or repeat; ends at ---
<--- Received SIP request (337 bytes) from UDP:10.0.0.1:5060 --->  res_pjsip; ends after that many octets
--- (11 headers 0 lines) ---                                       chan_sip, after each received message
"""

from __future__ import annotations

import enum
import re
from typing import NamedTuple

from analyzer.capture.text.marks import MARK, marked
from analyzer.defect import Defect
from analyzer.evidence import Endpoint


class Kind(enum.Enum):
    """The four printed forms."""

    READ = "SIP read from"
    SENT = "Transmitting to"
    REQUEST = "Transmitting to:"
    PJSIP = "SIP message (n bytes)"


class Banner(NamedTuple):
    """An opening line: `lead` is the indentation or quoting in front of it, `size` the octets that PJSIP announces;
    `missing` octets and `defects` are what a log that sipcheck wrote says of its original."""

    kind: Kind
    received: bool
    peer: Endpoint
    transport: str
    lead: bytes
    resend: int | None = None
    size: int | None = None
    missing: int = 0
    defects: tuple[Defect, ...] = ()


_LEAD = rb"(?P<lead>[ \t>]*)"
_PEER = rb"(?P<host>\[[^\]\s]{1,60}\]|[^\s\[\]]{1,255}?):(?P<port>\d{1,5})"
_NAT = rb"(?:\([^)]{1,24}\) )?"
_FORMS: tuple[tuple[Kind, re.Pattern[bytes]], ...] = tuple(
    (kind, re.compile(_LEAD + form + MARK + rb"[ \t]*\Z"))
    for kind, form in (
        (Kind.READ, rb"<--- SIP read from (?:(?P<transport>[A-Za-z]{2,4}):(?://)?)?" + _PEER + rb" --->"),
        (
            Kind.SENT,
            rb"<--- (?:(?:Reliably )?Transmitting|Retransmitting #(?P<resend>\d{1,4})) "
            + _NAT
            + rb"to "
            + _PEER
            + rb" --->",
        ),
        (
            Kind.REQUEST,
            rb"(?:(?:Reliably )?Transmitting|Retransmitting #(?P<resend>\d{1,4})) " + _NAT + rb"to " + _PEER + rb":",
        ),
        (
            Kind.PJSIP,
            rb"<--- (?P<way>Received|Transmitting) SIP (?:request|response|message) \((?P<size>\d{1,7}) bytes\) "
            rb"(?:from|to) (?P<transport>[A-Za-z]{2,6}):" + _PEER + rb" --->",
        ),
    )
)
_TRAILER = re.compile(rb"<-{10,20}>[ \t]*\Z")
_COUNT = re.compile(rb"[ \t>]*--- \((\d{1,6}) headers,? (\d{1,6}) lines\)(?: Nat:[^-]*)? ---[ \t]*\Z")


def match_banner(text: bytes) -> Banner | None:
    """The banner that `text` (a line without decoration) is, or None."""
    if b"<--- " not in text and b"ransmitting " not in text:
        return None
    for kind, pattern in _FORMS:
        if match := pattern.match(text):
            return _banner(kind, match)
    return None


def _banner(kind: Kind, match: re.Match[bytes]) -> Banner:
    groups = match.groupdict()
    host = match["host"].strip(b"[]").decode("utf-8", "surrogateescape")
    resend, size = groups.get("resend"), groups.get("size")
    told = marked(match["mark"])
    return Banner(
        kind,
        kind is Kind.READ or groups.get("way") == b"Received",
        Endpoint(host, int(match["port"])),
        told.transport or (groups.get("transport") or b"").decode("ascii").upper(),
        match["lead"],
        int(resend) if resend else None,
        int(size) if size else told.size,
        told.missing,
        told.defects,
    )


def is_trailer(text: bytes, kind: Kind) -> bool:
    """Whether `text` may close a block of `kind` (PJSIP blocks have no closing line)."""
    if kind is Kind.REQUEST:
        return text.rstrip(b" \t") == b"---"
    return text.startswith(b"<---") and kind is not Kind.PJSIP and _TRAILER.match(text) is not None


def match_count(text: bytes) -> tuple[int, int] | None:
    """(headers, lines) of `--- (11 headers 0 lines) ---`; the start line counts as a header."""
    if b"headers" not in text:
        return None
    match = _COUNT.match(text)
    return (int(match[1]), int(match[2])) if match else None
