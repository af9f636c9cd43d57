"""The contacts of a request are a set that makes sense.

Each Contact of a REGISTER is one way to the user, with its own expiry and, if there are several, its own preference `q`
from 0 to 1 with at most three decimals (RFC 3261 10.2.1.2, 20.10, 25.1): another value (`q`) is ignored or refused. The
same contact twice with another expiry or preference (`duplicate`) leaves it to the registrar which of them counts. And
a contact that is the address-of-record itself (`aor`) sends each call to the registrar's own domain, and so in a loop
until it has no hops left.

Contacts are compared in pairs, as 19.1.4 has it. An address-of-record of another domain as contact is a legal
forwarding, and one without user (RFC 6140) is no address-of-record. Nor is a loop what leads to the very host that asks
for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Need, Rule, Values, Violated, bad, good
from analyzer.judge.values import without_password
from analyzer.register import marks
from analyzer.register.contacts import same_contact
from analyzer.register.requested import requested_expiry
from analyzer.register.subjects import MessageSubject
from analyzer.sip.address import Address
from analyzer.sip.message import Message
from analyzer.sip.text import clip
from analyzer.sip.uri import Uri, canonical_host, uri_equal

_FEW = 30
"""Contacts that are compared in pairs; what has more is no phone's set."""


def check(subject: MessageSubject, context: CaptureContext) -> Iterator[Answer]:
    """Look at preferences, at contacts that come twice, and for the address-of-record (RFC 3261 10.2.1.2, 20.10)."""
    del context
    message = subject.message
    if not message.is_request:
        yield NOT_APPLICABLE
        return
    contacts = [one for one in message.contacts if not one.star and one.uri is not None]
    found = [*_bad_preferences(contacts), *_twice(contacts, message), *_own_address(contacts, message)]
    yield from found
    if not found:
        yield PASSED


def _bad_preferences(contacts: list[Address]) -> Iterator[Answer]:
    for one in contacts:
        if "q" in one.params and one.q is None:
            shown = clip(one.params.get("q") or "empty")
            values = Values(shown, "0 to 1, with at most three decimals")
            yield Violated(f"the preference of {_name(one)} is {shown}", "q", values=values)
            return


def _twice(contacts: list[Address], message: Message) -> Iterator[Answer]:
    for one, two in combinations(contacts[:_FEW], 2):
        assert one.uri is not None and two.uri is not None
        if not uri_equal(one.uri, two.uri) or one.params.get("reg-id") != two.params.get("reg-id"):
            continue
        if one.params.get("+sip.instance") != two.params.get("+sip.instance") or not same_contact(one, two):
            continue
        asked = requested_expiry(one, message.expires), requested_expiry(two, message.expires)
        if asked[0] != asked[1]:
            words = ["no expiry" if seconds is None else f"{seconds} s" for seconds in asked]
            detail, values = f"{_name(one)} is named twice, with {words[0]} and with {words[1]}", " and ".join(words)
            yield Violated(detail, "duplicate", values=Values(values, "one expiry"))
            return
        if one.q != two.q:
            first, second = (clip(contact.params.get("q") or "none") for contact in (one, two))
            detail = f"{_name(one)} is named twice, with preference {first} and {second}"
            values = f"{first} and {second}"
            yield Violated(detail, "duplicate", values=Values(values, "one preference"))
            return


def _own_address(contacts: list[Address], message: Message) -> Iterator[Answer]:
    aor = message.to.uri if message.to is not None else None
    if aor is None or aor.user is None or not aor.is_sip:
        return
    if canonical_host(aor.host) == canonical_host(message.raw_message.source.host) or not _is_asked(message, aor):
        return
    for one in contacts:
        assert one.uri is not None
        if uri_equal(one.uri, aor) and requested_expiry(one, message.expires) != 0:
            values = Values(without_password(_name(one)), "another address than To")
            yield Violated(f"the contact {_name(one)} is the address-of-record itself", "aor", values=values)
            return


