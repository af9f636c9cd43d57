"""A 423 says how long is long enough, and is sent only where what was asked for is shorter.

A registrar that finds a registration too brief answers 423 (Interval Too Brief) and must name the shortest interval
that it takes in Min-Expires (RFC 3261 10.3 step 7, 20.23); without it (`no-min-expires`), or where it is no number
(`bad-min`), the phone does not know what to ask for and gives up, or asks for the same again. It may do so if and only
if what was asked for is greater than zero, below its minimum, and below an hour: a removal (`zero`) and a registration
for an hour or more (`hour`) must not be refused as too brief, and one that is as long as the Min-Expires of the same
answer (`satisfied`) is refused for no reason.

Each contact has its own interval, by its `expires` parameter before the Expires header; one short contact justifies
the answer. A phone that names none leaves it to the registrar: then nothing is said of the interval.
"""

from __future__ import annotations

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Need, Rule, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.requested import requested_expiry
from analyzer.register.subjects import TransactionSubject
from analyzer.sip.text import clip

_HOUR = 3600


def check(subject: TransactionSubject, context: CaptureContext) -> Answer:
    """Hold a 423 against what was asked for (RFC 3261 10.3 step 7)."""
    del context
    transaction = subject.transaction
    request, final = transaction.request, transaction.final
    if final is None or final.status != 423 or final.raw_message.missing:
        return NOT_APPLICABLE
    at, minimum, written = final.raw_message.evidence, final.min_expires, final.first("min-expires")
    if written is None:
        values = Values("no Min-Expires", "Min-Expires")
        return Violated("the 423 has no Min-Expires", "no-min-expires", at=at, values=values)
    if minimum is None:
        shown = clip(written.strip())
        values = Values(shown, "a number of seconds")
        return Violated(f"Min-Expires is {shown}, no number of seconds", "bad-min", at=at, values=values)
    if request is None or request.raw_message.missing or not request.contacts:
        return PASSED
    asked = [requested_expiry(contact, request.expires) for contact in request.contacts]
    known = [seconds for seconds in asked if seconds is not None]
    if len(known) < len(asked):
        return PASSED  # the registrar chooses, and may find its own choice too brief
    positive = [seconds for seconds in known if seconds > 0]
    related = (transaction.evidence,)
    if not positive:
        values = Values("423 to 0 s", "423 to more than 0 s")
        return Violated("a removal is refused as too brief", "zero", at=at, related=related, values=values)
    shortest = min(positive)
    if shortest >= _HOUR:
        detail = f"{shortest} s, an hour or more, are refused as too brief"
        values = Values(f"423 to {shortest} s", f"423 to less than {_HOUR} s")
        return Violated(detail, "hour", at=at, related=related, values=values)
    if shortest >= minimum:
        detail = f"{shortest} s are refused as too brief, although Min-Expires is {minimum}"
        asked_for, least = f"423 to {shortest} s", f"423 to less than {minimum} s"
        return Violated(detail, "satisfied", at=at, related=related, values=Values(asked_for, least))
    return PASSED


RULE = Rule(
    id="R3261-10.3-7-423",
    title="423 unjustified or without Min-Expires",
    short_title="A 423 does not say which interval is long enough",
    sub_titles={
        "zero": "The registrar refuses a removal as too brief",
        "hour": "The registrar refuses an hour or more as too brief",
        "satisfied": "The registrar refuses an interval that is long enough",
    },
    question="whether a 423 is justified and names the least interval",
    clause="RFC 3261 §10.3 step 7, §20.23, Table 2",
    force="MUST",
    severity="error",
    at_fault="registrar",
    group="D",
    subject="transaction",
    check=check,
    explains=(423,),
    applies_if=marks.TOO_BRIEF,
    needs=(Need.S2C,),
    why="The phone cannot know what to ask for, or is refused an interval that it may ask for.",
    fix="let the registrar send Min-Expires with each 423, and refuse only what is below it and below an hour "
    "(Kamailio: `min_expires_mode` 1 with `min_expires`)",
    stacks=("Net::SIP 0.835 as a registrar: a 423 without Min-Expires",),
    examples=(
        bad("> REGISTER sip:example.com\nExpires: 30\n< 423", "no-min-expires"),
        bad("> REGISTER sip:example.com\nExpires: 30\n< 423\nMin-Expires: soon", "bad-min"),
        bad("> REGISTER sip:example.com\nExpires: 3600\n< 423\nMin-Expires: 7200", "hour"),
        bad("> REGISTER sip:example.com\nExpires: 0\n< 423\nMin-Expires: 60", "zero"),
        bad("> REGISTER sip:example.com\nExpires: 120\n< 423\nMin-Expires: 60", "satisfied"),
        good("> REGISTER sip:example.com\nExpires: 30\n< 423\nMin-Expires: 60"),
        good(
            """
            > REGISTER sip:example.com
            Contact: <sip:bob@192.0.2.10>;expires=30, <sip:bob@192.0.2.11>;expires=3600
            < 423
            Min-Expires: 60
            """,
            title="one short contact is enough",
        ),
        good("> REGISTER sip:example.com\n-Expires\n< 423\nMin-Expires: 60", title="the registrar's own choice"),
    ),
)
