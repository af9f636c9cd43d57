"""The tables as text: a folder of CSV files, or one NDJSON file with a record a line.

Both are opened by things that act on text. A spreadsheet runs what begins with `=`, `+`, `-`, `@` as a formula, whoever
sent it, so such a cell gets an apostrophe in front (the spreadsheet's own mark for text); and `shown` writes out what a
terminal obeys or an eye misses. Times are ISO 8601 in UTC with nanoseconds, durations seconds; what is missing is an
empty cell, or null.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from analyzer.tables.columns import TEXT
from analyzer.tables.dictionary import TABLES
from analyzer.tables.frames import Tables
from analyzer.tables.store import as_arrow

Shown = Callable[[str], str]
"""Makes wire text harmless to look at (`analyzer.views._escape.visible`)."""
KINDS = {name: name.removesuffix("s") for name in TABLES}
"""What NDJSON calls a record of each table."""
_ROWS_AT_ONCE = 50_000
_NANOSECONDS = 1e9
_FORMULA = "=+-@\t\r\n＝＋－＠"
"""What begins a formula, or is skipped before one (full-width forms are taken for the plain ones)."""
_SUSPECT = r"^[=+\-@]|[^\x20-\x7e]"
"""What may have to be changed: all that is not plain ASCII is looked at, too."""


def write_csv(tables: Tables, folder: Path, shown: Shown) -> None:
    """Write each table as a file into `folder`, which must exist. OSError where that cannot be done."""
    for name, frame in tables:
        table = _mended(name, frame, lambda text: cell(text, shown))
        with (folder / f"{name}.csv").open("wb") as file:
            pyarrow.csv.write_csv(_plain(name, table.slice(0, 0)), file)
            for rows in _slices(table):
                pyarrow.csv.write_csv(_plain(name, rows), file, pyarrow.csv.WriteOptions(include_header=False))


def write_ndjson(tables: Tables, out: IO[str], shown: Shown) -> None:
    """Write every row as a JSON object on a line of its own, `kind` first, in ASCII."""
    for name, frame in tables:
        for rows in _slices(_mended(name, frame, shown)):
            records = _plain(name, rows).to_pandas(types_mapper=_MAPPED.get)
            records.insert(0, "kind", KINDS[name])
            records.to_json(out, orient="records", lines=True, double_precision=15)


def cell(text: str, shown: Shown) -> str:
    """A text as a cell that no spreadsheet takes for a formula."""
    seen = shown(text)
    return f"'{seen}" if text[:1] in _FORMULA or seen[:1] in _FORMULA else seen


def _slices(table: Any) -> Iterator[Any]:
    for start in range(0, len(table), _ROWS_AT_ONCE):
        yield table.slice(start, _ROWS_AT_ONCE)


def _mended(name: str, frame: pd.DataFrame, written: Shown) -> Any:
    """The frame as an Arrow table in which every text may be written. Of a category each text is looked at once."""
    table = as_arrow(frame)
    columns = {}
    for one in TABLES[name].columns:
        values = table[one.name].combine_chunks()
        if one.kind == "category":
            values = pa.DictionaryArray.from_arrays(values.indices, _harmless(values.dictionary, written))
        columns[one.name] = _harmless(values, written) if one.kind == "string" else values
    return pa.table(columns)


def _harmless(values: Any, written: Shown) -> Any:
    """Strings as they may be written; most need no change."""
    suspect = pc.fill_null(pc.match_substring_regex(values, _SUSPECT), False)
    if not pc.any(suspect).as_py():
        return values
    mended = [written(text) for text in values.filter(suspect).to_pylist()]
    return pc.replace_with_mask(values, suspect, pa.array(mended, values.type))


def _plain(name: str, table: Any) -> Any:
    """Rows as text, whole numbers, fractions and truths."""
    return pa.table({one.name: _column(one.kind, table[one.name].combine_chunks()) for one in TABLES[name].columns})


def _column(kind: str, values: Any) -> Any:
    if kind == "time":
        return pc.strftime(values, format="%Y-%m-%dT%H:%M:%SZ")
    if kind == "duration":
        return pc.divide(values.cast(pa.int64()).cast(pa.float64()), _NANOSECONDS)
    return values.dictionary.take(values.indices) if kind == "category" else values


_MAPPED: dict[Any, Any] = {
    pa.int64(): pd.Int64Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.bool_(): pd.BooleanDtype(),
    pa.string(): TEXT,
    pa.large_string(): TEXT,
}
