"""CSV and NDJSON: the same rows, read again with the standard library, and harmless whatever was sent."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analyzer.evidence import Datagram
from analyzer.flowtext import read_flow
from analyzer.pipeline import analyze_items
from analyzer.tables.columns import category, text
from analyzer.tables.dictionary import TABLES, Column
from analyzer.tables.frames import Tables, tables
from analyzer.tables.plain import KINDS, cell, write_csv, write_ndjson
from analyzer.views._escape import visible
from tests.tables.table_reports import SAMPLES, flow_report, sample_report

ACTIVE = set("=+-@\t\r\n＝＋－＠")


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_ndjson(frames: Tables) -> dict[str, list[dict[str, Any]]]:
    out = io.StringIO()
    write_ndjson(frames, out, visible)
    found: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS.values()}
    for line in out.getvalue().splitlines():
        record = json.loads(line)
        assert next(iter(record)) == "kind"
        found[record.pop("kind")].append(record)
    return found


def expected(column: Column, value: Any) -> Any:
    """A value of a frame as JSON has it."""
    if pd.isna(value):
        return None
    if column.kind == "time":
        return f"{value.strftime('%Y-%m-%dT%H:%M:%S')}.{value.value % 10**9:09d}Z"
    if column.kind == "duration":
        return pytest.approx(value.value / 1e9, abs=1e-9)
    return visible(value) if isinstance(value, str) else value


@pytest.fixture(scope="module", params=["wrong-password", "asterisk-console-colours", "retransmissions"])
def frames(request: pytest.FixtureRequest) -> Tables:
    return tables(sample_report(next(path for path in SAMPLES if path.parent.name == request.param)))


def test_ndjson_has_every_value_of_every_row(frames: Tables) -> None:
    found = read_ndjson(frames)
    for name, frame in frames:
        records = found[KINDS[name]]
        assert len(records) == len(frame)
        for column in TABLES[name].columns:
            values = [record[column.name] for record in records]
            assert values == [expected(column, value) for value in frame[column.name]], (name, column.name)


def test_csv_has_every_value_of_every_row(tmp_path: Path, frames: Tables) -> None:
    write_csv(frames, tmp_path, visible)
    records = read_ndjson(frames)
    assert {path.name for path in tmp_path.iterdir()} == {f"{name}.csv" for name in TABLES}
    for name, _ in frames:
        rows = read_csv(tmp_path / f"{name}.csv")
        assert len(rows) == len(records[KINDS[name]])
        for row, record in zip(rows, records[KINDS[name]], strict=True):
            assert list(row) == list(record)
            assert [as_cell(value) for value in record.values()] == [plain(value) for value in row.values()]


def as_cell(value: Any) -> Any:
    if isinstance(value, str):
        return cell(value, visible)
    return value if not isinstance(value, bool) else str(value).lower()


def plain(value: str) -> Any:
    """What JSON would have of a cell: numbers are told by their form alone."""
    if value == "":
        return None
    try:
        return json.loads(value) if value not in ("true", "false") and value[0] in "-0123456789" else value
    except ValueError:
        return value


def test_empty_tables_have_their_heads(tmp_path: Path) -> None:
    write_csv(tables(flow_report("")), tmp_path, visible)
    for name, table in TABLES.items():
        (line,) = (tmp_path / f"{name}.csv").read_text(encoding="utf-8").splitlines()
        assert next(csv.reader([line])) == [column.name for column in table.columns]


HOSTILE = ["=cmd|' /C calc'!A0", "+1", "-2+3", "@SUM(A1)", "\tx", "＝1", "\x1b[2Jx", "a\u202eb", 'q"u,o', "\u200b=1"]


@pytest.mark.parametrize("sent", HOSTILE)
def test_what_was_sent_is_harmless_in_both(tmp_path: Path, sent: str) -> None:
    (item,) = read_flow("> REGISTER sip:example.com\nUser-Agent: SENT")
    assert isinstance(item, Datagram)
    payload = item.payload.replace(b"SENT", sent.encode()).replace(b"Call-ID: ", b"Call-ID: " + sent.encode())
    frames = tables(analyze_items([replace(item, payload=payload)], rules=(), tables=True))
    write_csv(frames, tmp_path, visible)
    (row,) = read_csv(tmp_path / "transactions.csv")
    (record,) = read_ndjson(frames)["transaction"]
    for name in ("user_agent", "call_id"):
        assert row[name][0] not in ACTIVE and row[name] == visible(row[name])
        assert row[name] == cell(str(frames.transactions[name][0]), visible)
        assert record[name] == visible(str(frames.transactions[name][0]))


@given(st.text())
@example("=1")
@example("\r=1")
@example("")
def test_a_cell_never_begins_a_formula_and_hides_nothing(sent: str) -> None:
    written = cell(sent, visible)
    assert written[:1] not in ACTIVE or written == ""
    assert written.removeprefix("'") == visible(sent).removeprefix("'")
    assert cell(written, visible) == written  # it is text already


@given(st.lists(st.one_of(st.none(), st.text(max_size=5), st.text("ab\udcff\ud800é", max_size=3))))
def test_texts_and_categories_hold_the_same(values: list[str | None]) -> None:
    strings, categories = text(values), category(values)
    assert list(strings) == list(categories)
    assert [value is None or value == "" for value in values] == list(strings.isna())
    assert list(categories.categories) == sorted(set(strings.dropna()), key=lambda one: one.encode())
