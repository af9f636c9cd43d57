"""One registration keeps coming from other addresses.

A phone stays where it is, or moves once. One that comes under the same Call-ID from three addresses and more, within
the time that its binding was granted for, sits behind a carrier's NAT with several addresses, has lost its network
again and again, or is more than one sender with the same credentials (`addresses`). Calls go to where it was seen last
only, so between two requests they may ring nowhere. Many ports of one address (`ports`, for information) are a NAT that
forgets the phone sooner than it refreshes: keep-alives would hold it open.

Ports of TCP and TLS mean nothing: each connection has its own. Nor is anything said of what came through a proxy.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Confidence, PerRun, Rule, Violated, bad, good
from analyzer.judge.parameters import CHURN_HOSTS, CHURN_PORTS
from analyzer.register.fleet import FleetSubject, is_public
from analyzer.sip.text import clip

_NAMED = 3


def check(subject: FleetSubject, context: object) -> Iterator[Answer]:
    """Count the addresses of each client that moved within its granted time (heuristic)."""
    del context
    if not subject.registrations:
        yield NOT_APPLICABLE
        return
    found = False
    for one in subject.wandering:
        span = f"{one.granted} s, the time granted" if one.granted is not None else "an hour"
        within = f" within {span}" if subject.has_clock else ""
        key, whose = (one.server.host, one.aor, PerRun(one.call_id)), clip(one.aor, 60)
        if len(one.hosts) >= CHURN_HOSTS:
            found = True
            named = ", ".join(one.hosts[:_NAMED])
            public = all(map(is_public, one.hosts))
            yield Violated(
                f"REGISTERs of {whose!r} under one Call-ID came from {len(one.hosts)} addresses{within} "
                f"({named}{', ...' if len(one.hosts) > _NAMED else ''})",
                "addresses",
                confidence=Confidence.HIGH if public else Confidence.MEDIUM,
                at=one.evidence,
                group_key=key,
            )
        elif one.ports >= CHURN_PORTS:
            found = True
            yield Violated(
                f"REGISTERs of {whose!r} under one Call-ID came from {one.ports} ports of {one.hosts[-1]}{within}",
                "ports",
                "info",
                at=one.evidence,
                group_key=key,
                at_fault="UAC / network",
                fix="let the phone send keep-alives (CRLF or STUN) more often than the NAT forgets",
            )
    if not found:
        yield PASSED


def _move(sources: list[str], gap: float = 100, extra: str = "", transport: str = "UDP") -> str:
    return "".join(
        f"@{gap * turn} src={source} transport={transport} > REGISTER sip:h\n{extra}< 200\n"
        for turn, source in enumerate(sources)
    )


_FIVE = [f"203.0.113.{number}:5060" for number in range(1, 6)]
_PORTS = [f"203.0.113.1:{6000 + number}" for number in range(8)]

RULE = Rule(
    id="DET-source-churn",
    title="One registration keeps arriving from changing source addresses",
    short_title="The phone keeps changing its address",
    sub_titles={"ports": "The phone's port keeps changing"},
    question="whether registrations keep changing their address",
    clause="heuristic",
    force="none",
    severity="warning",
    at_fault="UAC / network / attacker",
    group="I",
    subject="fleet",
    check=check,
    why="NAT timeout too short, CGNAT pool, IP flapping, or shared credentials.",
    fix="look whether it is one phone: if so, mend its network or use TCP or TLS; if not, change the password",
    examples=(
        bad(_move(_FIVE), "addresses", severity="warning", title="five addresses in ten minutes"),
        bad(_move(_PORTS), "ports", severity="info", title="eight ports of one address"),
        good(_move(_FIVE[:2]), title="it moved once"),
        good(_move(_FIVE, gap=4000), title="not within one granted time"),
        good(_move(_PORTS, transport="TCP"), title="each connection has a port of its own"),
        good(_move(_PORTS[:3]), title="ports that change now and then"),
        good(
            "".join(
                _move([source]).replace("@0 ", f"@{at} ").replace("sip:h\n", f"sip:h\nCall-ID: c{at}\n")
                for at, source in enumerate(_FIVE)
            ),
            title="five phones, each with its Call-ID",
        ),
        good(
            _move(
                _FIVE,
                extra="Via: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKp\nVia: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKq\n",
            ),
            title="through several proxies",
        ),
    ),
)
