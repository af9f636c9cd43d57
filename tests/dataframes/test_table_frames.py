"""A report becomes tables with exactly the columns of the dictionary, and with the report's own numbers in them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import analyzer
from analyzer.dataframes.columns import DTYPES
from analyzer.dataframes.dictionary import TABLES
from analyzer.dataframes.frames import Tables, frame, tables
from analyzer.evidence import SECOND, Frame, RawMessage
from analyzer.judge.flowtext import START, read_flow
from analyzer.rules import all_rules
from analyzer.run.pipeline import analyze_items
from analyzer.run.report import Report
from tests.dataframes.table_reports import SAMPLES, flow_report, sample_report
from tests.register.traffic import answer, request

NATIVE = [path for path in SAMPLES if "tls" not in path.parent.name]


def assert_typed(frames: Tables) -> None:
    assert [name for name, _ in frames] == list(TABLES)
    for name, table in frames:
        assert list(table.columns) == [column.name for column in TABLES[name].columns], name
        for column in TABLES[name].columns:
            dtype = table.dtypes[column.name]
            if column.kind == "category":
                assert isinstance(dtype, pd.CategoricalDtype) and dtype.categories.dtype == "string[pyarrow]"
            else:
                assert dtype == DTYPES[column.kind], (name, column.name)
        assert isinstance(table.index, pd.RangeIndex)


@pytest.mark.parametrize("path", NATIVE, ids=lambda path: path.parent.name)
def test_every_sample_has_typed_tables_with_the_numbers_of_its_report(path: Path) -> None:
    report = sample_report(path)
    frames = tables(report)
    assert_typed(frames)
    assert_counts(frames, report)


def assert_counts(frames: Tables, report: Report) -> None:
    summary, messages, transactions = report.summary, frames.messages, frames.transactions
    assert int(messages.request.sum()) == summary.register_requests
    answers = messages[~messages.request].status.value_counts()
    assert dict(answers) == dict(summary.responses)
    assert int((messages["copy"] & messages.request).sum()) == summary.retransmissions
    assert int((transactions.state != "headless").sum()) == summary.transactions
    assert int(transactions.retransmissions.sum()) == summary.retransmissions
    assert dict(transactions.state.value_counts().loc[lambda counts: counts > 0]) == dict(summary.states)
    assert len(frames.registrations) == summary.registrations
    assert dict(frames.registrations.outcome.value_counts().loc[lambda counts: counts > 0]) == dict(summary.outcomes)
    assert len(frames.attempts) == sum(one.attempts for one in report.registrations)
    assert int(frames.registrations.attempts.sum()) == len(frames.attempts)
    assert len(frames.bindings) == int(frames.registrations.bindings.sum())
    assert dict(frames.digests.verdict.value_counts().loc[lambda counts: counts > 0]) == dict(summary.digests)
    assert dict(frames.findings.severity.value_counts().loc[lambda counts: counts > 0]) == dict(summary.findings)


def test_without_traffic_the_tables_are_empty_and_typed() -> None:
    frames = tables(flow_report(""))
    assert_typed(frames)
    assert {len(table) for _, table in frames} == {0}


def test_messages_are_those_of_registers_in_order() -> None:
    messages = tables(flow_report()).messages
    assert list(messages.status) == [0, 100, 0, 401, 0, 423, 0, 200]
    assert list(messages.transaction) == [1, 1, 1, 1, 2, 2, 3, 3]
    assert list(messages["copy"]) == [False, False, True, False, False, False, False, False]
    assert list(messages.request) == [True, False, True, False, True, False, True, False]
    assert set(messages.method) == {"REGISTER"}
    assert list(messages.frame) == list(range(1, 9))
    assert messages.time.is_monotonic_increasing
    assert (messages["size"] > 200).all()
    assert messages.source[0] == messages.destination[1] != messages.source[1]


def test_an_answer_that_comes_again_is_a_copy() -> None:
    items = [request(0), answer(0.1, 401), request(0.5), answer(0.6, 401), answer(0.7, 403), answer(0.8, 100)]
    frames = tables(analyze_items(items, rules=(), tables=True))
    assert list(frames.messages["copy"]) == [False, False, True, True, False, False]
    assert list(frames.transactions.status) == [401]


def test_what_transactions_say() -> None:
    rows = tables(flow_report()).transactions
    assert rows.requested.tolist() == [600, 600, 3600]
    assert rows.granted.tolist() == [pd.NA, pd.NA, 1800]
    assert rows.min_expires.tolist() == [pd.NA, 1800, pd.NA]
    assert rows.user_agent.astype("string").fillna("").tolist() == ["phone 1.0", "phone 1.0", ""]
    assert rows.provisional.tolist() == [1, 0, 0]
    assert (rows.last_sent - rows.time).tolist() == [pd.Timedelta(seconds=0.49), pd.Timedelta(0), pd.Timedelta(0)]
    assert (rows.latency == rows.final_time - rows.time).all()
    assert rows.time[0] == pd.Timestamp(START + SECOND // 100, tz="UTC")
    assert rows.aor.unique().tolist() == ["sip:bob@example.com"] and rows.user.unique().tolist() == ["bob"]
    assert rows.credentials.tolist() == [False, True, False]


def test_an_attempt_joins_its_transactions() -> None:
    (row,) = tables(flow_report()).attempts.to_dict("records")
    assert (row["first_transaction"], row["last_transaction"], row["transactions"]) == (1, 3, 3)
    assert (row["outcome"], row["status"], row["credentials"], row["too_brief"]) == ("registered", 200, True, True)
    assert (row["registration"], row["user"]) == (1, "bob")
    assert row["end"] > row["start"]


def test_a_headless_answer_has_no_request() -> None:
    _, final = read_flow("> REGISTER sip:example.com\n< 503\nRetry-After: 30")
    (row,) = tables(analyze_items([final], rules=(), tables=True)).transactions.to_dict("records")
    assert (row["state"], row["status"], row["retry_after"]) == ("headless", 503, 30)
    assert row["time"] is pd.NaT and row["last_sent"] is pd.NaT and row["latency"] is pd.NaT
    assert pd.isna(row["registration"]) and pd.isna(row["requested"])


def test_a_query_asks_for_nothing_and_a_removal_for_zero() -> None:
    query = "> REGISTER sip:example.com\nContact:\n< 200\n"
    star = "> REGISTER sip:example.com\nContact: *\nExpires: 0\n< 200\nContact:\n"
    rows = tables(flow_report(query + star)).transactions
    assert rows.requested.tolist() == [pd.NA, 0]
    assert rows.granted.tolist() == [pd.NA, pd.NA]


BOUND = "> REGISTER sip:example.com\n< 200\n"


@pytest.mark.parametrize(
    ("flow", "reginfo", "states"),
    [
        (BOUND, "active", ["active"]),
        (BOUND + "@60 > REGISTER sip:example.com\nExpires: 0\n< 200\nContact:\n", "terminated", ["terminated"]),
        (BOUND.replace("\n<", "\nExpires: 5\n<") + "@60 > OPTIONS sip:example.com\n", "terminated", ["terminated"]),
        ("> REGISTER sip:example.com\n", "init", []),
        ("> REGISTER sip:example.com\n< 403\n", "init", []),
        ("> REGISTER sip:example.com\n-Expires\n< 200\nContact: <sip:bob@192.0.2.10:5060>\n", "", [""]),
    ],
    ids=["bound", "removed", "ran out", "no answer", "refused", "nobody said for how long"],
)
def test_states_are_those_of_rfc_3680(flow: str, reginfo: str, states: list[str]) -> None:
    frames = tables(flow_report(flow))
    assert frames.bindings.state.astype("string").fillna("").tolist() == states
    assert frames.registrations.reginfo.astype("string").fillna("").tolist() == [reginfo]


def test_text_that_is_no_text_and_numbers_without_end() -> None:
    (item,) = read_flow("> REGISTER sip:example.com")
    assert isinstance(item, RawMessage)
    payload = item.payload.replace(b"Call-ID: ", b"Call-ID: \xff\x00").replace(
        b"CSeq: 1 ", b"CSeq: " + b"9" * 40 + b" "
    )
    payload = payload.replace(b"\r\n\r\n", b"\r\nUser-Agent: caf\xc3\xa9 \xfe\r\n\r\n", 1)
    frames = tables(analyze_items([replace(item, payload=payload)], rules=all_rules(), tables=True))
    assert_typed(frames)
    (row,) = frames.transactions.to_dict("records")
    assert row["call_id"].startswith("\\xff\\0")
    assert row["user_agent"] == "café \\xfe"
    assert row["cseq"] == 2**63 - 1


def test_times_beyond_what_a_column_holds_are_unknown() -> None:
    (item,) = read_flow("> REGISTER sip:example.com")
    late = replace(item, time=2**63 + 5, place=Frame("f", 1))
    frames = tables(analyze_items([late], rules=(), tables=True))
    assert_typed(frames)
    assert frames.messages.time.isna().all()


def test_no_clock_is_no_time() -> None:
    timeless = [replace(item, time=None) for item in read_flow("> REGISTER sip:example.com\n< 200")]
    frames = tables(analyze_items(timeless, rules=(), tables=True))
    assert frames.messages.time.isna().all() and frames.transactions.latency.isna().all()
    assert frames.registrations["first"].isna().all()


def test_a_report_without_what_tables_need_says_so() -> None:
    for given in ({"tables": False}, {"detail": False}):
        report = analyzer.analyze(NATIVE[0], **given)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="tables=True"):
            analyzer.tables(report)


def test_a_column_too_many_or_too_few_is_an_error() -> None:
    given: dict[str, list[object]] = {column.name: [] for column in TABLES["bindings"].columns}
    assert frame("bindings", given).empty
    with pytest.raises(KeyError, match="colour"):
        frame("bindings", {**given, "colour": []})
    with pytest.raises(KeyError, match="granted"):
        frame("bindings", {name: values for name, values in given.items() if name != "granted"})


def test_tables_is_a_function_however_it_is_reached() -> None:
    report = flow_report()
    from analyzer import tables as by_name

    first, second = analyzer.tables(report), by_name(report)
    assert repr(first) == repr(second)
    assert repr(first).startswith("<Tables messages: 8 rows, transactions: 3 rows, attempts: 1 rows")
    assert isinstance(first, Tables)


def test_columns_share_no_memory_with_the_report() -> None:
    report = flow_report()
    assert report.recording is not None
    before = list(report.recording.transaction)
    frames = tables(report)
    frames.messages["transaction"] = 0
    frames.messages.loc[0, "size"] = -1
    assert list(report.recording.transaction) == before
    assert np.all(np.asarray(report.recording.size) > 0)
