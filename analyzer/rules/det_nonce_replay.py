"""Somebody sends the credentials of another once more.

A digest response is made for one nonce, and with qop for one count of it; who records a REGISTER can send its
Authorization header again, with a contact of his own, and a server that does not keep count lets him in. Said where one
and the same response to one nonce comes from another address than before, in another request: with another Call-ID, or
with the same one and a CSeq that does not go on. Whether it was taken is in the sentence.

Not meant: the hops of one path, the next leg behind a server that passes credentials on, one request that goes to
another server after a failure, and a phone that goes on under its own Call-ID from a new address. The same response
from the same address is a phone that does not count (R7616-3.4-nc-count); without qop that is how it has to be.
"""

from __future__ import annotations

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Confidence, Rule, Violated, bad, good
from analyzer.judge.lapse import lapse
from analyzer.register import marks
from analyzer.register.subjects import TransactionSubject
from analyzer.sip.text import clip


def check(subject: TransactionSubject, context: CaptureContext) -> Answer:
    """Look whether the credentials were seen before, from another address (heuristic; RFC 7616 3.4, 5.5)."""
    if not subject.digests:
        return NOT_APPLICABLE
    sent, transaction = subject.signs.replay, subject.transaction
    if sent is None:
        return PASSED
    record = next((one for one in subject.digests if one.response), subject.digests[0])
    after = lapse(sent.time, transaction.first, context.resolution)
    status = transaction.status
    taken = " and were accepted" if 200 <= status < 300 else f" and were answered with {status}" if status else ""
    detail = (
        f"the credentials of {clip(record.username)!r} that {sent.source} had sent come again from "
        f"{transaction.source.host}{f' {after} later' if after else ''}{taken}"
    )
    return Violated(
        detail,
        "accepted" if 200 <= status < 300 else "",
        confidence=Confidence.HIGH if record.qop else Confidence.MEDIUM,
        related=(sent.evidence,),
        at=record.evidence,
    )


_ASK = "> REGISTER sip:h\n< 401\n"
_WITH = "> REGISTER sip:h\nAuthorization: {bob x nonce=n1}\n"
_OTHER = "src=203.0.113.9:5060 > REGISTER sip:h\nCall-ID: {}\nAuthorization: {{bob x nonce=n1}}\n"

RULE = Rule(
    id="DET-nonce-replay",
    title="Credentials replayed from another source",
    short_title="Credentials come again from elsewhere",
    sub_titles={"accepted": "Credentials came again from elsewhere, and were taken"},
    question="whether credentials come again from elsewhere",
    clause="heuristic; RFC 7616 §3.4 (nc), §5.5",
    force="none",
    severity="error",
    at_fault="attacker",
    group="I",
    subject="transaction",
    check=check,
    applies_if=marks.DIGESTS,
    violates_only_if=marks.SIGNS,
    why="Sniffed REGISTER re-sent.",
    fix="let the server offer qop, hold nonces short-lived, and refuse a nonce count that does not rise; register over "
    "TLS; look what is bound for the user",
    examples=(
        bad(_ASK + _WITH + "< 200\n@300 " + _OTHER.format("other") + "< 403", severity="error"),
        bad(_ASK + _WITH + "< 200\n@300 " + _OTHER.format("other") + "< 200", "accepted", title="and it was let in"),
        bad(
            _ASK
            + _WITH
            + "< 200\n@300 "
            + _OTHER.format("call-1@192.0.2.10").replace("Auth", "CSeq: 2\nAuth", 1)
            + "< 401",
            title="the very request, from elsewhere",
        ),
        good(_ASK + _WITH + "< 200\n@300 " + _WITH + "< 200", title="the same phone, which does not count"),
        good(
            _ASK + _WITH + "< 200\n@300 " + _OTHER.format("call-1@192.0.2.10") + "< 200",
            title="the phone goes on under its Call-ID from another address",
        ),
        good(
            _ASK
            + _WITH
            + "src=198.51.100.1:5060 dst=198.51.100.9:5060 "
            + _WITH.replace("sip:h\n", "sip:h\nCall-ID: leg2\n")
            + "< 200",
            title="the server passes them on under another Call-ID",
        ),
        good(
            _ASK + _WITH + "@33 dst=198.51.100.2:5060 " + _WITH + "< 200",
            title="to another server, after the first did not answer",
        ),
        good(
            _ASK
            + _WITH
            + "< 200\n@60 src=203.0.113.9:5060 "
            + _ASK.replace("sip:h\n<", "sip:h\nCall-ID: o\n<")
            + "src=203.0.113.9:5060 > REGISTER sip:h\nCall-ID: o\nAuthorization: {bob x}\n< 200",
            title="another phone of the user, with a challenge of its own",
        ),
    ),
)
