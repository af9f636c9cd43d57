"""Findings made up for views: as many as wanted, alike or not."""

from __future__ import annotations

from typing import Any

from analyzer.evidence import SECOND, Evidence, Frame, Source
from analyzer.judge.findings import Confidence, Finding
from analyzer.judge.tally import Tally
from analyzer.run.report import Report
from tests.views.reports import REGISTERED, report_of

RULE = "R3261-10.2-ruri-userinfo"
BORN = 1_700_000_000 * SECOND


def finding(number: int = 1, **given: Any) -> Finding:
    """A finding of a rule that there is, about a client of its own."""
    card: dict[str, Any] = {
        "rule": RULE,
        "sub": "",
        "title": "Request-URI of REGISTER carries a user part",
        "short_title": "Userinfo in the Request-URI",
        "clause": "RFC 3261 §10.2",
        "force": "MUST",
        "proven_severity": "error",
        "confidence": Confidence.HIGH,
        "at_fault": "UAC",
        "detail": f"the Request-URI is sip:u{number}@example.com",
        "fix": "send the domain alone",
        "aor": f"sip:u{number}@example.com",
        "call_id": f"call-{number}",
        "registration": number,
        "transaction": number,
        "evidence": [Evidence(Frame("flow", number), BORN + number * SECOND)],
        "key": (RULE, number, ""),
    }
    return Finding(**(card | given))


def with_findings(*findings: Finding, sources: list[Source] | None = None) -> Report:
    """A report that has exactly these findings."""
    report = report_of(REGISTERED)
    report.findings = list(findings)
    report.sources = sources if sources is not None else report.sources
    for one in findings:
        tally = report.outcomes.setdefault(one.rule, Tally())
        tally.violated += one.count
    return report
