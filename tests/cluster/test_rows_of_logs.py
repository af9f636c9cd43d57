"""Rows carry what a log knows of its times: one machine reads, another one judges alike."""

from __future__ import annotations

import io

import pyarrow as pa

from analyzer.cluster.rows import SCHEMA, RowWriter, items_of, row_of
from analyzer.evidence import Between, LogLines, RawMessage
from tests.register.loose import loose

FLOW = "> REGISTER sip:example.com\n< 401\n@5 > REGISTER sip:example.com\nAuthorization: {bob x}\n< 200\n"


def again(items: list[RawMessage]) -> list[object]:
    rows = [row_of(item, 0, number, 0) for number, item in enumerate(items)]
    columns = list(zip(*rows, strict=True))
    arrays = [pa.array(column, one.type) for column, one in zip(columns, SCHEMA, strict=True)]
    return list(items_of(pa.table(arrays, schema=SCHEMA), ["flow"] * len(items)))


def test_bounds_are_kept() -> None:
    items = loose(FLOW, {1, 2})
    assert again(items) == items
    assert [item.place[3:] for item in items][1] != (None,)


def test_a_bound_that_is_open_is_kept() -> None:
    items = loose(FLOW, {2, 3}, until_end=True)
    assert again(items) == items
    place = items[3].place
    assert isinstance(place, LogLines)
    assert place.between is not None and place.between.latest is None


def test_what_has_its_stamp_has_no_bounds() -> None:
    items = loose(FLOW, ())
    assert again(items) == items
    assert all(isinstance(item.place, LogLines) and item.place.between is None for item in items)


def test_a_file_of_rows_holds_them() -> None:
    out = io.BytesIO()
    writer = RowWriter(out, 1)
    for number, item in enumerate(loose(FLOW, {1})):
        writer.add(0, row_of(item, 0, number, 0))
    writer.close()
    reader = pa.ipc.open_file(pa.BufferReader(out.getvalue()))
    table = pa.Table.from_batches([reader.get_batch(0)], SCHEMA)
    places = [item.place for item in items_of(table, ["flow"] * 4)]
    assert [isinstance(place, LogLines) and isinstance(place.between, Between) for place in places] == [
        False,
        True,
        False,
        False,
    ]
