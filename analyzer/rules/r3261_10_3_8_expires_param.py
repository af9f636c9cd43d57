"""Each Contact of a 200 to a REGISTER says in its own `expires` parameter how long it will last.

The parameter is the registrar's promise for that one contact: "I keep it for so many seconds". With several phones on
one user each has its own clock, so one Expires header for all of them cannot say it. Without the parameter a phone
falls back to that header if there is one (`header-only`), and else to its own idea (`unknown-interval`): it then asks
again too late and cannot be reached in between, or far too often.

The parameter stands behind the closing angle bracket: `<sip:bob@192.0.2.10>;expires=3600`. Inside the brackets it would
be part of the URI and mean nothing. Answers to a removal are left to the rules about removal.
"""

from __future__ import annotations

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Need, NotJudged, Rule, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.requested import purpose_of
from analyzer.register.subjects import MessageSubject
from analyzer.sip.address import Address
from analyzer.sip.message import Message
from analyzer.sip.text import clip

_HARMLESS = ("bad-expires", "expires-out-of-range", "bad-q", "duplicate-parameter", "empty-parameter", "bad-parameter")


def check(subject: MessageSubject, context: CaptureContext) -> Answer:
    """Look for the expires parameter of each Contact of a 2xx (RFC 3261 10.3 step 8)."""
    del context
    message, request = subject.message, subject.transaction.request
    if not message.is_response or not 200 <= message.status < 300:
        return NOT_APPLICABLE
    if request is not None and purpose_of(request) == "removal":
        return NOT_APPLICABLE  # what is wrong in the answer to one counts with that (R3261-10.3-6-star)
    listed = [contact for contact in message.contacts if not contact.star]
    if not listed:
        return NOT_APPLICABLE
    if any(defect.code not in _HARMLESS for contact in listed for defect in contact.defects):
        return NotJudged("a Contact cannot be read")
    silent = [contact for contact in listed if not contact.params.get("expires")]
    if not silent:
        return PASSED
    return _violated(message, silent)


def _violated(message: Message, silent: list[Address]) -> Violated:
    first = silent[0]
    contact = clip(first.uri.text if first.uri else first.raw.strip())
    more = f" (and {len(silent) - 1} more)" if len(silent) > 1 else ""
    inside = first.uri is not None and "expires" in first.uri.params
    where = "; the expires inside the angle brackets belongs to the URI" if inside else ""
    observed = "an empty expires parameter" if "expires" in first.params else "no expires parameter"
    if message.expires is not None:
        text = f"Contact {contact}{more} has no expires parameter, only the header Expires: {message.expires}{where}"
        values = Values(observed, f"expires={message.expires}")
        return Violated(text, sub="header-only", severity="warning", values=values)
    text = f"Contact {contact}{more} has no expires parameter, and there is no Expires header to fall back to{where}"
    return Violated(text, sub="unknown-interval", severity="error", values=Values(observed, "an expires parameter"))


RULE = Rule(
    id="R3261-10.3-8-expires-param",
    title="Contact in 200 without `expires` parameter",
    short_title="The 200 does not say for how long",
    sub_titles={"header-only": "The 200 says for how long in its Expires header alone"},
    question="whether the 200 says for how long",
    clause="RFC 3261 §10.3 step 8, §10.2.4",
    force="MUST",
    severity="warning",
    at_fault="registrar",
    group="E",
    subject="message",
    check=check,
    applies_if=marks.SUCCESS,
    observed_at="last",
    needs=(Need.WHOLE,),
    why="Clients fall back to the Expires header or to their own idea; ambiguous with several contacts.",
    fix="let the registrar's own code write the Contact list of the 200, and check boxes between it and the phone that "
    "rewrite Contact: each value needs ;expires=<seconds> behind its angle bracket",
    etsi=("RG_RR_V_001", "RG_RR_V_006", "RG_RR_V_009", "RG_RR_V_012"),
    stacks=("Twisted 26.10: a bare Contact, with an Expires header field alone",),
    examples=(
        bad(
            "> REGISTER sip:example.com\n< 200\nContact: <sip:b@h>\nExpires: 3600",
            "header-only",
            severity="warning",
        ),
        bad("> REGISTER sip:example.com\n< 200\nContact: <sip:b@h>", "unknown-interval", severity="error"),
        bad(
            "> REGISTER sip:example.com\n< 200\nContact: <sip:b@h;expires=3600>",
            "unknown-interval",
            title="inside the brackets it belongs to the URI",
        ),
        bad(
            "> REGISTER sip:example.com\n< 200\nContact: <sip:b@h>;expires=60, <sip:c@h>\nExpires: 60",
            "header-only",
            title="one of two",
        ),
        bad(
            "> REGISTER sip:example.com\n-Contact\n< 200\nm: <sip:b@h>;q=1", "unknown-interval", title="a query's list"
        ),
        good(
            "> REGISTER sip:example.com\n< 200\nExpires: 3600\nm:<sip:b@h>;EXPIRES=3600", title="any case, short name"
        ),
        good("> REGISTER sip:example.com\n< 200\nContact: sip:b@h;expires=60", title="without brackets"),
        good("> REGISTER sip:example.com\n< 200\n-Contact", title="nothing listed"),
        good("> REGISTER sip:example.com\nContact: *\nExpires: 0\n< 200\nContact: <sip:b@h>", title="a removal"),
        good("> REGISTER sip:example.com\n< 302 Moved\nContact: <sip:b@h>", title="a redirection lists no bindings"),
    ),
)
