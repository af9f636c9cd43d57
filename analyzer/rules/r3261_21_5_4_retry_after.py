"""A server that asks to be left alone for some time is left alone.

An overloaded registrar answers 503 with Retry-After, and the phone should send nothing else to that server until that
time has passed (RFC 3261 21.5.4): whoever comes back earlier takes away what was meant to let it recover. Another
server of the set is what the phone should turn to meanwhile, at once.

A 503 without Retry-After counts as a 500, after which a phone may try again after several seconds: less than two is
told for information (`no-pause`). So is a request within the time that a 404, 413, 480, 500 or 486 names (`other`):
there it is a hint. `Retry-After: 0` means now. A value that is no number of seconds (`syntax`) is the server's fault:
the phone cannot obey. Seconds are rounded, so one of them is forgiven.
"""

from __future__ import annotations

from analyzer.evidence import SECOND
from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Need, NotJudged, Rule, Values, Violated, bad, good
from analyzer.judge.lapse import lapse
from analyzer.register import marks
from analyzer.register.subjects import TransitionSubject
from analyzer.sip.text import clip

_OTHERS = (404, 413, 480, 486, 500)
"""Other responses in which RFC 3261 20.33 has Retry-After say when the service will be back."""
_SEVERAL = 2 * SECOND


def check(subject: TransitionSubject, context: CaptureContext) -> Answer:
    """Hold the next request to the same server against Retry-After (RFC 3261 21.5.4, 20.33)."""
    earlier, later = subject.earlier, subject.later
    final = earlier.final if earlier is not None else None
    if earlier is None or final is None or final.status not in (503, *_OTHERS) or final.raw_message.missing:
        return NOT_APPLICABLE
    at, written = final.raw_message.evidence, final.first("retry-after")
    if written is None and final.status != 503:
        return NOT_APPLICABLE
    seconds = final.retry_after
    if written is not None and seconds is None:
        shown = clip(written.strip())
        text = f"Retry-After of the {final.status} is {shown}, no number of seconds"
        fix = "let the server send a number of seconds: `Retry-After: 120`"
        values = Values(shown or "empty", "a number of seconds")
        return Violated(text, "syntax", "info", at=at, at_fault="registrar", fix=fix, force="MUST", values=values)
    if earlier.answered_at is None or later.first is None:
        return NotJudged(Need.CLOCK.value)
    waited = later.first - earlier.answered_at
    took = lapse(earlier.answered_at, later.first, context.resolution)
    if not took and context.is_coarse:
        return NotJudged(Need.SUBSECOND.value)
    told = f"{took or 'right'} after the {final.status}"
    if seconds is None:
        if context.is_coarse:
            return NotJudged(Need.SUBSECOND.value)
        if waited >= _SEVERAL:
            return PASSED
        text = f"the next request to {later.destination} came {told}, which names no time to wait"
        return Violated(text, "no-pause", "info", related=(at,))
    if waited >= (seconds - 1) * SECOND - context.slack // 2 * context.is_coarse:
        return PASSED
    text = f"the next request to {later.destination} came {told}, which asked for {seconds} s"
    values = Values(f"{waited / SECOND:.0f}", f"at least {seconds}")
    if final.status == 503:
        return Violated(text, related=(at,), values=values)
    return Violated(text, "other", "info", related=(at,), force="none", values=values)


_BUSY = "> REGISTER sip:example.com\n< {} Busy\nRetry-After: {}\n@{} {}> REGISTER sip:example.com\n< 200"

RULE = Rule(
    id="R3261-21.5.4-retry-after",
    title="Retry-After of a 503 (or 500/404/480/413) not honoured",
    short_title="The phone comes back before Retry-After allows",
    sub_titles={
        "syntax": "Retry-After of the registrar is no number of seconds",
        "no-pause": "The phone comes back at once after a 503",
        "other": "The phone comes back before Retry-After suggests",
    },
    question="whether the phone waits as long as Retry-After says",
    clause="RFC 3261 §21.5.4, §20.33, §21.5.1; RFC 5626 §4.2.1 note, §4.5",
    force="SHOULD",
    severity="warning",
    at_fault="UAC",
    group="D",
    subject="step",
    check=check,
    applies_if=marks.AFTER_REFUSAL,
    needs=(Need.C2S,),
    why="Overload protection is defeated.",
    fix="let the phone keep away from that server as long as Retry-After says, and try the next one (its firmware); at "
    "the registrar, limit requests for each address meanwhile",
    stacks=(
        "pyVoIP 1.6.8: three more requests within 30 ms",
        "pjsua2 2.15.1: adds or takes off a random part: 3.9 s after a Retry-After of 5",
    ),
    examples=(
        bad(_BUSY.format(503, 120, 10, ""), severity="warning", title="back after 10 of 120 s"),
        bad(_BUSY.format(503, "120 (maintenance);duration=60", 10, ""), title="with comment and parameter"),
        bad("> REGISTER sip:example.com\n< 503\n@0.5 > REGISTER sip:example.com", "no-pause", severity="info"),
        bad(_BUSY.format(500, 60, 5, ""), "other", severity="info"),
        bad(_BUSY.format(503, "Fri, 14 Jul 2017 03:00:00 GMT", 5, ""), "syntax", severity="info", title="a date"),
        bad(_BUSY.format(503, -5, 5, ""), "syntax", title="negative"),
        bad(_BUSY.format(503, 30, 10, ""), title="a log shows it too", log=True),
        good(_BUSY.format(503, 120, 0.2, "dst=198.51.100.2:5060 "), title="the next server, at once"),
        good(_BUSY.format(503, 5, 4.2, ""), title="within a second of the time"),
        good(_BUSY.format(503, 0, 0.1, ""), title="0 means now"),
        good(_BUSY.format(503, 5, 60, ""), title="later"),
        good("> REGISTER sip:example.com\n< 503\n@3 > REGISTER sip:example.com", title="after several seconds"),
        good("> REGISTER sip:example.com\n< 403\n@0.5 > REGISTER sip:example.com", title="a 403 is another rule's"),
        good(
            "> REGISTER sip:example.com\n< 503\nRetry-After: 60\n@0.5 > again\n< again",
            title="a copy of the same request",
        ),
    ),
)
