"""A Contact may be a URI of any scheme.

A user may be reached by mail or by telephone as well, and a REGISTER may say so: `mailto:`, `tel:` or any other URI is
a legal Contact (RFC 3261 10.2.1, 20.10), and the registrar keeps it as it is; RFC 3665 2.2 shows one. Proxies redirect
to such contacts where they cannot forward.

Rules on SIP URIs, their transport and whether their host can be reached, say nothing of them. Nor does this one of what
has no scheme at all, which is a fault of syntax (R3261-7.3-syntax).
"""

from __future__ import annotations

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, Answer, Need, Rule, Seen, good, seen
from analyzer.register import marks
from analyzer.register.subjects import MessageSubject

_NAMED = frozenset(("tel", "mailto", "http", "https", "im", "pres", "xmpp", "h323", "urn"))


def check(subject: MessageSubject, context: CaptureContext) -> Answer:
    """Look for a Contact that is no SIP URI (RFC 3261 10.2.1)."""
    del context
    message = subject.message
    if not message.method:
        return NOT_APPLICABLE
    schemes = (contact.uri.scheme for contact in message.contacts if contact.uri is not None and not contact.uri.is_sip)
    first = next((scheme for scheme in schemes if scheme), "")
    if not first:
        return NOT_APPLICABLE
    return Seen(first if first in _NAMED else "other")


RULE = Rule(
    id="R3261-10.2.1-contact-scheme",
    title="Contact of any URI scheme",
    short_title="A Contact is no SIP URI",
    question="whether contacts are other URIs than SIP's",
    clause="RFC 3261 §10.2.1",
    force="MAY",
    severity="info",
    at_fault="UAC",
    group="C",
    subject="message",
    check=check,
    is_fact=True,
    applies_if=marks.OTHER_SCHEME,
    needs=(Need.WHOLE,),
    why="Permission (mailto, tel, http...).",
    fix="nothing: a registrar has to keep it",
    examples=(
        seen("> REGISTER sip:h\nContact: <mailto:bob@example.com>\n< 200", "mailto"),
        seen("> REGISTER sip:h\nContact: <sip:bob@192.0.2.10>, <tel:+1-212-555-0101>\n< 200", "tel"),
        seen("> REGISTER sip:h\nContact: <gopher://example.com>\n< 200", "other"),
        good("> REGISTER sip:h\nContact: <sips:bob@192.0.2.10>\n< 200"),
        good("> REGISTER sip:h\nContact: *\nExpires: 0\n< 200", title="a star is no URI"),
    ),
)
