"""Columns of a Dask DataFrame, brought to the process that analyzes them. Dask is an extra, and not imported here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    import dask.dataframe as dd


def brought(frame: dd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Columns of a Dask DataFrame, computed where its client computes, as little as will do for `storms`: texts that
    come again are one text with numbers, and Call-IDs are numbers alone, of which nobody asks more than whether two
    are equal (64 bits of a hash: among a thousand million, one pair is taken for equal with a chance of 3 in 100)."""
    wanted = frame[[name for name in columns if name in frame.columns]]
    made: pd.DataFrame = wanted.map_partitions(_lean, meta=_lean(wanted._meta)).compute()
    return made


def _lean(part: pd.DataFrame) -> pd.DataFrame:
    texts = [name for name in part.columns if isinstance(part[name].dtype, pd.StringDtype)]
    made = part.assign(**{name: part[name].astype("category") for name in texts if name != "call_id"})
    if "call_id" in texts:
        made["call_id"] = pd.util.hash_pandas_object(part["call_id"], index=False).astype("uint64").astype("int64")
    return made
