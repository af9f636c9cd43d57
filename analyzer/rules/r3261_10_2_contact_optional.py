"""A REGISTER may name no contact, one or many, and leave the time to the registrar.

What a REGISTER is for stands in its contacts (RFC 3261 10.2): without any it is a query (10.2.3), with an expiry of 0
it removes (`removal`; 10.2.2), and with `*` all of them (`remove-all`). One that removes some contacts and adds others
(`mixed`) is legal, as when a phone's address has changed; and so are several contacts at once (`several`), and one for
which no expiry is said at all (`no-expiry`): the registrar chooses then (10.2.1.1).

The ordinary request, one contact for some time, is not counted. An empty Contact is a fault of syntax
(R3261-7.3-syntax) and no query.
"""

from __future__ import annotations

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, Answer, Need, Rule, Seen, good, seen
from analyzer.register import marks
from analyzer.register.requested import purpose_of, requested_contacts, requested_expiry
from analyzer.register.subjects import MessageSubject
from analyzer.sip.message import Message


def check(subject: MessageSubject, context: CaptureContext) -> Answer:
    """Classify a request by its contacts (RFC 3261 10.2)."""
    del context
    message = subject.message
    kind = _kind(message) if message.method else ""
    return Seen(kind) if kind else NOT_APPLICABLE


def _kind(request: Message) -> str:
    contacts = request.contacts
    if not contacts:
        return "" if request.has("contact") else "query"
    if purpose_of(request) == "removal":
        return "remove-all" if any(contact.star for contact in contacts) else "removal"
    wanted = len(requested_contacts(request))
    if wanted < len(contacts) and any(requested_expiry(one, request.expires) == 0 for one in contacts):
        return "mixed"
    if len(contacts) > 1:
        return "several"
    return "no-expiry" if requested_expiry(contacts[0], request.expires) is None else ""


RULE = Rule(
    id="R3261-10.2-contact-optional",
    title="Zero, one or many Contact values; later additions and changes",
    short_title="The REGISTER is no plain registration",
    question="whether requests are more, or less, than a registration",
    clause="RFC 3261 §10.2 (Contact), §10.2.1, §10.2.1.1, §10.2.3",
    force="MAY",
    severity="info",
    at_fault="UAC",
    group="C",
    subject="message",
    check=check,
    is_fact=True,
    applies_if=marks.SEVERAL | marks.OTHER_PURPOSE | marks.STAR,
    needs=(Need.WHOLE,),
    why="Permission. Classifies the request.",
    fix="nothing: all of these are requests that a registrar has to answer",
    examples=(
        seen("> REGISTER sip:h\n-Contact\n< 200", "query"),
        seen("> REGISTER sip:h\nExpires: 0\n< 200", "removal"),
        seen("> REGISTER sip:h\nContact: *\nExpires: 0\n< 200", "remove-all"),
        seen("> REGISTER sip:h\nContact: <sip:a@192.0.2.1>;expires=0, <sip:a@192.0.2.2>\n< 200", "mixed"),
        seen("> REGISTER sip:h\nContact: <sip:a@192.0.2.1>\nm: <sip:a@192.0.2.2>\n< 200", "several"),
        seen("> REGISTER sip:h\n-Expires\n< 200", "no-expiry"),
        good("> REGISTER sip:h\n< 200", title="one contact, for some time"),
        good("> REGISTER sip:h\nContact:\n< 400", title="an empty Contact"),
    ),
)
