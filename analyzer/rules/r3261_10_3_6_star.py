"""`Contact: *` removes everything where it has its one legal form, and nothing in any other.

A request with `Contact: *`, no other contact and an expiry of 0 removes all contacts of the address-of-record; with
other contacts beside the star, or with another expiry, it is invalid, and the registrar must answer 400 (RFC 3261 10.3
step 6). Three things go wrong: an invalid one gets a 200 (`accepted-invalid`), so that nobody knows what is left; after
a valid one contacts are still listed (`still-listed`); or a valid one gets a 400 (`rejected-valid`), and the phone
stays bound.

A contact that is listed with an expiry of 0 is gone. One with the Call-ID of the request and no lower CSeq has to stay
(step 6). A 400 may be meant for something else in the request, so only one that is well-formed, and counts on, is held
against it, and never for certain. `*;expires=0` without a header is a slip of the phone (R3261-10.2.2-star-form): other
contacts and another expiry are what the registrar has to look for.
"""

from __future__ import annotations

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
from analyzer.judge.values import without_password
from analyzer.register import marks
from analyzer.register.requested import expiry_in
from analyzer.register.subjects import TransactionSubject
from analyzer.sip.address import Address
from analyzer.sip.message import Message
from analyzer.sip.text import clip


def check(subject: TransactionSubject, context: CaptureContext) -> Answer:
    """Hold what was answered to a star against its form (RFC 3261 10.3 step 6)."""
    del context
    transaction = subject.transaction
    request, final = transaction.request, transaction.final
    star = next((one for one in request.contacts if one.star), None) if request is not None else None
    if request is None or star is None or final is None or not (200 <= final.status < 300 or final.status == 400):
        return NOT_APPLICABLE
    wrong, related = _invalid(request, star), (final.raw_message.evidence,)
    if final.status == 400:
        return _rejected(subject, request) if not wrong else PASSED
    if wrong:
        values = Values(str(final.status), "400")
        return Violated(
            f"{wrong}, and is answered with {final.status}", "accepted-invalid", related=related, values=values
        )
    if not final.is_whole:
        return NotJudged(Need.WHOLE.value)
    left = [one for one in final.contacts if not one.star and expiry_in(final, one) != 0]
    left = [one for one in left if not _must_stay(subject, one)]
    if not left:
        return PASSED
    names = ", ".join(clip(one.uri.text if one.uri is not None else one.raw) for one in left[:3])
    detail = f"everything was to be removed, and the {final.status} lists {names}{', ...' * (len(left) > 3)}"
    at, asked = final.raw_message.evidence, (request.raw_message.evidence,)  # the answer is what is wrong
    values = Values(without_password(names) or "a contact", "removed")
    return Violated(detail, "still-listed", at=at, related=asked, explains=(final.status,), values=values)


def _invalid(request: Message, star: Address) -> str:
    """What makes the registrar answer 400; the Expires header counts before a parameter that the star cannot have."""
    others = len(request.contacts) - 1
    if others:
        return f"Contact: * stands beside {others} other Contact value{'s' * (others > 1)}"
    written = request.first("expires")
    if written is None:
        return "" if star.expires == 0 else "Contact: * comes without an expiry of 0"
    return "" if request.expires == 0 else f"Contact: * comes with Expires: {clip(written)}"


def _rejected(subject: TransactionSubject, request: Message) -> Answer:
    """A valid star that got a 400, which may be for another reason."""
    transaction, registration = subject.transaction, subject.registration
    assert transaction.final is not None
    if request.all_defects() or not request.has_mandatory or request.cseq is None:
        return NotJudged("the 400 may be for what else is wrong in the request")
    bindings = registration.bindings if registration is not None else ()
    made = [one.transaction for one in bindings if one.transaction is not None]
    if any(one.call_id == transaction.call_id and one.cseq >= transaction.cseq for one in made):
        return NotJudged("the 400 may be for a CSeq that was not raised")
    said = clip(transaction.final.first("p-registrar-error") or transaction.final.reason)
    detail = f"Contact: * with Expires: 0 is answered with 400 ({said})"
    related = (transaction.final.raw_message.evidence,)
    sure, values = Confidence.MEDIUM, Values("400", "200")
    return Violated(detail, "rejected-valid", confidence=sure, related=related, explains=(400,), values=values)


