"""Registrations cross public addresses, and everybody on the way can read them.

Whoever records one REGISTER with its digest can try passwords against it at leisure, billions in a second; and sees
who registers from where. SIP has TLS for that, and servers should use it (RFC 3261 26.3.2.1; RFC 7616 5). Said where
credentials went over UDP, TCP or a plain WebSocket, and the phone's address or the server's, as captured, is a public
one. Between private, shared (RFC 6598), local or documentation addresses nothing is said; nor of what was captured
within TLS. That a VPN or IPsec carries the packets further on cannot be seen at such a place: then it can be left.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.judge.findings import NOT_APPLICABLE, PASSED, Answer, Rule, Values, Violated, bad, good
from analyzer.register.fleet import FleetSubject


def check(subject: FleetSubject, context: object) -> Iterator[Answer]:
    """Tell each server and transport over which credentials went in clear (heuristic; RFC 3261 26.3.2.1)."""
    del context
    for (server, transport), exposed in subject.exposed.items():
        source, destination = exposed.between
        many = "one client" if exposed.clients == 1 else f"{exposed.clients} clients"
        yield Violated(
            f"credentials of {many} reach {server} over {transport} in clear, across public addresses (first from "
            f"{source} to {destination})",
            count=exposed.clients,
            at=exposed.evidence,
            group_key=(server, transport),
            values=Values(transport, "TLS"),
        )
    if not subject.exposed:
        any_sent = any(one.credentials_place is not None for one in subject.registrations)
        yield PASSED if any_sent else NOT_APPLICABLE


_FLOW = "{0} > REGISTER sip:example.com\n< 401\n{0} > REGISTER sip:example.com\nAuthorization: {{bob x}}\n< 200"

RULE = Rule(
    id="DET-cleartext-public",
    title="Registration in clear across public addresses",
    short_title="Credentials cross the Internet in clear",
    question="whether credentials cross public addresses in clear",
    clause="heuristic; RFC 3261 §26.3.2.1 (SHOULD TLS), RFC 7616 §5",
    force="none",
    severity="warning",
    at_fault="operator",
    group="I",
    subject="fleet",
    check=check,
    why="Offline cracking of the digest.",
    fix="register over TLS (port 5061, transport=tls) or through a VPN, and give long random passwords",
    examples=(
        bad(_FLOW.format("src=11.22.33.44:5060 dst=11.22.33.55:5060"), title="both public", severity="warning"),
        bad(_FLOW.format("src=192.168.1.5:5060 dst=11.22.33.55:5060 transport=TCP"), title="from behind a NAT"),
        bad(
            _FLOW.format("src=11.22.33.44:5060") + "\n@90 " + _FLOW.format("src=11.22.33.44:5060"),
            title="once for a server",
        ),
        good(_FLOW.format("src=10.49.0.1:5064 dst=10.49.0.2:5060"), title="a private network"),
        good(_FLOW.format("src=100.64.3.4:5064 dst=10.49.0.2:5060"), title="a carrier's shared addresses"),
        good(_FLOW.format("src=11.22.33.44:5061 dst=11.22.33.55:5061 transport=TLS"), title="TLS"),
        good(_FLOW.format("src=192.0.2.1:5060 dst=198.51.100.7:5060"), title="documentation addresses"),
        good("src=11.22.33.44:5060 > REGISTER sip:example.com\n< 403", title="no credentials"),
        good(_FLOW.format("src=[fd00::1]:5060 dst=[fd00::2]:5060"), title="unique local addresses of IPv6"),
    ),
)
