"""`--format table`: a sentence before a list, a count before a name, the worst first."""

from __future__ import annotations

from typing import IO

from analyzer.run.report import Report
from analyzer.views import ViewOptions

NAME = "table"
DETAIL = False


def render(report: Report, out: IO[str], options: ViewOptions) -> None:
    """Write what was read, the verdict, the clients, the findings, the digests, and what was not judged."""
    from analyzer.views.drawing.canvas import Canvas  # late: only this view pays for rich
    from analyzer.views.states import Story
    from analyzer.views.table.clients import draw_clients
    from analyzer.views.table.coverage import draw_coverage
    from analyzer.views.table.digests import draw_digests
    from analyzer.views.table.headline import draw_sources, draw_verdict
    from analyzer.views.table.remarks import draw_findings

    canvas, story = Canvas(out, options), Story(report)
    draw_sources(canvas, story)
    if options.command == "verify-digest":
        draw_digests(canvas, story, options)
    draw_verdict(canvas, story)
    draw_clients(canvas, story, options)
    draw_findings(canvas, story, options)
    if options.command != "verify-digest":
        draw_digests(canvas, story, options)
    draw_coverage(canvas, story, options)
