"""A response that asks for credentials says what for.

A 401 has to carry WWW-Authenticate, a 407 Proxy-Authenticate (RFC 3261 22.2, 22.3, Table 3), and a Digest challenge has
to name its realm and a nonce (RFC 7616 3.3); without one of them nobody can compute a response, and the phone gives up
or asks again for ever. One challenge that can be answered is enough. The other header beside it is legal, for a proxy
that forks brings together what several servers ask. Challenges of other schemes are taken as they are, but for those of
HTTP and of Lync where there is no other (`no-digest`): most phones know Digest alone. A message whose end was not
captured may have had what seems to be missing.
"""

from __future__ import annotations

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Need, Rule, Values, Violated, bad, good
from analyzer.register import marks
from analyzer.register.subjects import MessageSubject
from analyzer.sip.auth_headers import CHALLENGED_IN, HEADER_NAMES
from analyzer.sip.text import clip

_FOREIGN = frozenset(("basic", "ntlm", "kerberos", "tls-dsk", "negotiate"))
"""Schemes of HTTP and of Lync (RFC 3261 22: Basic must not be used); Bearer is one of SIP (RFC 8898)."""
_OTHER_SCHEME = (
    "let the registrar ask with Digest (RFC 3261 22.4), or register with a client that knows its scheme (NTLM and "
    "Kerberos: Lync and Skype for Business)"
)


def check(subject: MessageSubject, context: CaptureContext) -> Answer:
    """Look for a challenge that can be answered in the header that the status asks for (RFC 3261 22.2, 22.3)."""
    message = subject.message
    own = CHALLENGED_IN.get(message.status) if not message.method else None
    if own is None:
        return NOT_APPLICABLE
    asked = [one for one in message.challenges if one.header == own]
    server = subject.transaction.destination.host
    named = f"a {message.status}"
    if not asked:
        other = f", but {HEADER_NAMES[message.challenges[0].header]}" if message.challenges else ""
        detail = f"{named} has no {HEADER_NAMES[own]}{other}: the phone is not told what to answer"
        values = Values(f"no {HEADER_NAMES[own]}", HEADER_NAMES[own])
        return Violated(detail, "missing", group_key=(server, message.status), values=values)
    if any(one.malformed for one in asked):
        return NOT_APPLICABLE  # what is there cannot be read (R3261-25-digest-syntax)
    schemes = {one.scheme.lower() for one in asked}
    if schemes <= _FOREIGN:
        names = " and ".join(sorted(clip(one.scheme) for one in asked))
        detail = f"{named} asks with {names} alone, and SIP has Digest: a phone that does not know it cannot answer"
        values = Values(names, "Digest")
        key = (server, message.status)
        return Violated(detail, "no-digest", "warning", group_key=key, fix=_OTHER_SCHEME, values=values)
    if any(not one.is_digest or (one.realm is not None and (one.nonce or "").strip()) for one in asked):
        return PASSED
    lacking = "realm" if any((one.nonce or "").strip() for one in asked) else "nonce"
    value = "is empty" if lacking == "nonce" and asked[0].nonce is not None else "is missing"
    detail = f"the {lacking} {value} in the Digest challenge of {named}: no response can be computed"
    values = Values(f"an empty {lacking}" if value == "is empty" else f"no {lacking}", f"a {lacking}")
    return Violated(detail, f"no-{lacking}", group_key=(server, message.status), values=values)


_ASK = "> REGISTER sip:example.com\n"
_WWW = 'WWW-Authenticate: Digest realm="h", nonce="n", qop="auth"\n'
_PROXY = 'Proxy-Authenticate: Digest realm="p", nonce="n", qop="auth"\n'

RULE = Rule(
    id="R3261-22.2-challenge-present",
    title="401/407 without a usable challenge",
    short_title="Asks for credentials, and does not say for what",
    sub_titles={"no-digest": "Asks for credentials of another scheme than Digest"},
    question="whether a challenge can be answered",
    clause="RFC 3261 §22.2, §22.3, Table 3; RFC 7235 §4.1",
    force="MUST",
    severity="error",
    at_fault="registrar / proxy",
    group="F",
    subject="message",
    check=check,
    explains=("given up", 401, 407),
    violates_only_if=marks.NO_CHALLENGE,
    applies_if=marks.ASKS,
    observed_at="last",
    needs=(Need.WHOLE,),
    why="Client cannot authenticate.",
    fix="let the server send WWW-Authenticate with 401 and Proxy-Authenticate with 407, with realm and a fresh nonce; "
    "if a box on the way takes the header off, let that pass it",
    etsi=("RG_RR_V_018", "RG_RR_V_021"),
    examples=(
        bad(_ASK + "< 401\n-WWW-Authenticate", "missing", severity="error"),
        bad(_ASK + "< 407\n-Proxy-Authenticate", "missing"),
        bad(_ASK + "< 401\n-WWW-Authenticate\n" + _PROXY, "missing", title="in the other header alone"),
        bad(_ASK + '< 401\nWWW-Authenticate: Digest realm="h", qop="auth"', "no-nonce"),
        bad(_ASK + '< 401\nWWW-Authenticate: Digest realm="h", nonce="", qop="auth"', "no-nonce", title="empty nonce"),
        bad(_ASK + '< 401\nWWW-Authenticate: Digest nonce="n", qop="auth"', "no-realm"),
        bad(
            _ASK + '< 401\nWWW-Authenticate: NTLM realm="SIP Communications Service", targetname="h", version=4',
            "no-digest",
            severity="warning",
            title="Lync's own scheme",
        ),
        bad(_ASK + '< 401\nWWW-Authenticate: Basic realm="h"', "no-digest"),
        good(_ASK + '< 401\nWWW-Authenticate: NTLM realm="h"\n' + _WWW, title="one of two is Digest"),
        good(_ASK + "< 401\n" + _WWW),
        good(_ASK + "< 401\n" + _WWW + _WWW + _PROXY, title="two of one kind, and one of the other"),
        good(_ASK + "< 407\n" + _PROXY),
        good(_ASK + '< 401\nWWW-Authenticate: Digest realm="", nonce="n"', title="an empty realm is a realm"),
        good(_ASK + '< 401\nwww-authenticate: DIGEST REALM="h",\tNONCE="n"', title="in another case"),
        good(_ASK + '< 401\nWWW-Authenticate: Bearer authz_server="https://h/"', title="a token is asked for"),
        good(
            _ASK + '< 401\nWWW-Authenticate: Digest realm="h", nonce=""\n' + _WWW,
            title="one of two can be answered",
        ),
        good(
            _ASK + '< 401\nWWW-Authenticate: Digest realm=\\"h\\",nonce=\\"n\\"',
            title="quotes that were escaped by mistake: it is malformed, and a nonce is there",
        ),
        good(_ASK + "< 403", title="refuses, and asks for nothing"),
    ),
)
