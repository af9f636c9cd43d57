"""An expiry is a whole number of seconds, at most 2^32-1, by parameter and by header.

A registrar that cannot read the number should take it for an hour (RFC 3261 10.2, 20.10, 20.19), or for its own
default, so the phone gets another interval than it meant, and refreshes too late or too often. Malformed is anything
but digits: `expires=1h`, a sign, an empty value (`malformed`). The old standard (RFC 2543) had a date there, and quotes
around the value; what comes so (`old-form`) was written for it. A number beyond 2^32-1 (`range`) cannot be kept in 32
bits, and is cut to the largest or overflows. That largest one, 4294967295, is legal and means "as long as you may".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, InProfile, Rule, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.subjects import MessageSubject
from analyzer.sip.message import Message
from analyzer.sip.scalar import MAX_DELTA_SECONDS, decimal
from analyzer.sip.text import clip, unquote

_DATE = re.compile(r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? ")


def check(subject: MessageSubject, context: CaptureContext) -> Iterator[Answer]:
    """Look at each expiry that a request asks for (RFC 3261 10.2, 20.10, 20.19)."""
    del context
    message = subject.message
    if not message.is_request:
        yield NOT_APPLICABLE
        return
    wrong = [found for where, value in _expiries(message) if (found := _judged(where, value)) is not None]
    yield from wrong or (PASSED,)


def _expiries(message: Message) -> Iterator[tuple[str, str]]:
    """Each expiry as written, and where it stands; that of a star is R3261-10.2.2-star-form's."""
    header = message.first("expires")
    if header is not None:
        yield "the Expires header is", header.strip()
    for contact in message.contacts:
        if not contact.star and "expires" in contact.params:
            yield "a Contact has the parameter expires =", contact.params["expires"] or ""


def _judged(where: str, value: str) -> Violated | None:
    seconds = decimal(value)
    if seconds is not None:
        if seconds <= MAX_DELTA_SECONDS:
            return None
        detail = f"{where} {clip(value, 40)}, beyond 2^32-1"
        return Violated(detail, "range", "info", values=Values(clip(value, 40), f"at most {MAX_DELTA_SECONDS}"))
    shown = clip(value, 40) if value else "empty"
    values = Values(shown, "a number of seconds")
    plain = unquote(value)
    if _DATE.match(plain) or (plain != value and decimal(plain) is not None):
        return Violated(f"{where} {shown}, as RFC 2543 had it, and no number of seconds", sub="old-form", values=values)
    return Violated(f"{where} {shown}, which is no number of seconds", sub="malformed", values=values)


RULE = Rule(
    id="R3261-10.2-expires-value",
    title="Expiry value malformed or beyond 2^32-1",
    short_title="The expiry asked for is no number of seconds",
    sub_titles={
        "range": "The expiry asked for is beyond 2^32-1",
        "old-form": "The expiry is written as RFC 2543 had it",
    },
    question="whether the expiry asked for is a number of seconds",
    clause="RFC 3261 §10.2 (expires), §20.19, §20.10; RFC 4475 §3.1.2.4",
    force="MAY",
    severity="warning",
    at_fault="UAC",
    group="A",
    profiles=(InProfile("legacy2543", ("old-form",)),),
    subject="message",
    check=check,
    explains=(400,),
    applies_if=marks.REQUEST,
    violates_only_if=marks.ODD_VALUES,
    why="Receiver should treat it as 3600, so the client gets something other than it asked for.",
    fix="set the phone's registration interval to a plain number of seconds (3600), or update its firmware",
    etsi=("RG_RT_V_013", "RG_RT_V_015"),
    examples=(
        bad('> REGISTER sip:h\nContact: <sip:b@h>;expires="Sat, 01 Jan 2030 00:00:00 GMT"', "old-form"),
        bad("> REGISTER sip:h\nExpires: Sat, 01 Jan 2030 00:00:00 GMT", "old-form", severity="warning"),
        bad('> REGISTER sip:h\nContact: <sip:b@h>;expires="3600"', "old-form", title="in quotes"),
        bad("> REGISTER sip:h\nContact: <sip:b@h>;expires=1h", "malformed", severity="warning"),
        bad("> REGISTER sip:h\nContact: <sip:b@h>;expires=", "malformed"),
        bad("> REGISTER sip:h\nContact: <sip:b@h>;expires", "malformed", title="no value at all"),
        bad("> REGISTER sip:h\nExpires: -1", "malformed"),
        bad("> REGISTER sip:h\nExpires: 3600.0", "malformed"),
        bad("> REGISTER sip:h\nExpires: 4294967296", "range", severity="info"),
        bad("> REGISTER sip:h\nContact: <sip:b@h>;expires=99999999999999999999", "range", severity="info"),
        bad("> REGISTER sip:h\nContact: <sip:b@h>;expires=60, <sip:c@h>;expires=x", "malformed", title="one of two"),
        good("> REGISTER sip:h\nContact: <mailto:b@h>;expires=4294967295", title="the largest"),
        good("> REGISTER sip:h\nContact: <sip:b@h>;ExPiReS=3600"),
        good("> REGISTER sip:h\nExpires:   0003600", title="zeros and blanks before it"),
        good("> REGISTER sip:h\nContact: <sip:b@h;expires=1h>", title="a parameter of the URI is none of the contact"),
        good("> REGISTER sip:h\n-Expires", title="the registrar chooses"),
        good("> REGISTER sip:h\nContact: *;expires=now\nExpires: 0", title="the form of a star is another rule's"),
        good("> REGISTER sip:h\n< 200\nExpires: soon", title="an answer is not the phone's"),
    ),
)
