"""What is told of a rule that failed to run: a fault of the program, never of the traffic."""

from __future__ import annotations

from analyzer.judge.findings import Confidence, Finding, Rule

INTERNAL = "internal"


def failure_of(rule: Rule, error: Exception) -> Finding:
    """The finding that a rule failed to run, without a place yet."""
    where = error.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    line = f" (line {where.tb_lineno} of {where.tb_frame.f_code.co_name})" if where else ""
    return Finding(
        rule=INTERNAL,
        sub="",
        title="a rule failed to run",
        short_title="A rule failed to run",
        clause="",
        force="none",
        proven_severity="error",
        confidence=Confidence.HIGH,
        at_fault="sipcheck",
        detail=f"rule {rule.id} failed to run: {type(error).__name__}{line}",
        fix="this is a fault of sipcheck, not of the traffic: please report it with the message named here",
        aor="",
        call_id="",
        registration=None,
        transaction=None,
        evidence=[],
        key=(INTERNAL, rule.id),
    )
