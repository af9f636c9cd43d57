"""A 200 lists the contacts of the user's other phones too, and they keep what they were granted.

All current bindings are in the list, whoever made them (RFC 3261 10.3 step 8), and a binding is current until its time
is over, unless somebody removes it (step 7). A phone's contact that is not in the list any more, though another phone
was answered and nobody removed it, was dropped: most often by a limit of contacts that throws out the older one, or by
a registrar that keeps one contact for a user. The phone does not know, and nobody can call it until it refreshes. Some
registrars list what the request names and no more: of these it cannot be told from the list whether the other contact
is gone or left out, and either is wrong (`unlisted`).

A contact is in its right to go when its time is over, give or take five seconds; when the request removes it; when it
is the same phone that registers another, or may be, by its host and User-Agent; when it is that of the same instance
and flow (RFC 5626 6); when sip and sips stand for the same; and when the connection is closed that it was registered
over (RFC 5626 7). A query that makes contacts go is the matter of R3261-10.2.3-fetch-unchanged.
"""

from __future__ import annotations

from analyzer.evidence import SECOND
from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Need, NotJudged, Rule, Values, Violated, bad, good
from analyzer.judge.values import without_password
from analyzer.register import marks
from analyzer.register.binding import Binding
from analyzer.register.contact_relations import is_successor
from analyzer.register.requested import requested_contacts
from analyzer.register.subjects import BindingSubject, is_printed
from analyzer.register.transaction import Transaction
from analyzer.sip.message import Message
from analyzer.sip.text import clip

_MARGIN = 5 * SECOND
_FEW = 8


def check(subject: BindingSubject, context: CaptureContext) -> Answer:
    """Look at a contact that is not listed any more when another phone is answered (RFC 3261 10.3 step 8)."""
    event, transaction = subject.event, subject.event.transaction
    binding, request, final = event.binding, transaction.request, transaction.final
    if event.kind not in ("removed", "unlisted") or request is None or final is None or not request.contacts:
        return NOT_APPLICABLE
    if binding.registration is None or subject.registration.id in binding.owners:
        return NOT_APPLICABLE  # nobody was seen to register it, or its own phone gave it up
    if _is_asked_for(request, binding):
        return PASSED
    now, granted_by = final.raw_message.time, binding.transaction
    if event.was != "present" or not binding.granted or granted_by is None:
        return NotJudged("it is not certain that it was bound")
    if now is None or binding.learned is None:
        return NotJudged(Need.CLOCK.value)
    if not final.is_whole:
        return NotJudged(Need.WHOLE.value)
    if _may_be_same_phone(binding, granted_by, transaction):
        return NotJudged("it may be the same phone, restarted")
    left = binding.learned + binding.granted * SECOND - now
    if left <= max(_MARGIN, context.slack):
        return PASSED
    if granted_by.stream or granted_by.transport not in ("UDP", ""):
        ended = context.cut_off(granted_by)
        if ended is not None and ended >= binding.learned:
            return PASSED
        if is_printed(subject):
            return NotJudged("a log does not show whether its connection was closed")
    return _violated(subject, binding, granted_by, left)


def _violated(subject: BindingSubject, binding: Binding, granted_by: Transaction, left: int) -> Violated:
    final, request = subject.event.transaction.final, subject.event.transaction.request
    assert final is not None and request is not None
    other = next((one.uri.text for one in request.contacts if one.uri is not None), "another contact")
    gone = subject.event.kind == "removed"
    how = "was dropped" if gone else "is not listed"
    detail = (
        f"{clip(binding.contact)} {how} {left / SECOND:.0f} s before its {binding.granted} s were over, "
        f"when {clip(other)} was registered"
    )
    key = (subject.event.transaction.destination.host, subject.registration.aor)
    at, related, now = final.raw_message.evidence, (granted_by.evidence,), final.raw_message.time
    gap = (now, now) if gone and now is not None else None
    sub, contact = "" if gone else "unlisted", without_password(clip(binding.contact))
    values = Values(f"no {contact}", contact)
    return Violated(detail, sub, at=at, related=related, group_key=key, gap=gap, values=values)


def _may_be_same_phone(binding: Binding, granted_by: Transaction, transaction: Transaction) -> bool:
    """Whether both requests came from one host, by one program, for contacts on one host."""
    before, now = granted_by.request, transaction.request
    if granted_by.source.host != transaction.source.host or now is None:
        return False
    if before is not None and before.user_agent != now.user_agent:
        return False
    host = binding.asked_as.uri.host if binding.asked_as.uri is not None else ""
    return any(one.uri is not None and one.uri.host == host for one in now.contacts[:_FEW])


