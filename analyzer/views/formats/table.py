"""`--format table`: a sentence before a list, a count before a name, the worst first."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from analyzer.run.report import Report
from analyzer.views import ViewOptions

if TYPE_CHECKING:
    from analyzer.views.drawing.canvas import Canvas

NAME = "table"
DETAIL = False


def render(report: Report, out: IO[str], options: ViewOptions) -> None:
    """Write what was read, the verdict, the clients, what a log says itself, the findings, the digests, and what was
    not judged."""
    from analyzer.views.drawing.canvas import Canvas  # late: only this view pays for rich
    from analyzer.views.states import ClientSummary
    from analyzer.views.table.choices import draw_choices
    from analyzer.views.table.clients import draw_clients
    from analyzer.views.table.coverage import draw_coverage
    from analyzer.views.table.digests import draw_digests
    from analyzer.views.table.headline import draw_sources, draw_verdict
    from analyzer.views.table.remarks import draw_findings

    canvas, clients = Canvas(out, options), ClientSummary(report)
    notices = any(source.notices for source in report.sources)
    if notices and not report.summary.messages:  # nothing else was seen, and nothing judged
        draw_sources(canvas, clients)
        _draw_notices(canvas, report, options)
        return
    draw_sources(canvas, clients)
    if options.leads_with == "digests":
        draw_digests(canvas, clients, options)
    draw_verdict(canvas, clients)
    draw_clients(canvas, clients, options)
    if notices:
        _draw_notices(canvas, report, options)
    draw_findings(canvas, clients, options)
    if options.leads_with != "digests":
        draw_digests(canvas, clients, options)
    draw_choices(canvas, clients)
    draw_coverage(canvas, clients, options)


def _draw_notices(canvas: Canvas, report: Report, options: ViewOptions) -> None:
    from analyzer.views.table.notices import draw_notices  # late: nearly no report has any

    draw_notices(canvas, report, options)
