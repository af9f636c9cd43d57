"""A REGISTER names a domain, not a person, in its Request-URI.

The Request-URI of REGISTER is the domain of the location service (`sip:example.com`); who registers stands in To. A
user part there is the user agent's doing, always: it put the address-of-record where the registrar's domain belongs.
Many registrars tolerate it, so it is seldom the reason of a failure by itself; but a proxy that routes by user may send
the request to the phone instead of the registrar, and the digest `uri` then has the same user part.
"""

from __future__ import annotations

from analyzer.judge.context import CaptureContext
from analyzer.judge.findings import NO_VALUES, NOT_APPLICABLE, PASSED, Answer, Rule, Violated, bad, good
from analyzer.judge.values import apart
from analyzer.register import marks
from analyzer.register.subjects import MessageSubject
from analyzer.sip.text import clip


def check(subject: MessageSubject, context: CaptureContext) -> Answer:
    """Look for userinfo before the host of the Request-URI (RFC 3261 10.2)."""
    del context
    message = subject.message
    uri = message.uri
    if not message.is_request or uri is None:
        return NOT_APPLICABLE
    if uri.user is None:
        return PASSED
    detail = f"the Request-URI is {message.request_uri}, with the user part {uri.user!r}"
    _, at, host = message.request_uri.partition("@")
    plain = at and "@" not in host  # or it is not plain which of them ends the user part
    values = apart(clip(message.request_uri), clip(f"{uri.scheme}:{host}")) if plain else NO_VALUES
    return Violated(detail, values=values)


RULE = Rule(
    id="R3261-10.2-ruri-userinfo",
    title="Request-URI of REGISTER carries a user part",
    short_title="The Request-URI names a user instead of the domain",
    question="whether the Request-URI names the domain alone",
    clause="RFC 3261 §10.2 (Request-URI)",
    force="MUST",
    severity="error",
    at_fault="UAC",
    group="A",
    subject="message",
    check=check,
    explains=(400, 404, 405, 416, 484, 485, 604, "silence"),
    applies_if=marks.REQUEST,
    violates_only_if=marks.RURI_USER | marks.ODD_HEADERS,
    why="Routing-relevant and always the client's doing; many registrars tolerate it.",
    fix="set the phone's registrar (domain, SIP server) to the domain alone, without user@",
    etsi=("RG_RT_V_001",),
    disputed="RFC 3261 forbids the user part, RFC 8599 prints it, and ETSI TS 102 027 expects a registrar to "
    "answer with 200: the phone is told, never the registrar",
    examples=(
        bad("> REGISTER sip:alice@example.com"),
        bad("> REGISTER sip:a@example.com\n< 200\n@1800 > REGISTER sip:a@example.com", title="one finding a stream"),
        good("> REGISTER sip:example.com;transport=tcp"),
        good("> REGISTER sip:[2001:db8::1]:5060"),
        good("> REGISTER sip:example.com?to=a%40b", title="an @ in URI headers is no userinfo"),
        good("> REGISTER sip:example%40com", title="an escaped @ is bad syntax, not userinfo"),
        good(
            """
            > REGISTER sip:example.com
            Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKa
            src=198.51.100.7:5060 dst=198.51.100.1:5060 > REGISTER sip:bob@198.51.100.1
            CSeq: 1
            Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKp
            Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKa
            """,
            title="a proxy may retarget: only the first hop is judged",
        ),
    ),
)
