"""Somebody registers an address-of-record for somebody else: From and To differ.

To names who is registered, From who does it; they are equal unless a third party registers on his behalf (RFC 3261
10.2). That is legal, as a secretary or a provisioning system may do it, but most registrars allow it only to some
(10.3 step 4), so it is worth knowing where an answer is 403. It is `suspicious` where the registrar refuses with 403,
or where the digest names a user who is neither of both: more often a phone whose account has two different names in two
settings than a third party. From and To that differ in `sip:` and `sips:` alone (`scheme`) name one user.

Display names, tags, parameters, ports and the case of the host are not compared. An anonymous From says nothing.
"""

from __future__ import annotations

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Rule, Values, Violated, bad, good
from analyzer.judge.values import apart
from analyzer.register import marks
from analyzer.register.subjects import TransactionSubject
from analyzer.sip.text import clip, unescape
from analyzer.sip.uri import Uri, canonical_host

_ANONYMOUS = frozenset(("anonymous.invalid", "anonymous"))


def check(subject: TransactionSubject, context: CaptureContext) -> Answer:
    """Compare From and To (RFC 3261 10.2), and look at what became of it."""
    del context
    transaction = subject.transaction
    request = transaction.request
    if request is None or request.to is None or request.from_ is None:
        return NOT_APPLICABLE
    to, from_ = request.to.uri, request.from_.uri
    if to is None or from_ is None:
        return NOT_APPLICABLE
    if _name(to) == _name(from_):
        if to.scheme == from_.scheme or transaction.challenged:
            return PASSED
        detail, values = f"From is a {from_.scheme} URI and To a {to.scheme} URI", _values(from_.text, to.text)
        return Violated(detail, sub="scheme", explains=(), values=values)
    if transaction.challenged or not (to.scheme and from_.scheme) or from_.host.lower() in _ANONYMOUS:
        return NOT_APPLICABLE
    both, values = f"From is {clip(from_.text)} and To is {clip(to.text)}", _values(from_.text, to.text)
    if transaction.status == 403:
        return Violated(f"{both}, and the answer is 403", "suspicious", "warning", values=values)
    stranger = next((one for one in _users(subject) if not _is_of(one, from_, to)), "")
    if stranger:
        return Violated(f"{both}, and the digest is of {clip(stranger)}", "suspicious", "warning", values=values)
    return Violated(both, explains=(), values=values)


def _values(from_: str, to: str) -> Values:
    return apart(clip(from_), clip(to))


def _name(uri: Uri) -> tuple[str, str, str]:
    """User and host, without what does not belong to an address-of-record (RFC 3261 19.1.1 table 1)."""
    if not uri.is_sip:
        return uri.scheme, uri.opaque, ""
    return "", unescape(uri.user or ""), canonical_host(uri.host)


def _users(subject: TransactionSubject) -> list[str]:
    """The users that the credentials name."""
    request = subject.transaction.request
    return [one.username for one in request.credentials if one.username] if request is not None else []


def _is_of(username: str, *uris: Uri) -> bool:
    """Whether credentials are one's of these: by the user part, or with the domain behind it."""
    user = username.partition("@")[0]
    return any(user == unescape(uri.user or uri.opaque) for uri in uris)


_THIRD = "> REGISTER sip:example.com\nFrom: <sip:admin@example.com>;tag=1\nTo: <sip:bob@example.com>\n"

RULE = Rule(
    id="R3261-10.2-from-to",
    title="From AOR differs from To AOR (third-party registration)",
    short_title="One registers for another: From and To differ",
    sub_titles={
        "suspicious": "From and To differ, and it is not allowed",
        "scheme": "From and To differ in sip and sips",
    },
    question="whether From and To name the same",
    clause="RFC 3261 §10.2 (From), §10.3 step 4",
    force="none",
    severity="info",
    at_fault="UAC",
    group="A",
    subject="transaction",
    check=check,
    explains=(403,),
    violates_only_if=marks.ODD_EXCHANGE,
    why="Legal; worth knowing because authorisation (403) depends on it.",
    fix="if nobody is meant to register for another, give the phone's account one name: user, address-of-record and "
    "the identity in From; else allow it in the registrar",
    etsi=("RG_RT_V_009",),
    examples=(
        bad(_THIRD + "< 403", "suspicious", severity="warning"),
        bad(_THIRD + "< 200", severity="info"),
        bad(_THIRD + "< 401\n" + _THIRD + "Authorization: {admin x}\n< 200", severity="info"),
        bad(_THIRD + "< 401\n" + _THIRD + "Authorization: {carol x}\n< 200", "suspicious", severity="warning"),
        bad("> REGISTER sip:h\nFrom: <sip:Bob@h>;tag=1\nTo: <sip:bob@h>\n< 200", title="users differ in case"),
        bad("> REGISTER sip:h\nFrom: <sip:bob@h>;tag=1\nTo: <sips:bob@h>\n< 200", "scheme", severity="info"),
        good('> REGISTER sip:h\nFrom: "Bob" <sip:bob@Example.COM>;tag=1\nTo: <sip:bob@example.com>\n< 200'),
        good("> REGISTER sip:h\nFrom: <sip:%62ob@h:5060;x=1>;tag=1\nTo: sip:bob@h\n< 200", title="the same, escaped"),
        good("> REGISTER sip:h\nFrom: <sip:anonymous@anonymous.invalid>;tag=1\n< 200"),
        good("> REGISTER sip:h\n< 401\n> REGISTER sip:h\nAuthorization: {carol x}\n< 200", title="From is To"),
        good(_THIRD + "< 401", title="it is only challenged yet"),
        good("> REGISTER sip:h\nFrom: bob;tag=1\n< 200", title="what cannot be read is another rule's"),
    ),
)
