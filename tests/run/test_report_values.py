"""A report as a value: what it prints of itself is short, and as a dictionary it is what JSON prints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import analyzer
from analyzer.cli import sipcheck
from analyzer.judge.findings import Confidence
from analyzer.run.pipeline import analyze_items
from analyzer.run.report import Report
from tests.shared import ROOT

SAMPLES = sorted((ROOT / "samples").glob("*/input.pcap"))
SHORT = 400


def report(path: Path) -> Report:
    return analyzer.analyze(path)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.parent.name)
def test_as_a_dictionary_it_is_what_json_prints(path: Path) -> None:
    printed = CliRunner().invoke(sipcheck, ["pcap", str(path), "--format", "json"]).stdout
    assert json.loads(json.dumps(report(path).to_dict())) == json.loads(printed)


def test_a_dictionary_is_harmless() -> None:
    from analyzer.judge.flowtext import read_flow

    made = analyze_items(read_flow("> REGISTER sip:example.com\nUser-Agent: \x1b[2J\u202e\n< 200"))
    assert "\x1b" in made.registrations[0].user_agent
    assert not {"\x1b", "\u202e"} & set(json.dumps(made.to_dict(), ensure_ascii=False))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.parent.name)
def test_every_repr_is_short(path: Path) -> None:
    made = report(path)
    values: list[object] = [
        made,
        *made.findings,
        *made.registrations,
        *made.digests,
        *made.transactions,
        made.recording,
    ]
    values += [binding for one in made.registrations for binding in one.bindings]
    long = [repr(value) for value in values if len(repr(value)) > SHORT]
    assert long == []


def test_a_repr_says_what_it_is() -> None:
    made = report(ROOT / "samples" / "cseq-not-raised" / "input.pcap")
    assert repr(made).startswith("<Report of ") and "1 registrations (1 registered), " in repr(made)
    (finding,) = [one for one in made.findings if one.rule == "R3261-10.2-cseq-increment"]
    assert repr(finding).startswith("<Finding R3261-10.2-cseq-increment/repeat: error, ")
    assert "frame 5 of " in repr(finding)
    assert repr(made.registrations[0]).endswith("registered (200)>")
    assert repr(made.transactions[0]) == "<Transaction 1: REGISTER sip:carol@lab.invalid, CSeq 1, 401>"
    assert "carol in lab.invalid: unknown" in repr(made.digests[0])


def test_there_is_one_severity() -> None:
    made = report(ROOT / "samples" / "cseq-not-raised" / "input.pcap")
    finding = next(one for one in made.findings if one.severity == "error")
    finding.confidence = Confidence.LOW
    assert (finding.proven_severity, finding.severity) == ("error", "warning")
    frame = analyzer.tables(made).findings
    in_json = {one["rule"]: one["severity"] for one in made.to_dict()["findings"]}
    assert in_json[finding.rule] == "warning"
    assert set(frame[frame.rule == finding.rule].severity) == {"warning"}
