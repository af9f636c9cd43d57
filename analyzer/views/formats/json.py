"""`--format json`: one object of schema `sipcheck/1`."""

from __future__ import annotations

from typing import IO

from analyzer.run.report import Report
from analyzer.views import ViewOptions
from analyzer.views.schema import SCHEMA, dumped, records, summary_record

NAME = "json"
DETAIL = True


def render(report: Report, out: IO[str], options: ViewOptions) -> None:
    """Write the object, a record a line, so that a large one can be read and compared line by line."""
    del options  # a machine's format has no taste
    out.write(f'{{"schema": "{SCHEMA}",\n "summary": {dumped(summary_record(report))}')
    for key, _, rows in records(report):
        out.write(f',\n "{key}": [')
        for number, row in enumerate(rows):
            out.write(("," if number else "") + "\n  " + dumped(row))
        out.write("]")
    out.write("}\n")
