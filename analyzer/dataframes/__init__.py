"""Report -> pandas DataFrames, Parquet, CSV, NDJSON.

import analyzer
frames = analyzer.tables(analyzer.analyze("capture.pcap"))
frames.transactions.groupby("source_host", observed=True).size()
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analyzer.dataframes.frames import Tables
    from analyzer.run.report import Report


def tables(report: Report) -> Tables:
    """The tables of a report from `analyzer.analyze`: an object with the DataFrames `messages`, `transactions`,
    `attempts`, `registrations`, `bindings`, `digests` and `findings`, whose columns `docs/tables.md` lists.

    ValueError where the report was made without what they need (`tables=False` or `detail=False`).
    """
    from analyzer.dataframes import frames  # late: pandas and pyarrow take half a second to load

    return frames.tables(report)
