"""Who uses a temporary GRUU refreshes early enough that a lost packet costs nothing.

A temporary GRUU (RFC 5627 3.1) is a URI that reaches one phone and does not tell who it is. All that the registrar has
given to an instance become invalid when its registration runs out, and calls to them fail, though the phone registers
again a moment later. So a phone that uses one has to refresh at least 32 s before the end, the time in which a request
is sent again before it is given up (Timer F); of an interval below 64 s it should refresh at half (4.2).

It is told only of phones that were seen to use one, as Contact or From of a request, and only of refreshes in time: who
comes after the end is told by R3261-10.2.4-refresh-late. A phone that was restarted had lost its GRUUs anyhow, and
where CSeq jumps, the refresh may be missing in the capture.
"""

from __future__ import annotations

from analyzer.evidence import SECOND
from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Need, NotJudged, Rule, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.subjects import BindingSubject, TransitionSubject
from analyzer.sip.timers import TIMER_F

_SHORT = 64
"""Seconds up to which half of the interval is early enough (RFC 5627 4.2)."""


def check(subject: BindingSubject, context: CaptureContext) -> Answer:
    """Compare the time left at a refresh with what a lost packet costs (RFC 5627 4.2)."""
    binding, kind = subject.event.binding, subject.event.kind
    if kind != "renewal" or not binding.granted or not binding.address.params.get("temp-gruu"):
        return NOT_APPLICABLE
    if not context.uses_temporary_gruu(subject.registration):
        return NOT_APPLICABLE
    first = subject.transaction.first
    if first is None or binding.learned is None:
        return NotJudged(Need.CLOCK.value)
    took, granted = first - binding.learned, binding.granted * SECOND
    is_short = binding.granted < _SHORT
    if took > granted + context.slack:
        return NOT_APPLICABLE
    if took <= (granted // 2 if is_short else granted - TIMER_F) + context.slack:
        return PASSED
    doubt = _doubt(subject.step)
    if doubt is not None:
        return doubt
    left = max(0, granted - took) // SECOND
    wanted = "half of the time" if is_short else f"{TIMER_F // SECOND} s"
    detail = f"{binding.contact} has a temporary GRUU for {binding.granted} s, and is refreshed with {left} s left"
    least = binding.granted - binding.granted // 2 if is_short else TIMER_F // SECOND
    values = Values(f"{left} s left", f"at least {least} s")
    return Violated(f"{detail} instead of {wanted}", force="SHOULD" if is_short else None, values=values)


def _doubt(step: TransitionSubject | None) -> Answer | None:
    """Reasons to think that it was refreshed unseen, or had nothing to keep."""
    if step is None:
        return None
    if step.boot is not None and step.boot.is_restart:
        return NOT_APPLICABLE
    earlier = step.same_call
    if earlier is None or step.later.cseq - earlier.cseq > 1:
        return NotJudged("CSeq jumps over the gap: the refresh may be missing in the capture")
    return None


_CONTACT = '<sip:bob@192.0.2.10:5060>;+sip.instance="<urn:uuid:00000000-0000-1000-8000-00000000000a>"'
_ASKS = f"> REGISTER sip:example.com\nSupported: gruu\nContact: {_CONTACT}\n"
_GIVEN = _ASKS + f'< 200\nContact: {_CONTACT};temp-gruu="sip:x7@example.com;gr";expires={{}}\n'
_USES = "> INVITE sip:al@example.com\nCall-ID: i1\nCSeq: 1\nContact: <sip:x7@example.com;gr>\n< 200\n"

RULE = Rule(
    id="R5627-4.2-refresh-margin",
    title="Temporary-GRUU holder refreshes too close to expiry",
    short_title="The phone risks its temporary GRUUs",
    question="whether temporary GRUUs are refreshed early enough",
    clause="RFC 5627 §4.2",
    force="MUST",
    severity="info",
    at_fault="UAC",
    group="H",
    subject="binding",
    check=check,
    applies_if=marks.TEMPORARY,
    needs=(Need.CLOCK,),
    why="GRUU invalidated by a lost packet.",
    fix="let the phone refresh 32 s before the granted time is over, or at half of it where that is below 64 s",
    examples=(
        bad(_GIVEN.format(3600) + _USES + "@3590 " + _ASKS, severity="info"),
        bad(_GIVEN.format(60) + _USES + "@45 " + _ASKS, title="less than 64 s: later than half"),
        good(_GIVEN.format(3600) + _USES + "@1800 " + _ASKS),
        good(_GIVEN.format(60) + _USES + "@30 " + _ASKS, title="at half"),
        good(_GIVEN.format(3600) + "@3590 " + _ASKS, title="a phone that does not use it"),
        good(_GIVEN.format(3600) + _USES + "@3700 " + _ASKS, title="too late at all: that has a rule of its own"),
        good(_GIVEN.format(3600) + _USES + f"@3590 {_ASKS}CSeq: 4", title="a refresh may be missing in the capture"),
    ),
)
