"""The tables as Parquet: a folder with `transactions.parquet` and so on, and back.

A table of more than `PART_ROWS` rows is a folder of that name instead, with a file for each hour (`hour=2026-11-20T11`,
UTC; rows without time stand in `hour=__HIVE_DEFAULT_PARTITION__`), so that who asks for a day reads a day. Every reader
of Parquet takes the one like the other. Dictionary-encoded columns keep what repeats small; times are nanoseconds UTC.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from analyzer.dataframes.columns import DTYPES, category
from analyzer.dataframes.dictionary import TABLES, Column
from analyzer.dataframes.frames import Tables

PART_ROWS = 1_000_000
"""Rows of a table above which it is divided by hours."""
COMPRESSION = "zstd"
_HOUR = "hour"
_MOST_OPEN = 16


def write_parquet(tables: Tables, folder: Path, *, part_rows: int = PART_ROWS) -> None:
    """Write every table into `folder`, which must exist. OSError where that cannot be done."""
    for name, frame in tables:
        table, path = as_arrow(frame), folder / f"{name}.parquet"
        if len(frame) > part_rows:
            _write_by_hour(table, TABLES[name].by_hour, path)
        else:
            pq.write_table(table, path, compression=COMPRESSION)


def read_parquet(folder: Path) -> Tables:
    """The tables that `write_parquet` wrote; of one that is divided, the rows come hour by hour."""
    return Tables(**{name: typed(name, pq.read_table(folder / f"{name}.parquet")) for name in TABLES})


def as_arrow(frame: pd.DataFrame) -> Any:
    """A frame as an Arrow table, its categories as dictionaries."""
    return pa.Table.from_pandas(frame, preserve_index=False)


def _write_by_hour(table: Any, time: str, path: Path) -> None:
    hours = pc.strftime(table[time], format="%Y-%m-%dT%H")
    ds.write_dataset(
        table.append_column(_HOUR, hours),
        path,
        format="parquet",
        file_options=ds.ParquetFileFormat().make_write_options(compression=COMPRESSION),
        partitioning=ds.partitioning(pa.schema([(_HOUR, pa.string())]), flavor="hive"),
        max_partitions=max(1, len(pc.unique(hours))),
        max_open_files=_MOST_OPEN,
        use_threads=False,  # within an hour the rows keep their order
        existing_data_behavior="delete_matching",
    )


def typed(name: str, table: Any) -> pd.DataFrame:
    """The frame of an Arrow table that has all or some columns of table `name`, typed as the dictionary says."""
    columns = [one for one in TABLES[name].columns if one.name in table.column_names]
    return pd.DataFrame({one.name: _column(one, table[one.name]) for one in columns}, copy=False)


def _column(one: Column, stored: Any) -> Any:
    """A column as the dictionary has it."""
    if one.kind == "category":
        return category(_flat(stored))
    dtype = DTYPES[one.kind]
    if isinstance(dtype, np.dtype):
        return stored.to_numpy()
    return dtype.__from_arrow__(stored)


def _flat(stored: Any) -> Any:
    """A column of texts in one piece; what is encoded stays so, since a text a row takes ten times the memory."""
    if pa.types.is_dictionary(stored.type):
        whole = stored.unify_dictionaries().combine_chunks()
        return pa.DictionaryArray.from_arrays(whole.indices, whole.dictionary.cast(pa.large_string()))
    return stored.cast(pa.large_string()).combine_chunks()
