"""A registrar lets nobody register, or sign off, who has not shown who he is.

Whoever can bind a contact to a user gets his calls, and whoever can remove one cuts him off. So a registrar should
authenticate the user agent, by digest nearly always (RFC 3261 10.3 step 3, 26.3.2.1), and a 2xx to a request without
Authorization or Proxy-Authorization shows that it did not; that other users are challenged makes it no better for this
one. A list that is given to anybody who asks (`query`) tells the addresses of a user's phones.

There are other ways to know who it is, and these are not judged: a certificate may stand behind a TLS connection, a
security association behind `Security-Verify` (RFC 3329); an IMS network, told by its P-Associated-URI (RFC 7315), may
know the line; and a proxy between may have asked and keep what it heard for itself. That a registrar trusts an address
cannot be seen, and is no authentication. Whether the request was accepted is what counts: the same client may have
authenticated itself a minute before.
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
from analyzer.register.requested import Purpose, purpose_of
from analyzer.register.subjects import TransactionSubject
from analyzer.sip.text import clip

_SECURED = ("TLS", "WSS")
_WHAT: dict[Purpose, str] = {
    "query": "a query for the contacts of {} was answered",
    "removal": "a request to remove contacts of {} was accepted",
    "registration": "a registration of {} was accepted",
}


def check(subject: TransactionSubject, context: CaptureContext) -> Answer:
    """Look for credentials in a request that was accepted (RFC 3261 10.3 step 3)."""
    transaction = subject.transaction
    request, final = transaction.request, transaction.final
    if request is None or final is None or not 200 <= final.status < 300:
        return NOT_APPLICABLE
    if request.carries_credentials:
        return PASSED
    if transaction.via_count > 1:
        return NotJudged("a proxy on the way may have authenticated the client")
    if transaction.transport in _SECURED or request.has("security-verify"):
        return NotJudged("the client may be known by its secured connection")
    if final.has("p-associated-uri"):
        return NotJudged("an IMS network may know the line")
    purpose, server = purpose_of(request), transaction.destination.host
    user = clip(subject.registration.aor if subject.registration is not None else request.first("to") or "nobody")
    asks = ", though the server asks others for theirs" if context.challenges.asks(transaction.destination) else ""
    detail = f"{_WHAT[purpose].format(user)} without credentials{asks}"
    related = (final.raw_message.evidence,)
    values = Values(str(final.status), "401 or 407")
    if purpose == "query":
        return Violated(detail, "query", "info", related=related, group_key=(server, "query"), values=values)
    return Violated(detail, related=related, group_key=(server,), values=values)


_ASKED = "> REGISTER sip:example.com\n< 401\n> REGISTER sip:example.com\nAuthorization: {bob x}\n< 200\n"

RULE = Rule(
    id="R3261-10.3-3-authenticate",
    title="Registration accepted without authentication",
    short_title="The registrar accepts a REGISTER without credentials",
    sub_titles={"query": "The registrar lists contacts without credentials"},
    question="whether the registrar wants to know who registers",
    clause="RFC 3261 §10.3 step 3, §26.3.2.1",
    force="SHOULD",
    severity="warning",
    at_fault="registrar",
    group="E",
    subject="transaction",
    check=check,
    applies_if=marks.SUCCESS,
    violates_only_if=marks.BARE,
    observed_at="first",
    supersedes=("R3261-10.3-check-order",),
    needs=(Need.C2S, Need.WHOLE),
    profiles=(InProfile("ims"),),
    why="Anyone can take over the AOR.",
    fix="let the registrar challenge every REGISTER: give the account a password (Asterisk: `secret`, or `auth` at the "
    "endpoint; Kamailio: `www_challenge` before `save()`), or note that the network itself keeps others away",
    etsi=("RG_RR_V_018",),
    stacks=("Twisted 26.10: lets everybody in where no portal is given",),
    examples=(
        bad("> REGISTER sip:example.com\n< 200", severity="warning"),
        bad("> REGISTER sip:example.com\nExpires: 0\n< 200", severity="warning", title="a removal"),
        bad("> REGISTER sip:example.com\n-Contact\n< 200", "query", severity="info"),
        bad(
            _ASKED + "@1800 > REGISTER sip:example.com\n< 200",
            title="the refresh of one who was asked the first time",
        ),
        bad(
            "> REGISTER sip:example.com\n< 200\n"
            "src=192.0.2.11:5060 > REGISTER sip:example.com\nTo: <sip:eve@example.com>\nCall-ID: c2\n< 200",
            title="two users of one server are one finding",
        ),
        good(_ASKED),
        good("> REGISTER sip:example.com\n< 401\n> REGISTER sip:example.com\n< 401", title="nobody is let in"),
        good("> REGISTER sip:example.com\nAuthorization: Bearer abc\n< 200", title="a token is a way, too (RFC 8898)"),
        good("> REGISTER sip:example.com\nProxy-Authorization: {bob x}\n< 200", title="known to the proxy"),
        good("transport=TLS stream=1 > REGISTER sip:example.com\n< 200", title="there may be a client certificate"),
        good(
            "> REGISTER sip:example.com\nSecurity-Verify: ipsec-3gpp;alg=hmac-sha-1-96;spi-c=1;spi-s=2\n< 200",
            title="a security association (RFC 3329)",
        ),
        good(
            "> REGISTER sip:example.com\n< 200\nP-Associated-URI: <sip:bob@example.com>",
            title="an IMS network that knows the line",
        ),
        good(
            """
            > REGISTER sip:example.com
            Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK2
            Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1
            < 200
            """,
            title="behind a proxy, which may have asked",
        ),
        good("> REGISTER sip:example.com\n< 403", title="refused without being asked"),
    ),
)
