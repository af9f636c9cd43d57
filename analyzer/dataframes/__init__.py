"""Report -> pandas DataFrames, Parquet, CSV, NDJSON; the storm analysis on them. The only home of pandas and pyarrow.

    import analyzer
    frames = analyzer.tables(analyzer.analyze("capture.pcap"))
    frames.transactions.groupby("source_host", observed=True).size()

`analyzer.tables` is a public function and the name of this package. Python binds a package to its parent's attribute
as soon as anything in it is imported, so the package itself can be called: it is the same function.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analyzer.dataframes.frames import Tables
    from analyzer.run.report import Report


class _Callable(ModuleType):
    def __call__(self, report: Report) -> Tables:
        return tables(report)


def tables(report: Report) -> Tables:
    """The tables of a report from `analyzer.analyze`: an object with the DataFrames `messages`, `transactions`,
    `attempts`, `registrations`, `bindings`, `digests` and `findings`, whose columns `docs/tables.md` lists.

    ValueError where the report was made without what they need (`tables=False` or `detail=False`).
    """
    from analyzer.dataframes import frames  # late: pandas and pyarrow take half a second to load

    return frames.tables(report)


sys.modules[__name__].__class__ = _Callable
