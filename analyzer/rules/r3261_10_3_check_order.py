"""A registrar asks who it is before it says anything else.

The order in which a registrar looks at a request is: extensions (420), authentication (401, 407), authorization (403),
the address-of-record (404), and only then the contacts and their expiry (RFC 3261 10.3 steps 2 to 7, 8.2). One that
challenges others, and answers a request without credentials with 403, 404 or 423, or a `Contact: *` with 400, has
looked at what comes later first (`before-auth`). So whoever asks learns which users there are, and how long the
shortest registration is. A removal that is carried out without credentials is worse: where R3261-10.3-3-authenticate
says so, this is left out.

Only a registrar that was seen to challenge, at the same port, is held to it. A proxy between may have taken the
credentials out, and behind TLS a certificate may stand for them: nothing is said then. Nor of a 400, which a request
that cannot be read gets from anybody, nor of 420, which comes first.
"""

from __future__ import annotations

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import (
    NOT_APPLICABLE,
    PASSED,
    Answer,
    InProfile,
    Need,
    NotJudged,
    Rule,
    Values,
    Violated,
    bad,
    good,
)
from analyzer.register import marks
from analyzer.register.requested import purpose_of
from analyzer.register.subjects import TransactionSubject
from analyzer.sip.text import clip

_LATER = {403: "authorization", 404: "the address-of-record", 423: "the expiry"}
_SECURED = ("TLS", "WSS")


def check(subject: TransactionSubject, context: CaptureContext) -> Answer:
    """Look for answers that only an authenticated request should get (RFC 3261 10.3)."""
    transaction = subject.transaction
    request, final = transaction.request, transaction.final
    if request is None or final is None or final.status in (401, 407):
        return NOT_APPLICABLE
    if request.carries_credentials or not context.challenges.asks(transaction.destination):
        return NOT_APPLICABLE
    is_star = final.status == 400 and any(one.star for one in request.contacts)
    is_removed = 200 <= final.status < 300 and purpose_of(request) == "removal"
    what = "the contacts" if is_star or is_removed else _LATER.get(final.status, "")
    if not what:
        return PASSED
    if transaction.via_count > 1 or transaction.transport in _SECURED or request.has("security-verify"):
        return NotJudged("the client may be known in another way")
    detail = f"a request without credentials is answered with {final.status} {clip(final.reason)}: {what} came first"
    server = transaction.destination.host
    related, values = (final.raw_message.evidence,), Values(str(final.status), "401 or 407")
    return Violated(detail, "before-auth", related=related, group_key=(server, final.status), values=values)


_AT = "> REGISTER sip:example.com\n"
_ASKED = f"{_AT}< 401\n{_AT}Authorization: {{bob x}}\n< 200\n"
_EVE = f"{_AT}Call-ID: c2\nTo: <sip:eve@example.com>\n"

RULE = Rule(
    id="R3261-10.3-check-order",
    title="Checks done in another order than Require, authentication, authorisation, AOR, Contact",
    short_title="The registrar answers before it asks who it is",
    question="whether the registrar authenticates before it decides",
    clause="RFC 3261 §10.3 steps 1-8, §8.2 ¶3",
    force="SHOULD",
    severity="info",
    at_fault="registrar",
    group="E",
    subject="transaction",
    check=check,
    applies_if=marks.BARE,
    observed_at="first",
    needs=(Need.C2S, Need.WHOLE),
    profiles=(InProfile("ims"),),
    why="Leaks policy to unauthenticated clients (enumeration, minimum expiry).",
    fix="let the registrar challenge first, unknown users too (chan_sip: `alwaysauthreject=yes`; Kamailio: "
    "`www_challenge` before the domain, the user and `save()` are looked at)",
    examples=(
        bad(f"{_ASKED}{_EVE}Expires: 10\n< 423\nMin-Expires: 60", "before-auth", severity="info"),
        bad(f"{_ASKED}{_EVE}< 404", "before-auth", title="a user who does not exist"),
        bad(f"{_ASKED}{_EVE}< 403", "before-auth"),
        bad(f"{_ASKED}{_AT}Contact: *\nExpires: 60\n< 400", "before-auth", title="the form of a star"),
        bad(f"{_ASKED}{_AT}Expires: 0\n< 200", "before-auth", title="a removal, carried out"),
        good(f"{_ASKED}{_EVE}Require: foo\n< 420\nUnsupported: foo", title="420 comes first"),
        good(f"{_ASKED}{_EVE}< 400", title="a request that cannot be read"),
        good(f"{_ASKED}{_AT}Expires: 10\n< 401\n{_AT}Expires: 10\nAuthorization: {{bob x}}\n< 423\nMin-Expires: 60"),
        good(f"{_AT}< 403", title="it was not seen to challenge anybody"),
        good(f"{_ASKED}dst=198.51.100.1:5080 {_EVE}< 404", title="another port is another server"),
        good(f"{_ASKED}transport=TLS stream=3 {_EVE}< 403", title="there may be a client certificate"),
        good(f"{_ASKED}{_EVE}< 503", title="overloaded: that is no decision"),
    ),
)
