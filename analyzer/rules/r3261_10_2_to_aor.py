"""To names who is registered, as a SIP or SIPS address-of-record: `sip:bob@example.com`.

The registrar keeps its bindings by that address. A telephone number as such (`tel:`) or any other kind of URI cannot be
one (RFC 3261 10.2), so it has to refuse. Two remarks beside that: an address without a user part (`no-user`) is legal,
and names nobody; and port, transport, maddr, ttl, lr, method and headers (`disallowed-component`) have no place in To
and From (19.1.1 table 1), for they say how to get somewhere, and not who somebody is. Registrars do without them, but
one that compares the whole may take `sip:bob@example.com:5060` for somebody else.

Brackets may be left out (`t: sip:bob@example.com`). A To that cannot be read is for R3261-7.3-syntax.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Rule, Values, Violated, bad, good
from analyzer.judge.values import without_password
from analyzer.register import marks
from analyzer.register.subjects import MessageSubject
from analyzer.sip.address import Address
from analyzer.sip.message import Message
from analyzer.sip.text import clip
from analyzer.sip.uri import Uri

_NOT_THERE = ("transport", "maddr", "ttl", "lr", "method")


def check(subject: MessageSubject, context: CaptureContext) -> Iterator[Answer]:
    """Look at the URI of To, and at what those of To and From should not have (RFC 3261 10.2, 19.1.1)."""
    del context
    message = subject.message
    uri = message.to.uri if message.is_request and message.to is not None else None
    if uri is None or not uri.scheme:
        yield NOT_APPLICABLE
        return
    wrong = list(_wrong(message, uri))
    yield from wrong or (PASSED,)


def _wrong(message: Message, uri: Uri) -> Iterator[Violated]:
    if not uri.is_sip:
        detail = f"To is {clip(uri.text)}, which is no SIP URI but one of the scheme {clip(uri.scheme)}"
        yield Violated(detail, values=Values(f"{clip(uri.scheme)}:", "sip: or sips:"))
    elif uri.user is None:
        values = Values(clip(uri.text), "a user and a domain")
        yield Violated(f"To is {clip(uri.text)}, without a user", sub="no-user", severity="info", values=values)
    for name, address in (("To", message.to), ("From", message.from_)):
        found = _disallowed(address)
        if found:
            detail = f"{name} is {clip(address.uri.text)}, with {' and '.join(found)}"  # type: ignore[union-attr]
            shown, plain = clip(address.uri.text), "user and domain alone"  # type: ignore[union-attr]
            yield Violated(detail, "disallowed-component", "info", values=Values(without_password(shown), plain))
            return


def _disallowed(address: Address | None) -> list[str]:
    """What RFC 3261 19.1.1 table 1 does not let stand in To and From."""
    uri = None if address is None else address.uri
    if uri is None or not uri.is_sip:
        return []
    found = ["a port"] if uri.port is not None else []
    found += [f"the parameter {name}" for name in _NOT_THERE if name in uri.params]
    return [*found, "headers"] if uri.headers else found


RULE = Rule(
    id="R3261-10.2-to-aor",
    title="To is not a SIP/SIPS address-of-record",
    short_title="To is no SIP address-of-record",
    sub_titles={
        "no-user": "To names no user",
        "disallowed-component": "To or From says more than who it is",
    },
    question="whether To is a SIP address-of-record",
    clause="RFC 3261 §10.2 (To), §19.1.1 Table 1; RFC 4475 §3.3.4",
    force="MUST",
    severity="error",
    at_fault="UAC",
    group="A",
    subject="message",
    check=check,
    explains=(400, 404, 416),
    applies_if=marks.REQUEST,
    violates_only_if=marks.ODD_AOR,
    why="No binding can be indexed; registrar must reject.",
    fix="set the phone's account to user and domain alone (bob and example.com), without port or parameters; these "
    "belong into the setting of the registrar or proxy",
    etsi=("RG_RT_V_008",),
    examples=(
        bad("> REGISTER sip:example.com\nTo: tel:+12125551212", severity="error"),
        bad("> REGISTER sip:example.com\nTo: isbn:2983792873", severity="error"),
        bad("> REGISTER sip:example.com\nTo: <sip:example.com>", "no-user", severity="info"),
        bad("> REGISTER sip:example.com\nTo: <sip:b@h:5060>", "disallowed-component", severity="info"),
        bad("> REGISTER sip:example.com\nTo: <sip:b@h;transport=tcp;lr>", "disallowed-component"),
        bad("> REGISTER sip:example.com\nTo: <sip:b@h?subject=x>", "disallowed-component"),
        bad("> REGISTER sip:example.com\nFrom: <sip:b@h;maddr=192.0.2.1>;tag=1", "disallowed-component"),
        bad("> REGISTER sip:example.com\nTo: <sip:h:5070>", "no-user", "disallowed-component", title="both"),
        good("> REGISTER sip:example.com\nt: sip:bob@biloxi.com", title="compact name, no brackets"),
        good("> REGISTER sip:example.com\nTo: <SIPS:bob@biloxi.com>"),
        good("> REGISTER sip:example.com\nTo: <sip:+12125551212@h;user=phone>", title="user=phone says who"),
        good("> REGISTER sip:example.com\nTo: sip:bob@h;transport=tcp", title="of the header, where it says nothing"),
        good("> REGISTER sip:example.com\nFrom: <tel:+12125551212>;tag=1", title="From may be any URI"),
        good("> REGISTER sip:example.com\nTo: bob", title="what cannot be read is another rule's"),
        good("> REGISTER sip:example.com\n< 200\nTo: <sip:b@h:5060>;tag=1", title="an answer copies its request"),
    ),
)
