"""A phone refreshes its binding before the granted time is over.

The registrar says in its 200 how long the binding holds, and may grant less than was asked for. The user agent must
send the next REGISTER before that time has passed (RFC 3261 10.2.4); in the gap nobody can call it. The usual cause is
a phone that keeps to the interval it asked for instead of the one it got. The time runs from the arrival of the 200, so
lateness is counted from there, with a tolerance of two seconds. The first try counts, even if it fails, and so does one
that brings another contact of the same phone instead of the old one.

A phone that was switched off meanwhile is not late. A new Call-ID and a new connection look like that, but are also
what a phone begins with that finds its binding gone. So a restart is no excuse where the phone was there when the time
was over: its connection was open until then; or it is back so soon after that a restart would have had to fall on the
very end. A restart knows nothing of the binding, so its end lies anywhere in the time that was granted, and within the
twentieth after it once in twenty times; and who finds its binding gone is back within a minute (a mobile phone whose
core closed the connection, after 12 to 17 s of 2400).
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
from analyzer.register import marks
from analyzer.register.binding import Binding
from analyzer.register.subjects import BindingSubject, TransitionSubject

_FOREVER = 2**32 - 1
_PUSH = ("pn-provider", "pn-prid")
_PUSHED = "pn-pr"
_BY_CHANCE = 20
"""The share of the time granted (one in so many) within which a phone that is back was not restarted by chance."""
_AT_ONCE = 60 * SECOND
"""Time within which a phone is back that finds its binding gone."""


def check(subject: BindingSubject, context: CaptureContext) -> Answer:
    """Compare the first request that names a known contact with the end of what was granted (RFC 3261 10.2.4)."""
    binding, kind = subject.event.binding, subject.event.kind
    if kind not in ("renewal", "lapsed") or not binding.granted or binding.granted >= _FOREVER or _is_pushed(binding):
        return NOT_APPLICABLE
    if binding.learned is None:
        return NotJudged(Need.CLOCK.value)
    if kind == "lapsed":
        detail = f"{binding.contact} ran out after {binding.granted} s and was not refreshed, though its phone is alive"
        values = Values("not refreshed", f"within {binding.granted} s")
        return Violated(detail, "no-refresh", "info", gap=_gap(binding, context.end), values=values)
    first = subject.transaction.first
    if first is None:
        return NotJudged(Need.CLOCK.value)
    late = first - binding.learned - binding.granted * SECOND
    if late <= context.slack:
        return PASSED
    was_there = late <= min(_AT_ONCE, binding.granted * SECOND // _BY_CHANCE) or _was_connected(binding, context)
    doubt = _doubt(subject.step, binding, was_there=was_there) if subject.step else None
    if doubt is not None:
        return doubt
    gap = _sentence(subject, binding, late)
    confidence = Confidence.MEDIUM if subject.step is None or subject.step.same_call is None else Confidence.HIGH
    took, without = (first - binding.learned) / SECOND, _gap(binding, first)
    values = Values(f"refreshed after {took:.0f} s", f"within {binding.granted} s")
    asked = binding.requested
    if asked is not None and asked > binding.granted and abs(took - asked) <= asked / 20:
        detail = f"{gap}: it keeps to the {asked} s that it asked for"
        return Violated(detail, "ignored-granted", confidence=confidence, gap=without, values=values)
    return Violated(gap, confidence=confidence, gap=without, values=values)


def _sentence(subject: BindingSubject, binding: Binding, late: int) -> str:
    request, span = subject.transaction.request, f"{late / SECOND:.0f} s too late"
    named = request is not None and any(binding.is_of(contact) for contact in request.contacts)
    then = f"refreshed {span}" if named else f"not refreshed: its phone registers again {span}, with another contact"
    return f"{binding.contact} was granted {binding.granted} s and {then}"


def _was_connected(binding: Binding, context: CaptureContext) -> bool:
    """The connection over which it was granted was seen to end, and not before the time was over."""
    ended = context.cut_off(binding.transaction) if binding.transaction is not None else None
    return ended is not None and binding.end is not None and ended >= binding.end - context.slack


def _gap(binding: Binding, until: int | None) -> tuple[int, int] | None:
    """From the end of what was granted until the phone came back, or was looked for in vain."""
    assert binding.learned is not None and binding.granted is not None
    end = binding.learned + binding.granted * SECOND
    return None if until is None else (end, max(end, until))


def _is_pushed(binding: Binding) -> bool:
    """RFC 8599: woken by a push, the user agent refreshes when it is pushed, unless it promised timers."""
    if _PUSHED not in binding.listed_text.lower():
        return False  # of nearly all, and told without reading the contact again
    uri, params = binding.address.uri, binding.address.params
    pushed = any(name in params or (uri is not None and name in uri.params) for name in _PUSH)
    return pushed and "+sip.pnsreg" not in params


def _doubt(step: TransitionSubject, binding: Binding, *, was_there: bool) -> Answer | None:
    """Reasons to think that it was refreshed unseen, or that the phone was restarted and not there in time."""
    if step.boot is not None and step.boot.is_restart and not was_there:
        return NOT_APPLICABLE
    earlier = step.same_call
    if earlier is not None and step.later.cseq - earlier.cseq > 1:
        return NotJudged("CSeq jumps over the gap: the refresh may be missing in the capture")
    last = step.stream.last
    if last is not None and last is not earlier and last.last is not None and last.last > (binding.learned or 0):
        return NotJudged("it registered at another registrar meanwhile")
    return None


_ASKED_3600 = "> REGISTER sip:example.com\n< 200\nContact: <sip:bob@192.0.2.10:5060>;expires={}\n"

_PHONE = '<sip:bob@192.0.2.10:{}>;+sip.instance="<urn:uuid:1>"'
_MOVED = (
    "transport=TCP stream={} > REGISTER sip:example.com\nContact: " + _PHONE + "\nCall-ID: {}\nCSeq: 4\n"
    "< 200\nContact: <sip:bob@192.0.2.10:5060>;expires=2400\n"
    "@{} transport=TCP stream=2 > REGISTER sip:example.com\nContact: " + _PHONE + "\nCall-ID: {}\nCSeq: 1\n"
)

RULE = Rule(
    id="R3261-10.2.4-refresh-late",
    title="Binding not refreshed before the granted interval ran out",
    short_title="The phone refreshes too late",
    sub_titles={"no-refresh": "The phone does not refresh its binding"},
    question="whether the phone refreshes in time",
    clause="RFC 3261 §10.2.4 ¶2, §20.19",
    force="none",
    severity="warning",
    at_fault="UAC",
    group="C",
    subject="binding",
    check=check,
    explains=("gap",),
    applies_if=marks.ASKED_AGAIN,
    needs=(Need.CLOCK,),
    why="The user agent cannot be reached in the gap.",
    fix="let the phone refresh by the `expires` of the 200, at about half of it, not by its own setting",
    etsi=("RG_RT_V_006", "RG_RT_V_012"),
    stacks=(
        "pyVoIP 1.6.8: after 115 s, whatever is granted",
        "opensip 0.2.1: after half of what it asked for, whatever is granted",
        "simple-sip-client 0.0.3: never",
        "SIP.js 0.21.2: less than a second before the end, so any delay makes it late",
    ),
    disputed="the lifetime runs from the receipt of the request by RFC 3261 20.19, for the phone from the "
    "response: lateness is counted from the response",
    examples=(
        bad(_ASKED_3600.format(60) + "@1800 > REGISTER sip:example.com", severity="warning"),
        bad(_ASKED_3600.format(60) + "@3601 > REGISTER sip:example.com", "ignored-granted"),
        bad(
            _ASKED_3600.format(60) + "@300 > OPTIONS sip:example.com\nCall-ID: o1\n",
            "no-refresh",
            severity="info",
            title="never refreshed, though the phone is alive",
        ),
        bad(
            "> REGISTER sip:example.com\n< 200\n-Contact\nContact: <sip:bob@192.0.2.10:5060>\nExpires: 60\n"
            "@90 > REGISTER sip:example.com\n< 403",
            title="granted by the Expires header; the first try counts though it fails",
        ),
        bad(
            _MOVED.format(1000, 5060, "c1", 2412, 5070, "c2"),
            title="back 12 s after 2400 s with a new Call-ID and contact: no restart falls on that by chance",
        ),
        good(
            _MOVED.format(1000, 5060, "c1", 6000, 5070, "c2"),
            title="back after an hour with a new Call-ID and connection: it was restarted",
        ),
        good(_ASKED_3600.format(60) + "@55 > REGISTER sip:example.com"),
        good(_ASKED_3600.format(60) + "@61 > REGISTER sip:example.com", title="within the tolerance"),
        good(
            _ASKED_3600.format(60) + "@1800 > REGISTER sip:example.com\nCSeq: 3",
            title="CSeq jumps over the gap: the refresh was lost by the capture",
        ),
        good(
            _ASKED_3600.format(60)
            + "@30 > REGISTER sip:example.com\nExpires: 0\n< 200\n@1800 > REGISTER sip:example.com",
            title="deregistered in between",
        ),
        good(
            """
            > REGISTER sip:example.com
            Contact: <sip:bob@192.0.2.10:5060;pn-provider=apns;pn-prid=x>
            < 200
            Contact: <sip:bob@192.0.2.10:5060;pn-provider=apns;pn-prid=x>;expires=60
            @1800 > REGISTER sip:example.com
            Contact: <sip:bob@192.0.2.10:5060;pn-provider=apns;pn-prid=x>
            """,
            title="refreshed by push (RFC 8599)",
        ),
        good(_ASKED_3600.format(60), title="gone, not late", tail=3600),
        good(_ASKED_3600.format(4294967295) + "@7200 > REGISTER sip:example.com", title="granted for ever"),
    ),
)
