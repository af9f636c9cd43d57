"""Under a SIPS address-of-record, or through a SIPS Request-URI or Route, contacts are SIPS URIs too.

Who calls a `sips:` address is promised TLS over every hop. Where the phone registers a `sip:` contact under it, the
last hop is made without, and nobody is told. For a SIPS address-of-record that is a SHOULD (RFC 3261 10.2.1), because
the contact may be secured in another way; where Request-URI or topmost Route is a SIPS URI it is a MUST (8.1.1.8).

`transport=tls` does not make a `sip:` URI one of the other kind. Other schemes (`mailto:`, `tel:`) invoke other
protocols, and 10.2.1 lets them stand. A contact that is being removed calls nobody.
"""

from __future__ import annotations

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Rule, Values, Violated, bad, good
from analyzer.judge.values import without_password
from analyzer.register import marks
from analyzer.register.requested import requested_expiry
from analyzer.register.subjects import MessageSubject
from analyzer.sip.address import parse_addresses
from analyzer.sip.message import Message
from analyzer.sip.text import clip


def check(subject: MessageSubject, context: CaptureContext) -> Answer:
    """Look for SIP contacts where SIPS is asked for (RFC 3261 10.2.1, 8.1.1.8)."""
    del context
    message = subject.message
    if not message.is_request:
        return NOT_APPLICABLE
    where = _asked_by(message)
    if not where:
        return NOT_APPLICABLE
    plain = [
        contact.uri.text
        for contact in message.contacts
        if contact.uri is not None and contact.uri.scheme == "sip" and requested_expiry(contact, message.expires) != 0
    ]
    if not plain:
        return PASSED
    more = f" and {len(plain) - 1} more" if len(plain) > 1 else ""
    demanded = where != ["the address-of-record"]
    detail = f"Contact is {clip(plain[0])}{more}, and {' and '.join(where)} {'are' if len(where) > 1 else 'is'} SIPS"
    shown = without_password(clip(plain[0]))
    return Violated(detail, force="MUST" if demanded else "SHOULD", values=Values(shown, f"sips{shown[3:]}"))


def _asked_by(message: Message) -> list[str]:
    """What asks for SIPS contacts."""
    to, uri, route = message.to, message.uri, message.first("route")
    found = ["the address-of-record"] if to is not None and to.uri is not None and to.uri.scheme == "sips" else []
    if uri is not None and uri.scheme == "sips":
        found.append("the Request-URI")
    topmost = parse_addresses(route)[:1] if route else []
    if any(address.uri is not None and address.uri.scheme == "sips" for address in topmost):
        found.append("the topmost Route")
    return found


RULE = Rule(
    id="R3261-10.2.1-sips-contact",
    title="Non-SIPS SIP contact under a SIPS AOR or SIPS Request-URI",
    short_title="A SIP contact where SIPS is asked for",
    question="whether contacts are SIPS where that is asked for",
    clause="RFC 3261 §10.2.1, §8.1.1.8",
    force="SHOULD",
    severity="warning",
    at_fault="UAC",
    group="A",
    subject="message",
    check=check,
    explains=(400,),
    applies_if=marks.SECURE,
    why="Calls to the SIPS AOR would leave TLS on the last hop.",
    fix="let the phone register `sips:` contacts, or register it under the `sip:` address if TLS to the phone is not "
    "wanted",
    disputed="a mailto or tel Contact under a SIPS address-of-record is allowed by RFC 3261 10.2.1, against the "
    "letter of 8.1.1.8, forbidden by RFC 5630 5.1.1.1, and printed in RFC 3665 2.2: other schemes than "
    "sip are never flagged",
    examples=(
        bad("> REGISTER sip:h\nTo: <sips:bob@h>\nContact: <sip:bob@client.h;transport=tls>", severity="warning"),
        bad("> REGISTER sips:h\nContact: <sip:bob@client.h>"),
        bad("> REGISTER sip:h\nRoute: <sips:p.h;lr>, <sip:q.h;lr>\nContact: <sip:bob@client.h>"),
        bad("> REGISTER sips:h\nTo: <sips:bob@h>\nContact: <sips:bob@a.h>, <sip:bob@b.h>", title="one of two"),
        good("> REGISTER sip:h\nTo: <sips:bob@h>\nContact: mailto:bob@h", title="another protocol"),
        good("> REGISTER sips:h\nTo: <sips:bob@h>\nContact: <sips:bob@client.h>"),
        good("> REGISTER sip:h\nContact: <sips:bob@client.h>", title="nothing asks for it"),
        good("> REGISTER sip:h\nContact: <sip:bob@client.h;transport=tls>", title="no SIPS URI anywhere"),
        good("> REGISTER sip:h\nRoute: <sip:p.h;lr>, <sips:q.h;lr>\nContact: <sip:bob@client.h>", title="below"),
        good("> REGISTER sips:h\nTo: <sips:bob@h>\nContact: *\nExpires: 0"),
        good("> REGISTER sips:h\nContact: <sip:bob@client.h>;expires=0", title="the old contact is removed"),
        good("> REGISTER sips:h\n-Contact\n-Expires", title="a query"),
    ),
)
