"""Rows of Homer and of what else stores HEP: JSON and CSV, perhaps with a message that was escaped for a page."""

from __future__ import annotations

import csv
import html
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from analyzer.capture.opener import open_sources
from analyzer.capture.text.rows_of_homer import banner_of
from analyzer.evidence import RawMessage
from tests.capture.printing import example

Rows = list[dict[str, Any]]


def read(text: bytes) -> tuple[str, list[RawMessage]]:
    with open_sources([io.BytesIO(text)]) as reading:
        return reading.sources[0].format, [item for item in reading if isinstance(item, RawMessage)]


MESSAGES = read(example("homer"))[1]


def seven(one: RawMessage, text: str) -> dict[str, Any]:
    """A row of Homer 7's interface for programs."""
    assert one.time is not None
    ends = {"srcIp": one.source.host, "srcPort": one.source.port, "dstIp": one.destination.host}
    when = {"timeSeconds": one.time // 10**9, "timeUseconds": one.time % 10**9 // 1000}
    return {"id": 1, **ends, "dstPort": one.destination.port, "protocol": 17, **when, "raw": text}


def stored(one: RawMessage, text: str) -> dict[str, Any]:
    """A row of its data base: the header of HEP is a field."""
    header = seven(one, "")
    del header["id"], header["raw"]
    return {"id": 1, "sid": "a1", "create_date": "2026-11-29", "protocol_header": header, "raw": text}


def five(one: RawMessage, text: str) -> dict[str, Any]:
    """A row of Homer 5's table sip_capture."""
    assert one.time is not None
    ends = {"source_ip": one.source.host, "source_port": one.source.port, "destination_ip": one.destination.host}
    return {
        "id": 1,
        **ends,
        "destination_port": one.destination.port,
        "proto": 17,
        "micro_ts": one.time // 1000,
        "msg": text,
    }


def table(rows: Rows) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(rows[0])
    writer.writerows([json.dumps(one) if isinstance(one, dict) else one for one in row.values()] for row in rows)
    return out.getvalue().encode()


FORMS: dict[str, Callable[[Rows], bytes]] = {
    "one line": lambda rows: json.dumps({"total": len(rows), "data": rows}).encode(),
    "many lines": lambda rows: json.dumps({"total": len(rows), "data": rows}, indent=2).encode(),
    "a line each": lambda rows: b"".join(json.dumps(row).encode() + b"\n" for row in rows),
    "a table": table,
}


@pytest.mark.parametrize("escape", [str, html.escape], ids=["plain", "HTML"])
@pytest.mark.parametrize("row", [seven, stored, five])
@pytest.mark.parametrize("form", FORMS)
def test_rows_are_the_messages_with_ends_and_times(
    form: str, row: Callable[[RawMessage, str], dict[str, Any]], escape: Callable[[str], str]
) -> None:
    rows = [row(one, escape(one.payload.decode())) for one in MESSAGES]
    kind, found = read(FORMS[form](rows))
    assert kind == "homer"
    wanted = [(one.payload, one.source, one.destination, one.time, one.transport) for one in MESSAGES]
    assert [(one.payload, one.source, one.destination, one.time, one.transport) for one in found] == wanted
    assert all(one.is_repaired for one in found)


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        ({}, ""),
        ({"srcIp": "192.0.2.1", "srcPort": 5060, "dstIp": "192.0.2.2"}, ""),
        (
            {"src_ip": "2001:db8::1", "src_port": 1, "dst_ip": "a", "dst_port": 2, "protocol": 6},
            "[2001:db8::1]:1 ---> a:2",
        ),
        (
            {"src_ip": "b", "src_port": 1, "dst_ip": "a", "dst_port": 2, "timeSeconds": "x"},
            "proto:- -  b:1 ---> a:2",
        ),
    ],
)
def test_odd_rows(row: dict[str, object], wanted: str) -> None:
    assert wanted in banner_of(row)
    assert bool(banner_of(row)) is bool(wanted)
