"""From lists of values to typed columns: one conversion a column, none a row.

Whoever looks at a frame prints it, and pandas writes to a terminal what a text holds; so texts are made visible
(`analyzer.escape`) on their way in, which also writes out what Arrow cannot hold (an octet that was no UTF-8). Numbers
are cut to the range of their column: senders write any number into a CSeq.
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

from analyzer.dataframes.dictionary import Kind
from analyzer.escape import visible
from analyzer.run.recording import UNKNOWN

Values = Sequence[Any]
TEXT: Any = pd.StringDtype("pyarrow", na_value=pd.NA)
"""The strings of all tables."""
UNPLAIN = r"[^\x20-\x7e]"
"""What `visible` may have to change; plain ASCII it leaves as it is."""
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
    known = encoded.dictionary
    shown = mended(known, visible)
    if shown is not known:  # two may be one now
        encoded = shown.take(encoded.indices).dictionary_encode()
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
    """An Arrow array of visible strings."""
    if isinstance(values, pa.Array):
        return mended(values, visible)
    try:
        made = pa.array(values, pa.large_string())
    except UnicodeEncodeError:  # an octet that was no UTF-8, or half a character
        made = pa.array([None if value is None else visible(value) for value in values], pa.large_string())
    return mended(pc.if_else(pc.equal(made, ""), pa.scalar(None, pa.large_string()), made), visible)


def mended(values: Any, mend: Callable[[str], str], suspect: str = UNPLAIN) -> Any:
    """Strings (Arrow), each of those that match `suspect` mended; the same array where none does, as mostly."""
    violates_only_if = pc.fill_null(pc.match_substring_regex(values, suspect), False)
    if not pc.any(violates_only_if).as_py():
        return values
    return pc.replace_with_mask(
        values, violates_only_if, pa.array(map(mend, values.filter(violates_only_if).to_pylist()), values.type)
    )


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
