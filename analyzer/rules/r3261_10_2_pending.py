"""No new registration while the last one is unanswered.

A user agent must not send a new REGISTER (other than a retransmission) until it has the final response to the one
before, or that one has timed out (RFC 3261 10.2). Two at once can arrive in either order: the registrar may keep the
older contact, and drop the newer as stale. It is an error only where the two ask for different things. A 401 is a final
answer; a network error ends the request at once (8.1.3.1); other lines of a phone, other registrars and the flows of
RFC 5626 run side by side legally. If the answer seems to have been missed by the capture, nothing is said: the user
agent shows that it got it by using its nonce, or by stopping its retransmissions early. Where the next request comes
before the first retransmission was due, or over a connection, nothing tells: a removal and the next registration, 1 ms
apart, with the answer to the first lost by the capture, look the same. So that is hardly sure.
"""

from __future__ import annotations

from analyzer.evidence import SECOND
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
from analyzer.register.binding import same_contact
from analyzer.register.subjects import TransitionSubject
from analyzer.register.transaction import Transaction
from analyzer.sip.timers import TIMER_F, retransmissions_due

_TOLERANCE = SECOND // 5


def check(subject: TransitionSubject, context: CaptureContext) -> Answer:
    """Look whether the transaction before had an end when this one began (RFC 3261 10.2 last paragraph)."""
    earlier, later = subject.earlier, subject.later
    if earlier is None or earlier.first is None or later.first is None or earlier.request is None:
        return NOT_APPLICABLE
    waited = later.first - earlier.first
    if earlier.old_answer is not None:
        return PASSED  # the registrar answered it with the Via of another request: 8.2.6.2 is broken, not this
    is_over = earlier.final is not None or earlier.aborted is not None or earlier.state != "open"
    if is_over or waited >= TIMER_F - _TOLERANCE:  # a phone's timer may be early by a tick
        return PASSED
    if _knows_a_nonce(subject, context):
        return NotJudged("S2C")
    unrepeated = earlier.would_be_repeated
    stopped = earlier.retransmissions < retransmissions_due(waited - _TOLERANCE)
    if stopped and not earlier.stream and (unrepeated or earlier.retransmissions):
        return NotJudged("the phone stopped retransmitting: the answer may be missing in the capture")
    sub, severity = _difference(earlier, later)
    took = lapse(earlier.first, later.first, context.resolution)
    after = f"{took or 'right'} after CSeq {earlier.cseq}, to which no answer was seen by then"
    detail = f"REGISTER CSeq {later.cseq} was sent {after}"
    explains = () if sub == "fetch" else None  # who only asks changes nothing
    is_blind = unrepeated or bool(earlier.stream)  # nothing is sent again over a connection
    confidence = Confidence.LOW if is_blind else Confidence.HIGH  # the answer may be missing in the capture
    related = (earlier.evidence,)
    values = Values(f"after {took}" if took else "at once", f"after a final response, or {TIMER_F // SECOND} s")
    return Violated(
        detail,
        sub,
        severity,  # type: ignore[arg-type]
        confidence=confidence,
        related=related,
        explains=explains,
        values=values,
    )


def _knows_a_nonce(subject: TransitionSubject, context: CaptureContext) -> bool:
    """The new request uses a nonce that no answer in the capture gave it: an answer was missed."""
    earlier, request = subject.earlier, subject.later.request
    assert earlier is not None and earlier.request is not None
    before = {credentials.nonce for credentials in earlier.request.credentials}
    return any(
        credentials.nonce not in before
        and not context.challenges.was_issued(
            earlier.destination.host, credentials.realm or "", credentials.nonce or ""
        )
        for credentials in (request.credentials if request else ())
    )


def _difference(earlier: Transaction, later: Transaction) -> tuple[str, str]:
    assert earlier.request is not None and later.request is not None
    old, new = earlier.request.contacts, later.request.contacts
    if not new:
        return "fetch", "info"
    if [contact.raw for contact in old] == [
        contact.raw for contact in new
    ] and earlier.request.expires == later.request.expires:
        return "overlap", "info"
    same = len(old) == len(new) and all(any(_same(one, two) for two in new) for one in old)
    return ("parameters", "warning") if same else ("", "error")


