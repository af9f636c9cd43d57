"""Parquet: what was written is what is read, in one file or divided by hours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from analyzer.dataframes.dictionary import TABLES
from analyzer.dataframes.frames import Tables, tables
from analyzer.dataframes.store import read_parquet, write_parquet
from analyzer.run.pipeline import analyze_items
from tests.dataframes.table_reports import SAMPLES, flow_report, sample_report
from tests.register.traffic import answer, request

HOUR = 3600


def assert_equal(one: Tables, other: Tables) -> None:
    for name, table in one:
        pd.testing.assert_frame_equal(table, getattr(other, name), check_exact=True)


@pytest.mark.parametrize("name", ["wrong-password", "asterisk-console-colours", "server-down"])
def test_round_trip(tmp_path: Path, name: str) -> None:
    path = next(path for path in SAMPLES if path.parent.name == name)
    frames = tables(sample_report(path))
    write_parquet(frames, tmp_path)
    assert {one.name for one in tmp_path.iterdir()} == {f"{name}.parquet" for name in TABLES}
    assert_equal(frames, read_parquet(tmp_path))


def test_empty_tables_come_back_typed(tmp_path: Path) -> None:
    frames = tables(flow_report(""))
    write_parquet(frames, tmp_path)
    assert_equal(frames, read_parquet(tmp_path))


@pytest.fixture
def hours() -> Tables:
    """Forty exchanges over three hours, one of them without clock."""
    items = []
    for number in range(40):
        given: dict[str, Any] = {"call": f"c{number}", "branch": f"z9hG4bK{number}", "user": f"u{number}", "cseq": 1}
        items += [request(number * 5 * 60, **given), answer(number * 5 * 60 + 0.1, **given)]
    items[10].time = items[11].time = None
    return tables(analyze_items(items, rules=(), tables=True))


def test_a_large_table_is_a_file_for_each_hour(tmp_path: Path, hours: Tables) -> None:
    write_parquet(hours, tmp_path, part_rows=50)
    messages = tmp_path / "messages.parquet"
    assert (tmp_path / "transactions.parquet").is_file() and messages.is_dir()
    parts = {path.name: sum(pq.read_metadata(file).num_rows for file in path.iterdir()) for path in messages.iterdir()}
    counted = hours.messages.time.dt.strftime("hour=%Y-%m-%dT%H").fillna("hour=__HIVE_DEFAULT_PARTITION__")
    assert parts == dict(counted.value_counts())
    assert len(parts) == 5 and parts["hour=__HIVE_DEFAULT_PARTITION__"] == 2


def test_what_is_divided_comes_back_whole(tmp_path: Path, hours: Tables) -> None:
    write_parquet(hours, tmp_path, part_rows=10)
    back = read_parquet(tmp_path)
    for name, table in hours:
        by_hour = TABLES[name].by_hour
        hour = table[by_hour].dt.floor("h")
        expected = table.iloc[hour.argsort(kind="stable")] if len(table) > 10 else table
        found = getattr(back, name)
        ordered = found.iloc[found[by_hour].dt.floor("h").argsort(kind="stable")]
        pd.testing.assert_frame_equal(ordered.reset_index(drop=True), expected.reset_index(drop=True))


def test_one_hour_is_read_without_the_rest(tmp_path: Path, hours: Tables) -> None:
    write_parquet(hours, tmp_path, part_rows=10)
    hour = hours.transactions.time.dropna().dt.strftime("%Y-%m-%dT%H").iloc[-1]
    some = pd.read_parquet(tmp_path / "transactions.parquet", filters=[("hour", "==", hour)])
    assert 0 < len(some) < len(hours.transactions)
    assert set(some.time.dt.strftime("%Y-%m-%dT%H")) == {hour}


def test_other_readers_see_time_zone_and_nanoseconds(tmp_path: Path) -> None:
    write_parquet(tables(flow_report()), tmp_path)
    schema = pq.read_schema(tmp_path / "transactions.parquet")
    assert str(schema.field("time").type) == "timestamp[ns, tz=UTC]"
    assert str(schema.field("latency").type) == "duration[ns]"
    assert str(schema.field("aor").type).startswith("dictionary<values=")


def test_a_folder_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no-such-folder"):
        write_parquet(tables(flow_report("")), tmp_path / "no-such-folder")
