"""Cause and effect in the finished report: attempts and gaps learn which findings explain them.

The judge has tied violations to failed attempts as these ended; here the ties are turned round, so that an attempt and
an episode name their findings. A gap in a client's reachability is tied to the failures during which it began, and so
to the findings that explain these; otherwise to a finding on the client that is claimed for this very time, or on the
answer to another client that took its contact away.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from analyzer.evidence import Place
from analyzer.judge.findings import Finding, TiedGap
from analyzer.register.attempt import Outcome
from analyzer.register.history import Episode
from analyzer.register.reachability import SLACK, Cause, Stretch
from analyzer.register.registration import Registration

_CAUSES: dict[Outcome, Cause] = {
    "rejected": "refused",
    "timeout": "not answered",
    "abandoned": "challenge not answered",
}
_RAN_OUT = ("ran out", "refreshed too late", "answered late")
_Ties = Mapping[int, Sequence[Finding]]


def tie_causes(registrations: Sequence[Registration], findings: Sequence[Finding]) -> int:
    """Write the ties into attempts, episodes and stretches; how many attempts and gaps findings explain."""
    causes: dict[int, list[Finding]] = defaultdict(list)
    claims: dict[int, list[Finding]] = defaultdict(list)
    answers: dict[Place, list[Finding]] = defaultdict(list)
    for finding in findings:
        for attempt in finding.explains:
            causes[attempt].append(finding)
        if finding.gaps and finding.registration is not None:
            claims[finding.registration].append(finding)
            for evidence in finding.evidence:
                answers[evidence.place].append(finding)
    rules = {attempt: tuple(dict.fromkeys(one.rule for one in found)) for attempt, found in causes.items()}
    gaps = 0
    for one in registrations:
        one.history.explain(rules)
        for gap in one.reach.stretches:
            if gap.state == "unbound":
                # What a later request may have had, whose answer was not seen, was not lost by failures before that.
                episodes = one.history.episodes if one.reach.unseen_before(gap) is None else ()
                found = _failures(gap, episodes, causes) or _claimed(gap, claims.get(one.id, ()))
                if gap.cause == "taken away" and gap.by is not None:
                    found = [finding for finding in answers.get(gap.by.place, ()) if finding.registration != one.id]
                for finding in found:
                    finding.tied_gaps.append(TiedGap(one.id, gap.start, gap.end))
                gap.finding = found[0].rule if found else ""
                gaps += bool(found)
    return len(causes) + gaps


def _failures(gap: Stretch, episodes: Sequence[Episode], causes: _Ties) -> Sequence[Finding]:
    """What explains the failures during which a binding ran out: it was lost by these. The gap takes its cause from
    them. Failures that began later have but prolonged it."""
    for episode in episodes if gap.cause in _RAN_OUT else ():
        if episode.first.purpose in ("remove", "query"):
            continue  # neither would have renewed anything
        start, end = episode.first.start, episode.until
        if episode.over and end is None:
            continue  # nothing tells when it was over
        if start is not None and start <= gap.start + SLACK and (end is None or end >= gap.start):
            gap.cause = _CAUSES.get(episode.first.outcome, gap.cause)
            return next((causes[attempt] for attempt in episode.ids if attempt in causes), ())
    return ()


def _claimed(gap: Stretch, findings: Sequence[Finding]) -> Sequence[Finding]:
    """The findings on the client that are claimed for a time in the gap."""

    def is_in(claim: tuple[int, int]) -> bool:
        return claim[0] <= (gap.end if gap.end is not None else claim[0]) and claim[1] >= gap.start

    if gap.cause not in (*_RAN_OUT, "not listed"):
        return ()
    return [finding for finding in findings if any(map(is_in, finding.gaps))]
