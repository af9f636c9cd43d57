"""A phone registers under one Call-ID from boot to boot.

RFC 3261 10.2 wants all registrations of a user agent at one registrar to carry the same Call-ID, with CSeq counting up,
so that the registrar can tell a late, reordered request from a new one. A phone that makes a new Call-ID for each
refresh takes that protection away; temporary GRUUs are lost at each change (RFC 5627 4.1). It is a SHOULD, and a
restart makes a change legal, so one change is only a remark, and what looks like a restart (the old binding removed,
silence beyond the granted time, CSeq beginning again, another version of the firmware) is none at all. Silence counts
against the interval that was granted: a phone that refreshes each half hour is not silent for ten minutes.
"""

from __future__ import annotations

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Need, NotJudged, Rule, Values, Violated, bad, good
from analyzer.judge.values import apart
from analyzer.register import marks
from analyzer.register.subjects import TransitionSubject
from analyzer.sip.text import clip

_MANY = 3


def check(subject: TransitionSubject, context: CaptureContext) -> Answer:
    """Look at each change of Call-ID in a lineage (RFC 3261 10.2, 8.1.1.4)."""
    del context
    if subject.earlier is None or subject.same_attempt:
        return NOT_APPLICABLE  # a change on the credentials retry is another rule's: 8.1.3.5
    if not subject.call_id_changed:
        return PASSED
    if subject.registration.interleaved:
        return NotJudged("two Call-IDs are used side by side")
    if subject.boot is None or subject.boot.is_restart:
        return NOT_APPLICABLE
    changes, refreshes = subject.registration.call_id_changes, subject.registration.refreshes
    signs = f" ({', '.join(subject.boot.signs)})" if subject.boot.signs else ""
    places = (subject.earlier.evidence,)
    if changes >= _MANY or (changes > 1 and 2 * changes >= refreshes):
        detail = f"{changes} changes of Call-ID over {refreshes} refreshes without a sign of a restart"
        return Violated(
            detail,
            replaces="callid-changed-once",
            related=places,
            count=changes,
            values=Values(f"{changes} changes of Call-ID", "none from boot to boot"),
        )
    detail = (
        f"Call-ID changed from {subject.earlier.call_id} to {subject.later.call_id} without enough signs of a restart"
    )
    before, now = clip(subject.earlier.call_id), clip(subject.later.call_id)
    text = f"{detail}{signs}"
    return Violated(text, "callid-changed-once", "info", related=places, values=apart(now, before))


_CHANGED = """
> REGISTER sip:example.com
Call-ID: a1
CSeq: 5
< 200
@600 > REGISTER sip:example.com
Call-ID: b7
< 200
"""

RULE = Rule(
    id="R3261-10.2-callid",
    title="Call-ID changes between registrations of one UA to one registrar within a boot cycle",
    short_title="The phone changes its Call-ID",
    question="whether the phone keeps its Call-ID",
    clause="RFC 3261 §10.2 (Call-ID), §10.2.4 ¶ last, §8.1.1.4, §20.8; RFC 5627 §4.1",
    force="SHOULD",
    severity="warning",
    at_fault="UAC",
    group="B",
    subject="step",
    check=check,
    applies_if=marks.FOLLOWS,
    violates_only_if=marks.CALL_ID_CHANGED,
    needs=(Need.C2S,),
    why="The registrar can no longer tell a late, reordered request from a new one.",
    fix="keep one Call-ID until the next boot and count CSeq up (Kamailio uac: reg_keep_callid=1)",
    etsi=("RG_RT_V_012",),
    disputed="the letter of RFC 3261 10.2 has one Call-ID for all accounts of a phone at a registrar, RFC 5626 "
    "4.2.1 one for each flow: compared for each account, registrar and reg-id; one Call-ID for several "
    "accounts is fine",
    examples=(
        bad(_CHANGED, "callid-changed-once", severity="info"),
        bad(
            _CHANGED
            + """
            @1200 > REGISTER sip:example.com
            Call-ID: c9
            < 200
            @1800 > REGISTER sip:example.com
            Call-ID: d2
            < 200
            """,
            severity="warning",
            title="a new Call-ID for every refresh",
        ),
        good(
            """
            > REGISTER sip:example.com
            Call-ID: a1
            CSeq: 7
            < 200
            @60 > REGISTER sip:example.com
            Call-ID: a1
            Expires: 0
            < 200
            @150 > REGISTER sip:example.com
            Call-ID: b7
            < 401
            """,
            title="removed its binding, silent for 90 s, begins again at CSeq 1: a restart",
        ),
        good(
            """
            > REGISTER sip:example.com
            Call-ID: a1
            Contact: <sip:bob@192.0.2.10:5060>;+sip.instance="<urn:uuid:1>"
            < 200
            src=192.0.2.10:5062 > REGISTER sip:example.com
            Call-ID: b7
            Contact: <sip:bob@192.0.2.10:5062>;+sip.instance="<urn:uuid:2>"
            < 200
            """,
            title="two phones on one address-of-record",
        ),
        good("> REGISTER sip:example.com\nCall-ID: a1\n< 200\n@1800 > REGISTER sip:example.com\nCall-ID: a1\n< 200"),
        good(
            """
            > REGISTER sip:example.com
            Call-ID: a1
            dst=198.51.100.2:5060 > REGISTER sip:example.com
            Call-ID: b7
            """,
            title="each registrar has its own Call-ID",
        ),
        good(
            """
            > REGISTER sip:example.com
            Call-ID: a1
            Contact: <sip:bob@192.0.2.10:5060>;+sip.instance="<urn:uuid:1>";reg-id=1
            < 200
            > REGISTER sip:example.com
            Call-ID: b7
            Contact: <sip:bob@192.0.2.10:5060>;+sip.instance="<urn:uuid:1>";reg-id=2
            < 200
            """,
            title="outbound: each flow has a Call-ID of its own (RFC 5626 4.2.1)",
        ),
    ),
)
