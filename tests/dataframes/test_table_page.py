"""The data dictionary is whole, and the page in the docs is printed from it."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import get_args

import pandas as pd
import pytest

from analyzer.dataframes.columns import DTYPES, column
from analyzer.dataframes.dictionary import TABLES, Kind
from analyzer.dataframes.document import as_markdown, pandas_name
from tests.shared import ROOT

PAGE = ROOT / "docs" / "tables.md"
AGREED = """
    transaction registration aor user method call_id cseq branch request_uri source source_host destination transport
    time last_sent final_time status reason provisional retransmissions state credentials challenge latency requested
    granted bound_until retry_after min_expires user_agent frame source_file
"""


def test_the_page_is_the_dictionary() -> None:
    assert PAGE.read_text(encoding="utf-8") == as_markdown(), "run `make docs`"


def test_the_module_prints_the_page() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "analyzer.dataframes"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == as_markdown()


@pytest.mark.parametrize("name", TABLES)
def test_every_column_says_what_it_is(name: str) -> None:
    table = TABLES[name]
    names = [one.name for one in table.columns]
    assert len(names) == len(set(names)) and table.by_hour in names and table.row
    for one in table.columns:
        assert one.meaning and re.fullmatch("[a-z_]+", one.name), one
        assert not one.clause or re.match(r"RFC \d{4}", one.clause), one
        assert one.unit in ("", "s", "octets"), one
        assert "|" not in "".join(one)


def test_every_kind_has_a_type_and_a_name() -> None:
    assert set(DTYPES) == set(get_args(Kind))
    assert {one.kind for table in TABLES.values() for one in table.columns} <= set(DTYPES)
    assert pandas_name("string") == "string[pyarrow]"
    assert pandas_name("time") == "datetime64[ns, UTC]"


def test_the_columns_that_the_storm_analysis_relies_on_are_there() -> None:
    assert [one.name for one in TABLES["transactions"].columns] == AGREED.split()


@pytest.mark.parametrize(
    ("kind", "values", "shown"),
    [
        ("int32", [1, 2**40, -(2**40)], [1, 2**31 - 1, -(2**31)]),
        ("Int16", [200, None, 70000], [200, None, 32767]),
        ("Int64", [None, 2**70], [None, 2**63 - 1]),
        ("boolean", [True, None], [True, None]),
        ("bool", [True, False], [True, False]),
        ("string", ["a", "", None], ["a", None, None]),
    ],
)
def test_values_that_do_not_fit_are_cut_to_what_does(kind: Kind, values: list[object], shown: list[object]) -> None:
    made = column(kind, values)
    assert [None if pd.isna(value) else value for value in made] == shown
