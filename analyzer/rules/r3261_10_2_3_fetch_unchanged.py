"""A query changes nothing: what was bound before it is bound after it.

A REGISTER without Contact asks for the list of bindings and leaves them as they are (RFC 3261 10.2.3); the registrar
skips to its last step and lists what there is (10.3 step 6). A registrar that drops a contact then makes every phone of
the user unreachable whenever anything looks at its registrations, and none of them notices before its next refresh.

Judged is a contact that the registrar granted, that had time left, that nobody took away in the capture, and that the
answer to a query does not list. That the query did it is said only where the registrar granted the contact just before:
one that restarts without its bindings, or loses them otherwise, forgets as well, and any time may be the time when it
did. Ten seconds are just before: a restart (some 2 s of a Kamailio) falls between a grant and a query that near by
chance once in a few hundred refreshes of an hour, and a registrar that forgets with each query (Net::SIP 0.835) does so
each time. Over TCP, TLS and WebSocket a registrar may drop a binding with its connection (RFC 5626 7), so there nothing
is said; nor where CSeq jumps between grant and query, or an answer without its request was seen, for captures that
lacked the removal in between made a right registrar look wrong.
"""

from __future__ import annotations

from analyzer.evidence import SECOND
from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Need, NotJudged, Rule, Values, Violated, bad, good
from analyzer.judge.values import without_password
from analyzer.register import marks
from analyzer.register.subjects import BindingSubject
from analyzer.sip.text import clip

_MARGIN = 5 * SECOND
"""Time left below which clocks may differ (docs/rules/registrar.md R3261-10.3-8-other-bindings)."""

_JUST_BEFORE = 10 * SECOND
"""Time after a grant within which a query that does not list it is taken for the reason."""
_SEE_WHICH = (
    "see whether the registrar restarted: keep its bindings over that (Kamailio: usrloc db_mode 1 to 3); or whether it "
    "forgets with each query"
)


def check(subject: BindingSubject, context: CaptureContext) -> Answer:
    """Look for a granted contact that a query's answer does not list (RFC 3261 10.2.3)."""
    del context
    binding, transaction = subject.event.binding, subject.transaction
    request, final, grant = transaction.request, transaction.final, binding.transaction
    if subject.event.kind != "removed" or request is None or final is None or grant is None:
        return NOT_APPLICABLE
    if request.contacts:
        return PASSED
    if grant.transport != "UDP" or transaction.transport != "UDP":
        return NOT_APPLICABLE
    if subject.registration.reach.is_signed_off:
        return NotJudged("it had asked to be removed, and the answer to that was not seen")
    if subject.event.was != "present" or (transaction.call_id == grant.call_id and transaction.cseq > grant.cseq + 1):
        return NotJudged("a removal may be missing in the capture")
    now = final.raw_message.time
    if now is None or binding.learned is None or not binding.granted:
        return NotJudged(Need.CLOCK.value)
    left = binding.learned + binding.granted * SECOND - now
    if left <= _MARGIN:
        return PASSED
    detail = f"the answer to a query does not list {clip(binding.contact)}, which had not run out"
    at, related = final.raw_message.evidence, (grant.evidence,)
    contact = without_password(clip(binding.contact))
    values = Values(f"no {contact}", contact)
    if now - binding.learned <= _JUST_BEFORE:
        return Violated(detail, at=at, related=related, gap=(now, now), values=values)
    detail += ", and which nobody was seen to take away"
    return Violated(
        detail, "forgotten", "warning", at=at, related=related, gap=(now, now), fix=_SEE_WHICH, values=values
    )


RULE = Rule(
    id="R3261-10.2.3-fetch-unchanged",
    title="A fetch changed the bindings",
    short_title="A query makes the registrar forget what it granted",
    sub_titles={"forgotten": "The registrar forgets what it granted"},
    question="whether a query leaves the bindings as they are",
    clause="RFC 3261 §10.2.3",
    force="none",
    severity="error",
    at_fault="registrar",
    group="C",
    subject="binding",
    check=check,
    explains=("gap",),
    applies_if=marks.REMOVED,
    needs=(Need.C2S, Need.S2C, Need.CLOCK),
    why="Whoever looks at the registrations of a user makes its phones unreachable until they refresh.",
    fix="update the registrar: a REGISTER without Contact must change nothing; until then let nothing query it",
    etsi=("RG_RR_V_006",),
    stacks=("Net::SIP 0.835 as a registrar: a query removes all contacts",),
    examples=(
        bad(
            """
            > REGISTER sip:example.com
            Expires: 300
            < 200
            @10 > REGISTER sip:example.com
            -Contact
            -Expires
            < 200
            -Contact
            @150 > REGISTER sip:example.com
            Expires: 300
            < 200
            """,
        ),
        bad(
            """
            > REGISTER sip:example.com
            Expires: 300
            < 200
            @60 > REGISTER sip:example.com
            -Contact
            -Expires
            < 200
            -Contact
            """,
            "forgotten",
            severity="warning",
            title="it may have restarted meanwhile",
        ),
        good(
            """
            > REGISTER sip:example.com
            Expires: 300
            < 200
            @60 > REGISTER sip:example.com
            -Contact
            -Expires
            < 200
            Contact: <sip:bob@192.0.2.10:5060>;expires=240
            """,
            title="it lists the time that is left",
        ),
        good(
            """
            > REGISTER sip:example.com
            Expires: 300
            < 200
            @301 > REGISTER sip:example.com
            -Contact
            -Expires
            < 200
            -Contact
            """,
            title="it had run out",
        ),
        good(
            """
            > REGISTER sip:example.com
            Expires: 300
            < 200
            @60 > REGISTER sip:example.com
            Expires: 0
            < 200
            -Contact
            @70 > REGISTER sip:example.com
            -Contact
            -Expires
            < 200
            -Contact
            """,
            title="the phone had signed off",
        ),
    ),
)
