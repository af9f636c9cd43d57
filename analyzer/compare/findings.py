"""Which findings are new, gone, heavier, or come more often; they are known by what a baseline knows them by.

A new finding is worse only where its like would have been seen before: its client was there, and its rule had something
to judge. The same holds, the other way round, for one that is gone. What both have is worse where it weighs more, or
comes more often than chance explains.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

from analyzer.compare.chance import direction
from analyzer.compare.side import Side
from analyzer.compare.values import FindingChange, FindingFacts, Verdict
from analyzer.escape import visible
from analyzer.judge.findings import NEED_TEXT, SEVERITIES, Severity
from analyzer.run.baseline import FindingKey

_ORDER: tuple[Verdict, ...] = ("worse", "better", "new", "gone", "changed", "not compared", "same")


def finding_changes(before: Side, after: Side, weighing: Sequence[Severity]) -> list[FindingChange]:
    """Every finding of both sides, the worst first; `weighing` are the severities by which one that is new makes it
    worse, and one that is gone better."""
    changes = []
    for key in dict.fromkeys((*before.findings, *after.findings)):
        one, other = before.findings.get(key), after.findings.get(key)
        verdict, reason = _verdict(key, one, other, before, after, weighing)
        changes.append(FindingChange(verdict, key, one, other, reason))
    changes.sort(key=lambda change: (_ORDER.index(change.verdict), -SEVERITIES.index(change.one.severity), change.key))
    return changes


def _verdict(
    key: FindingKey,
    one: FindingFacts | None,
    other: FindingFacts | None,
    before: Side,
    after: Side,
    weighing: Sequence[Severity],
) -> tuple[Verdict, str]:
    if one is not None and other is not None:
        return _of_both(key, one, other, before, after, weighing)
    if other is not None:
        reason = _unseen(key, other, after, before, "first")
        return ("worse" if not reason and other.severity in weighing else "new"), reason
    assert one is not None
    reason = _unseen(key, one, before, after, "second")
    return ("better" if not reason and one.severity in weighing else "gone"), reason


def _of_both(
    key: FindingKey,
    one: FindingFacts,
    other: FindingFacts,
    before: Side,
    after: Side,
    weighing: Sequence[Severity],
) -> tuple[Verdict, str]:
    weight, later = SEVERITIES.index(one.severity), SEVERITIES.index(other.severity)
    way = direction(one.number, _judged(before, key.rule), other.number, _judged(after, key.rule))
    if weight != later:
        reason = f"{one.severity} before, {other.severity} after"
        if not way and before.span != after.span:  # some weigh more the more often they are seen
            return "changed", f"{reason}; for the length it comes as often"
        return ("worse" if later > weight else "better"), reason
    if key.about != (visible(other.aor),):  # what is told once of a server counts its messages, not its faults
        return "same", ""
    if not way:
        return "same", ""
    verdict: Verdict = "changed" if other.severity not in weighing else "worse" if way > 0 else "better"
    return verdict, "more often" if way > 0 else "less often"


def _judged(side: Side, rule: str) -> int:
    """How often a rule had something to judge: with the traffic, and with the length, that grows by itself."""
    tally = side.outcomes.get(rule)
    return tally.passed + tally.violated if tally is not None else 0


def _unseen(key: FindingKey, finding: FindingFacts, own: Side, other: Side, which: str) -> str:
    """Why the other side, the first or the second, could not have it; empty where it could."""
    its = "second" if which == "first" else "first"
    hosts = [word for word in key.about if word in own.hosts or _is_address(word)]
    if key.about == (visible(finding.aor),):
        if finding.aor not in other.aors:
            return f"its client is in the {its} alone"
    elif hosts and other.hosts.isdisjoint(hosts):
        return f"the host that it is about is in the {its} alone"
    elif any(_is_like(key, like) for like in other.findings):
        return f"the {which} has the like of it, about other hosts or realms"
    tally = other.outcomes.get(key.rule)
    if tally is None:
        return f"its rule was not asked in the {which}"
    if tally.passed or tally.violated:
        return ""
    if tally.not_judged:
        reason = max(tally.not_judged, key=lambda name: tally.not_judged[name])
        return f"its rule could not be judged in the {which}: {NEED_TEXT.get(reason, reason)}"
    return f"nothing in the {which} is of the kind that its rule is about"


def _is_like(one: FindingKey, other: FindingKey) -> bool:
    """Whether two findings that are about no client are the same of a server that is known by other words: a log does
    not name all of its addresses, and another client may be asked for another realm."""
    return (one.rule, one.sub) == (other.rule, other.sub) and not set(one.about).isdisjoint(other.about)


def _is_address(word: str) -> bool:
    try:
        ip_address(word)
    except ValueError:
        return False
    return True
