"""The tables of a run over many files: a folder of Parquet, a part a bucket, and ways to look at it.

    spool.parts("transactions")      the files, for whatever reads Parquet
    spool.frame("transactions")      a Dask DataFrame, a partition a part
    spool.gather("transactions")     a pandas DataFrame, as one process would have made it

In the parts, and so in the Dask DataFrame, numbers (transaction, registration, ...) are places in the run: unique and
rising, with holes; `gather` counts them from 1. Categories are strings in the Dask DataFrame, since each part knows
only its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from analyzer.cluster.join import POSITION
from analyzer.dataframes.columns import TEXT, column
from analyzer.dataframes.dictionary import TABLES
from analyzer.dataframes.store import typed
from analyzer.evidence import Source

if TYPE_CHECKING:
    import dask.dataframe as dd

_OWN = {
    "transactions": "transaction",
    "attempts": "attempt",
    "registrations": "registration",
    "bindings": "binding",
    "messages": POSITION,
}
"""The column that numbers the rows of a table, by which they are in order."""
_HOMES = {
    "transaction": "transactions",
    "first_transaction": "transactions",
    "last_transaction": "transactions",
    "registration": "registrations",
    "attempt": "attempts",
    "binding": "bindings",
}
"""The table that a number is of."""


@dataclass(frozen=True)
class Tally:
    """What reading counted: the sources that could be read, sentences on those that could not, SIP messages in all,
    REGISTERs, and those of them that are copies."""

    sources: tuple[Source, ...] = ()
    unreadable: tuple[str, ...] = ()
    messages: int = 0
    requests: int = 0
    retransmissions: int = 0


@dataclass(frozen=True)
class WorkDirectory:
    """The tables of a run. `rows` counts those of each table, `faults` are sentences on what could not be read, or
    only in part. `interrupted` says that the run was asked to end before its time; `until` is then the time up to which
    all that was read is told (nanoseconds since the epoch; None where all files that were begun were read whole, or
    have no times), `untold` names the files of which nothing is told, and `torn` says that messages which lie in more
    than one file may be missing."""

    folder: Path
    rows: dict[str, int] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    tally: Tally = field(default_factory=Tally)
    interrupted: bool = False
    until: int | None = None
    untold: tuple[str, ...] = ()
    torn: bool = False

    def parts(self, table: str) -> list[Path]:
        """The files of a table, in the order of the buckets."""
        return sorted((self.folder / f"{table}.parquet").glob("part-*.parquet"))

    def gather(self, table: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """A table, or some columns of it, as one process that read all files would have made it. A column is put in
        order before the next is read: what is held at once is little more than what is given."""
        wanted = [one.name for one in TABLES[table].columns if columns is None or one.name in columns]
        order = pa.array(np.argsort(self._read(table, _OWN[table]).to_numpy(), kind="stable"))
        made = [typed(table, pa.table({name: self._ordered(table, name, order)})) for name in wanted]
        return pd.concat(made, axis=1) if made else pd.DataFrame(index=range(len(order)))

    def frame(self, table: str) -> dd.DataFrame:
        """A table as a Dask DataFrame, nothing read yet. Needs dask."""
        import dask.dataframe as dd

        made: dd.DataFrame = dd.from_map(_part, self.parts(table), table=table, meta=_plain(_nothing(table)))
        return made

    def _read(self, table: str, column: str) -> pa.ChunkedArray:
        """A column of all parts; of what is a category, with one dictionary."""
        tables = [pq.read_table(part, columns=[column]) for part in self.parts(table)]
        whole: pa.ChunkedArray = pa.concat_tables(tables)[column].unify_dictionaries()
        return whole

    def _ordered(self, table: str, column: str, order: pa.Array) -> pa.ChunkedArray:
        ordered = self._read(table, column).take(order)
        return self._counted(column, ordered) if column in _HOMES else ordered

    def _counted(self, name: str, numbers: pa.ChunkedArray) -> pa.Array:
        """Numbers from 1 for places in the run."""
        home = _HOMES[name]
        known: npt.NDArray[np.int64] = np.sort(self._read(home, _OWN[home]).to_numpy())
        flat = numbers.combine_chunks()
        counted = np.searchsorted(known, flat.fill_null(0).to_numpy(zero_copy_only=False)) + 1
        return pa.array(counted, pa.int64(), mask=flat.is_null().to_numpy(zero_copy_only=False))


def _part(path: Path, table: str) -> pd.DataFrame:
    names = [one.name for one in TABLES[table].columns]
    return _plain(typed(table, pq.read_table(path, columns=names)))


def _nothing(table: str) -> pd.DataFrame:
    return pd.DataFrame({one.name: column(one.kind, []) for one in TABLES[table].columns})


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    texts: dict[str, Any] = dict.fromkeys(frame.select_dtypes("category").columns, TEXT)
    return frame.astype(texts)
