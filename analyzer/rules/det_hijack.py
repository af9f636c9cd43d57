"""A stranger takes a phone's contact away and puts its own in the place.

Calls go where the registrar's bindings point (RFC 3261 26.1.1). Who has the password can remove the contact of the
user's phone, by `Contact: *` or by naming it with an expiry of 0, and register another: the calls are his then, and the
phone shows nothing. Said where a client that was never seen for this user before removes the contact of another, which
was bound, and within a minute is bound itself; from another address, and with another instance. Whether it is a
thief, a new phone in the place of an old one, or one that clears the list when it starts, only the user can say, so it
is a warning; tries that were refused just before make it more likely.

Not meant: a registrar that keeps one contact for a user and lets the newest win; a phone with a new address, which has
the same instance or Call-ID; and a removal by somebody who does not register.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analyzer.evidence import Endpoint, Evidence
from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Confidence, Rule, Violated, bad, good
from analyzer.judge.parameters import HIJACK_WINDOW
from analyzer.register.fleet import FleetSubject
from analyzer.register.reachability import Stretch
from analyzer.register.registration import Registration
from analyzer.sip.text import clip

_TRIES = 3
"""Refused tries that make it more likely."""


def check(subject: FleetSubject, context: object) -> Iterator[Answer]:
    """Look for contacts that a newcomer has taken away (heuristic; RFC 3261 26.1.1)."""
    del context
    users: dict[tuple[Endpoint, str], list[Registration]] = {}
    for one in subject.registrations:
        users.setdefault((one.registrar.endpoint, one.aor), []).append(one)
    several = [clients for clients in users.values() if len(clients) > 1]
    if not several:
        yield NOT_APPLICABLE
    for clients in several:
        yield next(_takings(clients), PASSED)


def _takings(clients: Sequence[Registration]) -> Iterator[Violated]:
    for owner in clients:
        for stretch in owner.reach.stretches:
            if stretch.state == "unbound" and stretch.cause in ("taken away", "removed by another"):
                taker = next((one for one in clients if _took(one, owner, stretch)), None)
                if taker is not None:
                    yield _taking(owner, taker, stretch)


def _took(taker: Registration, owner: Registration, gone: Stretch) -> bool:
    """Whether this is who took it: new here, from elsewhere, asked for that, and bound within a minute."""
    first = taker.first
    if taker is owner or first is None or owner.first is None or not 0 <= gone.start - first <= HIJACK_WINDOW:
        return False
    if first - owner.first < HIJACK_WINDOW or taker.source.host == owner.source.host:
        return False
    if taker.client.instance and taker.client.instance == owner.client.instance:
        return False
    if not ("*" in taker.contacts or set(taker.contacts) & set(owner.contacts)):
        return False  # a registrar that lets the newest win
    return any(one.state == "bound" and abs(one.start - gone.start) <= HIJACK_WINDOW for one in taker.reach.stretches)


def _taking(owner: Registration, taker: Registration, gone: Stretch) -> Violated:
    refused = sum(count for status, count in taker.reasons.items() if status in (401, 403, 407))
    before = f" after {refused} refused tries" if refused >= _TRIES else ""
    detail = (
        f"{taker.source.host}, not seen for {clip(owner.aor, 60)!r} before, took the contact of {owner.source.host} "
        f"away{before} and registered its own"
    )
    place = gone.by if gone.by is not None else Evidence(taker.place, taker.first)
    return Violated(
        detail,
        confidence=Confidence.HIGH if before else Confidence.MEDIUM,
        at=place,
        related=(Evidence(taker.place, taker.first),),
        group_key=(owner.registrar.endpoint.host, owner.aor),
    )


_OWN = "> REGISTER sip:h\nUser-Agent: Desk\n< 200\n"
_STRANGER = "src=203.0.113.9:5060 > REGISTER sip:h\nCall-ID: s\nUser-Agent: Other\n"
_CLEARS = f"@300 {_STRANGER}Contact: *\nExpires: 0\n< 200\n"
_BINDS = f"{_STRANGER}Contact: <sip:x@203.0.113.9>\n< 200\n"

RULE = Rule(
    id="DET-hijack",
    title="Registration takeover",
    short_title="A stranger takes a registration over",
    question="whether a stranger takes a registration over",
    clause="heuristic; RFC 3261 §26.1.1",
    force="none",
    severity="warning",
    at_fault="attacker",
    group="I",
    subject="fleet",
    check=check,
    why="Calls diverted.",
    fix="ask the user whether it is their new phone; if not, change the password, remove the contact, and block the "
    "address",
    examples=(
        bad(_OWN + _CLEARS + _BINDS, title="it clears the list and registers", severity="warning"),
        bad(
            _OWN + f"@300 {_STRANGER}Contact: <sip:bob@192.0.2.10:5060>;expires=0, <sip:x@203.0.113.9>\n< 200\n",
            title="in one request, by name",
        ),
        good(_OWN + _CLEARS, title="it removes, and does not register"),
        good(_OWN + "@300 " + _BINDS, title="the registrar keeps one contact: the newest wins"),
        good(
            _OWN + _CLEARS.replace("203.0.113.9", "192.0.2.10") + _BINDS.replace("src=203.0.113.9", "src=192.0.2.10"),
            title="the same address",
        ),
        good(
            _OWN + "@300 > REGISTER sip:h\nContact: *\nExpires: 0\n< 200\n> REGISTER sip:h\n< 200",
            title="the phone itself",
        ),
        good(
            "@0 " + _BINDS + "@10 " + _OWN + _CLEARS + _BINDS,
            title="both were seen before",
        ),
    ),
)
