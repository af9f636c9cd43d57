"""A phone that has got its final answer stops repeating the request.

Over UDP a phone repeats its REGISTER until a final response comes (RFC 3261 17.1.2.2), and a registrar sends that
response again for each copy that it gets (17.2.2). So copies that come long after the answer was sent say that it does
not arrive: lost by a NAT, a firewall or an ALG on the way, or dropped by the phone because its Via is not the one that
it sent. It is the textbook sign of a way back that is broken. A copy that crosses the answer proves nothing, so only
those count that come more than half a second after it; a single one (`once`) tells of one answer that was lost, and no
more. Where the way of the answers explains it, R3261-18.2.2-response-path says so instead.
"""

from __future__ import annotations

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import (
    NOT_APPLICABLE,
    PASSED,
    Answer,
    Confidence,
    Need,
    NotJudged,
    Rule,
    Values,
    Violated,
    bad,
    good,
)
from analyzer.judge.lapse import lapse
from analyzer.register import marks
from analyzer.register.subjects import ClosedSubject
from analyzer.register.way_back import is_repeated_late, sources_of, ways_back


def check(subject: ClosedSubject, context: CaptureContext) -> Answer:
    """Count the copies that came too late to have crossed the final response (RFC 3261 17.1.2.2)."""
    transaction = subject.transaction
    if not is_repeated_late(transaction):
        return PASSED
    if transaction.stream or transaction.transport not in ("UDP", ""):
        return NOT_APPLICABLE
    if transaction.answered_at is None or transaction.last is None or transaction.first is None:
        return NotJudged(Need.CLOCK.value)
    if context.is_coarse and transaction.last - transaction.answered_at < context.slack:
        return PASSED
    late = transaction.late_copies
    to, source = ways_back(transaction)[0][0], transaction.source
    way = f"to {to}, from where the requests come" if to in sources_of(transaction) else f"to {to}, not {source}"
    took = lapse(transaction.answered_at, transaction.last, context.resolution)
    came = f"came up to {took} after" if took else "came after"
    again = f"it was sent {transaction.final_copies + 1} times" if transaction.final_copies else "it was not sent again"
    one = late == 1
    text = (
        f"{late} cop{'y' if one else 'ies'} of the request {came} the {transaction.status} "
        f"was sent {way}; {again if not one else 'it was lost once'}"
    )
    confidence = Confidence.MEDIUM if subject.went_on is not None else Confidence.HIGH
    if one:
        related = transaction.copies[-1:]
        return Violated(text, sub="once", severity="info", confidence=confidence, related=related, explains=())
    values = Values(f"{late} copies after the {transaction.status}", "none")
    return Violated(text, confidence=confidence, related=transaction.copies[-1:], values=values)


_LATE = "@0 > REGISTER sip:example.com\n@0.01 < 401\n" + "".join(
    f"@{at} > again\n@{at}1 < again\n" for at in ("0.6", "1.6", "3.6")
)

RULE = Rule(
    id="R3261-17.1.2-retx-after-final",
    title="UAC keeps retransmitting although the final response was sent",
    short_title="The phone does not hear the answer",
    sub_titles={"once": "One answer was lost, and the request repeated"},
    question="whether the phone stops repeating an answered request",
    clause="RFC 3261 §17.1.2.2, §17.2.2, §18.2.2; RFC 3581 §4",
    force="none",
    severity="warning",
    at_fault="network / registrar",
    group="D",
    subject="closed",
    check=check,
    violates_only_if=marks.LATE_COPIES,
    observed_at="any",
    explains=("given up",),
    why="The textbook sign of a broken return path (NAT, firewall, ALG, wrong Via port).",
    fix="follow the answer from the server to the phone: capture at both ends, and look for a NAT binding that ran "
    "out, a firewall that lets nothing in, an ALG that rewrites the Via",
    examples=(
        bad(_LATE, title="each copy is answered, and none is heard", severity="warning", tail=60),
        bad(
            "@0 src=10.49.0.1:5064 > REGISTER sip:example.com\n@0.01 dst=192.168.18.90:5064 < 401\n"
            "@0.6 > again\n@0.61 < again\n@1.6 > again\n@1.61 < again\n@3.6 > again\n@3.61 < again",
            title="answered to 192.168.18.90, asked from 10.49.0.1",
            tail=60,
        ),
        bad(
            "@0 > REGISTER sip:example.com\n@0.01 < 401\n@0.6 > again\n@0.61 < again\n"
            "> REGISTER sip:example.com\nAuthorization: {bob x}\n< 200",
            "once",
            title="one answer was lost",
            severity="info",
        ),
        bad(_LATE, title="the log shows it too", log=True, tail=60),
        good(
            "@0 > REGISTER sip:example.com\n@0.48 < 401\n@0.5 > again\n@0.6 < again\n> REGISTER sip:example.com\n"
            "Authorization: {bob x}\n< 200",
            title="a copy that crosses the answer",
        ),
        good("@0 > REGISTER sip:example.com\n@0.5 > again\n@1.5 > again\n@1.6 < 401", title="copies before the answer"),
        good("@0 > REGISTER sip:example.com\n@0.1 < 401\n@1 > again", title="one tick apart in a log", log=True),
        good(
            "@0 > REGISTER sip:example.com\n@0.1 < 401\n@0.2 ip_id=1 > again\n@0.21 < again",
            title="a copy within half a second",
        ),
        good(
            "transport=TCP stream=1 > REGISTER sip:example.com\n< 401\n@2 > again\n@3 > again",
            title="TCP repeats nothing: something else is wrong there",
        ),
    ),
)
