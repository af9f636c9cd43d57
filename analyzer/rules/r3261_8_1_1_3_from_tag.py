"""The From header of a REGISTER carries a tag, a random value that the phone makes up.

With Call-ID and CSeq the tag tells two requests apart that look alike. A server that gets one request over two ways
finds by it that they are one; without it the two may become two registrations, or an answer is taken for another's.
Only clients of the old standard (RFC 2543, before 2002) have none, and those are told by a branch in Via that does not
begin with `z9hG4bK`: for them the finding is a warning.

The tag should change when the Call-ID does, as after a restart. One that stays the same (`weak-tag`) is not drawn at
random, and two phones of that make may have the same one. Keeping a tag over the refreshes of one Call-ID is normal,
and drawing a new one for each refresh is tolerated too. A short tag is legal: RFC 4475 has `tag=8` in a good message.
"""

from __future__ import annotations

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, InProfile, Rule, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.subjects import MessageSubject
from analyzer.sip.text import clip


def check(subject: MessageSubject, context: CaptureContext) -> Answer:
    """Look for the tag of From (RFC 3261 8.1.1.3), and for one that outlives its Call-ID (19.3)."""
    message = subject.message
    if not message.is_request or message.from_ is None:
        return NOT_APPLICABLE
    tag = message.from_.tag
    if not tag:
        modern = message.via is not None and message.via.has_cookie
        old = "" if modern else "; its branch is of RFC 2543 as well"
        severity = "error" if modern else "warning"
        detail = f"From is {clip(message.from_.raw.strip())}, without a tag{old}"
        values = Values("no tag" if tag is None else "an empty tag", "tag")
        return Violated(detail, severity=severity, values=values)  # type: ignore[arg-type]
    earlier = subject.earlier
    if earlier is not None and earlier.call_id != message.call_id and tag == _from_tag(subject):
        calls = f"{clip(earlier.call_id)} and {clip(message.call_id)}"
        detail = f"From has tag={clip(tag)} under two Call-IDs: {calls}"
        values = Values(f"tag={clip(tag)}", "a new tag")
        return Violated(detail, sub="weak-tag", severity="info", values=values)
    return PASSED


def _from_tag(subject: MessageSubject) -> str | None:
    """The From tag of the client's request before."""
    request = subject.earlier.request if subject.earlier else None
    return request.from_.tag if request is not None and request.from_ is not None else None


RULE = Rule(
    id="R3261-8.1.1.3-from-tag",
    title="From tag missing",
    short_title="From carries no tag",
    sub_titles={"weak-tag": "The From tag is not drawn at random"},
    question="whether From has a proper tag",
    clause="RFC 3261 §8.1.1.3, §19.3",
    force="MUST",
    severity="error",
    at_fault="UAC",
    group="A",
    profiles=(InProfile("legacy2543"),),
    subject="message",
    check=check,
    explains=(400, 500, "silence"),
    applies_if=marks.REQUEST,
    violates_only_if=marks.NO_FROM_TAG | marks.NEW_CALL_ID | marks.ODD_HEADERS,
    why="Breaks transaction/merge matching; RFC 2543 clients only.",
    fix="update the phone's firmware, or replace a client that knows RFC 2543 only: From needs a random tag, and a new "
    "one for each new Call-ID",
    examples=(
        bad("> REGISTER sip:biloxi.com\nFrom: <sip:bob@biloxi.com>", severity="error"),
        bad("> REGISTER sip:biloxi.com\nFrom: <sip:bob@biloxi.com;tag=x>", title="a URI parameter is no From tag"),
        bad("> REGISTER sip:biloxi.com\nFrom: <sip:bob@biloxi.com>;tag=", title="an empty tag is none"),
        bad(
            """
            > REGISTER sip:biloxi.com
            Via: SIP/2.0/UDP 192.0.2.10:5060;branch=1
            From: <sip:bob@biloxi.com>
            """,
            title="a client of RFC 2543",
            severity="warning",
        ),
        bad(
            """
            > REGISTER sip:example.com
            From: <sip:bob@example.com>;tag=1928301774
            < 200
            @1800 > REGISTER sip:example.com
            Call-ID: another@192.0.2.10
            From: <sip:bob@example.com>;tag=1928301774
            < 200
            """,
            "weak-tag",
            title="one tag for two Call-IDs",
            severity="info",
        ),
        good("> REGISTER sip:biloxi.com\nf: sip:bob@biloxi.com;tag=8", title="RFC 4475 regescrt: short is legal"),
        good("> REGISTER sip:example.com\n< 200\n@1800 > REGISTER sip:example.com\n< 200", title="refreshes keep it"),
        good(
            """
            > REGISTER sip:example.com
            < 200
            @1800 > REGISTER sip:example.com
            From: <sip:bob@example.com>;tag=f2
            < 200
            """,
            title="a new tag for each refresh is tolerated",
        ),
        good(
            """
            > REGISTER sip:example.com
            Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKa
            src=198.51.100.7:5060 dst=198.51.100.1:5060 > REGISTER sip:example.com
            CSeq: 1
            Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKp
            Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKa
            """,
            title="one request on two hops",
        ),
    ),
)
