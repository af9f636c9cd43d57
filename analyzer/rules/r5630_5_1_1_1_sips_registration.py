"""What RFC 5630 made of SIPS in registrations, stricter than RFC 3261 and only with `--profile modern`.

Addresses and contacts go together there: if all contacts of a request are SIPS URIs, From and To must be, too
(`aor-sip`); if one is not, whatever its scheme, From and To must be SIP URIs (`aor-sips`), for a caller of a SIPS
address has to be sure of TLS on every way. One contact is not registered as SIP and as SIPS (`both`): the SIPS one
serves callers of either. And `transport=tls` (`transport-tls`) is out of use since RFC 3261 26.2.2: it asks for one hop
over TLS and promises nothing about the others. Phones write it all the same, and registrars need it to find the way
back, so that is a remark.

By RFC 3261 alone, 10.2.1 lets contacts of other schemes stand under a SIPS address, and RFC 3665 2.2 shows it.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Rule, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.subjects import MessageSubject
from analyzer.sip.address import Address, parse_addresses
from analyzer.sip.message import Message
from analyzer.sip.text import clip
from analyzer.sip.uri import Uri

_MOST_CONTACTS = 1000


def check(subject: MessageSubject, context: CaptureContext) -> Iterator[Answer]:
    """Hold the schemes of From, To and Contact against each other (RFC 5630 5.1.1, 5.1.1.1)."""
    del context
    message = subject.message
    if not message.is_request:
        yield NOT_APPLICABLE
        return
    wrong = [*_of_schemes(message), *_of_transport(message)]
    yield from wrong or (PASSED,)


def _of_schemes(message: Message) -> Iterator[Violated]:
    contacts = [one.uri for one in message.contacts[:_MOST_CONTACTS] if one.uri is not None]
    owners = [("To", message.to), ("From", message.from_)]
    secure = [name for name, address in owners if _is_sips(address)]
    plain = [name for name, address in owners if address is not None and address.uri is not None and name not in secure]
    others = [uri for uri in contacts if uri.scheme != "sips"]
    if contacts and not others and plain:
        verb = "are" if len(plain) > 1 else "is"
        detail = f"all contacts are SIPS URIs, and {' and '.join(plain)} {verb} not"
        scheme = next(one.uri.scheme for name, one in owners if name == plain[0] and one is not None and one.uri)
        values = Values(f"{clip(scheme)}:" if scheme else "no scheme", "sips:")
        yield Violated(detail, sub="aor-sip", supersedes=(), values=values)
    if others and secure:
        verb = "are" if len(secure) > 1 else "is"
        detail = f"the contact {clip(others[0].text)} is no SIPS URI, and {' and '.join(secure)} {verb}"
        yield Violated(detail, sub="aor-sips", values=Values(clip(others[0].text) or "empty", "a SIPS URI"))
    twice = {uri.text.partition(":")[2] for uri in contacts if uri.scheme == "sips"}
    for uri in others:
        if uri.scheme == "sip" and uri.text.partition(":")[2] in twice:
            detail = f"the contact {clip(uri.text)} is given as SIP and as SIPS"
            values = Values("sip: and sips:", "sips:")
            yield Violated(detail, sub="both", supersedes=(), values=values)
            return


def _of_transport(message: Message) -> Iterator[Violated]:
    places: list[tuple[str, Uri | None]] = [("the Request-URI", message.uri)]
    places += [("a Contact", contact.uri) for contact in message.contacts[:_MOST_CONTACTS]]
    places += [("a Route", one.uri) for row in message.all("route") for one in parse_addresses(row)]
    for where, uri in places:
        if uri is not None and (uri.params.get("transport") or "").lower() == "tls":
            detail = f"{where} has transport=tls, which is out of use"
            values = Values("transport=tls", "no transport=tls")
            yield Violated(detail, sub="transport-tls", supersedes=(), values=values)
            return


def _is_sips(address: Address | None) -> bool:
    return address is not None and address.uri is not None and address.uri.scheme == "sips"


RULE = Rule(
    id="R5630-5.1.1.1-sips-registration",
    title="SIPS registration rules of RFC 5630",
    short_title="SIP and SIPS are mixed in a registration",
    sub_titles={"transport-tls": "TLS is asked for by transport=tls"},
    question="whether SIP and SIPS addresses go together",
    clause="RFC 5630 §5.1.1.1, §5.1.1",
    force="MUST",
    severity="info",
    at_fault="UAC",
    group="A",
    only_in=("modern",),
    subject="message",
    check=check,
    applies_if=marks.REQUEST,
    violates_only_if=marks.SECURE,
    supersedes=("R3261-10.2.1-sips-contact",),
    why="Later RFC that tightens 3261; profile `modern` only, otherwise it condemns RFC 3665's own flow 2.2.",
    fix="let the phone use `sips:` for address and contacts alike, or `sip:` for all of them",
    disputed="RFC 5630 forbids what RFC 3261 10.2.1 allows and RFC 3665 2.2 prints: asked only in the profile modern",
    examples=(
        bad("> REGISTER sip:h\nFrom: <sip:b@h>;tag=1\nTo: <sip:b@h>\nContact: <sips:b@c>", "aor-sip"),
        bad("> REGISTER sips:h\nFrom: <sips:b@h>;tag=1\nTo: <sips:b@h>\nContact: <mailto:b@c>", "aor-sips"),
        bad("> REGISTER sip:h\nContact: <sip:b@c>, <sips:b@c>", "both"),
        bad("> REGISTER sip:h\nContact: <sip:b@c;transport=TLS>", "transport-tls", severity="info"),
        bad("> REGISTER sip:h;transport=tls", "transport-tls"),
        bad("> REGISTER sip:h\nRoute: <sip:p;transport=tls;lr>", "transport-tls"),
        good("> REGISTER sips:h\nFrom: <sips:b@h>;tag=1\nTo: <sips:b@h>\nContact: <sips:b@c>"),
        good("> REGISTER sips:h\nFrom: <sips:b@h>;tag=1\nTo: <sips:b@h>\n-Contact\n-Expires", title="a query"),
        good("> REGISTER sip:h\nContact: <sips:b@c>, <sip:b@d>", title="one is not SIPS, and the address is neither"),
        good("> REGISTER sip:h\nContact: <sip:b@c;transport=tcp>"),
        good("> REGISTER sips:h\nFrom: <sips:b@h>;tag=1\nTo: <sips:b@h>\nContact: *\nExpires: 0"),
    ),
)
