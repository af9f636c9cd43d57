"""GRUUs are given to instances that ask for them.

A GRUU (RFC 5627) is a URI that reaches one phone of a user, from anywhere. A phone asks for it by `gruu` in Supported
and a `+sip.instance` in its Contact; with one and not the other (`no-instance`) it gets none, and transfers that need
it fail. The registrar gives it in its 2xx, as pub-gruu and temp-gruu of that Contact, each a URI with `gr`
(`no-gr`): without it nothing tells the URI from the user's own. To a request that does not support it, or for a contact
without an instance, it gives none (`uninvited`). A phone does not send these parameters itself (`in-request`), and does
not register a GRUU of its own address-of-record as its Contact (`contact`), which would lead calls in a circle.

Only contacts to be bound count. In a bulk registration (RFC 6140) the PBX deals with the GRUUs of its lines.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Need, Rule, Severity, Values, Violated, bad, good
from analyzer.judge.values import without_password
from analyzer.register import marks
from analyzer.register.extensions import has_instance, supports
from analyzer.register.requested import requested_contacts
from analyzer.register.subjects import TransactionSubject
from analyzer.register.transaction import Transaction
from analyzer.register.transport_marks import extended_exchange
from analyzer.sip.address import Address
from analyzer.sip.message import Message
from analyzer.sip.text import clip
from analyzer.sip.uri import Uri, aor

_GRUUS = ("pub-gruu", "temp-gruu")
_WEIGHTS: dict[str, tuple[Severity, str]] = {
    "no-instance": ("info", "UAC"),
    "in-request": ("info", "UAC"),
    "contact": ("warning", "UAC"),
    "uninvited": ("warning", "registrar"),
    "no-gr": ("warning", "registrar"),
}

_Fault = tuple[str, str, Message, Values]
"""Sub-code, sentence, where it is, and values."""


def check(subject: TransactionSubject, context: CaptureContext) -> Iterator[Answer]:
    """Look at what request and 2xx say of GRUUs (RFC 5627 4.1, 5)."""
    del context
    transaction = subject.transaction
    request, final = extended_exchange(transaction) or (None, None)
    if request is None:
        yield NOT_APPLICABLE
        return
    if any(contact.uri is not None and "bnc" in contact.uri.params for contact in request.contacts):
        yield NOT_APPLICABLE
        return
    found = list(_of_request(request)) if transaction.is_first_hop else []
    if final is not None and 200 <= final.status < 300 and transaction.is_last_hop:
        found += _of_answer(transaction, request, final)
    for sub, detail, message, values in found:
        severity, at_fault = _WEIGHTS[sub]
        yield Violated(detail, sub, severity, at=message.raw_message.evidence, at_fault=at_fault, values=values)
    if not found:
        yield PASSED


def _of_request(request: Message) -> Iterator[_Fault]:
    wanted = requested_contacts(request)
    given = next((name for one in wanted for name in _GRUUS if name in one.params), None)
    if given is not None:
        yield "in-request", f"the request has {given} in its Contact", request, Values(given, f"no {given}")
    elif wanted and supports(request, "gruu") and not any(map(has_instance, wanted)):
        yield (
            "no-instance",
            f"the request supports gruu, and its Contact {clip(wanted[0].raw)} has no instance",
            request,
            Values("no +sip.instance", "+sip.instance"),
        )
    own = request.to.uri if request.to is not None else None
    for contact in wanted:
        uri = contact.uri
        if own is not None and uri is not None and uri.is_sip and "gr" in uri.params and aor(uri) == aor(own):
            values = Values(without_password(clip(uri.text)), "no GRUU of To")
            yield "contact", f"the Contact {clip(uri.text)} is a GRUU of the address-of-record itself", request, values
            return


def _of_answer(transaction: Transaction, request: Message, final: Message) -> Iterator[_Fault]:
    for contact in final.contacts:
        for name in _GRUUS:
            written = contact.params.unquoted(name)
            if written is None:
                continue
            if not supports(request, "gruu"):
                detail = f"the {final.status} has {name}, and the request does not support gruu"
                yield "uninvited", detail, final, Values(name, f"no {name}")
                return
            if not has_instance(contact):
                detail = f"the {final.status} has {name} for {clip(_uri(contact))}, which has no instance"
                yield "uninvited", detail, final, Values(name, f"no {name}")
                return
            uri = Uri.parse(written)
            if not uri.is_sip or "gr" not in uri.params:
                yield "no-gr", f"the {name} {clip(written)} has no gr", final, Values("no gr", "gr")
                return


def _uri(contact: Address) -> str:
    return contact.uri.text if contact.uri is not None else contact.raw


_URN = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-00000000000a>"'
_BOB = f"<sip:bob@192.0.2.10>;{_URN}"
_ASKS = f"> REGISTER sip:h\nSupported: gruu\nContact: {_BOB}\n< 200\nContact: "
_PUB = 'pub-gruu="sip:bob@h;gr=urn:uuid:00000000-0000-1000-8000-00000000000a"'

RULE = Rule(
    id="R5627-4.1-gruu-request",
    title="GRUU request/response parameters inconsistent",
    short_title="What is said of GRUUs does not fit together",
    sub_titles={
        "no-instance": "The phone wants a GRUU and names no instance",
        "in-request": "The phone sends what the registrar has to give",
        "contact": "The phone registers a GRUU as its Contact",
        "uninvited": "The registrar gives a GRUU that nobody asked for",
        "no-gr": "The GRUU has no gr",
    },
    question="whether GRUUs are asked for and given as they must",
    clause="RFC 5627 §4.1, §4.2, §5; RFC 3261 §8.2.4",
    force="MUST",
    severity="info",
    at_fault="UAC / registrar",
    group="H",
    subject="transaction",
    check=check,
    applies_if=marks.EXTENDED,
    violates_only_if=marks.GRUU,
    observed_at="any",
    needs=(Need.C2S,),
    why="GRUU silently not available.",
    fix="let the phone send +sip.instance where it supports gruu, and no pub-gruu or temp-gruu; let the registrar give "
    "GRUUs with `gr` to contacts with an instance whose request supports gruu",
    examples=(
        bad("> REGISTER sip:h\nSupported: gruu\nRequire: gruu\n< 200", "no-instance", severity="info"),
        bad("> REGISTER sip:h\nSupported: path, gruu\n< 200", "no-instance", title="a plain Contact"),
        bad(f"> REGISTER sip:h\nSupported: gruu\nContact: {_BOB};{_PUB}\n< 200", "in-request", severity="info"),
        bad("> REGISTER sip:h\nContact: <sip:bob@example.com;gr=1>\n< 200", "contact", severity="warning"),
        bad(f"> REGISTER sip:h\nContact: {_BOB}\n< 200\nContact: {_BOB};{_PUB};expires=60", "uninvited"),
        bad(f"{_ASKS}<sip:bob@192.0.2.10>;{_PUB};expires=60", "uninvited", title="for a contact without instance"),
        bad(f'{_ASKS}{_BOB};pub-gruu="sip:bob@h";expires=60', "no-gr", severity="warning"),
        good(f'{_ASKS}{_BOB};{_PUB};temp-gruu="sip:x7@h;gr";expires=3600'),
        good(f"{_ASKS}{_BOB};expires=3600", title="a registrar that gives none"),
        good(f"> REGISTER sip:h\nContact: {_BOB}\n< 200", title="an instance alone"),
        good("> REGISTER sip:h\nSupported: gruu\nContact: *\nExpires: 0\n< 200\n-Contact", title="a removal"),
    ),
)
