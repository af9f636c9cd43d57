"""Two sides held together: `compared` is the one way in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from analyzer.compare.clients import LENGTHS_ALIKE, client_changes
from analyzer.compare.figures import figures
from analyzer.compare.findings import finding_changes
from analyzer.compare.side import Side
from analyzer.compare.values import Comparison
from analyzer.judge.findings import Severity

WEIGHING: tuple[Severity, ...] = ("error", "warning")


def compared(before: Side, after: Side, weighing: Sequence[Severity] = WEIGHING) -> Comparison:
    """What got better, worse, is new, is gone from `before` to `after`, and what cannot be compared.

    `weighing` are the severities of which a finding that is new makes it worse (and one that is gone, better)."""
    changes = client_changes(before, after)
    return Comparison(
        clients=[one for one in changes if one.verdict != "same"],
        counts=Counter(one.verdict for one in changes),
        findings=finding_changes(before, after, weighing),
        figures=figures(before, after, changes),
        not_compared=list(_not_compared(before, after)),
    )


def _not_compared(before: Side, after: Side) -> Iterator[str]:
    sides = (("before", before), ("after", after))
    for name, side in sides:
        if side.interrupted:
            yield f"what comes after the point at which reading {name} was interrupted"
        if side.unlisted:
            yield f"{side.unlisted:,} clients of {name}, more than memory holds: they are counted alone"
        if side.span is None:
            yield f"anything of time: {name} has no clock"
    if before.clients and after.clients and before.aors.isdisjoint(after.aors):
        yield "any client: no address-of-record is in both"
    if before.span and after.span:
        times = max(before.span, after.span) / min(before.span, after.span)
        if times > LENGTHS_ALIKE:
            longer = "after" if after.span > before.span else "before"
            much = f"{times:,.0f}" if times >= 10 else f"{times:.1f}"
            yield (
                f"how rare things are: {longer} is {much} times as long, so what is rare shows there more likely "
                "(rates are per client and hour)"
            )
