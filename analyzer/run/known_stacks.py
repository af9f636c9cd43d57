"""What is known of the programs in a capture: said beside the findings that are exactly that (`judge/stacks`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from analyzer.evidence import Endpoint
from analyzer.judge.findings import Finding
from analyzer.register.registration import Registration
from analyzer.register.transaction import Transaction

MOST_SERVERS = 1000
"""Servers of which the program is remembered."""
MOST_LETTERS = 200
"""... and as much of its name."""

Servers = dict[Endpoint, tuple[int, str]]
"""By its address when a server named its program first, and that: so several workers agree on it."""


def note_server(servers: Servers, transaction: Transaction) -> None:
    """Note which program answered a transaction, if it says so."""
    final = transaction.final
    agent = final.user_agent[:MOST_LETTERS] if final is not None else ""
    if not agent or (transaction.destination not in servers and len(servers) >= MOST_SERVERS):
        return
    seen = (transaction.answered_at or 0, agent)
    servers[transaction.destination] = min(seen, servers.get(transaction.destination, seen))


def tell_stacks(findings: Sequence[Finding], registrations: Iterable[Registration], several: Iterable[Servers]) -> None:
    """Give each finding what the table of programs says, where it says exactly this of the phone or the registrar.
    Nothing else of a finding changes."""
    if not findings:
        return
    from analyzer.judge.stacks import fact_of  # late: where nothing is found, nothing is asked

    servers: Servers = {}
    for some in several:
        for endpoint, seen in some.items():
            servers[endpoint] = min(seen, servers.get(endpoint, seen))
    registrars = {one.id: one.registrar.endpoint for one in registrations}
    for finding in findings:
        finding.stack = fact_of(finding.user_agent, "client", finding.rule, finding.sub, finding.detail)
        if finding.stack is None and finding.registration in registrars:
            server = servers.get(registrars[finding.registration])
            if server is not None:
                finding.stack = fact_of(server[1], "registrar", finding.rule, finding.sub, finding.detail)
