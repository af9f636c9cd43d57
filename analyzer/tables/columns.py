"""From lists of values to typed columns: one conversion a column, none a row.

Strings go to Arrow as they are; a text that Arrow cannot hold (an octet that was no UTF-8, kept as a lone surrogate) is
written out. Numbers are cut to the range of their column: senders write any number into a CSeq.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from analyzer.recording import UNKNOWN
from analyzer.tables.dictionary import Kind

Values = Sequence[Any]
TEXT: Any = pd.StringDtype("pyarrow", na_value=pd.NA)
"""The strings of all tables."""
DTYPES: dict[Kind, Any] = {
    "time": pd.DatetimeTZDtype("ns", "UTC"),
    "duration": np.dtype("m8[ns]"),
    "string": TEXT,
    "category": pd.CategoricalDtype,
    "int64": np.dtype("int64"),
    "int32": np.dtype("int32"),
    "Int64": pd.Int64Dtype(),
    "Int32": pd.Int32Dtype(),
    "Int16": pd.Int16Dtype(),
    "bool": np.dtype("bool"),
    "boolean": pd.BooleanDtype(),
}
"""What each kind of the dictionary is in pandas; a category is of `TEXT`."""


def column(kind: Kind, values: Values) -> Any:
    """The values as a column of their kind; None is missing. Times are nanoseconds since the epoch."""
    if kind in ("string", "category"):
        return text(values) if kind == "string" else category(values)
    if kind == "bool":
        return np.fromiter(values, np.bool_, len(values))
    if kind == "boolean":
        return pd.array(list(values), dtype=pd.BooleanDtype())
    numbers = _integers(values)
    if kind == "time":
        return pd.DatetimeIndex(numbers.view("M8[ns]")).tz_localize("UTC").array
    if kind == "duration":
        return numbers.view("m8[ns]")
    return _sized(kind, numbers)


def text(values: Values) -> Any:
    """Strings; empty ones are missing."""
    return TEXT.__from_arrow__(_arrow(values))


def category(values: Values) -> Any:
    """Strings of which many are equal (empty: missing), with the categories in order; encoded ones as they are."""
    encoded = values if isinstance(values, pa.DictionaryArray) else _arrow(values).dictionary_encode()
    order = pc.sort_indices(encoded.dictionary)
    rank = np.full(len(order) + 1, -1, dtype=np.int64)
    rank[order.to_numpy()] = np.arange(len(order))
    codes = encoded.indices.fill_null(len(order)).to_numpy(zero_copy_only=False)
    categories: Any = pd.Index(TEXT.__from_arrow__(encoded.dictionary.take(order)))
    return pd.Categorical.from_codes(rank[codes], categories=categories, validate=False)


def spelled(values: Sequence[Hashable], spell: Callable[[Any], str] = str) -> list[str]:
    """Each value written out; equal ones are written once."""
    known = {value: spell(value) for value in dict.fromkeys(values)}
    return list(map(known.__getitem__, values))


def _arrow(values: Values) -> Any:
    """An Arrow array of strings; such a one is taken as it is."""
    if isinstance(values, pa.Array):
        return values
    try:
        made = pa.array(values, pa.large_string())
    except UnicodeEncodeError:
        made = pa.array(list(map(_storable, values)), pa.large_string())
    return pc.if_else(pc.equal(made, ""), pa.scalar(None, pa.large_string()), made)


def _storable(value: str | None) -> str | None:
    """A text as UTF-8 can hold it: `\\xff` for an octet that was none, `\\ud800` for half a character."""
    if value is None or value.isascii():
        return value
    try:
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:
        return value.encode("utf-8", "backslashreplace").decode("utf-8")


def _integers(values: Values) -> Any:
    """64-bit numbers; None becomes `UNKNOWN`."""
    if isinstance(values, array):
        return np.array(values, np.int64)
    with suppress(TypeError, OverflowError):  # most columns have no gaps and no monsters
        return np.fromiter(values, np.int64, len(values))
    try:
        return np.fromiter((UNKNOWN if value is None else value for value in values), np.int64, len(values))
    except OverflowError:
        least, most = UNKNOWN + 1, -UNKNOWN - 1
        return _integers([None if value is None else min(max(value, least), most) for value in values])


def _sized(kind: Kind, numbers: Any) -> Any:
    """Numbers of the width of their kind; those of a kind with capital letter may be missing."""
    width = np.dtype(kind.lower())
    limits, missing = np.iinfo(width), numbers == UNKNOWN
    fitting = np.clip(numbers, limits.min, limits.max).astype(width)
    if kind[0] == "i":
        return fitting
    fitting[missing] = 0
    return pd.arrays.IntegerArray(fitting, missing)
