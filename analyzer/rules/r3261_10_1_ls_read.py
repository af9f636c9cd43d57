"""The proxy of a domain reads what its registrar wrote.

A call to somebody who is registered has to find him: the proxy of the domain looks into the location service that the
registrar writes (RFC 3261 10.1). Where a server that had granted a contact, which has time left, answers a request for
its user with 404 or 480 and sends it nowhere (`registered-but-not-routed`), the two may not see the same data. It is a
symptom and no proof: the user may have switched on do-not-disturb or may bar the caller, and a cluster needs its time
to tell all members. So it is counted, and no finding.

Only a server is looked at that registers the user itself, at the same address and port; not within two seconds of the
200; and not where the request was seen to go on.
"""

from __future__ import annotations

from analyzer.judge.findings import NOT_APPLICABLE, Answer, Rule, Seen, good, seen
from analyzer.register.fleet import FleetSubject, Refused
from analyzer.register.reachability import SLACK
from analyzer.register.registration import Registration


def check(subject: FleetSubject, context: object) -> Answer:
    """Hold requests that found nobody against who was bound then (RFC 3261 10.1)."""
    del context
    if not subject.unrouted:
        return NOT_APPLICABLE
    known: dict[tuple[object, str], list[Registration]] = {}
    for one in subject.registrations:
        known.setdefault((one.registrar.endpoint, one.aor), []).append(one)
    missed = sum(
        any(_is_bound(one, refused) for one in known.get((refused.server, refused.aor), ()))
        for refused in subject.unrouted
    )
    return Seen("registered-but-not-routed", missed) if missed else NOT_APPLICABLE


def _is_bound(registration: Registration, refused: Refused) -> bool:
    """Whether a client was bound for certain when the request for its user came."""
    for stretch in registration.reach.stretches:
        ends = [end for end in (stretch.end, stretch.expires) if end is not None]
        if stretch.state == "bound" and stretch.start + SLACK < refused.time and ends and refused.time < min(ends):
            return True
    return False


_CALL = "src=192.0.2.50:5060 > INVITE sip:bob@example.com\nFrom: <sip:al@example.com>;tag=9\nCall-ID: i1\nCSeq: 1\n"

RULE = Rule(
    id="R3261-10.1-ls-read",
    title="Proxy/redirect server can read the registrar's data",
    short_title="Somebody who is registered is not found",
    question="whether those who are registered are found",
    clause="RFC 3261 §10.1 last ¶",
    force="MUST",
    severity="info",
    at_fault="proxy",
    group="E",
    subject="fleet",
    check=check,
    is_fact=True,
    observed_at="any",
    why="Needs non-REGISTER traffic; a symptom, not a proof.",
    fix="where calls to registered users fail, see that proxy and registrar use one location table, and how soon it is "
    "replicated",
    examples=(
        seen(f"> REGISTER sip:example.com\n< 200\n@30 {_CALL}< 480", "registered-but-not-routed"),
        good(f"> REGISTER sip:example.com\n< 200\n@30 {_CALL}< 486", title="he is found, and busy"),
        good(f"> REGISTER sip:example.com\n< 200\n@1 {_CALL}< 480", title="a cluster needs its time"),
        good(f"> REGISTER sip:example.com\n< 200\n@3700 {_CALL}< 480", title="it had run out"),
        good(f"> REGISTER sip:example.com\n< 403\n@30 {_CALL}< 404", title="he is not registered"),
    ),
)
