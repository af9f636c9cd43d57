"""A comparison for a machine (docs/interface.md 3.8): schema `sipcheck/1`, an object a line where there may be many."""

from __future__ import annotations

import json
from collections import Counter
from typing import IO, Any

from analyzer.compare.side import Side
from analyzer.compare.values import ClientChange, ClientFacts, Comparison, Figure, FindingChange, FindingFacts
from analyzer.escape import visible
from analyzer.register.client_state import CLIENT_STATES
from analyzer.views.schema import SCHEMA, Record, dumped, evidence, seconds, source_record

MOST_CLIENTS = 20_000
"""Clients that are listed; the rest are counted in `summary.left_out`."""
_DIGITS = 6


def write_json(out: IO[str], before: Side, after: Side, found: Comparison) -> None:
    """The object: schema, summary, both sides, clients, findings, figures, what is not compared."""
    out.write(f'{{"schema": "{SCHEMA}",\n "summary": {dumped(_summary(before, after, found))},\n')
    out.write(f' "before": {dumped(_side(before))},\n "after": {dumped(_side(after))},\n')
    lists: list[tuple[str, list[Record]]] = [
        ("clients", [client_record(one) for one in found.clients[:MOST_CLIENTS]]),
        ("findings", [finding_change_record(one) for one in found.findings]),
        ("figures", [figure_record(one) for one in found.figures]),
    ]
    for name, rows in lists:
        joined = ",\n  ".join(map(dumped, rows))
        out.write(f' "{name}": [{joined}],\n')
    told = ", ".join(json.dumps(visible(one)) for one in found.not_compared)
    out.write(f' "not_compared": [{told}]}}\n')


def _summary(before: Side, after: Side, found: Comparison) -> Record:
    findings = Counter(one.verdict for one in found.findings)
    return {
        "verdict": found.verdict,
        "clients": dict(sorted(found.counts.items())),
        "findings": dict(sorted(findings.items())),
        "left_out": max(0, len(found.clients) - MOST_CLIENTS),
        "interrupted": before.interrupted or after.interrupted,
    }


def _side(side: Side) -> Record:
    summary, states = side.summary, Counter(one.state for one in side.clients)
    return {
        "sources": [source_record(source) for source in side.sources],
        "kind": side.kind,
        "seconds": seconds(side.span),
        "messages": summary.messages,
        "register_requests": summary.register_requests,
        "transactions": summary.transactions,
        "retransmissions": summary.retransmissions,
        "clients": {state: number for state in CLIENT_STATES if (number := states[state])},
        "unlisted": side.unlisted,
        "notes": side.notes,
    }


def client_record(change: ClientChange) -> Record:
    """One client that is not the same on both sides."""
    return {
        "verdict": change.verdict,
        "aor": change.one.aor,
        "matched": change.matched or None,
        "reason": change.reason or None,
        "before": _client(change.before),
        "after": _client(change.after),
    }


def _client(one: ClientFacts | None) -> Record | None:
    if one is None:
        return None
    return {
        "registrar": one.registrar,
        "instance": one.instance or None,
        "contact": one.contact or None,
        "user_agent": one.user_agent,
        "state": one.state,
        "status": one.status or None,
        "since": seconds(one.since),
        "bound_share": _rounded(one.reached.share),
        "gaps": one.reached.gaps,
        "failures": one.failures,
        "evidence": evidence(*one.place),
    }


def finding_change_record(change: FindingChange) -> Record:
    """One finding, by what it is known by in both."""
    return {
        "verdict": change.verdict,
        "reason": change.reason or None,
        "rule": change.key.rule,
        "sub": change.key.sub,
        "about": list(change.key.about),
        "title": change.one.title,
        "clause": change.one.clause,
        "fix": change.one.fix,
        "before": _finding(change.before),
        "after": _finding(change.after),
    }


def _finding(one: FindingFacts | None) -> Record | None:
    if one is None:
        return None
    place = evidence(*one.evidence) if one.evidence is not None else None
    return {"severity": one.severity, "count": one.number, "detail": one.detail, "evidence": place}


def figure_record(figure: Figure) -> Record:
    """One number of both sides."""
    return {
        "figure": figure.name,
        "unit": figure.unit,
        "before": _rounded(figure.before),
        "after": _rounded(figure.after),
        "basis": list(figure.basis) if any(figure.basis) else None,
        "verdict": figure.verdict,
        "reason": figure.reason or None,
    }


def _rounded(value: float | None) -> Any:
    return None if value is None else round(value, _DIGITS)


__all__ = ["client_record", "figure_record", "finding_change_record", "write_json"]
