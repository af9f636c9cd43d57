"""The registrar keeps bindings under one key for one address-of-record, and of its own domain.

It looks at To: if the address-of-record is not valid for the domain in the Request-URI, it answers 404; then it takes
the parameters off and the escapes out, and what is left is the key of the bindings (RFC 3261 10.3 step 5). A registrar
that takes `sip:bob@h;user=phone`, or `sip:%62ob@h`, for somebody else than `sip:bob@h` keeps two lists for one user
(`split-key`): each phone is registered, and calls reach one of them. That shows where the 200 to one spelling does not
list a contact that was bound under the other, and has time left.

Which domains a server is responsible for cannot be seen: many have several, and phones may be set to the name of the
server. So a To of quite another domain than the Request-URI has, accepted, is told for information
(`foreign-accepted`); names that share their last two labels, names of one label and addresses are not compared.
"""

from __future__ import annotations

from analyzer.evidence import SECOND
from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import (
    NOT_APPLICABLE,
    PASSED,
    Answer,
    Confidence,
    InProfile,
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
from analyzer.register.domains import is_foreign
from analyzer.register.subjects import BindingSubject
from analyzer.register.transaction import Transaction
from analyzer.sip.text import clip

_MARGIN = 5 * SECOND


def check(subject: BindingSubject, context: CaptureContext) -> Answer:
    """Look at the domain of a new binding, and at the spelling of To where one is not listed (10.3 step 5)."""
    kind, transaction = subject.event.kind, subject.event.transaction
    if kind == "added":
        return _foreign(subject, transaction) if is_foreign(transaction) else NOT_APPLICABLE
    return _split(subject, context) if kind in ("removed", "unlisted") else NOT_APPLICABLE


def _foreign(subject: BindingSubject, transaction: Transaction) -> Answer:
    request, final = transaction.request, transaction.final
    if request is None or final is None or request.to is None or request.to.uri is None or request.uri is None:
        return NOT_APPLICABLE
    aor, at = request.to.uri.host.lower(), request.uri.host.lower()
    detail = f"an address-of-record of {clip(aor)} is registered by a request to {clip(at)}"
    key = (transaction.destination.host, aor, at)
    related = (final.raw_message.evidence,)
    values = Values(str(final.status), "404")
    return Violated(detail, "foreign-accepted", "info", related=related, group_key=key, values=values)


def _split(subject: BindingSubject, context: CaptureContext) -> Answer:
    """A contact that is not listed was bound under another spelling of the same address-of-record."""
    event, binding = subject.event, subject.event.binding
    before, now = binding.transaction, event.transaction
    request, final = now.request, now.final
    if request is None or final is None or before is None or not request.contacts:
        return NOT_APPLICABLE
    if before.request is None:
        return NOT_APPLICABLE  # so long ago that its spelling is not kept
    one, other = _spelling(before), _spelling(now)
    if one == other or not one or not other:
        return PASSED
    if any(contact.star or binding.is_of(contact) for contact in request.contacts):
        return PASSED
    time = final.raw_message.time
    if time is None or binding.learned is None or not binding.granted or event.was != "present":
        return NotJudged("it is not certain that it was bound")
    left = binding.learned + binding.granted * SECOND - time
    if left <= max(_MARGIN, context.slack):
        return PASSED
    detail = (
        f"{clip(binding.contact)} is bound for To: {clip(one)} with {left / SECOND:.0f} s left, and is not listed "
        f"for To: {clip(other)}"
    )
    confidence = Confidence.HIGH if event.kind == "removed" else Confidence.MEDIUM
    at, related = final.raw_message.evidence, (before.evidence,)
    contact = without_password(clip(binding.contact))
    values = Values(f"no {contact}", contact)
    return Violated(detail, "split-key", confidence=confidence, at=at, related=related, values=values)


def _spelling(transaction: Transaction) -> str:
    """To's URI as it was written, but for the case of scheme and host and a display name."""
    request = transaction.request
    if request is None or request.to is None or request.to.uri is None:
        return ""
    uri = request.to.uri
    text = uri.text.partition(":")[2]
    user, at, rest = text.rpartition("@")
    return f"{user}{at}{rest.lower()}"


_AT = "> REGISTER sip:h.example\nCall-ID: {}\nContact: <sip:b@{}>\nTo: {}\n< 200\n"
_LISTED = "Contact: <sip:b@192.0.2.2>;expires=3600"
_BOB = _AT.format("a", "192.0.2.1", "<sip:bob@h.example>")
_FAR = "> REGISTER sip:{}\nTo: <sip:bob@{}>\n< 200"

RULE = Rule(
    id="R3261-10.3-5-aor-domain",
    title="AOR not valid for the Request-URI domain not answered 404; or AOR not canonicalised",
    short_title="One address-of-record has two lists of contacts",
    sub_titles={"foreign-accepted": "A user of another domain is registered"},
    question="whether the registrar keeps one list for a user",
    clause="RFC 3261 §10.3 step 5",
    force="MUST",
    severity="warning",
    at_fault="registrar",
    group="E",
    subject="binding",
    check=check,
    applies_if=marks.REMOVED | marks.FOREIGN_DOMAIN,
    observed_at="last",
    supersedes=("R3261-10.3-8-other-bindings",),
    needs=(Need.C2S, Need.S2C),
    profiles=(InProfile("ims", ("foreign-accepted",)),),
    why="Wrong index key: bindings land under different keys or a foreign domain.",
    fix="let the registrar take URI parameters and escapes out of To before it looks up the user; and list the domains "
    "that it is responsible for, so that it answers 404 to others",
    etsi=("RG_RR_I_001",),
    examples=(
        bad(
            _BOB
            + "@9 src=192.0.2.2:5060 "
            + _AT.format("b", "192.0.2.2", "<sip:bob@h.example;user=phone>")
            + "Server: kamailio\n"
            + _LISTED,
            "split-key",
            severity="warning",
        ),
        bad(
            _BOB + "@9 src=192.0.2.2:5060 " + _AT.format("b", "192.0.2.2", "<sip:%62ob@h.example>") + _LISTED,
            "split-key",
            title="an escaped character, and a registrar that may not list others",
        ),
        bad(_FAR.format("sip.example.net", "example.com"), "foreign-accepted", severity="info"),
        good(
            _BOB
            + "@9 src=192.0.2.2:5060 "
            + _AT.format("b", "192.0.2.2", "<sip:bob@h.example;user=phone>")
            + "Server: kamailio\n"
            + _LISTED
            + ", <sip:b@192.0.2.1>;expires=3591",
            title="one list",
        ),
        good(
            _BOB
            + "@9 src=192.0.2.2:5060 "
            + _AT.format("b", "192.0.2.2", '"Bob" <SIP:bob@H.example>')
            + "Server: kamailio\n"
            + _LISTED,
            title="the same spelling, and a contact that is dropped",
        ),
        good(
            _BOB
            + "@3700 src=192.0.2.2:5060 "
            + _AT.format("b", "192.0.2.2", "<sip:bob@h.example;user=phone>")
            + "Server: kamailio\n"
            + _LISTED,
            title="the other had run out",
        ),
        good(_FAR.format("sip.example.com", "example.com"), title="the server's name in its domain"),
        good(_FAR.format("198.51.100.1", "example.com"), title="an address is no domain"),
        good(_FAR.format("pbx", "example.com"), title="a name of one label may be any"),
        good(_FAR.format("sip.example.net", "example.com").replace("200", "404"), title="refused"),
    ),
)
