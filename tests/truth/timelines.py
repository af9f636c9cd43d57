"""Three tellers of one thing: the timeline of a client, its bindings, and storm's users without a binding."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import numpy as np

import analyzer
from analyzer.register.binding import Binding
from analyzer.register.reachability import SLACK
from analyzer.register.reached import KEPT_BINDINGS
from analyzer.register.registration import Registration
from analyzer.run.report import Report
from analyzer.storm.marks import marks_of
from analyzer.storm.outage import unbound_intervals_of
from analyzer.storm.traffic import traffic_of

Span = tuple[int, int]
_FOREVER = 2**62


def merged(spans: Iterable[Span]) -> list[Span]:
    """Times that follow one another within the tolerance, as one."""
    whole: list[Span] = []
    for start, end in sorted(spans):
        if whole and start <= whole[-1][1] + SLACK:
            whole[-1] = (whole[-1][0], max(whole[-1][1], end))
        else:
            whole.append((start, end))
    return whole


def bound_times(one: Registration) -> list[Span]:
    """When a client was bound, by its timeline."""
    bound = [stretch for stretch in one.reach.stretches if stretch.state == "bound"]
    ends = [stretch.end if stretch.end is not None else stretch.expires for stretch in bound]
    return merged((stretch.start, end) for stretch, end in zip(bound, ends, strict=True) if end is not None)


def without_times(spans: list[Span], unknown: Iterable[Span]) -> list[Span]:
    """What is left of times without those of which nothing is known."""
    for start, end in unknown:
        cut = [(since, min(until, start)) for since, until in spans] + [
            (max(since, end), until) for since, until in spans
        ]
        spans = sorted(span for span in cut if span[1] > span[0])
    return spans


def unknown_times(one: Registration) -> Iterator[Span]:
    """When it is not known whether a client was bound, because an answer is missing, or came late."""
    for stretch in one.reach.stretches:
        if stretch.state == "unknown" and stretch.cause in ("answer not seen", "answered late"):
            yield stretch.start, stretch.end if stretch.end is not None else _FOREVER


def binding_times(bindings: Iterable[Binding], since: int | None = None) -> list[Span]:
    """When contacts were bound, by the bindings, from `since` on; of what was not granted in numbers nothing is
    known."""
    known = [one for one in bindings if one.granted is not None and one.bound_from is not None and one.end is not None]
    return merged((max(one.bound_from or 0, since or 0), one.end or 0) for one in known)


def is_whole(one: Registration) -> bool:
    """Whether all of a client's story is kept."""
    return not one.reach.dropped and len(one.bindings) < KEPT_BINDINGS


def agree(ours: list[Span], theirs: list[Span]) -> bool:
    """Whether two tellers say the same, within the tolerance."""
    pairs = zip(ours, theirs, strict=False)
    same = all(abs(a[0] - b[0]) <= SLACK and abs(a[1] - b[1]) <= SLACK for a, b in pairs)
    return same and len(ours) == len(theirs)


def lacks_of(report: Report) -> tuple[dict[int, list[Span]], dict[int, set[int]]]:
    """Storm's times without a binding by client, and the registrations of each client."""
    rows = analyzer.tables(report).transactions
    rows = rows[rows["time"].notna()].sort_values(["time", "transaction"])
    if not len(rows):
        return {}, {}
    traffic = traffic_of(rows)
    found = unbound_intervals_of(traffic, marks_of(traffic), np.zeros(len(traffic), dtype=bool))
    lacks: dict[int, list[Span]] = defaultdict(list)
    for client, start, end in zip(found.client.tolist(), found.start.tolist(), found.end.tolist(), strict=True):
        lacks[client].append((start, end))
    owners: dict[int, set[int]] = defaultdict(set)
    for client, number in zip(traffic.client.tolist(), rows["registration"].tolist(), strict=True):
        owners[client].add(int(number))
    return lacks, owners


def of_one_client(report: Report) -> Iterator[tuple[list[Span], list[Registration]]]:
    """Each client of the storm analysis with its registrations, where these are its alone and kept whole."""
    lacks, owners = lacks_of(report)
    shares: dict[int, int] = defaultdict(int)
    for number in (number for numbers in owners.values() for number in numbers):
        shares[number] += 1
    known = {one.id: one for one in report.registrations}
    for client, numbers in owners.items():
        several = [known[number] for number in numbers]
        if all(is_whole(one) and shares[one.id] == 1 for one in several):
            yield lacks.get(client, []), several


def _begin(one: Registration) -> int | None:
    """When the story of a client begins: of the time before the first list that names it nothing is said."""
    first = next((stretch.start for stretch in one.reach.stretches), None)
    return one.first if first is None or one.first is None else max(first, one.first)


def contradictions(report: Report) -> list[str]:
    """Where the three do not agree."""
    found = [
        f"{one}: bindings {binding_times(one.bindings)}, timeline {bound_times(one)}"
        for one in report.registrations  # a contact may be older than the client that has it now
        if is_whole(one)
        and not agree(
            merged(without_times(binding_times(one.bindings, _begin(one)), unknown_times(one))), bound_times(one)
        )
    ]
    for lacks, several in of_one_client(report):
        bound = merged(span for one in several for span in bound_times(one))
        for start, end in lacks:
            if any(min(end, until) - max(start, since) > SLACK for since, until in bound):
                found.append(f"{several}: storm has it without a binding from {start} to {end}, timelines {bound}")
        if len(several) == 1:
            found += _gaps(several[0], lacks)
    return found


def _gaps(one: Registration, lacks: list[Span]) -> Iterator[str]:
    """Gaps of a timeline that ended, and that storm does not have."""
    gaps = (gap for gap in one.reach.stretches if gap.state == "unbound" and gap.cause != "signed off")
    for gap in gaps:
        is_told = any(
            abs(start - gap.start) <= SLACK and gap.end is not None and end >= gap.end - SLACK for start, end in lacks
        )
        if gap.end is not None and not is_told:
            yield f"{one}: storm does not have its gap from {gap.start} to {gap.end}: {lacks}"
