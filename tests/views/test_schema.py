"""`--format json` and `ndjson`: the schema of the outside, `sipcheck/1`, held by a JSON Schema document."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.evidence import Frame, LogLines
from analyzer.rules import all_rules
from analyzer.run.report import Report
from analyzer.views import ViewOptions, load_view, view_names
from analyzer.views.json_schema import SCHEMA
from analyzer.views.schema import evidence, records, seconds
from tests.views.reports import LOGIN, REGISTERED, report_of, user

jsonschema: Any = pytest.importorskip("jsonschema")  # it has no stubs of its own

FLOWS = {
    "registered": LOGIN % 200,
    "refused": LOGIN % 403,
    "silent": "> REGISTER sip:example.com\n@0.5 > again\n! port unreachable",
    "open": "> REGISTER sip:example.com",
    "provisional": "> REGISTER sip:example.com\n< 100\n< 200",
    "headless": "> REGISTER sip:example.com\n< 200\n> OPTIONS sip:example.com\n< 200",
    "findings": "> REGISTER sip:bob@example.com\nCSeq: 5\n< 200\n@1800 > REGISTER sip:bob@example.com\nCSeq: 5\n< 500",
    "hostile": user("\x1b[2J\u202e", 403, "User-Agent: \x07\x00 \udcff"),
    "empty": "",
}


def written(report: Report, view: str) -> str:
    out = io.StringIO()
    load_view(view)(report, out, ViewOptions())
    return out.getvalue()


def report_on(name: str, *, log: bool = False) -> Report:
    report = report_of(FLOWS[name], rules=all_rules(), tail=40, log=log, passwords={"bob": "other-1"}, detail=True)
    report.sources[0].defect("odd", "an odd \x1b thing", Frame("flow", 2), 7)
    report.sources[0].quality.append("cut")
    return report


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("name", FLOWS)
def test_the_object_keeps_the_schema(name: str, log: bool) -> None:
    jsonschema.validate(json.loads(written(report_on(name, log=log), "json")), SCHEMA)


def test_the_schema_document_is_one_and_refuses() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    whole = json.loads(written(report_on("refused"), "json"))
    for key in ("sources", "summary", "transactions", "registrations", "digests", "findings", "outcomes"):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({name: value for name, value in whole.items() if name != key}, SCHEMA)


@pytest.mark.parametrize("name", FLOWS)
def test_ndjson_has_the_same_records(name: str) -> None:
    whole = json.loads(written(report_on(name), "json"))
    lines = [json.loads(line) for line in written(report_on(name), "ndjson").splitlines()]
    kinds = {"source": "sources", "transaction": "transactions", "registration": "registrations"}
    kinds |= {"digest": "digests", "finding": "findings", "outcome": "outcomes"}
    assert lines[0] == {"kind": "summary", "schema": "sipcheck/1", **whole["summary"]}
    for kind, key in kinds.items():
        assert [without_kind(line) for line in lines if line["kind"] == kind] == whole[key]


def without_kind(line: dict[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in line.items() if name not in ("kind", "source_kind")}
    return rest | ({"kind": line["source_kind"]} if "source_kind" in line else {})


def test_hostile_text_is_written_out() -> None:
    text = written(report_on("hostile"), "json")
    assert "\\u001b" not in text
    whole = json.loads(text)
    assert whole["registrations"][0]["user_agent"] == "\\x07\\0 \\xff"
    assert "\\x1b[2J\\u202e" in whole["registrations"][0]["aor"]
    assert text.isascii()


@settings(max_examples=40)
@given(st.text(st.characters(codec=None), max_size=30))
def test_any_text_stays_json_and_harmless(text: str) -> None:
    report = report_on("refused")
    report.registrations[0].aor = report.registrations[0].user_agent = text
    report.findings[0].detail = report.findings[0].fix = text
    whole = json.loads(written(report, "json"))
    shown = whole["registrations"][0]["aor"]
    assert shown.isprintable()
    assert whole["findings"][0]["detail"] == shown


def test_times_are_seconds_and_places_are_counted_from_one() -> None:
    assert seconds(None) is None
    assert seconds(1_500_000_000_123_456_789) == 1_500_000_000.123457
    assert evidence(None, None) is None
    assert evidence(Frame("a", 981), 10**9) == {"source": "a", "frame": 981, "time": 1.0}
    assert evidence(LogLines("a", 39, 52), None) == {"source": "a", "line": 39, "end_line": 52, "time": None}


def test_every_list_has_a_kind() -> None:
    kinds = [(key, kind) for key, kind, _ in records(report_on("registered"))]
    assert all(key == f"{kind}s" for key, kind in kinds)
    assert len(kinds) == 7


def test_counts_agree_with_the_lists() -> None:
    whole = json.loads(written(report_on("findings"), "json"))
    summary = whole["summary"]
    assert summary["transactions"] == len(whole["transactions"]) == 2
    assert summary["registrations"] == len(whole["registrations"]) == 1
    assert sum(summary["findings"].values()) == len(whole["findings"]) > 0
    assert summary["responses"] == {"200": 1, "500": 1}
    assert summary["not_judged"] == sum(sum(row["not_judged"].values()) for row in whole["outcomes"])


def test_a_machine_reads_line_by_line() -> None:
    lines = written(report_on("registered"), "json").splitlines()
    assert sum(line.startswith('  {"id"') for line in lines) == 3  # two transactions and a registration, a line each


def test_the_views_are_found_by_their_files() -> None:
    assert {"table", "json", "ndjson"} <= set(view_names())
    assert not any(name.startswith("_") for name in view_names())
    assert written(report_of(REGISTERED), "json").endswith("}\n")
