"""A phone that refreshed like clockwork, and is late when the recording ends.

A phone refreshes its binding at an interval of its own, every thirty seconds or every half hour. Who has done so three
times with hardly a difference will do so again; if by the end of the recording the next refresh is late by more than
the phone ever was, something happened to it: it was switched off, lost its network, or gave up. The binding goes on
until what was granted has run out, and until then calls ring nowhere. No standard is broken yet, so it is told for
information, for whoever looks for the moment at which it began.

It is not told where the phone did try, or signed off, where the network was seen to end its connection, or where the
clock is too coarse to tell. Where nobody at all was heard after the refresh was due, the recording itself may have
stopped, so it is hardly sure.
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
    Violated,
    bad,
    good,
)
from analyzer.register import marks
from analyzer.register.registration import Registration
from analyzer.register.subjects import STEADY_GAPS, EndSubject

_STEADY = 20
"""The intervals of a habit differ by no more than a twentieth; phones that draw them at random have none."""
_LATE = 10
"""By more than a tenth of its interval is late, beside what it varies by."""


def check(subject: EndSubject, context: CaptureContext) -> Answer:
    """Hold the time since the last refresh against the intervals before it (heuristic; RFC 3261 10.2.4)."""
    registration, end = subject.registration, context.end
    gaps, last = registration.refresh_gaps, registration.last_success
    if len(gaps) < STEADY_GAPS or registration.outcome != "registered":
        return NOT_APPLICABLE
    if last is None or end is None or registration.last is None:
        return NotJudged(Need.CLOCK.value)
    if context.is_coarse:
        return NotJudged(Need.SUBSECOND.value)
    longest, spread = max(gaps), max(gaps) - min(gaps)
    if spread > max(SECOND // 2, longest // _STEADY):
        return NOT_APPLICABLE  # no habit
    due = last + longest + spread + max(context.slack, longest // _LATE)
    if end <= due or registration.last > last:
        return PASSED  # not late, or it did ask
    if subject.cut_off:
        return NotJudged("the network ended its connection")
    late, usual = (end - last - longest) / SECOND, sorted(gaps)[(len(gaps) - 1) // 2]
    text = (
        f"the phone refreshed every {usual / SECOND:.0f} s, and the next refresh is {late:.0f} s late when the "
        f"recording ends{_bound(registration, end)}"
    )
    return Violated(text, confidence=_confidence(registration, context, due))


def _bound(registration: Registration, end: int) -> str:
    """Until when its bindings last."""
    ends = [
        binding.end for binding in registration.bindings if binding.end is not None and binding.certainty != "absent"
    ]
    if not ends:
        return ""
    left = (max(ends) - end) / SECOND
    if left >= 0:
        return f"; its binding lasts {left:.0f} s longer"
    return f"; its binding ran out {-left:.0f} s before that"


def _confidence(registration: Registration, context: CaptureContext, due: int) -> Confidence:
    """Sure where its host is still heard; hardly where not even its registrar is."""
    heard = context.last_heard(registration.source.host)
    if heard is not None and heard > due:
        return Confidence.HIGH
    last = context.last_message
    return Confidence.MEDIUM if last is not None and last > due else Confidence.LOW


_EVERY_30 = "".join(f"@{30 * turn} > REGISTER sip:example.com\nExpires: 60\n< 200\n" for turn in range(4))
_UNEVEN = "".join(f"@{at} > REGISTER sip:example.com\nExpires: 600\n< 200\n" for at in (0, 30, 130, 150))

RULE = Rule(
    id="DET-refresh-overdue",
    title="Refresh is overdue by the client's own habit when the source ends",
    short_title="A refresh is overdue at the end",
    question="whether a refresh is overdue at the end",
    clause="heuristic (RFC 3261 §10.2.4)",
    force="none",
    severity="info",
    at_fault="UAC / network",
    group="I",
    subject="end",
    check=check,
    applies_if=marks.STEADY,
    why="Until the binding runs out, calls ring nowhere, and nobody knows.",
    fix="look whether the phone is on and has its network; record longer to see it lapse or come back",
    examples=(
        bad(_EVERY_30, title="three refreshes, and then none", severity="info", tail=45),
        bad(_EVERY_30, title="the binding has run out too", tail=120),
        bad(_EVERY_30 + "@140 > OPTIONS sip:example.com\nCall-ID: o1\n", title="its host is still heard"),
        good(_EVERY_30, title="not due yet", tail=25),
        good(_EVERY_30, title="within its variation and a slack", tail=32),
        good(_EVERY_30 + "@120 > REGISTER sip:example.com\n@120.5 > again", title="it did ask", tail=20),
        good(_EVERY_30 + "@100 > REGISTER sip:example.com\nExpires: 0\n< 200", title="it signed off", tail=60),
        good(_UNEVEN, title="no habit", tail=90),
        good(_EVERY_30, title="a log's clock is too coarse", log=True, tail=60),
        good("@0 > REGISTER sip:example.com\n< 200\n@30 > REGISTER sip:example.com\n< 200", title="seen once", tail=90),
    ),
)
