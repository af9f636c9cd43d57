"""What a phone removes is removed: the 200 lists it no more.

A contact with an expiry of 0, by its own parameter or by the Expires header, is to be taken out of the location service
(RFC 3261 10.3 step 7, 10.2.2), and the 200 lists what is left (step 8). A 200 that still lists it with time left says
that the phone is bound although it believes that it is gone: it is called, and nobody answers.

A removed contact that is listed with an expiry of 0 (`zero-marker`, for information) is gone, though step 8 wants only
what is bound in the list, and some phones take any contact in it for bound. Other phones' contacts may be listed as
they are. A request with the Call-ID of the binding and no higher CSeq must not remove it: then the list is right, and
R3261-10.3-7-stale-cseq says what is wrong. `Contact: *` has a rule of its own (R3261-10.3-6-star).
"""

from __future__ import annotations

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Need, NotJudged, Rule, Values, Violated, bad, good
from analyzer.judge.values import without_password
from analyzer.register import marks
from analyzer.register.grants import grants
from analyzer.register.subjects import TransactionSubject
from analyzer.sip.text import clip


def check(subject: TransactionSubject, context: CaptureContext) -> Answer:
    """Look for each removed contact in the list of the 2xx (RFC 3261 10.3 step 7)."""
    del context
    transaction = subject.transaction
    request, final = transaction.request, transaction.final
    if request is None or final is None or not 200 <= final.status < 300:
        return NOT_APPLICABLE
    if transaction.overtaken is not None:
        return NOT_APPLICABLE  # it must not be removed
    known = subject.registration.bindings if subject.registration is not None else ()
    found = grants(request, final, known)
    if found is None:
        return NotJudged("a Contact cannot be read, or there are too many")
    removed = [one for one in found if one.requested == 0]
    if not removed:
        return NOT_APPLICABLE
    if not final.is_whole:
        return NotJudged(Need.WHOLE.value)
    still = [one for one in removed if one.listed is not None and one.granted != 0]
    if not still:
        marked = next((one for one in removed if one.listed is not None), None)
        if marked is None:
            return PASSED
        uri = marked.asked.uri.text if marked.asked.uri is not None else marked.asked.raw
        detail = f"{clip(uri)} was removed, and the {final.status} lists it with an expiry of 0"
        return Violated(detail, "zero-marker", "info", force="none", related=(final.raw_message.evidence,), explains=())
    first = still[0]
    assert first.listed is not None
    left = f"with {first.granted} s left" if first.granted is not None else "without an expiry"
    form = first.listed.uri.text if first.listed.uri is not None else first.listed.raw
    asked = first.asked.uri.text if first.asked.uri is not None else first.asked.raw
    name = f"{clip(form)}" if form == asked else f"it as {clip(form)}"
    detail = f"{clip(asked)} was to be removed, and the {final.status} lists {name} {left}"
    values = Values(f"{without_password(clip(form))} {left}", "removed")
    return Violated(detail, related=(final.raw_message.evidence,), explains=(final.status,), values=values)


_BOUND = "> REGISTER sip:example.com\nContact: <sip:b@10.0.0.5>\n< 200\n{}@60 > REGISTER sip:example.com\n"

RULE = Rule(
    id="R3261-10.3-7-removal",
    title="Removal request answered 200 but the binding stays",
    short_title="The registrar keeps what it was told to remove",
    sub_titles={"zero-marker": "The 200 lists what it removed, with an expiry of 0"},
    question="whether a removed binding is gone",
    clause="RFC 3261 §10.3 step 7, §10.2.2",
    force="MUST",
    severity="error",
    at_fault="registrar",
    group="E",
    subject="transaction",
    check=check,
    explains=(200,),
    applies_if=marks.ODD_LIST,
    observed_at="last",
    needs=(Need.WHOLE,),
    why="Phantom registrations.",
    fix="update the registrar, or look for a box on the way that takes the expiry of 0 out of the request: the contact "
    "must go out of the location service, and out of the list of the 200",
    etsi=("RG_RR_V_014", "RG_RR_V_016"),
    stacks=("ejabberd 23.01: lists what it removed, with expires=0",),
    examples=(
        bad(
            "> REGISTER sip:example.com\nContact: <sip:b@10.0.0.5>;expires=0\n< 200\n"
            "Contact: <sip:b@10.0.0.5>;expires=3312",
            severity="error",
        ),
        bad(
            "> REGISTER sip:example.com\nContact: <sip:b@10.0.0.5>\nExpires: 0\n< 200\n"
            "Contact: <sip:b@10.0.0.5>\nExpires: 60",
            title="the zero comes from the header, and so does what is left",
        ),
        bad(
            "> REGISTER sip:example.com\nContact: <sip:b@10.0.0.5>;expires=0, <sip:b@10.0.0.6>;expires=60\n< 200\n"
            "Contact: <sip:b@10.0.0.5>;expires=100, <sip:b@10.0.0.6>;expires=60",
            title="one removed, one added",
        ),
        bad(
            _BOUND.format("Contact: <sip:b@203.0.113.7:40001>;expires=3600\n")
            + "Contact: <sip:b@10.0.0.5>\nExpires: 0\n< 200\nContact: <sip:b@203.0.113.7:40001>;expires=3540",
            title="listed in another form, as it always was",
        ),
        bad(
            "> REGISTER sip:example.com\nContact: <sip:b@10.0.0.5>;expires=0\n< 200\nContact: <sip:b@10.0.0.5>",
            title="no expiry is said at all",
        ),
        good(_BOUND.format("") + "Contact: <sip:b@10.0.0.5>;expires=0\n< 200", title="gone"),
        good(
            _BOUND.format("") + "Contact: <sip:b@10.0.0.5>;expires=0\n< 200\nContact: <sip:b@10.0.0.9>;expires=50",
            title="another phone's contact alone",
        ),
        bad(
            "> REGISTER sip:example.com\nContact: <sip:b@10.0.0.5>;expires=0\n< 200\n"
            "Contact: <sip:b@10.0.0.5>;expires=0",
            "zero-marker",
            severity="info",
            title="listed as removed",
        ),
        good(
            _BOUND.format("") + "CSeq: 1\nContact: <sip:b@10.0.0.5>;expires=0\n< 200\n"
            "Contact: <sip:b@10.0.0.5>;expires=3540",
            title="CSeq was not raised: it must stay",
        ),
        good(
            "> REGISTER sip:example.com\nContact: <sip:192.0.2.10;bnc>;expires=0\n< 200\n"
            "Contact: <sip:192.0.2.10;bnc>;expires=0",
            title="a bulk contact",
        ),
        good("> REGISTER sip:example.com\nContact: *\nExpires: 0\n< 200\nContact: <sip:b@h>;expires=9", title="a star"),
        good("> REGISTER sip:example.com\nContact: <sip:b@10.0.0.5>;expires=0\n< 403", title="a refusal"),
    ),
)
