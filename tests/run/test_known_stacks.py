"""What is said of programs beside findings: of whom, the same with several processes; and nothing else changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import analyzer
from analyzer.judge import stacks
from analyzer.rules import all_rules
from analyzer.run import known_stacks
from analyzer.run.report import Report
from analyzer.views.schema import dumped, finding_record
from tests.shared import ROOT
from tests.views.reports import drawn, report_of

FOUR_TWO_THREE = """
> REGISTER sip:example.com
User-Agent: {agent}
Expires: 60
< 423
Min-Expires: 120
"""
NO_QOP = """
> REGISTER sip:example.com
User-Agent: Fine/1
< 401
Server: {agent}
WWW-Authenticate: Digest realm="lab.invalid", nonce="4f2a9d3c8b7e6f5a4f2a9d3c8b7e6f5a", algorithm=MD5
"""


def found(flow: str, rule: str, *, tail: float = 120.0) -> tuple[Report, stacks.Fact | None]:
    report = report_of(flow, rules=all_rules(), tail=tail)
    (finding,) = [one for one in report.findings if one.rule == rule]
    return report, finding.stack


def test_a_phone_that_does_what_its_program_is_known_for() -> None:
    report, fact = found(FOUR_TWO_THREE.format(agent="JsSIP 3.10.1"), "R3261-10.2.8-423-retry")
    assert fact is not None and fact.named == "JsSIP 3.10.1"
    text = " ".join(drawn(report, 200).split())
    assert "known: as JsSIP 3.10.1 does: gives up after a 423. To live with it: accept the lifetime" in text


def test_another_phone_is_only_told_what_it_did() -> None:
    report, fact = found(FOUR_TWO_THREE.format(agent="Fine/1"), "R3261-10.2.8-423-retry")
    assert fact is None and "known:" not in drawn(report, 200)


def test_a_phone_unlike_its_table_is_told_nothing_more() -> None:
    _, fact = found(FOUR_TWO_THREE.format(agent="baresip v1.0.0"), "R3261-10.2.8-423-retry")
    assert fact is None


def test_a_registrar_is_known_by_its_server_header() -> None:
    _, fact = found(NO_QOP.format(agent="Asterisk PBX 16.28.0"), "R3261-22.4-qop-offered")
    assert fact is not None and fact.side == "registrar"
    _, fact = found(NO_QOP.format(agent="Unheard-of"), "R3261-22.4-qop-offered")
    assert fact is None


def test_nothing_else_of_a_finding_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    flow = FOUR_TWO_THREE.format(agent="JsSIP 3.10.1")
    told = report_of(flow, rules=all_rules(), tail=120.0)
    monkeypatch.setattr("analyzer.run.partial_result.tell_stacks", lambda *_: None)
    untold = report_of(flow, rules=all_rules(), tail=120.0)
    assert any(one.stack for one in told.findings)
    pairs = zip(map(finding_record, told.findings), map(finding_record, untold.findings), strict=True)
    for one, other in pairs:
        assert one | {"stack": None} == other
    assert told.summary == untold.summary


def test_the_json_has_the_row() -> None:
    report, fact = found(FOUR_TWO_THREE.format(agent="JsSIP 3.10.1"), "R3261-10.2.8-423-retry")
    (finding,) = [one for one in report.findings if one.stack]
    record = json.loads(dumped(finding_record(finding)))["stack"]
    assert fact is not None
    assert record["program"] == "JsSIP" and record["versions"] == ["3.10.1"] and record["does"] == fact.does
    assert set(record) == {"program", "versions", "side", "topic", "rule", "subs", "does", "live_with", "source"}


@pytest.mark.parametrize("name", ["storm-scan", "storm-brute-force", "wrong-password"])
def test_several_processes_say_the_same(name: str) -> None:
    (path,) = (ROOT / "samples" / name).glob("input.pcap*")
    alone, shared = (analyzer.analyze(path, jobs=jobs).findings for jobs in (1, 2))
    assert [(one.rule, one.detail, one.stack) for one in alone] == [(one.rule, one.detail, one.stack) for one in shared]


def test_the_servers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_stacks, "MOST_SERVERS", 2)
    flow = "".join(
        f"dst=198.51.100.{n}:5060 > REGISTER sip:example.com\nCall-ID: c{n}\n< 200\nServer: s{n}\n" for n in range(1, 6)
    )
    assert report_of(flow, rules=all_rules()).summary.transactions == 5


def test_the_table_is_not_loaded_where_nothing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("asked")

    monkeypatch.setattr(stacks, "fact_of", never)
    assert report_of("> REGISTER sip:example.com\n< 200\n", rules=()).findings == []


def test_hostile_names_are_nobody(tmp_path: Path) -> None:
    del tmp_path
    for agent in ("JsSIP\\x1b[2J", "A" * 5000, "|||", "../facts.csv"):
        report_of(FOUR_TWO_THREE.format(agent=agent), rules=all_rules(), tail=120.0)
