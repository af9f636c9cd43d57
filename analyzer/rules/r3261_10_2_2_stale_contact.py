"""A phone that changes its contact takes the old one off.

A phone whose address or port changed registers the new contact, and should remove the old one: with `expires=0` beside
it in the same request, or in one of its own (RFC 3261 10.2.2). What it leaves behind stays bound until it runs out:
each call is forked to it too, rings nowhere, and wastes a place of those that the registrar allows a user. One left
over is told for information; from three contacts of one phone on they pile up.

Only contacts count that this phone registered itself, under the same Call-ID, and that the 200 to the new one still
lists: after a restart it cannot know its old one. It has 32 seconds to remove it. A contact that is known by instance
and flow (RFC 5626) replaces the old one by itself.
"""

from __future__ import annotations

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import (
    NOT_APPLICABLE,
    PASSED,
    Answer,
    Need,
    NotJudged,
    Rule,
    Severity,
    Values,
    Violated,
    bad,
    good,
)
from analyzer.judge.values import without_password
from analyzer.register import marks
from analyzer.register.contacts import Contacts
from analyzer.register.subjects import ClosedSubject
from analyzer.sip.text import clip
from analyzer.sip.timers import TIMER_F

_MANY = 3


def check(subject: ClosedSubject, context: CaptureContext) -> Answer:
    """Look for contacts of a phone that it left behind when it registered another (RFC 3261 10.2.2)."""
    transaction, registration = subject.transaction, subject.registration
    request, final = transaction.request, transaction.final
    if registration is None or request is None or final is None or not 200 <= transaction.status < 300:
        return NOT_APPLICABLE
    if len(registration.bindings) < 2:
        return NOT_APPLICABLE
    if request.raw_message.missing or final.raw_message.missing:
        return NotJudged(Need.WHOLE.value)
    if transaction.first is None or transaction.answered_at is None or context.end is None:
        return NotJudged(Need.CLOCK.value)
    named, listed = Contacts(request.contacts), Contacts(final.contacts)
    own = [
        one
        for one in registration.bindings
        if one.certainty == "present"
        and one.registration == registration.id
        and listed.find(one.address) is not None
        and not one.is_over(context.end)
    ]
    fresh = [one for one in own if one.start == transaction.first and named.find(one.asked_as) is not None]
    left = [one for one in own if named.find(one.asked_as) is None and one.start != transaction.first]
    if not fresh or not left:
        return PASSED
    if context.end - transaction.answered_at < TIMER_F:
        return NotJudged(Need.TAIL.value)
    known = [one for one in left if one.transaction is not None and one.transaction.call_id == transaction.call_id]
    if not known:
        return NotJudged("the phone may have been restarted")
    count = len(known) + len(fresh)
    others = "" if len(known) == 1 else f" and {len(known) - 1} more"
    text = (
        f"{clip(fresh[0].asked_contact)} was registered, and {clip(known[-1].asked_contact)}{others} of the same phone "
        f"stayed bound beside it"
    )
    related = tuple(one.transaction.evidence for one in known[-3:] if one.transaction is not None)
    severity: Severity | None = "warning" if count >= _MANY else None
    values = Values(f"{without_password(clip(known[-1].asked_contact))} is bound", "removed (expires=0)")
    return Violated(text, severity=severity, related=related, values=values)


def _moved(port: int, before: str = "", at: float = 60) -> str:
    own = f"<sip:bob@10.0.0.5:{port}>"
    return f"@{at} > REGISTER sip:example.com\nContact: {own}\n< 200\nContact: {before}{own};expires=3600\n"


_FIRST, _SECOND = "<sip:bob@10.0.0.5:5060>;expires=3000, ", "<sip:bob@10.0.0.5:5062>;expires=3000, "

RULE = Rule(
    id="R3261-10.2.2-stale-contact",
    title="Contact changed without removing the old binding",
    short_title="The phone leaves its old contact behind",
    question="whether a phone removes its old contact",
    clause="RFC 3261 §10.2.2, §10.2.4",
    force="SHOULD",
    severity="info",
    at_fault="UAC",
    group="C",
    subject="closed",
    check=check,
    applies_if=marks.SEVERAL,
    why="Leaves dead forks; warning when old bindings pile up (>=3).",
    fix="let the phone send its old contact with `expires=0` beside the new one, or use an instance and a flow number "
    "(RFC 5626), by which the registrar replaces it; or let the registrar do so (Asterisk: `remove_existing`)",
    stacks=(
        "Linphone 5.1: registers its new address and leaves the old one bound",
        "pjsua2 2.15.1 removes the old contact in the same request, but not where it learns its address from the 401",
    ),
    examples=(
        bad(_moved(5060, at=0) + _moved(5062, _FIRST), title="another port; the 200 lists both", tail=60),
        bad(
            _moved(5060, at=0) + _moved(5062, _FIRST) + _moved(5064, _FIRST + _SECOND, at=120),
            severity="warning",
            title="three of them",
            tail=60,
        ),
        good(
            _moved(5060, at=0) + "@60 > REGISTER sip:example.com\n"
            "Contact: <sip:bob@10.0.0.5:5060>;expires=0, <sip:bob@10.0.0.5:5062>\n"
            "< 200\nContact: <sip:bob@10.0.0.5:5062>;expires=3600\n",
            title="removed in the same request",
            tail=60,
        ),
        good(
            _moved(5060, at=0) + _moved(5062, _FIRST) + "@70 > REGISTER sip:example.com\n"
            "Contact: <sip:bob@10.0.0.5:5060>;expires=0\n< 200\nContact: <sip:bob@10.0.0.5:5062>;expires=3590\n",
            title="removed ten seconds later",
            tail=60,
        ),
        good(_moved(5060, at=0) + _moved(5062), title="the registrar keeps one contact a user", tail=60),
        good(_moved(5060, at=0) + _moved(5062, _FIRST), title="the source ends before it had to"),
        good(
            _moved(5060, at=0) + _moved(5062, _FIRST).replace("\nContact", "\nCall-ID: other\nContact", 1),
            title="a new Call-ID: restarted, or another phone",
            tail=60,
        ),
        good(
            "> REGISTER sip:example.com\nContact: <sip:bob@10.0.0.5:5060>, <sip:bob@10.0.0.6:5060>\n< 200\n"
            "@60 > REGISTER sip:example.com\nContact: <sip:bob@10.0.0.5:5060>, <sip:bob@10.0.0.6:5060>\n< 200\n",
            title="two contacts that it keeps up",
            tail=60,
        ),
        good(
            "src=192.0.2.20:5060 > REGISTER sip:example.com\nCall-ID: two\nContact: <sip:bob@10.0.0.5:5060>\n< 200\n"
            + _moved(5062, _FIRST),
            title="another phone's contact",
            tail=60,
        ),
    ),
)
