"""Registration storms: found, bounded, divided, explained, measured. `storms` is the one way in.

The modules beside this one have each a part: `traffic` the columns, `marks` what each request is worth,
`scans` who guesses, `detect` where storms are, `phases` their course, `causes` why,
`outage` who was left without a binding, `backoff` who waited, `whatif` what would have been. All work
on columns; nothing loops over rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analyzer.storm.backoff import back_off_of, retry_after_of
from analyzer.storm.causes import StormContext, causes_of, context_of, in_vain
from analyzer.storm.detect import Bins, Span, bins_of, spans_of, usual_of
from analyzer.storm.marks import Marks, marks_of
from analyzer.storm.outage import UnboundIntervals, outage_of, unbound_at, unbound_intervals_of
from analyzer.storm.phases import RateCourse, carried_of, course_of, peak_of, phases_of
from analyzer.storm.traffic import COLUMNS, SECOND, Codes, Floats, Sends, Traffic, distinct, sends_of, traffic_of
from analyzer.storm.values import Outage, Series, Storm, StormReport, TopSource
from analyzer.storm.whatif import what_if_of

DaskFrame = Any
"""A Dask DataFrame; dask is an extra, and is not imported to name its type."""
_CULPRITS = 5


def storms(transactions: pd.DataFrame | DaskFrame) -> StormReport:
    """The registration storms in a transactions table (`analyzer.tables(report).transactions`), in order of time.

    Of a Dask DataFrame (`WorkDirectory.frame("transactions")`) its own workers make the columns that count; bounds and
    causes are found by holding everything against everything else in time, which is done here. The rows may be in any
    order. Columns that are missing or empty weaken what can be said; `notes` tells. Raises KeyError where a column is
    missing without which there is nothing to say (times, status, retransmissions, who).
    """
    if not isinstance(transactions, pd.DataFrame):
        if not hasattr(transactions, "map_partitions") or not hasattr(transactions, "columns"):
            raise TypeError(
                f"storms() takes a transactions table (tables(report).transactions), not {transactions!r:.60}"
            )
        from analyzer.storm.dask_columns import brought  # late: few have such a frame

        transactions = brought(transactions, COLUMNS)
    traffic = traffic_of(transactions)
    if not len(traffic):
        return StormReport(notes=traffic.notes)
    marks, sends = marks_of(traffic), sends_of(traffic)
    bins = bins_of(traffic, marks, sends)
    spans = spans_of(traffic, marks, sends, bins)
    first, last = traffic.span
    return StormReport(
        storms=_storms(traffic, marks, sends, bins, spans),
        first=first,
        last=last,
        transactions=len(traffic),
        requests=len(sends.time),
        retransmissions=int(traffic.copies.sum()),
        users=distinct(traffic.user),
        peak_rate=peak_of(sends.time)[0],
        usual_rate=usual_of(bins, spans, first, last),
        responses=_counted(traffic.status),
        notes=traffic.notes,
    )


def _counted(status: np.typing.NDArray[np.int16]) -> dict[int, int]:
    values, counts = np.unique(status[status > 0], return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


def _storms(traffic: Traffic, marks: Marks, sends: Sends, bins: Bins, spans: list[Span]) -> tuple[Storm, ...]:
    """What each storm is, from its own part of the traffic: a long capture has many, and none looks at it all."""
    if not spans:
        return ()
    usual = [usual_of(bins, spans, span.start, span.end) for span in spans]
    staged = [context_of(traffic, marks, sends, span, level) for span, level in zip(spans, usual, strict=True)]
    unheard = np.zeros(len(traffic), dtype=bool)
    for context, rows in staged:
        unheard[rows] |= in_vain(context)
    unbound_intervals, carried = unbound_intervals_of(traffic, marks, unheard), carried_of(traffic)
    return tuple(
        _storm(context, unbound_intervals, level, carried) for (context, _), level in zip(staged, usual, strict=True)
    )


def _storm(
    context: StormContext, unbound_intervals: UnboundIntervals, usual: float | None, carried: float | None
) -> Storm:
    traffic, marks, inside, start, end = context.traffic, context.marks, context.inside, context.start, context.end
    within = context.weight > 0
    course = course_of(traffic, marks.retry, inside, start, end)
    affected = np.zeros(int(unbound_intervals.client.max(initial=-1)) + 1, dtype=bool)
    clients = traffic.client[within]
    affected[clients[clients < len(affected)]] = True
    unbound_intervals = unbound_intervals.of(affected, start, end)
    outage = outage_of(unbound_intervals, start, end)
    peak_rate, peak_time = peak_of(inside.time)
    answered = within & (traffic.status > 0)
    copies = int(inside.copy.sum())
    causes = causes_of(context)
    return Storm(
        start=start,
        end=end,
        peak_rate=peak_rate,
        peak_time=peak_time,
        usual_rate=usual,
        requests=len(inside.time),
        first_copies=len(inside.time) - copies,
        retransmissions=copies,
        users=context.users(within),
        causes=causes,
        phases=phases_of(course, end),
        responses=_counted(traffic.status[answered]),
        unanswered=int((within & (traffic.status == 0)).sum()),
        silences=context.silences,
        outage=outage,
        latency=_latency(traffic, np.flatnonzero(answered)),
        carried=carried,
        recovery=_recovery(outage),
        retry_after=retry_after_of(traffic, marks, within),
        back_off=back_off_of(traffic, marks, within),
        coherence=context.coherence,
        what_if=what_if_of(context, causes, _interval(context)),
        culprits=_culprits(context),
        series=_series(course, unbound_intervals),
    )


def _recovery(outage: Outage) -> float | None:
    if outage.recovered is None or outage.peak_time is None:
        return None
    return (outage.recovered - outage.peak_time) / SECOND


def _latency(traffic: Traffic, rows: np.typing.NDArray[np.int64]) -> tuple[float, float, float] | None:
    if not len(rows):
        return None
    taken = np.maximum(traffic.final[rows] - traffic.time[rows], 0) / SECOND
    median, slow, slowest = np.quantile(taken, (0.5, 0.95, 0.99)).tolist()
    return median, slow, slowest


def _interval(context: StormContext) -> float | None:
    """Seconds between a client's registrations: as seen, else half of what was granted."""
    if context.coherence is not None:
        return context.coherence.period
    granted = context.traffic.granted[(context.weight > 0) & (context.traffic.granted > 0)]
    return float(np.median(granted)) / 2 if len(granted) else None


