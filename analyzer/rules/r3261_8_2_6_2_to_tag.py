"""A final response has a tag in To.

To the To of a request without a tag the server adds one in every response but 100 (Trying), and a stateless server
makes it from the request so that it is the same again (RFC 3261 8.2.6.2, 8.2.7). For a REGISTER it opens no dialog, so
most phones do not mind; strict ones throw the response away, and behind a proxy that forks nobody can tell two servers'
answers apart.

A request that (wrongly) has a tag gets it back: that is the matter of R3261-8.2.6.2-echo.
"""

from __future__ import annotations

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import (
    NOT_APPLICABLE,
    PASSED,
    Answer,
    InProfile,
    Need,
    NotJudged,
    Rule,
    Values,
    Violated,
    bad,
    good,
)
from analyzer.register import marks
from analyzer.register.subjects import MessageSubject
from analyzer.sip.text import clip


def check(subject: MessageSubject, context: CaptureContext) -> Answer:
    """Look for the tag of To in a final response (RFC 3261 8.2.6.2)."""
    del context
    message, request = subject.message, subject.transaction.request
    if not message.is_response:
        return NOT_APPLICABLE
    to = message.to
    if to is not None and to.params.get("tag"):
        return PASSED
    if to is None or (request is not None and request.to is not None and "tag" in request.to.params):
        return NOT_APPLICABLE
    if to.uri is None or to.defects:
        return NotJudged("To cannot be read")
    written, server = clip((message.first("to") or "").strip()), subject.transaction.destination.host
    values = Values("an empty tag" if "tag" in to.params else "no tag", "tag")
    return Violated(f"the {message.status} has To: {written}", group_key=(server,), values=values)


_AT = "> REGISTER sip:example.com\n"

RULE = Rule(
    id="R3261-8.2.6.2-to-tag",
    title="Final response without To tag",
    short_title="A final response has no To tag",
    question="whether final responses have a To tag",
    clause="RFC 3261 §8.2.6.2",
    force="MUST",
    severity="warning",
    at_fault="registrar",
    group="E",
    subject="message",
    check=check,
    applies_if=marks.RESPONSE,
    violates_only_if=marks.NO_TO_TAG,
    observed_at="last",
    needs=(Need.WHOLE,),
    profiles=(InProfile("legacy2543"),),
    why="Rarely harmful for REGISTER; breaks strict clients.",
    fix="update the registrar, or the script that writes its answers: each final response needs a To tag of its own",
    stacks=("Twisted 26.10: no To tag in its 200",),
    examples=(
        bad(f"{_AT}< 200\nTo: <sip:bob@example.com>", severity="warning"),
        bad(f"{_AT}< 401\nTo: <sip:bob@example.com>", title="a challenge is a final response"),
        bad(f"{_AT}< 200\nTo: <sip:bob@example.com;tag=1>", title="inside the brackets it belongs to the URI"),
        bad(f'{_AT}< 200\nTo: "a>;tag=1" <sip:bob@example.com>', title="in a display name it is none"),
        bad(f"{_AT}< 200\nTo: <sip:bob@example.com>;tag", title="a tag without a value"),
        good(f"{_AT}< 200"),
        good(f"{_AT}< 100\nTo: <sip:bob@example.com>\n< 200", title="100 may lack it"),
        good(f"{_AT}< 200\nTo: sip:bob@example.com;tag=1", title="without brackets"),
        good(f"{_AT}< 200\nTo: <sip:bob@example.com>;x=1 ; TAG=1", title="blanks, case and another parameter"),
        good(f"{_AT}To: <sip:bob@example.com>;tag=1\n< 200\nTo: <sip:bob@example.com>", title="not a tag of its own"),
        good(f"{_AT}< 200\n-To", title="no To at all"),
    ),
)
