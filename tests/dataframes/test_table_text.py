"""CSV and NDJSON: the same rows, read again with the standard library, and harmless whatever was sent."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analyzer.dataframes.columns import category, text
from analyzer.dataframes.dictionary import TABLES, Column
from analyzer.dataframes.frames import Tables, tables
from analyzer.dataframes.plain import KINDS, cell, value_of, write_csv, write_ndjson
from analyzer.escape import visible
from analyzer.evidence import SECOND, RawMessage
from analyzer.judge.flowtext import read_flow
from analyzer.run.pipeline import analyze_items
from tests.dataframes.table_reports import SAMPLES, flow_report, sample_report

SIGNS = set("=+-@\t\r\n＝＋－＠﹢﹣﹦﹫−")
NUMBER = re.compile(r"-?[0-9]+([.][0-9]+)?(e[+-][0-9]+)?")


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_ndjson(frames: Tables) -> dict[str, list[dict[str, Any]]]:
    out = io.StringIO()
    write_ndjson(frames, out)
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
    write_csv(frames, tmp_path)
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
        return cell(value)
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
    write_csv(tables(flow_report("")), tmp_path)
    for name, table in TABLES.items():
        (line,) = (tmp_path / f"{name}.csv").read_text(encoding="utf-8").splitlines()
        assert next(csv.reader([line])) == [column.name for column in table.columns]


@pytest.mark.parametrize("days", [-105, -1_000, -18_000])
def test_a_duration_of_any_length_is_written(tmp_path: Path, days: int) -> None:
    """More nanoseconds than a fraction can tell one by one: a clock that was set while it was captured."""
    request, response = read_flow("> REGISTER sip:example.com\n< 200")
    assert isinstance(request, RawMessage) and isinstance(response, RawMessage)
    sent = 1_700_000_000 * SECOND
    request, response = replace(request, time=sent), replace(response, time=sent + days * 86_400 * SECOND + 1)
    frames = tables(analyze_items([request, response], rules=(), tables=True))
    write_csv(frames, tmp_path)
    (row,) = read_csv(tmp_path / "transactions.csv")
    (record,) = read_ndjson(frames)["transaction"]
    lasting = [one.name for one in TABLES["transactions"].columns if one.kind == "duration"]
    written = [float(row[name]) for name in lasting if row[name]]
    assert written == [record[name] for name in lasting if record[name] is not None]
    assert days * 86_400.0 in written


HOSTILE = [
    "=cmd|' /C calc'!A0", "+1", "-2+3", "@SUM(A1)", "\tx", "＝1", "\x1b[2Jx", "a\u202eb", 'q"u,o', "\u200b=1", ";=1",
    "a;=1", "a,=1", "a\t=1", "a; =1", 'a;"=1"', "a;'=1'", "a|=1", "\ufeff=1", "\xa0=1", ";﹦1", ";−1", "a;\r\n=1",
    "\\x3d1",
]  # fmt: skip


@pytest.mark.parametrize("sent", HOSTILE)
def test_what_was_sent_is_harmless_in_both(tmp_path: Path, sent: str) -> None:
    (item,) = read_flow("> REGISTER sip:example.com\nUser-Agent: SENT")
    assert isinstance(item, RawMessage)
    payload = item.payload.replace(b"SENT", sent.encode()).replace(b"Call-ID: ", b"Call-ID: " + sent.encode())
    frames = tables(analyze_items([replace(item, payload=payload)], rules=(), tables=True))
    write_csv(frames, tmp_path)
    (row,) = read_csv(tmp_path / "transactions.csv")
    (record,) = read_ndjson(frames)["transaction"]
    for name in ("user_agent", "call_id"):
        shown = str(frames.transactions[name][0])
        assert shown == visible(shown) and record[name] == shown
        assert row[name][0] not in SIGNS and value_of(row[name]) == shown
    for path in tmp_path.iterdir():
        assert_no_formula(path.read_text(encoding="utf-8"))


def readers() -> list[dict[str, Any]]:
    """How spreadsheets part a file: at what, and what they take for quotes; none, or blanks that they skip."""
    quotes: list[dict[str, Any]] = [
        {"quotechar": '"'},
        {"quotechar": "'"},
        {"quoting": csv.QUOTE_NONE},
        {"escapechar": "\\"},
    ]
    return [
        {"delimiter": mark, "skipinitialspace": skip, **rule} for mark in ",;\t|" for rule in quotes for skip in (0, 1)
    ]


def assert_no_formula(text: str) -> None:
    """No cell that any reader sees begins with a sign, but for a number."""
    for reader in readers():
        for row in csv.reader(io.StringIO(text, newline=""), **reader):
            for one in row:
                begin = one.strip().lstrip("\"'").lstrip()
                assert begin[:1] not in SIGNS or not begin or NUMBER.fullmatch(begin), (reader, one)


def one_column(texts: list[str]) -> str:
    """A file of two columns, as the tables are written: each text, and the one behind it."""
    out = io.BytesIO()
    cells = [cell(one) for one in texts]
    pyarrow.csv.write_csv(pa.table({"a": cells, "n": [-1] * len(cells), "b": cells[1:] + cells[:1]}), out)
    return out.getvalue().decode()


AROUND = st.lists(st.text("=+-@＝﹣−;,|\"' \t\n\\a1x3d\ufeff\xa0\u0301") | st.text(), min_size=1, max_size=4)


@given(AROUND)
@example(['a";=1', "'=1", ";=2'"])
@example(["'", "=1'"])
@example(["\\", "\\;=1"])
@example(["\\=", "\\ =1"])
def test_no_reader_finds_a_formula(sent: list[str]) -> None:
    assert_no_formula(one_column(sent))


@pytest.mark.parametrize("mark", ["'", '"', " ", ""])
def test_what_is_often_advised_does_not_hold(mark: str) -> None:
    """The check above can fail: a mark in front of the text leaves what a semicolon begins."""
    with pytest.raises(AssertionError):
        assert_no_formula(f'"{mark.replace(chr(34), chr(34) * 2)}a;=1"\n')


@given(st.text("=+-@＝−;,|\"' \\x3dbuff10") | st.text())
@example("=1")
@example("\\x3d1;=1;\\\\x3d2")
@example("\\=1; \\ \\\\=2")
@example("")
def test_a_cell_can_be_turned_back(sent: str) -> None:
    written = cell(sent)
    assert value_of(written) == visible(sent)
    assert written[:1] not in SIGNS or written == ""


@pytest.mark.parametrize(
    ("sent", "written"),
    [
        ("=1;=2", r"\x3d1;\x3d2"),
        ("sip:+4930@lab;transport=tcp", "sip:+4930@lab;transport=tcp"),
        ('"+4930" <sip:x@y>', r'"\x2b4930" <sip:x@y>'),
        ("a - b = c", "a - b = c"),
        (r"CORP\bob", r"CORP\bob"),
        (r"\x3d1", r"\\x3d1"),
        ("＝1", r"\uff1d1"),
    ],
)
def test_only_what_begins_a_cell_is_written_out(sent: str, written: str) -> None:
    assert cell(sent) == written


def test_a_frame_can_be_printed() -> None:
    """What pandas draws for a terminal is what the texts hold: both Call-IDs, and the octet, are written out."""
    (item,) = read_flow("> REGISTER sip:example.com\nUser-Agent: SENT")
    assert isinstance(item, RawMessage)
    payload = item.payload.replace(b"SENT", b"\x1b[2J\xe2\x80\xae\xff").replace(b"Call-ID: ", b"Call-ID: \x1b]0;x\x07")
    report = analyze_items([replace(item, payload=payload)], rules=(), tables=True)
    frames = tables(report)
    for _, frame in frames:
        drawn = frame.to_string() + repr(frame) + str(frame.to_dict())
        assert visible(drawn.replace("\n", "")) == drawn.replace("\n", "")
    assert frames.transactions.user_agent[0] == r"\x1b[2J\u202e\xff"
    assert report.transactions[0].call_id.startswith("\x1b]0;x\x07")


def test_texts_that_look_alike_when_written_out_are_one_category() -> None:
    made = category(["\x1b", r"\x1b", "a"])
    assert list(made) == [r"\x1b", r"\x1b", "a"] and list(made.categories) == [r"\x1b", "a"]


@given(st.lists(st.one_of(st.none(), st.text(max_size=5), st.text("ab\udcff\ud800é", max_size=3))))
def test_texts_and_categories_hold_the_same(values: list[str | None]) -> None:
    strings, categories = text(values), category(values)
    assert list(strings) == list(categories)
    assert [value is None or value == "" for value in values] == list(strings.isna())
    assert list(categories.categories) == sorted(set(strings.dropna()), key=lambda one: one.encode())
