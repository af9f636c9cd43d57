"""The `action` parameter of a contact is of the past, and has no effect.

RFC 2543 let a phone say of each contact whether calls should be passed on to it (`action=proxy`) or answered with a
redirect (`action=redirect`). RFC 3261 10.2 took that away: it should not be used, and registrars ignore it. Who still
sends it gets no redirect, and is of a generation of software that has other habits of that time, so the remark helps to
tell why such a phone behaves as it does. A parameter of that name inside the angle brackets belongs to the URI and is
another thing.
"""

from __future__ import annotations

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, InProfile, Rule, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.subjects import MessageSubject
from analyzer.sip.text import clip


def check(subject: MessageSubject, context: CaptureContext) -> Answer:
    """Look for the parameter on a contact (RFC 3261 10.2, `action`)."""
    del context
    message = subject.message
    if not message.is_request:
        return NOT_APPLICABLE
    values = [contact.params["action"] or "" for contact in message.contacts if "action" in contact.params]
    if not values:
        return PASSED
    written = f"action={clip(values[0])}" if values[0] else "action"
    detail = f"a Contact has the parameter {written}, which RFC 3261 took out of use"
    return Violated(detail, values=Values(written, "no action"))


RULE = Rule(
    id="R3261-10.2-action-param",
    title="Deprecated `action` Contact parameter used",
    short_title="A Contact has the old parameter action",
    question="whether contacts are without the parameter action",
    clause="RFC 3261 §10.2 (action)",
    force="SHOULD",
    severity="info",
    at_fault="UAC",
    group="A",
    profiles=(InProfile("legacy2543"),),
    subject="message",
    check=check,
    applies_if=marks.REQUEST,
    violates_only_if=marks.ODD_VALUES,
    why="Ignored by everything; marks an RFC 2543 stack.",
    fix="nothing has to be done; an update of the phone's firmware usually drops the parameter",
    examples=(
        bad("> REGISTER sip:h\nContact: <sip:bob@192.0.2.4>;action=proxy"),
        bad("> REGISTER sip:h\nContact: <sip:bob@192.0.2.4>;Action=Redirect;expires=60"),
        bad("> REGISTER sip:h\nContact: sip:bob@192.0.2.4;action=proxy", title="without brackets it is the header's"),
        bad("> REGISTER sip:h\nContact: <sip:bob@192.0.2.4>, <sip:bob@192.0.2.5>;action", title="the second of two"),
        good("> REGISTER sip:h\nContact: <sip:bob@192.0.2.4;action=proxy>;expires=60", title="of the URI"),
        good('> REGISTER sip:h\nContact: <sip:bob@192.0.2.4>;methods="INVITE";reg-id=1;+sip.instance="<urn:x:y>"'),
        good("> REGISTER sip:h\n< 200\nContact: <sip:bob@192.0.2.4>;action=proxy", title="the registrar's list"),
    ),
)