def _same(one: object, two: object) -> bool:
    stars = (getattr(one, "star", False), getattr(two, "star", False))
    return stars == (True, True) or (stars == (False, False) and same_contact(one, two))  # type: ignore[arg-type]


_FIRST = "> REGISTER sip:example.com\nContact: <sip:bob@192.0.2.10:5060>\n"
_OTHER = "@{} > REGISTER sip:example.com\nContact: <sip:bob@192.0.2.77:5060>;expires={}\n"
_ALIVE = "@{} src=192.0.2.66:5060 > REGISTER sip:example.com\nTo: <sip:x@example.com>\nCall-ID: x{}\n< 200\n"
_WAITING = _ALIVE.format(0, 1) + "@1 " + _FIRST + "@1.5 > again\n@2.5 > again\n"

RULE = Rule(
    id="R3261-10.2-pending",
    title="New registration sent while the previous one is unanswered",
    short_title="A new REGISTER before the last one was answered",
    question="whether the phone waits for an answer before it registers anew",
    clause="RFC 3261 §10.2 (UAs MUST NOT send a new registration ... until ...)",
    force="MUST",
    severity="error",
    at_fault="UAC",
    group="B",
    subject="step",
    check=check,
    explains=(400, 491, 500),
    is_momentary=True,
    applies_if=marks.AFTER_REQUEST,
    violates_only_if=marks.PENDING,
    needs=(Need.C2S, Need.S2C, Need.SUBSECOND),
    why="Leads to reordered updates and lost bindings.",
    fix="wait for the final response, or for 32 s without one, before the next REGISTER",
    etsi=("RG_RT_V_010",),
    examples=(
        bad(_WAITING + _OTHER.format(3, 3600), severity="error"),
        bad(_ALIVE.format(0, 1) + "@1 " + _FIRST + _OTHER.format(1.2, 3600), title="too soon to be repeated"),
        bad(
            _WAITING + _OTHER.format(3, 3600).replace(".77:", ".10:"),
            "parameters",
            severity="warning",
            title="the same contact with another expiry",
        ),
        bad(_WAITING + "@3 " + _FIRST, "overlap", severity="info"),
        bad(
            _WAITING + "@3 > REGISTER sip:example.com\n-Contact\n-Expires",
            "fetch",
            severity="info",
        ),
        good(
            "> REGISTER sip:example.com\n@0.1 < 401\n@0.2 > REGISTER sip:example.com\nAuthorization: {bob x}",
            title="a 401 is a final response",
        ),
        good(_ALIVE.format(0, 1) + "@1 " + _FIRST + _OTHER.format(34, 3600), title="after 33 s without an answer"),
        good(
            _ALIVE.format(0, 1) + "@1 " + _FIRST + "@1.5 > again\n@1.51 ! icmp\n" + _OTHER.format(3, 3600),
            title="a network error ended the first",
        ),
        good(
            _ALIVE.format(0, 1) + "@1 " + _FIRST + "@1.5 > again\n" + _OTHER.format(9, 3600),
            title="it stopped retransmitting early: the answer was missed",
        ),
        good(
            _ALIVE.format(0, 1) + "@1 " + _FIRST + _OTHER.format(3, 3600),
            title="it did not repeat the first: the answer was missed",
        ),
        good(
            _ALIVE.format(0, 1)
            + "@1 "
            + _FIRST
            + '@2 > REGISTER sip:example.com\nAuthorization: Digest username="bob", realm="example.com", nonce="unseen", uri="sip:example.com", response="0123456789abcdef0123456789abcdef"',  # noqa: E501
            title="it uses a nonce that it can only have from the answer",
        ),
        good(
            _ALIVE.format(0, 1) + "@1 " + _FIRST + "@1.2 dst=198.51.100.2:5060 > REGISTER sip:example.com",
            title="another registrar",
        ),
        good(_ALIVE.format(0, 1) + "@1 " + _FIRST + _OTHER.format(3, 3600), title="a one-second log", log=True),
    ),
)
