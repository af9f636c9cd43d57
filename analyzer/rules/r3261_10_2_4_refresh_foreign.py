"""A phone refreshes its own contacts, and not those of others.

The 200 lists all contacts of a user, those of other phones among them. A phone that takes the list over into its next
REGISTER refreshes what it did not create: it should not (RFC 3261 10.2.4). Phones that are long gone so stay bound, and
the registrar holds the contact under another Call-ID and CSeq than its owner's, whose next refresh may be refused.

Told is a phone that names a contact which another phone asked for, beside its own, after a 200 had shown it to it. The
other phone must be another one for certain: another instance, another value that it made up for its contact, or
another host and program. What behind one address looks like two may be one phone after a restart, or a gateway that
registers for many.
"""

from __future__ import annotations

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Confidence, Rule, Values, Violated, bad, good
from analyzer.judge.values import without_password
from analyzer.register import marks
from analyzer.register.binding import Binding
from analyzer.register.contacts import Contacts
from analyzer.register.identity import contact_token, instance_of
from analyzer.register.requested import requested_contacts
from analyzer.register.subjects import BindingSubject
from analyzer.sip.address import Address
from analyzer.sip.message import Message
from analyzer.sip.text import clip


def check(subject: BindingSubject, context: CaptureContext) -> Answer:
    """Look whose contact is refreshed (RFC 3261 10.2.4)."""
    del context
    event, registration = subject.event, subject.registration
    binding, request = event.binding, event.transaction.request
    if event.kind not in ("renewal", "lapsed"):
        return NOT_APPLICABLE
    if event.kind == "lapsed" or binding.registration is None or registration.id in binding.owners or request is None:
        return PASSED
    asked = requested_contacts(request)
    foreign = [one for one in asked if binding.is_of(one)]
    own = [one for one in asked if not binding.is_of(one)]
    if not foreign or not own or not _was_shown(subject, binding):
        return NOT_APPLICABLE
    if _may_be_its_own(subject, binding, own, request):
        return NOT_APPLICABLE
    source = binding.transaction.source.host if binding.transaction is not None else "another phone"
    text = (
        f"{clip(binding.contact)} was registered from {source}, and is refreshed from {event.transaction.source.host} "
        f"beside {clip(own[0].uri.text if own[0].uri else own[0].raw)}"
    )
    related = (binding.transaction.evidence,) if binding.transaction is not None else ()
    values = Values(without_password(clip(binding.contact)), "its own contacts alone")
    return Violated(text, confidence=Confidence.MEDIUM, related=related, values=values)


def _was_shown(subject: BindingSubject, binding: Binding) -> bool:
    """The client's last 2xx listed it."""
    earlier = subject.step.earlier if subject.step is not None else None
    final = earlier.final if earlier is not None else None
    if final is None or not 200 <= final.status < 300:
        return False
    return Contacts(final.contacts).find(binding.address) is not None


def _may_be_its_own(subject: BindingSubject, binding: Binding, own: list[Address], request: Message) -> bool:
    """Signs that both contacts are of one phone, or of one gateway."""
    granted_by = binding.transaction
    if granted_by is None or granted_by.source.host == subject.transaction.source.host:
        return True
    theirs, token = instance_of(binding.asked_as).rpartition("#")[0], contact_token(binding.asked_as, request)
    for one in own:
        mine = instance_of(one).rpartition("#")[0]
        if (theirs and theirs == mine) or (token and token == contact_token(one, request)):
            return True
    return False


_ONE = "@{} src=10.0.0.5:5060 > REGISTER sip:example.com\nCall-ID: one\nContact: <sip:b@10.0.0.5>\n< 200\n"
_TWO = (
    "@{} src=10.0.0.9:5060 > REGISTER sip:example.com\nCall-ID: two\nContact: {}\n"
    "< 200\nContact: <sip:b@10.0.0.5>;expires=3000, <sip:b@10.0.0.9>;expires=3600\n"
)
_OWN, _BOTH = "<sip:b@10.0.0.9>", "<sip:b@10.0.0.9>, <sip:b@10.0.0.5>"

RULE = Rule(
    id="R3261-10.2.4-refresh-foreign",
    title="UA refreshes bindings another UA created",
    short_title="The phone refreshes another phone's contact",
    question="whether a phone refreshes its own contacts alone",
    clause="RFC 3261 §10.2.4 ¶1",
    force="SHOULD",
    severity="warning",
    at_fault="UAC",
    group="C",
    subject="binding",
    check=check,
    applies_if=marks.ASKED_AGAIN,
    violates_only_if=marks.FOREIGN,
    why="Keeps dead devices alive, breaks Call-ID/CSeq ownership.",
    fix="let the phone put its own contact alone into REGISTER, whatever the 200 lists (its firmware)",
    examples=(
        bad(
            _ONE.format(0) + _TWO.format(10, _OWN) + _TWO.format(1800, _BOTH),
            severity="warning",
            title="it takes the list over",
        ),
        good(_ONE.format(0) + _TWO.format(10, _OWN) + _TWO.format(1800, _OWN), title="its own alone"),
        good(
            _ONE.format(0) + _TWO.format(10, _OWN) + _TWO.format(1800, _OWN + ", <sip:b@10.0.0.5>;expires=0"),
            title="it removes the other",
        ),
        good(_ONE.format(0) + _TWO.format(1800, _BOTH), title="nothing had shown it the other: provisioned"),
        good(
            (_ONE.format(0) + _TWO.format(10, _OWN) + _TWO.format(1800, _BOTH)).replace("src=10.0.0.5", "src=10.0.0.9"),
            title="from one host: a gateway, or the same phone",
        ),
        good(
            (_ONE.format(0) + _TWO.format(10, _OWN) + _TWO.format(1800, _BOTH))
            .replace("10.0.0.5>", "10.0.0.5;line=ab>")
            .replace("10.0.0.9>", "10.0.0.9;line=ab>"),
            title="the same line at another address: it moved",
        ),
    ),
)
