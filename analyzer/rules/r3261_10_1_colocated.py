"""A registrar may be a proxy as well.

Registrar and proxy are roles, and most servers have both (RFC 3261 10.1): the same address and port answers REGISTER
and handles calls (`both-roles`). It matters for who may ask for credentials and how: a registrar with 401 and
WWW-Authenticate, a proxy with 407 and Proxy-Authenticate (22.2, 22.3), and for what a Record-Route in an answer means.

Counted are addresses with port. That a server answers other methods is seen by a final answer, whichever it is; OPTIONS
of a keep-alive count, too.
"""

from __future__ import annotations

from analyzer.judge.findings import NOT_APPLICABLE, Answer, Rule, Seen, good, seen
from analyzer.register.fleet import FleetSubject


def check(subject: FleetSubject, context: object) -> Answer:
    """Count the registrars that answer other methods, too (RFC 3261 10.1)."""
    del context
    registrars = {one.registrar.endpoint for one in subject.registrations if one.status or one.was_well}
    both = registrars & set(subject.answering)
    return Seen("both-roles", len(both)) if both else NOT_APPLICABLE


RULE = Rule(
    id="R3261-10.1-colocated",
    title="Registrar co-located with a proxy",
    short_title="The registrar is a proxy as well",
    question="whether registrars are proxies as well",
    clause="RFC 3261 §10.1 last ¶",
    force="MAY",
    severity="info",
    at_fault="registrar",
    group="E",
    subject="fleet",
    check=check,
    is_fact=True,
    observed_at="any",
    why="Permission; matters for who may send 401/407 and Record-Route.",
    fix="nothing: most servers are both",
    examples=(
        seen("> REGISTER sip:h\n< 200\n> INVITE sip:al@h\nCall-ID: i1\nCSeq: 1\n< 407", "both-roles"),
        good("> REGISTER sip:h\n< 200", title="a registrar alone"),
        good(
            "> REGISTER sip:h\n< 200\ndst=198.51.100.2:5060 > INVITE sip:al@h\nCall-ID: i1\nCSeq: 1\n< 407",
            title="a proxy beside it",
        ),
    ),
)
