"""To remove a contact, a phone names it.

`Expires: 0` says for how long; which contact is meant, the Contact header says. A REGISTER without any Contact asks for
the list of what is bound and changes nothing, whatever its Expires header says (RFC 3261 10.2.3, 10.3 step 6). A phone
that signs off in this way gets its 200 and believes it is gone, and calls go on ringing there until the binding runs
out: the 200 shows it, for it still lists the contact.

A phone removes its own contact, or `*` for all of them (10.2.2). Some monitoring tools ask for the list with
`Expires: 0` on purpose; of one that never registered anything that is told for information (`query`).
"""

from __future__ import annotations

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Need, NotJudged, Rule, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.contacts import Contacts
from analyzer.register.subjects import TransactionSubject
from analyzer.sip.text import clip


def check(subject: TransactionSubject, context: CaptureContext) -> Answer:
    """Look for a removal that names nothing, and what the 2xx still lists (RFC 3261 10.2.2, 10.2.3)."""
    del context
    transaction, registration = subject.transaction, subject.registration
    request, final = transaction.request, transaction.final
    if request is None or final is None or not 200 <= final.status < 300 or request.has("contact"):
        return NOT_APPLICABLE
    if not request.is_whole:
        return NotJudged(Need.WHOLE.value)
    if request.expires != 0:
        return PASSED
    listed = Contacts(final.contacts)
    mine = registration.bindings if registration is not None else ()
    own = [
        one
        for one in mine
        if one.owners and registration and registration.id in one.owners and one.certainty != "absent"
    ]
    found = next((one for one in own if listed.find(one.address) is not None), None)
    related = (final.raw_message.evidence,)
    if found is not None:
        text = f"Expires: 0 came without a Contact, which removes nothing: the {final.status} still lists "
        return Violated(text + clip(found.contact), related=related, values=Values("no Contact", "Contact"))
    if mine or not final.contacts:
        return PASSED
    text = (
        f"Expires: 0 came without a Contact: that is a query, and the {final.status} lists {len(final.contacts)} "
        f"contact{'s' * (len(final.contacts) > 1)}"
    )
    return Violated(text, "query", "info", related=related)


_IN = "> REGISTER sip:example.com\nContact: <sip:b@10.0.0.5>\n< 200\nContact: <sip:b@10.0.0.5>;expires=3600\n"
_LISTED = "< 200\nContact: <sip:b@10.0.0.5>;expires=3000\n"

RULE = Rule(
    id="R3261-10.2.2-remove-form",
    title="`Expires: 0` without any Contact removes nothing",
    short_title="A sign-off names no contact and removes nothing",
    sub_titles={"query": "A query says Expires: 0"},
    question="whether a sign-off names what it removes",
    clause="RFC 3261 §10.2.2, §10.2.3, §10.3 step 6",
    force="none",
    severity="warning",
    at_fault="UAC",
    group="C",
    subject="transaction",
    check=check,
    applies_if=marks.NO_CONTACT,
    why="UA believes it is deregistered; calls still ring there.",
    fix="let the phone name its contact when it signs off: `Contact: <its own>` with `Expires: 0`, or `Contact: *`",
    etsi=("RG_RT_V_013",),
    examples=(
        bad(_IN + "@600 > REGISTER sip:example.com\n-Contact\nExpires: 0\n" + _LISTED, severity="warning"),
        bad(
            "> REGISTER sip:example.com\n-Contact\nExpires: 0\n" + _LISTED, "query", severity="info", title="a monitor"
        ),
        good(_IN + "@600 > REGISTER sip:example.com\nContact: <sip:b@10.0.0.5>\nExpires: 0\n< 200"),
        good(_IN + "@600 > REGISTER sip:example.com\nm: <sip:b@10.0.0.5>\nExpires: 0\n< 200", title="compact"),
        good(_IN + "@600 > REGISTER sip:example.com\nContact: *\nExpires: 0\n< 200", title="all of them"),
        good(_IN + "@600 > REGISTER sip:example.com\n-Contact\n-Expires\n" + _LISTED, title="a query"),
        good("> REGISTER sip:example.com\n-Contact\nExpires: 0\n< 200", title="nothing is bound"),
        good(_IN + "@600 > REGISTER sip:example.com\n-Contact\nExpires: 0\n< 200", title="the registrar removed it"),
        good(_IN + "@600 > REGISTER sip:example.com\n-Contact\nExpires: 0\n< 403", title="refused"),
    ),
)