def _is_asked_for(request: Message, binding: Binding) -> bool:
    """Whether the request names the contact, removes everything, or brings one in its place."""
    if any(one.star or binding.is_of(one) for one in request.contacts[:_FEW]):
        return True
    wanted = requested_contacts(request)[:_FEW]
    return any(
        is_successor(binding.asked_as, one, request) for one in wanted if _has_instance_or_host(binding, one.raw)
    )


def _has_instance_or_host(binding: Binding, written: str) -> bool:
    """Whether there is more to know a phone by than the user part, which all phones of a user have."""
    host = binding.asked_as.uri.host if binding.asked_as.uri is not None else ""
    return "+sip.instance" in binding.asked_text or bool(host and host in written)


_A = "> REGISTER sip:example.com\nContact: <sip:bob@192.0.2.10>\nCall-ID: a\n< 200\n"
_B = "@60 src=192.0.2.20:5060 > REGISTER sip:example.com\nContact: <sip:bob@192.0.2.20>\nCall-ID: b\n"
_ALL = "< 200\nServer: Asterisk PBX 20\n"
_BOTH = "Contact: <sip:bob@192.0.2.10>;expires=3540, <sip:bob@192.0.2.20>;expires=3600\n"
_ONE = "Contact: <sip:bob@192.0.2.20>;expires=3600\n"
_TCP = "transport=TCP stream=7 "

RULE = Rule(
    id="R3261-10.3-8-other-bindings",
    title="200 omits other current bindings, or a binding vanished before its time",
    short_title="The registrar drops another phone's contact",
    sub_titles={"unlisted": "The 200 does not list the user's other phones"},
    question="whether other phones keep what they were granted",
    clause="RFC 3261 §10.3 step 8 (all current bindings), step 7",
    force="MUST",
    severity="warning",
    at_fault="registrar",
    group="E",
    subject="binding",
    check=check,
    explains=("gap",),
    applies_if=marks.REMOVED,
    observed_at="last",
    needs=(Need.C2S, Need.S2C),
    why="Second phone silently unregistered (max_contacts=1, replication loss, restart).",
    fix="let the registrar keep as many contacts as the user has phones (Asterisk: `max_contacts` of the AOR; chan_sip "
    "keeps one for a peer), and refuse one too many with an error instead of throwing out another",
    etsi=("RG_RR_V_003",),
    stacks=(
        "ejabberd 23.01: lists only the contact of the request, though others are bound",
        "Net::SIP 0.835 as a registrar: each REGISTER replaces all contacts of the user",
        "Twisted 26.10: keeps only the newest contact",
    ),
    examples=(
        bad(_A + _B + _ALL + _ONE, severity="warning", title="one contact for a user"),
        bad(_A + _B + "< 200\n" + _ONE, "unlisted", title="a registrar that may list what it was asked for alone"),
        bad(_TCP + _A + _B + _ALL + _ONE, title="over TCP, and the connection stands"),
        good(_A + _B + _ALL + _BOTH, title="both are listed"),
        good(_A.replace("< 200", "Expires: 62\n< 200") + _B + _ALL + _ONE, title="its time was as good as over"),
        good(
            _A + _B.replace("Contact: ", "Contact: <sip:bob@192.0.2.10>;expires=0, ") + _ALL + _ONE,
            title="the other phone removes it",
        ),
        good(
            _A + _B.replace("Contact: <sip:bob@192.0.2.20>", "Contact: *\nExpires: 0") + _ALL,
            title="the other phone removes everything",
        ),
        good(
            _A + "@60 > REGISTER sip:example.com\nContact: <sip:bob@192.0.2.10:5070>\nCall-ID: a\n"
            "< 200\nServer: Asterisk PBX 20\nContact: <sip:bob@192.0.2.10:5070>;expires=3600",
            title="the phone's own new contact",
        ),
        good(
            _A.replace(".10>", '.10>;+sip.instance="<urn:uuid:1>";reg-id=1')
            + _B.replace(".20>", '.20>;+sip.instance="<urn:uuid:1>";reg-id=1')
            + _ALL
            + _ONE.replace(".20>", '.20>;+sip.instance="<urn:uuid:1>";reg-id=1'),
            title="the same instance from elsewhere",
        ),
        good(_TCP + _A + "@30 ! reset\n" + _B + _ALL + _ONE, title="its connection was closed"),
        good(_A + "@60 > REGISTER sip:example.com\n-Contact\nCall-ID: q\n< 200\n-Contact", title="a query"),
        good(
            _A.replace("Call-ID: a", "Call-ID: a\nUser-Agent: phone 1")
            + _B.replace("@60 src=192.0.2.20:5060", "@60")
            .replace("2.20>", "2.10:5074>")
            .replace(": b", ": b\nUser-Agent: phone 1")
            + _ALL
            + _ONE.replace("2.20>", "2.10:5074>"),
            title="it may be the same phone, restarted",
        ),
        good(_A + _B + "< 403", title="refused"),
    ),
)
