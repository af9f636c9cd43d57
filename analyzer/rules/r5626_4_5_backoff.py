"""A phone with managed flows waits longer after each failure.

A phone that registers with a reg-id and `Supported: outbound` keeps a connection to its edge proxy, and registers anew
when that fails. If the proxy crashes, all its phones lose their connections at the same instant. So each has to wait
(RFC 5626 4.5): a random time of half to all of an upper bound that doubles with each failure in a row, from 60 s on, up
to half an hour; the first time thus 30 to 60 s.

The times may be configured otherwise, so only what cannot be a back-off is told: a try less than five seconds after the
failure (`at-once`), and waits that do not grow over three failures or more (`steady`) and are below what is due. A
failure is a timeout, a connection that ended, or a 5xx; a challenge is none. Another proxy of the set is tried at once,
and what a Retry-After says is R3261-21.5.4-retry-after.
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
    Values,
    Violated,
    bad,
    good,
)
from analyzer.judge.lapse import lapse
from analyzer.register import marks
from analyzer.register.retries import Retry
from analyzer.register.subjects import TransitionSubject
from analyzer.sip.message import Message

_BASE, _LONGEST = 30, 1800
"""Seconds: the base time where all flows have failed, and the longest upper bound (RFC 5626 4.5)."""
_AT_ONCE = 5 * SECOND
_ROW = 3


def check(subject: TransitionSubject, context: CaptureContext) -> Answer:
    """Hold the waits after failures in a row against the back-off (RFC 5626 4.5)."""
    earlier, later = subject.earlier, subject.later
    if earlier is None or later.request is None or subject.same_attempt or not _is_outbound(later.request):
        return NOT_APPLICABLE
    if earlier.final is not None and earlier.final.has("retry-after"):
        return NOT_APPLICABLE
    row = _failures(context.retries.of(subject.registration.id))
    last = row[-1] if row else None
    if last is None or last.evidence != earlier.evidence:
        return NOT_APPLICABLE
    if last.wait is None:
        return NotJudged(Need.CLOCK.value)
    if not (last.status or last.is_cut or earlier.retransmissions or context.answers_from(later.destination)):
        return NotJudged(Need.S2C.value)
    due = min(_LONGEST, _BASE * 2 ** min(len(row), _ROW * 3)) // 2
    nth = f"failure {len(row)} in a row" if len(row) > 1 else "the failure"
    wait = max(0, last.wait)
    took = lapse(last.failed_at, last.again_at, context.resolution)
    if not took and context.is_coarse:
        return NotJudged(Need.SUBSECOND.value)
    if wait < _AT_ONCE - context.slack * context.is_coarse:
        text = f"{nth} at {later.destination} was followed by the next try after {took or 'nothing'}, {due} s are due"
        related, values = (earlier.evidence,), Values(took or "at once", f"at least {due} s")
        return Violated(text, "at-once", confidence=_confidence(last), related=related, values=values)
    waits = [one.wait for one in row[-_ROW:] if one.wait is not None]
    if len(waits) < _ROW or wait >= due * SECOND * 9 // 10 or wait > min(waits) * 11 // 10 + context.slack:
        return PASSED
    told = ", ".join(f"{one / SECOND:.0f}" for one in waits)
    text = f"{len(row)} failures in a row at {later.destination}, and the waits after the latest were {told} s"
    latest, values = tuple(one.evidence for one in row[-_ROW:]), Values(f"{told} s", f"at least {due} s")
    return Violated(text, "steady", confidence=_confidence(last), related=latest, values=values)


def _confidence(last: Retry) -> Confidence:
    return Confidence.HIGH if last.status or last.is_cut else Confidence.MEDIUM


def _failures(row: Sequence[Retry]) -> list[Retry]:
    """The latest timeouts, lost connections and 5xx in a row."""
    found: list[Retry] = []
    for one in reversed(row):
        if one.status and not 500 <= one.status < 600:
            break
        found.append(one)
    return found[::-1]


def _is_outbound(request: Message) -> bool:
    """Whether the client manages flows by RFC 5626 (4.2.1)."""
    supported = {value.lower() for value in request.values("supported")}
    return "outbound" in supported and any("reg-id" in one.params for one in request.contacts)


_PHONE = (
    "Supported: path, outbound\n"
    'Contact: <sip:bob@192.0.2.10:5060>;reg-id=1;+sip.instance="<urn:uuid:00000000-0000-0000-0000-000000000001>"\n'
)


def _fails(*times: float, answer: str = "< 500\n", phone: str = _PHONE) -> str:
    return "".join(f"@{at} > REGISTER sip:example.com\n{phone}{answer}" for at in times)


RULE = Rule(
    id="R5626-4.5-backoff",
    title="Outbound UA retries a failed flow sooner than the back-off allows",
    short_title="The phone does not back off after failures",
    sub_titles={
        "at-once": "The phone sets up its failed flow again at once",
        "steady": "The phone's waits do not grow with its failures",
    },
    question="whether a phone with managed flows backs off",
    clause="RFC 5626 §4.5",
    force="MUST",
    severity="warning",
    at_fault="UAC",
    group="D",
    subject="step",
    check=check,
    applies_if=marks.AFTER_REFUSAL | marks.PENDING,
    needs=(Need.C2S,),
    why="Thundering recoveries after an edge-proxy crash.",
    fix="let the phone wait 30 to 60 s after the first failure, and twice as long after each further one, at random "
    "(pjsip: `reg_retry_interval` with `reg_retry_random_interval`)",
    examples=(
        bad(_fails(0, 0.5), "at-once", severity="warning", title="half a second after a 500"),
        bad(_fails(0, 20, 40, 60), "steady", severity="warning", title="every 20 s"),
        bad(_fails(0, 1, answer="! icmp\n"), "at-once", title="after a network error"),
        good(_fails(0, 41, 118, 308), title="41, 77, 190 s"),
        good(_fails(0, 20, 40), title="two failures tell nothing yet"),
        good(_fails(0, 1, 2, phone=""), title="no managed flow"),
        good(_fails(0, 1, answer="< 401\n"), title="a challenge is no failure"),
        good(_fails(0, 5.5, answer="< 503\nRetry-After: 5\n"), title="as Retry-After says"),
        good(_fails(0) + _fails(1).replace("@1 ", "@1 dst=198.51.100.2:5060 "), title="another proxy of the set"),
        good(_fails(0, 1, 2, answer="< 403\n"), title="refused, not failed"),
    ),
)
