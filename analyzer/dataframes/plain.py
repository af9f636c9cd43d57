"""The tables as text: a folder of CSV files, or one NDJSON file with a record a line.

Both are opened by things that act on text; what a terminal obeys or an eye misses is written out in the tables already.

No cell is a formula to a spreadsheet (`analyzer/spreadsheet.py`).

Times are ISO 8601 in UTC with nanoseconds, durations seconds; what is missing is an empty cell, or null.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from analyzer.dataframes.columns import TEXT, UNPLAIN, mended
from analyzer.dataframes.dictionary import TABLES
from analyzer.dataframes.frames import Tables
from analyzer.dataframes.store import as_arrow
from analyzer.escape import visible
from analyzer.spreadsheet import cell, value_of

KINDS = {name: name.removesuffix("s") for name in TABLES}
"""What NDJSON calls a record of each table."""
_ROWS_AT_ONCE = 50_000
_NANOSECONDS = 1e9
_SUSPECT = r"""(?:^|[,;|"']) *[=+\-@\\]|[^\x20-\x7e]"""
"""What may have to be changed: all that is not plain ASCII is looked at, too."""


def write_csv(tables: Tables, folder: Path) -> None:
    """Write each table as a file into `folder`, which must exist. OSError where that cannot be done."""
    for name, frame in tables:
        table = _mended(name, frame, cell, _SUSPECT)
        with (folder / f"{name}.csv").open("wb") as file:
            pyarrow.csv.write_csv(_plain(name, table.slice(0, 0)), file)
            for rows in _slices(table):
                pyarrow.csv.write_csv(_plain(name, rows), file, pyarrow.csv.WriteOptions(include_header=False))


def write_ndjson(tables: Tables, out: IO[str]) -> None:
    """Write every row as a JSON object on a line of its own, `kind` first, in ASCII."""
    for name, frame in tables:
        for rows in _slices(_mended(name, frame, visible, UNPLAIN)):
            records = _plain(name, rows).to_pandas(types_mapper=_MAPPED.get)
            records.insert(0, "kind", KINDS[name])
            records.to_json(out, orient="records", lines=True, double_precision=15)


def _slices(table: Any) -> Iterator[Any]:
    for start in range(0, len(table), _ROWS_AT_ONCE):
        yield table.slice(start, _ROWS_AT_ONCE)


def _mended(name: str, frame: pd.DataFrame, mend: Callable[[str], str], suspect: str) -> Any:
    """The frame as an Arrow table in which every text may be written. Of a category each text is looked at once."""
    table = as_arrow(frame)
    columns = {}
    for one in TABLES[name].columns:
        values = table[one.name].combine_chunks()
        if one.kind == "category":
            values = pa.DictionaryArray.from_arrays(values.indices, mended(values.dictionary, mend, suspect))
        columns[one.name] = mended(values, mend, suspect) if one.kind == "string" else values
    return pa.table(columns)


def _plain(name: str, table: Any) -> Any:
    """Rows as text, whole numbers, fractions and truths."""
    return pa.table({one.name: _column(one.kind, table[one.name].combine_chunks()) for one in TABLES[name].columns})


def _column(kind: str, values: Any) -> Any:
    if kind == "time":
        return pc.strftime(values, format="%Y-%m-%dT%H:%M:%SZ")
    if kind == "duration":
        # Beyond 2^53 ns (104 days) a fraction cannot tell each nanosecond: rounded, where Arrow would rather refuse.
        return pc.divide(values.cast(pa.int64()).cast(pa.float64(), safe=False), _NANOSECONDS)
    return values.dictionary.take(values.indices) if kind == "category" else values


_MAPPED: dict[Any, Any] = {
    pa.int64(): pd.Int64Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.bool_(): pd.BooleanDtype(),
    pa.string(): TEXT,
    pa.large_string(): TEXT,
}

__all__ = ["KINDS", "cell", "value_of", "write_csv", "write_ndjson"]
