"""A Dask DataFrame tells the same storms as the table that it was cut from, however it was cut."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

import analyzer
from analyzer.storm.analysis import storms
from analyzer.storm.dask_columns import brought
from analyzer.storm.traffic import COLUMNS
from tests.shared import ROOT

if TYPE_CHECKING:
    import dask.dataframe as dd

dask = pytest.importorskip("dask", reason="dask is not installed")
SAMPLES = sorted((ROOT / "samples").glob("storm-*/input.pcap.gz"))


@pytest.fixture(autouse=True)
def _in_this_process() -> None:
    dask.config.set(scheduler="synchronous")


def cut(made: pd.DataFrame, parts: int) -> dd.DataFrame:
    """As the parts of a spool are: texts, each part with its own."""
    import dask.dataframe as dd

    texts = made.select_dtypes("category").columns
    plain = made.astype(dict.fromkeys(texts, pd.StringDtype("pyarrow", na_value=np.nan)))
    frame: dd.DataFrame = dd.from_pandas(plain, npartitions=parts, sort=False)
    return frame


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.parent.name)
def test_the_samples(path: Path) -> None:
    whole = analyzer.tables(analyzer.analyze(path)).transactions
    assert storms(cut(whole, 7)) == storms(whole)


@pytest.fixture(scope="module")
def small() -> pd.DataFrame:
    return analyzer.tables(analyzer.analyze(SAMPLES[0])).transactions.head(200)


@pytest.mark.parametrize("parts", [1, 2, 50])
def test_the_parts_may_be_any(small: pd.DataFrame, parts: int) -> None:
    mixed = small.sample(frac=1.0, random_state=parts)
    assert storms(cut(mixed, parts)) == storms(small)


def test_only_what_counts_is_brought(small: pd.DataFrame) -> None:
    made = brought(cut(small, 3), COLUMNS)
    assert [*made.columns] == [*COLUMNS]
    assert made["call_id"].dtype == np.int64
    assert isinstance(made["aor"].dtype, pd.CategoricalDtype)
    assert made["aor"].astype(str).tolist() == small["aor"].astype(str).tolist()
    same = pd.factorize(made["call_id"])[0] == pd.factorize(small["call_id"])[0]
    assert bool(same.all()), "equal Call-IDs are equal numbers, others are not"


def test_missing_call_ids_are_one(small: pd.DataFrame) -> None:
    lacking = small.assign(call_id=small["call_id"].where(small.index % 3 > 0))
    assert storms(cut(lacking, 4)) == storms(lacking)


def test_a_column_that_is_not_there_is_named(small: pd.DataFrame) -> None:
    with pytest.raises(KeyError, match="lacks status"):
        storms(cut(small.drop(columns="status"), 2))
    fewer = small.drop(columns=["retry_after", "user_agent"])
    assert storms(cut(fewer, 2)) == storms(fewer)


def test_no_rows(small: pd.DataFrame) -> None:
    assert storms(cut(small.head(0), 1)).storms == ()


@pytest.mark.parametrize("other", [None, [], "transactions", object()])
def test_what_is_no_table_is_told(other: object) -> None:
    with pytest.raises(TypeError, match=r"tables\(report\)\.transactions"):
        storms(other)
