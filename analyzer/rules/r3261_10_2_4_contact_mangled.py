"""A phone finds its own contact in the 200 as it wrote it.

The 200 lists all contacts of the user, and beside each how long it lasts. A phone looks for its own by comparing URIs
(RFC 3261 10.2.4, 19.1.4), and refreshes by what stands beside it. Where a NAT, an ALG or the registrar itself has put
another address, port or parameter there, a phone that compares by the rule does not find it: it never learns how long
it is registered, refreshes by its own setting, and may drop off. It is listed, so it can be called; where nothing like
it is listed, R3261-10.3-8-contact-list says so instead.

Parameters that only one side knows make no difference, but for transport, user, ttl, method and maddr. Of `transport`
the standard says both (19.1.4: its list of comparisons ignores it, its example does not), so that alone is told for
information. A phone that is known by its instance and flow (RFC 5626) is found by them.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import (
    NOT_APPLICABLE,
    PASSED,
    Answer,
    Confidence,
    Rule,
    Severity,
    Violated,
    bad,
    good,
)
from analyzer.judge.values import apart
from analyzer.register import marks
from analyzer.register.binding import Binding
from analyzer.register.identity import instance_of
from analyzer.register.subjects import TransactionSubject
from analyzer.sip.text import clip, unescape
from analyzer.sip.uri import Uri, canonical_host

_ONE_SIDED = ("user", "ttl", "method", "maddr", "transport")
_LONG = 150
"""Characters of a contact that are told, so that what differs is in them."""


def check(subject: TransactionSubject, context: CaptureContext) -> Iterator[Answer]:
    """Look for contacts that a 2xx lists in another form than it was asked for (RFC 3261 10.2.4)."""
    del context
    transaction, registration = subject.transaction, subject.registration
    if not 200 <= transaction.status < 300:
        yield NOT_APPLICABLE
        return
    mine = registration.bindings if registration is not None else ()
    found = [one for one in mine if one.form and one.transaction is transaction]
    for binding in found:
        yield _answer(binding, subject)
    if not found:
        yield PASSED


def _answer(binding: Binding, subject: TransactionSubject) -> Answer:
    asked, listed = binding.asked_as, binding.address
    instance = instance_of(asked)
    if asked.uri is None or listed.uri is None or (instance and instance == instance_of(listed)):
        return NOT_APPLICABLE
    what = list(_differences(asked.uri, listed.uri))
    if not what:
        return NOT_APPLICABLE
    final = subject.transaction.final
    assert final is not None
    severity: Severity = "info" if what == ["transport"] else "warning"
    source = subject.transaction.source
    seen = canonical_host(listed.uri.host) == canonical_host(source.host) and "host" in what
    detail = (
        f"{clip(binding.asked_contact)} was registered, and the {final.status} lists {clip(binding.contact)} instead"
        f"{', where the request came from' * seen}: the {' and the '.join(what[:3])} differ{'s' * (len(what) == 1)}"
    )
    confidence = Confidence.HIGH if seen or "host" not in what else Confidence.MEDIUM  # it may be another phone's
    at, related = final.raw_message.evidence, (subject.transaction.evidence,)
    return Violated(
        detail,
        severity=severity,
        confidence=confidence,
        at=at,
        related=related,
        values=apart(clip(binding.contact, _LONG), clip(binding.asked_contact, _LONG)),
    )


def _differences(mine: Uri, theirs: Uri) -> Iterator[str]:
    """What makes two URIs unequal (RFC 3261 19.1.4), in words."""
    if mine.scheme != theirs.scheme:
        yield "scheme"
    if _unescaped(mine.user) != _unescaped(theirs.user):
        yield "user"
    if mine.password != theirs.password:
        yield "password"
    if canonical_host(mine.host) != canonical_host(theirs.host):
        yield "host"
    if mine.port != theirs.port:
        yield "port"
    for name in _ONE_SIDED:
        if (name in mine.params) != (name in theirs.params):
            yield name
    for name, value in mine.params.items():
        if name in theirs.params and (value or "").lower() != (theirs.params.get(name) or "").lower():
            yield f"parameter {clip(name)}"
    if mine.headers != theirs.headers:
        yield "header part"


def _unescaped(user: str | None) -> str | None:
    return None if user is None else unescape(user)


def _flow(asked: str, listed: str) -> str:
    return f"> REGISTER sip:example.com\nContact: {asked}\n< 200\nContact: {listed};expires=60"


RULE = Rule(
    id="R3261-10.2.4-contact-mangled",
    title="UA cannot find its own contact in the 200 because it was rewritten",
    short_title="The 200 lists the contact rewritten",
    question="whether a phone finds its own contact in the 200",
    clause="RFC 3261 §10.2.4 ¶2, §19.1.4; RFC 4475 §3.3.12-14",
    force="none",
    severity="warning",
    at_fault="registrar / SBC / ALG",
    group="C",
    subject="transaction",
    check=check,
    applies_if=marks.SUCCESS,
    violates_only_if=marks.OTHER_FORM,
    observed_at="last",
    why="A UA that follows the comparison rule never learns its granted interval; classic ALG damage behind a NAT.",
    fix="switch off the SIP ALG of the router; let the registrar store the contact as sent and keep the address that "
    "it saw beside it (Kamailio: `fix_nated_register()`, not `fix_nated_contact()`)",
    disputed="a transport parameter in one of two URIs is ignored by one sentence of RFC 3261 19.1.4, and makes "
    "them differ by another and by its example: they differ, and that alone is a remark at most",
    examples=(
        bad(
            _flow("<sip:b@192.168.1.5:5060>", "<sip:b@203.0.113.7:40001>"),
            title="the address and port that the NAT gave it",
            severity="warning",
        ),
        bad(_flow("<sip:b@h1:5060>", "<sip:b@h1>"), title="5060 left out is not 5060"),
        bad(_flow("<sips:b@h1>", "<sip:b@h1>"), title="another scheme"),
        bad(_flow("<sip:b@h1;line=1>", "<sip:b@h1;line=2>"), title="another line"),
        bad(_flow("<sip:b@h1;transport=tcp>", "<sip:b@h1>"), title="transport on one side", severity="info"),
        bad(_flow("<sip:b@h1;transport=tcp>", "<sip:b@h1:5060>"), title="transport and port", severity="warning"),
        bad(_flow("<sip:q7x@192.168.1.5;line=ab12>", "<sip:q7x@203.0.113.7;line=ab12>"), title="known by its line"),
        good(
            _flow("<sip:%62ob@H;x=1>", '<sip:bob@h>;received="sip:203.0.113.7:40001"'),
            title="escapes, case, unknown parameters, and what the registrar noted beside it",
        ),
        good(_flow("<sip:b@h1>", "<sip:b@h1;x=2>"), title="an unknown parameter on one side"),
        good(
            _flow(
                '<sip:b@192.168.1.5>;+sip.instance="<urn:uuid:1>";reg-id=1',
                '<sip:b@203.0.113.7>;+sip.instance="<urn:uuid:1>";reg-id=1',
            ),
            title="known by its instance and flow",
        ),
        good(_flow("<sip:b@h1>", "<sip:c@h9>"), title="nothing like it: another rule"),
        good(
            "src=192.0.2.20:5060 > REGISTER sip:example.com\nCall-ID: two\nContact: <sip:bob@10.0.0.9>\n< 200\n"
            "> REGISTER sip:example.com\nContact: <sip:bob@10.0.0.5>\n< 200\nContact: <sip:bob@10.0.0.9>;expires=3600",
            title="the contact of another phone of this user, and not this one",
        ),
        good("> REGISTER sip:example.com\n-Contact\n< 200\nContact: <sip:b@h1>;expires=60", title="a query"),
        good("> REGISTER sip:example.com\n< 200"),
    ),
)
