"""The verdicts of test purposes as a table and as records; nothing of the wire reaches them raw."""

from __future__ import annotations

import io
import json

import pytest
from rich.cells import cell_len

from analyzer.judge.conformance.purposes import PURPOSES
from analyzer.judge.conformance.verdicts import OUTCOMES, Observer, Verdict
from analyzer.judge.flowtext import read_flow
from analyzer.rules import all_rules
from analyzer.run.pipeline import analyze_items
from analyzer.run.report import Report
from analyzer.views import CATALOGUE_FORMATS, ViewOptions
from analyzer.views.purposes import write_verdicts

_FLOW = "> REGISTER sip:bob@example.com\nTo: <sip:bob@example.com>\n< 200\n"


def seen(flow: str) -> tuple[Report, list[Verdict]]:
    """A flow, and what it says of the purposes."""
    observer = Observer(all_rules())
    report = analyze_items(read_flow(flow, tail=60), rules=observer.rules)
    return report, observer.verdicts({finding.rule for finding in report.findings})


def shown(flow: str, view: str = "table", width: int = 100, left_out: int = 0) -> str:
    """What a view prints of a flow."""
    out = io.StringIO()
    write_verdicts(view, out, ViewOptions(width=width), *seen(flow), left_out=left_out)
    return out.getvalue()


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_the_table_names_every_purpose_in_its_width(width: int) -> None:
    lines = shown(_FLOW, width=width).splitlines()
    for purpose in PURPOSES:
        assert sum(purpose.id in line.split() for line in lines) == 1
    assert all(cell_len(line) <= min(width, 110) and line == line.rstrip() for line in lines)


def test_the_table_counts_and_gives_reasons_and_places() -> None:
    text = " ".join(shown(_FLOW).split())
    counted = json.loads(shown(_FLOW, "json"))["summary"]["verdicts"]
    assert ", ".join(f"{counted[word]} {word}" for word in OUTCOMES[:3]) in text
    assert "fail RG_RT_V_001" in text
    assert "R3261-10.2-ruri-userinfo: the Request-URI is sip:bob@example.com" in text
    assert "(frame 1 of flow)" in text
    assert "not exercised RG_RT_V_014" in text
    assert "Needs a REGISTER without Contact." in text


def test_records_are_the_same_in_both_forms() -> None:
    whole = json.loads(shown(_FLOW, "json"))
    assert whole["schema"] == "sipcheck/1"
    assert [record["purpose"] for record in whole["purposes"]] == [purpose.id for purpose in PURPOSES]
    *rows, last = [json.loads(line) for line in shown(_FLOW, "ndjson").splitlines()]
    assert rows == [{"kind": "purpose", **record} for record in whole["purposes"]]
    assert last == {"kind": "summary", "schema": "sipcheck/1", **whole["summary"]}
    assert sum(whole["summary"]["verdicts"].values()) == 56


def test_a_record_says_what_each_rule_answered() -> None:
    record = next(one for one in json.loads(shown(_FLOW, "json"))["purposes"] if one["purpose"] == "RG_RT_V_001")
    assert record["verdict"] == "fail"
    assert record["exercised"] == 1
    assert record["rules"] == [
        {"rule": "R3261-10.2-ruri-form", "passed": 1, "violated": 0, "not_judged": 0},
        {"rule": "R3261-10.2-ruri-userinfo", "passed": 0, "violated": 1, "not_judged": 0},
    ]
    assert [place["frame"] for place in record["evidence"]] == [1]


@pytest.mark.parametrize("view", CATALOGUE_FORMATS)
def test_what_is_left_out_is_said(view: str) -> None:
    assert "7 transactions" in shown(_FLOW, left_out=7)
    if view != "table":
        assert '"left_out": 7' in shown(_FLOW, view, left_out=7)


@pytest.mark.parametrize("view", CATALOGUE_FORMATS)
def test_hostile_octets_are_shown_escaped(view: str) -> None:
    text = shown("> REGISTER sip:a\x1b[2Jb\u202e@example.com\n< 200\n", view)
    assert "RG_RT_V_001" in text
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_other_forms_are_not_offered() -> None:
    with pytest.raises(KeyError):
        shown(_FLOW, "page")
