"""A line that names `sipcheck storm` where a registration storm is likely.

The table tells clients, and in a storm there are thousands that differ little. Whether it is a storm is for the storm
analysis to say, on tables that this run has not made; here four cheap signs are held against the counts: many REGISTERs
at once, and beside that a peak over the usual, many repeats, many clients that were not let in, or clients that come
again every few seconds.
"""

from __future__ import annotations

from analyzer.evidence import SECOND
from analyzer.register.attempt import SUCCESSFUL_OUTCOMES
from analyzer.run.report import PACE, Report
from analyzer.views.drawing.canvas import HINT, WARN, Canvas
from analyzer.views.states import ClientSummary

BUSY = 200
"""REGISTERs in ten seconds, below which nothing is called a storm: twice the flood of 10 a second."""
OVER_USUAL = 3.0
"""Times the usual that a peak is."""
REPEATS = 0.1
"""Share of copies among the REGISTERs: answers came late, or not at all."""
REFUSED = 0.5
"""Share of clients that did not get what they wanted."""
PER_MINUTE = 4.0
"""REGISTERs of one client in a minute; a phone that refreshes in time needs two in ten minutes or more."""


def busiest(report: Report) -> tuple[int, int] | None:
    """The ten seconds with the most REGISTERs, by their begin in nanoseconds, and how many those were; None where no
    storm is likely."""
    pace, summary = report.summary.pace, report.summary
    if not pace:
        return None
    tick, most = max(pace.items(), key=lambda item: (item[1], -item[0]))
    if most < BUSY:
        return None
    span = max(pace) - min(pace) + 1
    usual = sorted(pace.values())[(2 * len(pace) - span) // 2] if span < 2 * len(pace) else 0  # the median, silence too
    unwell = sum(count for outcome, count in summary.outcomes.items() if outcome not in SUCCESSFUL_OUTCOMES)
    minutes = max(1, summary.registrations) * span * PACE / (60 * SECOND)
    signs = (
        most >= OVER_USUAL * max(usual, 1) and span > 1,
        summary.retransmissions >= REPEATS * summary.register_requests,
        unwell >= REFUSED * max(1, summary.registrations),
        summary.register_requests >= PER_MINUTE * minutes,
    )
    return (tick * PACE, most) if any(signs) else None


def draw_storm_hint(canvas: Canvas, clients: ClientSummary) -> None:
    """The line, or nothing."""
    found = busiest(clients.report)
    if found is None:
        return
    start, most = found
    when = clients.clock(clients.report.registrations[0].place).at(start) if clients.report.registrations else ""
    rate = f"{most * SECOND / PACE:,.0f} REGISTERs a second" + (f" at {when}" if when else "")
    looks = ": this looks like a registration storm; "
    canvas.line((rate, WARN), looks, ("sipcheck storm", HINT), " says why.")
