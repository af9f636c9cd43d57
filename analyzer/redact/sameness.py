"""Whether the redacted file gives the same findings: what differs is named, rule by rule."""

from __future__ import annotations

import re
from collections import Counter

from analyzer.register.client_state import state_of
from analyzer.run.report import Report

MOST_NAMED = 6
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*(?:\"|\Z)")
"""A word of the wire in a reason, which may be a name; a quote of the wire that is not closed may be in it."""
_Kind = tuple[str, str, str]


def differences(before: Report, after: Report) -> list[str]:
    """What the second report says otherwise than the first, a sentence each: findings by rule, sub-code and severity,
    what rules answered, what became of clients, what the server says. Empty where they are the same."""
    told = [
        f"{rule}{f' ({sub})' if sub else ''}, {severity}: {one:,} before, {other:,} now"
        for (rule, sub, severity), one, other in _unequal(_findings(before), _findings(after))
    ]
    told += [
        f"clients {state}: {one:,} before, {other:,} now"
        for state, one, other in _unequal(*map(_states, (before, after)))
    ]
    named = {rule for (rule, _, _), _, _ in _unequal(_findings(before), _findings(after))}
    otherwise = [
        rule
        for rule in sorted({*before.outcomes, *after.outcomes} - named)
        if _answers(before, rule) != _answers(after, rule)
    ]
    if otherwise:
        more = f" and {len(otherwise) - MOST_NAMED} more" if len(otherwise) > MOST_NAMED else ""
        told.append(f"the same findings, but judged otherwise: {', '.join(otherwise[:MOST_NAMED])}{more}")
    told += [
        f"lines in which the server says {said}: {one:,} before, {other:,} now"
        for said, one, other in _unequal(*map(_notices, (before, after)))
    ]
    verdicts = before.summary.digests, after.summary.digests
    told += [f"digests {verdict}: {one:,} before, {other:,} now" for verdict, one, other in _unequal(*verdicts)]
    return told


def _unequal(before: Counter, after: Counter) -> list[tuple]:  # type: ignore[type-arg]
    keys = sorted({*before, *after})
    return [(key, before[key], after[key]) for key in keys if before[key] != after[key]]


def _findings(report: Report) -> Counter[_Kind]:
    found: Counter[_Kind] = Counter()
    for finding in report.findings:
        found[finding.rule, finding.sub, finding.severity] += finding.count
    return found


def _notices(report: Report) -> Counter[str]:
    """What the writers of logs say in words of their own, by its cause."""
    found: Counter[str] = Counter()
    for source in report.sources:
        for notice in source.notices:
            found[notice.cause] += notice.count
    return found


def _states(report: Report) -> Counter[str]:
    return Counter(state_of(one) for one in report.registrations)


def _answers(report: Report, rule: str) -> tuple[object, ...]:
    tally = report.outcomes.get(rule)
    if tally is None:
        return ()
    reasons: Counter[str] = Counter()
    for reason, count in tally.not_judged.items():
        reasons[_QUOTED.sub("'...'", reason)] += count
    return tally.passed, tally.violated, tally.not_applicable, reasons, tally.failed, tally.seen
