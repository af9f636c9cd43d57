"""The To header of a REGISTER has no tag: the tag is for the answer to add.

A tag on To says that the request belongs to a conversation that already exists. A REGISTER never does. A registrar that
takes the tag at its word looks for that conversation, does not find it and answers 481; one that ignores it must still
repeat the tag in its answer, so the phone no longer sees which server answered.

The usual reason is a phone that keeps the To header of the answer (401 or 200) and sends it back with the next request,
tag and all; some copy the tag of From instead. A parameter called `tag` inside the angle brackets is part of the URI,
odd but no To tag.
"""

from __future__ import annotations

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, InProfile, Rule, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.subjects import MessageSubject
from analyzer.sip.text import clip


def check(subject: MessageSubject, context: CaptureContext) -> Answer:
    """Look for a tag on To (RFC 3261 8.1.1.2), and where it was copied from."""
    message = subject.message
    if not message.is_request or message.to is None:
        return NOT_APPLICABLE
    if "tag" not in message.to.params:
        return PASSED
    tag = message.to.tag or ""
    detail = f"To carries tag={clip(tag)}{_copied_from(tag, subject)}"
    return Violated(detail, values=Values(f"tag={clip(tag)}", "no tag"))


def _copied_from(tag: str, subject: MessageSubject) -> str:
    """Name the place that the tag was copied from, if it was seen; empty if not."""
    earlier = subject.earlier
    sender = subject.message.from_
    if not tag:
        return ""
    if sender is not None and sender.tag == tag:
        return ", which is the tag of its own From header"
    if earlier is None:
        return ""
    if earlier.final is not None and earlier.final.to is not None and earlier.final.to.tag == tag:
        return f", copied back from the {earlier.status} answer before it"
    if earlier.request is not None and earlier.request.from_ is not None and earlier.request.from_.tag == tag:
        return ", which is the From tag of the request before it"
    return ""


RULE = Rule(
    id="R3261-8.1.1.2-to-tag",
    title="To tag present in an out-of-dialog REGISTER",
    short_title="To carries a tag",
    question="whether To is without a tag",
    clause="RFC 3261 §8.1.1.2",
    force="MUST",
    severity="error",
    at_fault="UAC",
    group="A",
    profiles=(InProfile("legacy2543"),),
    subject="message",
    check=check,
    explains=(400, 404, 405, 481, 500, "silence"),
    applies_if=marks.REQUEST,
    violates_only_if=marks.TO_TAG | marks.ODD_HEADERS,
    why="Registrar may look for a dialog and answer 481, and must then echo that tag.",
    fix="update the phone's firmware: it must build each REGISTER's To header from the address-of-record alone, and "
    "not send back the To header of an answer",
    examples=(
        bad("> REGISTER sips:example.com\nTo: Bob <sips:bob@biloxi.example.com>;tag=a73kszflf"),
        bad("> REGISTER sip:example.com\nTo: <sip:bob@example.com>;tag=f1", title="a copy of the From tag"),
        bad(
            """
            > REGISTER sip:example.com
            < 401
            > REGISTER sip:example.com
            To: <sip:bob@example.com>;tag=r1
            Authorization: {bob secret}
            < 200
            """,
            title="the 401's tag in the retry",
        ),
        bad("> REGISTER sip:example.com\nt: sip:bob@example.com;TAG=x", title="without brackets it is a header's"),
        good(
            "> REGISTER sip:example.com\nTo: <sip:bob@biloxi.example.com;tag=x>", title="a URI parameter is no To tag"
        ),
        good('> REGISTER sip:example.com\nTo: "Bob;tag=1" <sip:bob@example.com>', title="nor is a word in the name"),
        good("> REGISTER sip:example.com\n< 401\n> REGISTER sip:example.com\n< 200", title="the answer adds a tag"),
    ),
)
