"""`--format csv`: the findings, a row each, for a spreadsheet. No cell of it is a formula (`analyzer/spreadsheet.py`).

A finding's first place stands in columns of its own, the others are counted. Times are ISO 8601 in UTC; what is not
there is an empty cell.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import IO

from analyzer.evidence import Frame
from analyzer.judge.findings import Finding
from analyzer.run.report import Report
from analyzer.spreadsheet import cell
from analyzer.views import ViewOptions
from analyzer.views.times import iso

NAME = "csv"
DETAIL = False

COLUMNS = (
    "severity",
    "confidence",
    "rule",
    "sub",
    "title",
    "detail",
    "observed",
    "expected",
    "fix",
    "at_fault",
    "force",
    "clause",
    "aor",
    "user_agent",
    "call_id",
    "count",
    "explains",
    "source",
    "frame",
    "line",
    "end_line",
    "time",
    "places",
)
"""The head of the file, and the order of the cells."""


def render(report: Report, out: IO[str], options: ViewOptions) -> None:
    """Write the head, then a row for each finding, the worst first."""
    del options  # a machine's format has no taste
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for finding in report.findings:
        writer.writerow(value if isinstance(value, int) else cell(value) for value in _row(finding))


def _row(finding: Finding) -> Iterator[str | int]:
    """The cells in the order of `COLUMNS`."""
    yield from (finding.severity, finding.confidence.word, finding.rule, finding.sub)
    yield from (finding.short_title or finding.title, finding.detail, finding.observed, finding.expected, finding.fix)
    yield from (finding.at_fault, finding.force, finding.clause, finding.aor, finding.user_agent, finding.call_id)
    yield from (finding.count, finding.explained)
    yield from _place(finding)
    yield len(finding.evidence)


def _place(finding: Finding) -> tuple[str | int, ...]:
    """Source, frame, line, end_line, time of the first place."""
    if not finding.evidence:
        return ("",) * 5
    place, time = finding.evidence[0]
    if isinstance(place, Frame):
        return (place.source, place.number, "", "", iso(time))
    return (place.source, "", place.first, place.last, iso(time))
