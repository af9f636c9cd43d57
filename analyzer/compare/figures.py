"""The numbers of both sides: reachability, load, losses, latencies, storms. Each with its verdict, or why it has none.

A share, or a count over an exposure, differs where chance does not explain it (`chance.py`). A latency differs where it
grew or fell by half and by a tenth of T1 (RFC 3261 17.1.1.1): below that nobody sends anything twice for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from analyzer.compare.chance import NOTICEABLE, direction
from analyzer.compare.side import Side, together
from analyzer.compare.values import ClientChange, ClientFacts, Figure, Unit, Verdict
from analyzer.evidence import SECOND
from analyzer.run.report import Summary
from analyzer.sip.timers import T1

FEWEST = {0.5: 5, 0.95: 20}
"""Answers below which a quantile says nothing."""
_NOTICEABLE_SHARE = 0.01
_NOTICEABLE_LATENCY = T1 // 10
_NO_CLOCK = "one of them has no clock"
_OTHER_KIND = "one is a log and one a capture: they do not show the same repeats and losses"
_OTHER_PLACE = "one is a log and one a capture: their clocks stand at different places"
_COARSE = "the log's clock has steps of a second"
_SHORT = "one of them is shorter than a minute"
_SHORTEST = 60 * SECOND
_FEW = "there are too few answers"


def figures(before: Side, after: Side, changes: Sequence[ClientChange]) -> list[Figure]:
    """All of them, in the order in which they are shown. Reachability is that of the clients which are in both."""
    pairs = [(one.before, one.after) for one in changes if one.before is not None and one.after is not None]
    ones, others = [one for one, _ in pairs], [other for _, other in pairs]
    return [
        _clients(before, after),
        *_reachability(before, after, ones, others),
        *_load(before, after),
        *_losses(before, after),
        *_latencies(before, after),
        *_storms(before, after),
    ]


def _clients(before: Side, after: Side) -> Figure:
    counts = [len(side.clients) + side.unlisted for side in (before, after)]
    return Figure("clients", "count", counts[0], counts[1], "changed" if counts[0] != counts[1] else "same")


def _reachability(
    before: Side, after: Side, ones: Sequence[ClientFacts], others: Sequence[ClientFacts]
) -> list[Figure]:
    reached, later = together(ones), together(others)
    basis = (len(ones), len(others))
    figure = Figure("time bound", "share", reached.share, later.share, "same", basis)
    if reached.share is None or later.share is None:
        reason = "of no client in both it is known" if before.span and after.span else _NO_CLOCK
        return [figure._replace(verdict="not compared", reason=reason)]
    change = later.share - reached.share
    verdict: Verdict = "same" if abs(change) < _NOTICEABLE_SHARE else "better" if change > 0 else "worse"
    if verdict != "same" and not _end_alike(before, after):
        reason = "one goes on longer than the other, or is a log: what runs out in it counts"
        figure, verdict = figure._replace(reason=reason), "not compared"
    short = _is_short(before, after)
    hours = [one.bound + one.unbound for one in (reached, later)]
    gaps = _over(
        "gaps per client", (reached.gaps, later.gaps), [one / (3600 * SECOND) for one in hours], basis, is_short=short
    )
    return [figure._replace(verdict=verdict), gaps]


def _end_alike(before: Side, after: Side) -> bool:
    """Whether both are of one kind, and about as long: how long clients stay bound depends on where they are cut."""
    spans = before.span or 0, after.span or 0
    return before.kind == after.kind and 10 * max(spans) <= 11 * min(spans)


def _is_short(before: Side, after: Side) -> bool:
    """Whether one of them is too short for a rate of hours to mean anything."""
    return min(before.span or 0, after.span or 0) < _SHORTEST


def _over(
    name: str,
    counts: tuple[int, int],
    hours: Sequence[float | None],
    basis: tuple[int, int],
    *,
    is_short: bool,
    judged: bool = True,
) -> Figure:
    """A count per client and hour."""
    first, second = hours
    if not first or not second or is_short:
        reason = _SHORT if first and second else _NO_CLOCK
        return Figure(name, "per client-hour", None, None, "not compared", basis, reason)
    way = direction(counts[0], first, counts[1], second) if judged else 0
    verdict: Verdict = "worse" if way > 0 else "better" if way < 0 else "same"
    return Figure(name, "per client-hour", counts[0] / first, counts[1] / second, verdict, basis)


def _load(before: Side, after: Side) -> list[Figure]:
    short = _is_short(before, after)
    hours = [side.client_hours for side in (before, after)]
    requests = (before.summary.register_requests, after.summary.register_requests)
    failures = sum(one.failures for one in before.clients), sum(one.failures for one in after.clients)
    peaks = [None if side.peak_rate is None else float(side.peak_rate) for side in (before, after)]
    verdict: Verdict = "not compared" if None in peaks else "changed" if peaks[0] != peaks[1] else "same"
    reason = _NO_CLOCK if None in peaks else ""
    return [
        _over("failed attempts per client", failures, hours, failures, is_short=short),
        _over("REGISTERs per client", requests, hours, requests, is_short=short, judged=False),
        Figure("most REGISTERs in a second", "per second", peaks[0], peaks[1], verdict, requests, reason),
    ]


def _losses(before: Side, after: Side) -> list[Figure]:
    one, other = before.summary, after.summary
    return [
        _share(
            "retransmissions",
            (one.retransmissions, other.retransmissions),
            (one.register_requests, other.register_requests),
            before,
            after,
        ),
        _share(
            "requests without an answer",
            (_unanswered(one), _unanswered(other)),
            (one.transactions, other.transactions),
            before,
            after,
        ),
    ]


def _unanswered(summary: Summary) -> int:
    """Transactions that had no final response, because nobody spoke or the network refused them."""
    return summary.states["timeout"] + summary.states["aborted"]


def _share(name: str, counts: tuple[int, int], of: tuple[int, int], before: Side, after: Side) -> Figure:
    shares = [count / whole if whole else None for count, whole in zip(counts, of, strict=True)]
    figure = Figure(name, "share", shares[0], shares[1], "same", of)
    if before.kind != after.kind:
        return figure._replace(verdict="not compared", reason=_OTHER_KIND)
    if shares[0] is None or shares[1] is None:
        return figure._replace(verdict="not compared", reason="one of them has no request")
    way = direction(counts[0], of[0], counts[1], of[1])
    if not way or abs(shares[1] - shares[0]) < _NOTICEABLE_SHARE:
        return figure
    return figure._replace(verdict="worse" if way > 0 else "better")


def _latencies(before: Side, after: Side) -> list[Figure]:
    found = []
    parts: tuple[tuple[str, Callable[[Side], Sequence[int]]], ...] = (
        ("first response", lambda side: side.first_responses),
        ("final response", lambda side: side.final_responses),
    )
    for words, of in parts:
        for quantile, name in ((0.5, "median"), (0.95, "95th percentile")):
            found.append(_latency(f"{words}, {name}", quantile, of(before), of(after), before, after))
    return found


def _latency(
    name: str, quantile: float, ones: Sequence[int], others: Sequence[int], before: Side, after: Side
) -> Figure:
    unit: Unit = "seconds"
    one, other = quantile_of(ones, quantile), quantile_of(others, quantile)
    basis = (len(ones), len(others))
    figure = Figure(
        name, unit, None if one is None else one / SECOND, None if other is None else other / SECOND, "same", basis
    )
    reason = ""
    if before.kind != after.kind:
        reason = _OTHER_PLACE
    elif not (before.span and after.span):
        reason = _NO_CLOCK
    elif max(before.resolution, after.resolution) >= SECOND:
        reason = _COARSE
    elif one is None or other is None or min(basis) < FEWEST[quantile]:
        reason = _FEW
    if reason or one is None or other is None:
        return figure._replace(verdict="not compared", reason=reason)
    if abs(other - one) < _NOTICEABLE_LATENCY or max(one, other) < NOTICEABLE * min(one, other):
        return figure
    return figure._replace(verdict="worse" if other > one else "better")


def quantile_of(ordered: Sequence[int], quantile: float) -> int | None:
    """The value below which this share of ordered values lies (the nearest rank); None of none."""
    if not ordered:
        return None
    return ordered[min(len(ordered) - 1, max(0, -(-int(quantile * 1000) * len(ordered) // 1000) - 1))]


def _storms(before: Side, after: Side) -> list[Figure]:
    one, other = before.storms, after.storms
    if one is None or other is None or not (one.storms or other.storms):
        return []
    counted: Verdict = "same" if one.storms == other.storms else "worse" if other.storms > one.storms else "better"
    most: Verdict = "same"
    if max(one.peak_unbound, other.peak_unbound) >= NOTICEABLE * max(1, min(one.peak_unbound, other.peak_unbound)):
        most = "worse" if other.peak_unbound > one.peak_unbound else "better"
    return [
        Figure("storms", "count", one.storms, other.storms, counted),
        Figure("users without a binding, at worst", "count", one.peak_unbound, other.peak_unbound, most),
    ]