def _culprits(context: StormContext) -> tuple[TopSource, ...]:
    """The users, and the transport addresses, with the most requests; only where they stand out."""
    traffic = context.traffic
    return (
        *_most("user", traffic.user, traffic.users, context),
        *_most("source", traffic.source, traffic.sources, context),
    )


def _most(kind: str, codes: Codes, names: pd.Index[str], context: StormContext) -> list[TopSource]:
    load = np.bincount(codes, weights=context.weight)
    total, usual = load.sum(), float(np.median(load[load > 0]))
    top = np.argsort(-load, kind="stable")[:_CULPRITS]
    return [
        TopSource("user" if kind == "user" else "source", names[code], int(load[code]), float(load[code] / total))
        for code in top.tolist()
        if load[code] >= 0.5 * total or (load[code] >= 3 * usual and load[code] >= 0.02 * total)
    ]


def _series(course: RateCourse, unbound_intervals: UnboundIntervals) -> Series:
    ends = course.start + (np.arange(len(course.first)) + 1) * course.width
    return Series(
        start=course.start,
        width=course.width / SECOND,
        first=tuple((course.first * course.per_second).tolist()),
        retries=tuple(((course.again - course.copies) * course.per_second).tolist()),
        copies=tuple((course.copies * course.per_second).tolist()),
        answered=tuple((course.answered * course.per_second).tolist()),
        median=_known(course.median),
        slow=_known(course.slow),
        unbound=tuple(unbound_at(unbound_intervals, ends).tolist()),
    )


def _known(values: Floats) -> tuple[float | None, ...]:
    return tuple(None if value != value else value for value in values.tolist())


__all__ = ["storms"]
