"""`--format ndjson`: the records of schema `sipcheck/1`, one a line, each with its `kind`."""

from __future__ import annotations

from typing import IO

from analyzer.run.report import Report
from analyzer.views import ViewOptions
from analyzer.views.schema import SCHEMA, dumped, records, summary_record

NAME = "ndjson"
DETAIL = True


def render(report: Report, out: IO[str], options: ViewOptions) -> None:
    """Write the summary first, then every record."""
    del options  # a machine's format has no taste
    out.write(dumped({"kind": "summary", "schema": SCHEMA, **summary_record(report)}) + "\n")
    for _, kind, rows in records(report):
        for row in rows:
            # a source has a `kind` of its own (capture or log): it stands as `source_kind` here
            if kind == "source":
                row["source_kind"] = row.pop("kind")
            out.write(dumped({"kind": kind, **row}) + "\n")