def _is_asked(message: Message, aor: Uri) -> bool:
    """Whether the registrar that is asked is one of the address-of-record's domain, as far as names tell."""
    asked = message.uri
    if asked is None:
        return False
    one, two = (canonical_host(uri.host).rstrip(".") for uri in (asked, aor))
    return one == two or one.endswith(f".{two}") or two.endswith(f".{one}")


def _name(contact: Address) -> str:
    return clip(contact.uri.text if contact.uri else contact.raw)


def _set(contacts: str, headers: str = "") -> str:
    return f"> REGISTER sip:example.com\nContact: {contacts}\n{headers}< 200"


RULE = Rule(
    id="R3261-10.2.1.2-contact-set",
    title="Contact set inconsistent: bad q, duplicate or AOR-as-contact",
    short_title="The contacts of the request contradict themselves",
    sub_titles={
        "q": "A contact's preference is no number from 0 to 1",
        "duplicate": "The same contact is named twice",
        "aor": "The contact is the user's own address: a loop",
    },
    question="whether the contacts of a request make sense together",
    clause="RFC 3261 §10.2.1.2, §20.10, §25.1 (qvalue); RFC 5627 §4.1",
    force="none",
    severity="warning",
    at_fault="UAC",
    group="C",
    subject="message",
    check=check,
    applies_if=marks.REQUEST,
    violates_only_if=marks.SEVERAL,
    needs=(Need.WHOLE,),
    explains=(400,),
    why="Wrong preference or a routing loop.",
    fix="let the phone name each contact once, with a `q` from 0 to 1 (0.5, not .5 or 50), and its own address as "
    "contact, not the user's",
    etsi=("RG_RT_V_016",),
    examples=(
        bad(_set("<sip:b@h1>;q=1.5"), "q", severity="warning"),
        bad(_set("<sip:b@h1>;q=.5"), "q", title="a digit stands before the point"),
        bad(_set("<sip:b@h1>;q=0.1234"), "q", title="four decimals"),
        bad(_set("<sip:b@h1>;expires=60, <sip:b@H1>;expires=600"), "duplicate", title="two expiries"),
        bad(_set("<sip:b@h1>;q=0.1, <sip:b@h1>;q=0.2"), "duplicate", title="two preferences"),
        bad(_set("<sip:b@h1>;expires=0, <sip:b@h1>"), "duplicate", title="removed and added at once"),
        bad(_set("<sip:bob@example.com>"), "aor", title="the address-of-record"),
        bad(_set("<sip:bob@EXAMPLE.com>;q=2"), "aor", "q", title="both"),
        good(_set("<sip:b@h1>;q=0.5, <sip:b@h2>;q=1.0")),
        good(_set("<sip:b@h1>;q=1, <sip:b@h2>;q=0.000"), title="1 and 0.000"),
        good(_set("<sip:b@h1>, <sip:b@h1>"), title="twice the same"),
        good(_set("<sip:b@h1>;q=0.5, <sip:b@h1:5060>;q=0.7"), title="5060 left out is not 5060"),
        good(_set("<sip:c@h;x=1>;q=0.1, <sip:c@h;x=2>;q=0.2"), title="unequal parameters"),
        good(_set("<sip:bob@voicemail.example.net>"), title="forwarded to another domain"),
        good(
            _set("<sip:bob@example.com>").replace("REGISTER sip:example.com", "REGISTER sip:example.net"),
            title="registered with another domain: forwarded to its own",
        ),
        bad(
            _set("<sip:bob@example.com>").replace("REGISTER sip:example.com", "REGISTER sip:ss2.example.com"),
            "aor",
            title="a server of the domain",
        ),
        good(_set("<sip:example.com;bnc>"), title="a trunk without user (RFC 6140)"),
        good(_set("<sip:bob@example.com>", "Expires: 0\n"), title="the address-of-record is removed"),
        good(_set("*", "Expires: 0\n"), title="all are removed"),
        good("> REGISTER sip:example.com\n< 200\nContact: <sip:b@h1>;q=7", title="an answer"),
    ),
)
