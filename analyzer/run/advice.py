"""What only the whole capture can add to a finding: its clients, by what they are and what they were seen to do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from analyzer.judge.findings import Finding, Rule, ServerClients
from analyzer.register.registration import Registration

MOST_AGENTS = 1000
"""Kinds of program at one server that are looked at."""


def advise(findings: Sequence[Finding], registrations: Sequence[Registration], rules: Sequence[Rule]) -> None:
    """Let the rules that have something to add to how a finding is mended do so (`Rule.advice`)."""
    advice = {rule.id: rule.advice for rule in rules if rule.advice is not None}
    asked = [(finding, advice[finding.rule]) for finding in findings if finding.rule in advice]
    if not asked:
        return
    agents, unanswered = _agents(registrations)
    for finding, tell in asked:
        per = finding.key[1]
        server = per[0] if isinstance(per, tuple) else ""
        more = tell(ServerClients(tuple(agents.get(server, ())), tuple(unanswered)))
        finding.fix += f"; {more}" if more else ""


def _agents(registrations: Sequence[Registration]) -> tuple[dict[str, dict[str, None]], dict[tuple[str, str], None]]:
    """The programs at each server that answered a challenge, and those of the capture that answered none of what they
    were offered, with that."""
    agents: dict[str, dict[str, None]] = defaultdict(dict)
    unanswered: dict[tuple[str, str], None] = {}
    for one in registrations:
        if not one.user_agent:
            continue
        known = agents[one.registrar.endpoint.host]
        if one.credentials_place is not None and len(known) < MOST_AGENTS:
            known[one.user_agent] = None
        choice = one.choice
        if choice is not None and not choice.taken and len(unanswered) < MOST_AGENTS:
            unanswered[(one.user_agent, choice.words)] = None
    return agents, unanswered
