"""A REGISTER is carried out as a whole, or not at all.

If one of its changes fails, the request fails, with a 500 say, and nothing of it is kept (RFC 3261 10.3 step 7, last
paragraph; 8.2 has the same for any refusal). Two things show the opposite. A contact that was refused is bound all the
same (`applied-on-failure`): the refusal itself lists it with the time that it asked for, or a later list has it with
just what would be left of that. The phone believes that it is not registered, tries again, and is called meanwhile.
And a 2xx lists some of the contacts that one request named and not the others (`partial`).

A refusal may list contacts that were bound before, and does so on purpose where they fill the place. So a contact
counts only by the time that it has left, which it cannot have from before; one that was accepted at some time, or may
have been because an answer is missing, is not looked at. A challenge is no refusal here. Contacts that another box
rewrote are not missed.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.evidence import SECOND, Evidence
from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Need, NotJudged, Rule, Values, Violated, bad, good
from analyzer.judge.values import without_password
from analyzer.register import marks
from analyzer.register.contacts import same_contact
from analyzer.register.grants import Grant, grants, is_plain_grant
from analyzer.register.requested import expiry_in
from analyzer.register.subjects import TransactionSubject
from analyzer.sip.address import Address
from analyzer.sip.message import Message
from analyzer.sip.text import clip

_FEW = 16
_ROUNDING = 1


def check(subject: TransactionSubject, context: CaptureContext) -> Iterator[Answer]:
    """Look for what was kept of a refused request, and for what was not of an accepted one (RFC 3261 10.3 step 7)."""
    transaction, registration = subject.transaction, subject.registration
    request, final = transaction.request, transaction.final
    if request is None or final is None or registration is None or transaction.challenged:
        yield NOT_APPLICABLE
    elif 200 <= final.status < 300:
        if is_plain_grant(request, final):
            yield NOT_APPLICABLE
            return
        found = [*_partial(subject, request, final), *_kept(subject, request, final, context)]
        yield from found or [PASSED]
    elif final.status >= 400 and final.has("contact"):
        yield from list(_bound(subject, request, final)) or [PASSED]
    else:
        yield NOT_APPLICABLE


def _bound(subject: TransactionSubject, request: Message, final: Message) -> Iterator[Answer]:
    """Contacts of a refused request that the refusal lists, with the time that they asked for."""
    assert subject.registration is not None
    for one in grants(request, final) or ():
        if not one.requested or one.granted is None or abs(one.granted - one.requested) > _ROUNDING:
            continue
        if any(known.certainty != "absent" and known.is_of(one.asked) for known in subject.registration.bindings):
            continue  # it was bound before
        detail = f"{_name(one.asked)} is refused with {final.status}, which lists it with {one.granted} s"
        yield _applied(subject, one.asked, detail, final.raw_message.evidence, subject.transaction.evidence)


def _kept(subject: TransactionSubject, request: Message, final: Message, context: CaptureContext) -> Iterator[Answer]:
    """Contacts in a list that were refused, with what would be left of the time that they asked for."""
    registration, now = subject.registration, final.raw_message.time
    assert registration is not None
    for listed in final.contacts[:_FEW]:
        left = expiry_in(final, listed)
        if listed.star or not left or any(same_contact(listed, one) for one in request.contacts[:_FEW]):
            continue
        refused = context.refused(registration.registrar, registration.aor, listed)
        if refused is None:
            continue
        if now is None or refused.time is None or refused.requested is None:
            yield NotJudged(Need.CLOCK.value)
        elif abs(now + left * SECOND - refused.time - refused.requested * SECOND) <= context.slack:
            detail = f"{_name(listed)} was refused with {refused.status}, and is listed with {left} s left"
            yield _applied(subject, listed, detail, final.raw_message.evidence, refused.evidence)


def _applied(subject: TransactionSubject, contact: Address, detail: str, at: Evidence, of: Evidence) -> Violated:
    assert subject.registration is not None
    name = _name(contact)
    told = without_password(name)
    key = (subject.transaction.destination.host, subject.registration.aor, name)
    return Violated(
        detail, "applied-on-failure", at=at, related=(of,), group_key=key, values=Values(told, f"no {told}")
    )


def _partial(subject: TransactionSubject, request: Message, final: Message) -> Iterator[Answer]:
    """Contacts of one request of which some are listed and others not."""
    assert subject.registration is not None
    if len(request.contacts) < 2:
        return
    if not final.is_whole:
        yield NotJudged(Need.WHOLE.value)
        return
    found = [one for one in grants(request, final, subject.registration.bindings) or () if one.requested != 0]
    missing = [one for one in found if one.listed is None]
    if not missing or len(missing) == len(found) or _may_be_rewritten(found, final):
        return
    there = next(one for one in found if one.listed is not None)
    detail = (
        f"of {len(found)} contacts in one request the {final.status} lists {_name(there.asked)}, "
        f"and not {_name(missing[0].asked)}"
    )
    values = Values(f"{len(found) - len(missing)} of {len(found)} contacts", "all or none")
    yield Violated(detail, "partial", related=(final.raw_message.evidence,), values=values)


def _may_be_rewritten(found: list[Grant], final: Message) -> bool:
    """More is listed than was found again: one of the rest may be what is missing, in another form."""
    taken = [one.listed for one in found if one.listed is not None]
    return any(not one.star and not any(one is other for other in taken) for one in final.contacts)


def _name(contact: Address) -> str:
    return clip(contact.uri.text if contact.uri is not None else contact.raw)


_AT = "> REGISTER sip:example.com\n"
_A = f"{_AT}Contact: <sip:b@h1>\n"
_QUERY = f"@5 {_AT}Call-ID: q\n-Contact\n"
_TWO = f"{_AT}Contact: <sip:b@h1>, <sip:b@h2>\n< 200\n"

RULE = Rule(
    id="R3261-10.3-atomic",
    title="Failed or partially applied registration changed bindings",
    short_title="The registrar refuses and binds all the same",
    sub_titles={"partial": "The registrar carries out half of a request"},
    question="whether what fails leaves the bindings as they were",
    clause="RFC 3261 §10.3 (atomically, independently), step 7 last ¶, §8.2 ¶2",
    force="MUST",
    severity="error",
    at_fault="registrar",
    group="E",
    subject="transaction",
    check=check,
    applies_if=marks.ODD_LIST,
    observed_at="last",
    supersedes=("R3261-10.3-8-contact-list",),
    needs=(Need.C2S, Need.S2C, Need.WHOLE),
    why="Client believes nothing happened.",
    fix="let the registrar decide before it stores, and take back what it stored where it refuses (Kamailio: check "
    "Path and limits before `save()`, and send the answer that `save()` chose)",
    etsi=("RG_RR_V_002",),
    stacks=("Kamailio 5.6.3: 420 to a Path without Supported: path, and the contact is stored all the same",),
    examples=(
        bad(
            f"{_A}< 420 Bad Extension\nContact: <sip:b@h1>;expires=3600",
            "applied-on-failure",
            severity="error",
            title="the refusal lists what it refuses",
        ),
        bad(f"{_A}< 500\n{_QUERY}< 200\nContact: <sip:b@h1>;expires=3595", "applied-on-failure"),
        bad(f"{_TWO}Contact: <sip:b@h1>;expires=3600", "partial", severity="error"),
        good(f"{_TWO}Contact: <sip:b@h1>;expires=3600, <sip:b@h2>;expires=60", title="both"),
        good(f"{_A}< 500\n{_QUERY}< 200\n-Contact", title="nothing is kept"),
        good(f"{_A}@40 {_AT}Call-ID: q\n-Contact\n< 200\nContact: <sip:b@h1>;expires=3560", title="no answer was seen"),
        good(f"{_A}< 500\n{_QUERY}< 200\nContact: <sip:b@h1>;expires=1200", title="bound before, and still"),
        good(
            f"{_A}< 500\n@2 {_A}< 200\n@7 {_AT}Call-ID: q\n-Contact\n< 200\nContact: <sip:b@h1>;expires=3595",
            title="accepted in the end",
        ),
        good(
            f"{_A}CSeq: 5\n< 200\n@0.5 {_A}CSeq: 5\n< 400 Bad Request\nContact: <sip:b@h1>;expires=3600",
            title="a refusal that lists what is bound",
        ),
        good(f"{_A}< 503\nContact: <sip:c@h9>;expires=50", title="a refusal that lists who fills the place"),
        good(f"{_A}< 302 Moved\nContact: <sip:b@h1>;expires=3600", title="a redirection lists no bindings"),
        good(f"{_TWO}Contact: <sip:b@h1>;expires=3600, <sip:b@gw:5062>;expires=60", title="one is rewritten"),
        good(f"{_TWO}-Contact", title="none of them: another rule"),
        good(
            f"{_AT}Contact: <sip:b@h1>;expires=0, <sip:b@h2>;expires=60\n< 200\nContact: <sip:b@h2>;expires=60",
            title="one removed, one added",
        ),
    ),
)
