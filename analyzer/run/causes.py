"""Cause and effect in the finished report: attempts and gaps learn which findings explain them.

The judge has tied violations to failed attempts as these ended; here the ties are turned round, so that an attempt and
an episode name their findings. A gap in a client's reachability is tied to the failures that it lies in, and otherwise
to a finding on the client, of a rule that explains gaps, whose evidence lies in it or just beside it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from analyzer.evidence import SECOND
from analyzer.judge.findings import Finding, Rule
from analyzer.register.reachability import Stretch
from analyzer.register.registration import Registration

NEAR = 60 * SECOND
"""Nanoseconds around a gap in which its cause is looked for."""


def tie_causes(registrations: Sequence[Registration], findings: Sequence[Finding], rules: Sequence[Rule]) -> int:
    """Write the ties into attempts, episodes and stretches; how many attempts and gaps findings explain."""
    causes: dict[int, list[str]] = defaultdict(list)
    for finding in findings:
        for attempt in finding.explains:
            if finding.rule not in causes[attempt]:
                causes[attempt].append(finding.rule)
    explaining = {rule.id for rule in rules if "gap" in rule.explains}
    on_client: dict[int, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.rule in explaining and finding.registration is not None:
            on_client[finding.registration].append(finding)
    gaps = 0
    for one in registrations:
        one.history.explain(causes)
        for gap in one.reach.stretches:
            if gap.state == "unbound" and gap.cause in ("ran out", "refreshed too late"):
                _explain(gap, one, on_client.get(one.id, ()))
                gaps += bool(gap.finding)
    return len(causes) + gaps


def _explain(gap: Stretch, one: Registration, findings: Sequence[Finding]) -> None:
    """A binding that ran out while the client's attempts failed was lost by these; else by who came too late."""
    for episode in one.history.episodes:
        start, end = episode.first.start, episode.until
        if episode.over and end is None:
            continue  # nothing tells when it was over
        if start is not None and (gap.end is None or start < gap.end) and (end is None or end >= gap.start):
            gap.cause = "not answered" if episode.first.status == 0 else "refused"
            gap.finding = next(iter(episode.first.findings), "")
            return
    found = _cause_of(gap, findings)
    if found is not None:
        gap.finding = found.rule


def _cause_of(gap: Stretch, findings: Sequence[Finding]) -> Finding | None:
    end = gap.end if gap.end is not None else gap.start
    for finding in findings:
        times = [one.time for one in finding.evidence if one.time is not None]
        if any(gap.start - NEAR <= time <= end + NEAR for time in times):
            return finding
    return None
