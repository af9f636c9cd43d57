"""A phone that got no answer lets some time pass before it asks the same server again.

A request that nothing answers ends after 32 s (RFC 3261 17.1.2.2, Timer F). A phone should not try the same registrar
again at once (10.2.7): it is down or overloaded, and phones that all come back at once are what keeps it so. How long
to wait is not said, so only what begins within five seconds counts, and a pause that is the same each time, shorter
than half a minute, over three failures in a row (`steady`).

The next server of a set is another destination and should be tried at once (8.1.2). An ICMP error or a closed
connection is no timeout, and a removal after a registration that failed is another wish.
"""

from __future__ import annotations

from collections.abc import Sequence

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
    Violated,
    bad,
    good,
)
from analyzer.judge.lapse import lapse
from analyzer.register import marks
from analyzer.register.requested import purpose_of
from analyzer.register.retries import Retry
from analyzer.register.subjects import TransitionSubject, is_printed
from analyzer.register.transaction import Transaction
from analyzer.sip.timers import TIMER_F

_AT_ONCE = 5 * SECOND
_SOON = 30 * SECOND
_ROW = 3
_STEADY = 10
"""Pauses that differ by no more than a tenth are the same."""


def check(subject: TransitionSubject, context: CaptureContext) -> Answer:
    """Measure the pause between a timeout and the next request (RFC 3261 10.2.7)."""
    earlier, later = subject.earlier, subject.later
    if earlier is None or earlier.final is not None or earlier.request is None or subject.same_attempt:
        return NOT_APPLICABLE
    if earlier.aborted is not None or earlier.old_answer is not None:
        return NOT_APPLICABLE
    if earlier.first is None or later.first is None:
        return NOT_APPLICABLE
    wait = later.first - earlier.first - TIMER_F
    if wait < 0:
        return NOT_APPLICABLE  # R3261-10.2-pending
    if later.request is None or purpose_of(later.request) != purpose_of(earlier.request):
        return NOT_APPLICABLE
    confidence = _confidence(subject, context)
    if confidence is None:
        return NotJudged(Need.S2C.value)
    server = later.destination
    if wait <= _AT_ONCE:
        took = lapse(earlier.first + TIMER_F, later.first, context.resolution)
        text = (
            f"the request to {server} had no answer for 32 s, and the next one to it came {took or 'right'} after that"
        )
        return Violated(text, confidence=confidence, related=(earlier.evidence,))
    row = _row(context.retries.of(subject.registration.id))
    if len(row) < _ROW:
        return PASSED
    pauses = [one.wait for one in row if one.wait is not None]
    longest = max(pauses)
    if longest >= _SOON or longest - min(pauses) > max(longest // _STEADY, context.slack // 2):
        return PASSED
    text = (
        f"{len(row)} requests in a row to {server} had no answer, and each time the next one came "
        f"{round(longest / SECOND)} s after the timeout"
    )
    related = tuple(one.evidence for one in row[-_ROW:])
    return Violated(text, "steady", confidence=confidence, related=related)


def _row(retries: Sequence[Retry]) -> list[Retry]:
    """The latest timeouts in a row."""
    found: list[Retry] = []
    for one in reversed(retries):
        if one.status or one.is_cut or one.wait is None:
            break
        found.append(one)
    return found[::-1]


def _confidence(subject: TransitionSubject, context: CaptureContext) -> Confidence | None:
    """How sure it is that no answer came: the client repeats itself to the end, or others are answered
    (docs/rules/traps.md T-ONESIDE)."""
    earlier = subject.earlier
    assert earlier is not None
    if _kept_on(earlier):
        return Confidence.HIGH
    if is_printed(subject) or (earlier.retransmissions and context.answers_from(earlier.destination)):
        return Confidence.MEDIUM
    return Confidence.MEDIUM if earlier.stream and context.answers_from(earlier.destination) else None


def _kept_on(earlier: Transaction) -> bool:
    first, last = earlier.first, earlier.last
    return first is not None and last is not None and last - first >= TIMER_F // 2


_TIMER_E = (0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5)


def _silent(at: float, headers: str = "", options: str = "") -> str:
    """A request that nothing answers, with its copies."""
    copies = "\n".join(f"@{at + offset} {options}> again" for offset in _TIMER_E)
    return f"@{at} {options}> REGISTER sip:example.com\n{headers}{copies}\n"


_OTHER = "dst=198.51.100.2:5060 "

RULE = Rule(
    id="R3261-10.2.7-retry-after-timeout",
    title="Immediate re-attempt to the same registrar after a timeout",
    short_title="The phone tries again right after a timeout",
    sub_titles={"steady": "The phone tries again at a steady short interval"},
    question="whether the phone waits after a timeout before it tries again",
    clause="RFC 3261 §10.2.7",
    force="SHOULD",
    severity="warning",
    at_fault="UAC",
    group="D",
    subject="step",
    check=check,
    applies_if=marks.PENDING,
    needs=(Need.C2S,),
    why="Turns an outage into a storm; no interval is mandated, so only clearly immediate retries count.",
    fix="set the phone's retry interval after a failed registration to a minute or more, growing with each failure "
    "(RFC 5626 4.5); give it a second server to try meanwhile",
    examples=(
        bad(_silent(0) + "@32.1 > REGISTER sip:example.com\n", severity="warning", title="0.1 s after the timeout"),
        bad(_silent(0) + _silent(32.1) + _silent(64.2), title="again and again: one finding", tail=60),
        bad(
            _silent(0) + _silent(44) + _silent(88) + "@132 > REGISTER sip:example.com\n",
            "steady",
            title="12 s after each of three timeouts",
        ),
        bad(
            "src=192.0.2.66:5060 > REGISTER sip:example.com\nCall-ID: x\nTo: <sip:x@example.com>\n< 200\n"
            "@1 transport=TCP stream=1 > REGISTER sip:example.com\n"
            "@34 transport=TCP stream=1 > REGISTER sip:example.com\n",
            title="over TCP, from a server that answers others",
        ),
        good(_silent(0) + "@62 > REGISTER sip:example.com\n", title="30 s after the timeout"),
        good(_silent(0) + f"@32.1 {_OTHER}> REGISTER sip:example.com\n", title="the next server of the set"),
        good(_silent(0) + "@44 > REGISTER sip:example.com\n", title="12 s, once"),
        good(
            _silent(0) + _silent(44) + _silent(108) + "@220 > REGISTER sip:example.com\n",
            title="12, 32, 80 s: it backs off",
        ),
        good(
            _silent(0) + "@32.1 > REGISTER sip:example.com\nExpires: 0\n",
            title="it signs off: another wish",
        ),
        good("> REGISTER sip:example.com\n! icmp\n@32.5 > REGISTER sip:example.com\n", title="an ICMP error"),
        good("> REGISTER sip:example.com\n@33 > REGISTER sip:example.com\n", title="one direction only"),
        good("> REGISTER sip:example.com\n< 200\n@33 > REGISTER sip:example.com\n< 200"),
    ),
)
