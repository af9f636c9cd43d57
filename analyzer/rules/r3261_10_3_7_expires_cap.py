"""A registrar grants what was asked for, or less.

A phone says for how long it wants to be bound, and a registrar may choose less; it may also refuse with 423 what is
shorter than its minimum and than an hour (RFC 3261 10.3 step 7). Nothing lets it choose more (`longer`): a phone that
asked for a minute because it may be gone then is called for an hour. Many raise a short wish to their minimum without
a word (`minimum`; Kamailio and Asterisk: a minute): no harm is known of it, so up to five minutes it is told for
information. A 2xx that grants nothing, though something was asked for, refuses without saying so
(`refused-silently`): a 2xx should be a success, and the phone cannot know why it is none.

Only contacts that the request names are looked at: of others the list shows what is left. A wish that cannot be read
counts as one for an hour (20.10, 20.19), and a second more is rounding.
"""

from __future__ import annotations

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Need, NotJudged, Rule, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.grants import UNASKED, Grant, grants
from analyzer.register.requested import MALFORMED_EXPIRES, header_expiry, requested_expiry
from analyzer.register.subjects import TransactionSubject
from analyzer.sip.message import Message
from analyzer.sip.text import clip

_ROUNDING = 1


def check(subject: TransactionSubject, context: CaptureContext) -> Answer:
    """Compare what is granted with what was asked for (RFC 3261 10.3 step 7)."""
    del context
    transaction, registration = subject.transaction, subject.registration
    request, final = transaction.request, transaction.final
    if request is None or final is None or not 200 <= final.status < 300:
        return NOT_APPLICABLE
    if transaction.overtaken is not None:
        return PASSED  # nothing was to be granted: R3261-10.3-7-stale-cseq
    found = grants(request, final, registration.bindings if registration is not None else ())
    if found is None:
        return NotJudged("a Contact cannot be read, or there are too many")
    judged = [(one, wanted) for one in found if one.listed is not None and (wanted := _wanted(one, request))]
    if not judged:
        return NOT_APPLICABLE
    at = (final.raw_message.evidence,)
    for one, wanted in judged:
        granted, name = one.granted, clip(one.asked.uri.text if one.asked.uri is not None else one.asked.raw)
        if granted == 0:
            detail = f"{name} asked for {wanted} s, and the {final.status} grants 0"
            related = (transaction.evidence,)
            return Violated(
                detail,
                "refused-silently",
                at=at[0],
                related=related,
                explains=(final.status,),
                values=Values("0", f"1 to {wanted}"),
            )
        if granted is not None and granted > wanted + _ROUNDING:
            detail = f"{name} asked for {wanted} s, and was granted {granted}"
            short = granted <= UNASKED
            return Violated(
                detail,
                sub="minimum" if short else "longer",
                severity="info" if short else None,
                at=at[0],
                related=(transaction.evidence,),
                values=Values(str(granted), f"at most {wanted}"),
            )
    return PASSED


def _wanted(one: Grant, request: Message) -> int | None:
    """Seconds that were asked for; None where nothing was, 0 for a removal."""
    header = header_expiry(request, malformed=MALFORMED_EXPIRES)
    return requested_expiry(one.asked, header, malformed=MALFORMED_EXPIRES)


_AT = "> REGISTER sip:example.com\n"
_ASKED = _AT + "Contact: <sip:b@h>\nExpires: {}\n< 200\nContact: <sip:b@h>;expires={}"

RULE = Rule(
    id="R3261-10.3-7-expires-cap",
    title="Granted interval longer than requested, or zero for a positive request",
    short_title="The registrar grants other than was asked for",
    sub_titles={
        "longer": "The registrar grants more than was asked for",
        "minimum": "The registrar raises a short interval unasked",
        "refused-silently": "The registrar says 200 and grants nothing",
    },
    question="whether no more is granted than was asked for",
    clause="RFC 3261 §10.3 step 7 (MAY choose less)",
    force="MAY",
    severity="warning",
    at_fault="registrar",
    group="E",
    subject="transaction",
    check=check,
    applies_if=marks.SUCCESS,
    violates_only_if=marks.ODD_LIST,
    observed_at="last",
    needs=(Need.WHOLE,),
    why="Binding outlives the client's intention; many registrars silently raise short requests instead of 423.",
    fix="let the registrar refuse what is too short with 423 and Min-Expires, and else grant at most what was asked "
    "for (Kamailio: `min_expires_mode` 1)",
    etsi=("RG_RR_V_007", "RG_RR_V_008", "RG_RR_V_009", "RG_RR_V_020"),
    examples=(
        bad(_ASKED.format(60, 3600), "longer", severity="warning"),
        bad(_ASKED.format(30, 60), "minimum", severity="info"),
        bad(_ASKED.format(3600, 0), "refused-silently", severity="warning"),
        bad(
            _AT + "Contact: <sip:b@h>;expires=600\nExpires: 7200\n< 200\nContact: <sip:b@h>\nExpires: 7200",
            "longer",
            title="the parameter counts first; what is granted is in the header",
        ),
        bad(
            _AT + "Contact: <sip:b@h>;expires=x\n< 200\nContact: <sip:b@h>;expires=7200",
            "longer",
            title="a wish that cannot be read is one for an hour",
        ),
        good(_ASKED.format(3600, 120)),
        good(_ASKED.format(60, 61), title="rounded"),
        good(_ASKED.format(0, 0), title="a removal"),
        good(
            _AT + "Contact: <sip:b@h>\nExpires: 60\n< 200\nContact: <sip:c@h>;expires=3000, <sip:b@h>;expires=60",
            title="another phone's time",
        ),
        good(_AT + "Contact: <sip:b@h>\n-Expires\n< 200\nContact: <sip:b@h>;expires=7200", title="nothing was said"),
        good(
            _AT + "Contact: <sip:b@h>\nCSeq: 5\n< 200\nContact: <sip:b@h>;expires=3600\n"
            "@9 " + _AT + "Contact: <sip:b@h>\nCSeq: 5\nExpires: 60\n< 200\nContact: <sip:b@h>;expires=3591",
            title="CSeq was not raised: what is left",
        ),
        good(_AT + "Expires: 60\n< 403", title="refused"),
    ),
)