def _must_stay(subject: TransactionSubject, listed: Address) -> bool:
    """Whether a binding has the Call-ID of the request, and a CSeq that is no lower."""
    transaction, registration = subject.transaction, subject.registration
    for binding in registration.bindings if registration is not None else ():
        by = binding.transaction
        if by is None or by is transaction or not binding.is_of(listed):
            continue
        if by.call_id == transaction.call_id and by.cseq >= transaction.cseq:
            return True
    return False


_STAR = "> REGISTER sip:example.com\nContact: *\n"
_BOUND = "> REGISTER sip:example.com\nCSeq: 7\nContact: <sip:b@h1>\n< 200\n@9 "

RULE = Rule(
    id="R3261-10.3-6-star",
    title="Wrong handling of `Contact: *`",
    short_title="The registrar does not heed Contact: *",
    sub_titles={
        "accepted-invalid": "The registrar accepts Contact: * in the wrong form",
        "still-listed": "Contact: * is accepted, and contacts stay",
        "rejected-valid": "The registrar refuses a Contact: * that is right",
    },
    question="whether the registrar heeds Contact: *",
    clause="RFC 3261 §10.3 step 6, §10.2.2",
    force="MUST",
    severity="error",
    at_fault="registrar",
    group="E",
    subject="transaction",
    check=check,
    applies_if=marks.STAR,
    observed_at="last",
    supersedes=("R3261-10.3-8-expires-param", "R3261-10.3-7-removal"),
    needs=(Need.WHOLE,),
    why="Client is told it is deregistered while calls still ring, or an illegal request wipes bindings.",
    fix="update the registrar: 400 for a star beside other contacts or with another expiry than 0, and nothing listed "
    "after one that is valid",
    etsi=("RG_RR_V_010", "RG_RR_V_011", "RG_RR_I_003", "RG_RR_I_004", "RG_RR_O_001"),
    stacks=(
        "Net::SIP 0.835 as a registrar: takes `*` with Expires: 60, and binds a contact called *",
        "Twisted 26.10: 200 to `*` with Expires: 0 that lists the old contact",
        "ejabberd 23.01: lists what it removed, with expires=0",
    ),
    disputed="of a `*` with an old CSeq RFC 3261 says that the request fails, ETSI TS 102 027 expects a 200 that "
    "removes nothing: the binding is judged, not the status",
    examples=(
        bad(f"{_STAR}Expires: 3600\n< 200", "accepted-invalid", severity="error"),
        bad(f"{_STAR}-Expires\n< 200", "accepted-invalid", title="no expiry at all"),
        bad(f"{_STAR}Contact: <sip:b@h1>\nExpires: 0\n< 200", "accepted-invalid", title="beside another contact"),
        bad(
            f"{_STAR}Expires: 0\n< 200\nContact: <sips:bob@client.biloxi.example.com>",
            "still-listed",
            severity="error",
            title="the flow of RFC 3665 2.4",
        ),
        bad(f"{_BOUND}{_STAR}Expires: 0\n< 200\nContact: <sip:b@h1>;expires=3590", "still-listed"),
        bad(f"{_STAR}Expires: 0\n< 400", "rejected-valid"),
        good(f"{_STAR}Expires: 0\n< 200"),
        good(f"{_STAR}Expires: 3600\n< 400", title="refused, as it has to be"),
        good(f"{_STAR}Expires: 0\n< 200\nContact: <sip:b@h1>;expires=0", title="listed as removed"),
        good(f"{_STAR}Expires: 0\n< 200\nContact: <sip:b@h1>\nExpires: 0", title="the same by the header"),
        good(
            f"{_BOUND}{_STAR}CSeq: 7\nExpires: 0\n< 200\nContact: <sip:b@h1>;expires=3590",
            title="it has the Call-ID of the binding, and CSeq was not raised",
        ),
        good(f"{_BOUND}{_STAR}CSeq: 6\nExpires: 0\n< 400", title="refused for its CSeq"),
        good(f"{_STAR}Expires: 0\n-Max-Forwards\n< 400", title="refused for something else that is wrong in it"),
        good(f"{_STAR}Expires: 0\n< 403", title="not allowed"),
        good("> REGISTER sip:example.com\nContact: *;expires=0\n-Expires\n< 200", title="the phone's slip alone"),
        good("> REGISTER sip:example.com\nContact: <sip:*@h1>\n< 200", title="no star"),
    ),
)
