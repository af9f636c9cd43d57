"""The line that names `sipcheck storm`: on every storm sample, on no calm traffic, and by each of its signs."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

import pytest

import analyzer
from analyzer.judge.flowtext import read_flow
from analyzer.run import pipeline
from analyzer.run.pipeline import Analysis, analyze_items
from analyzer.run.report import PACE, Report
from analyzer.views import ViewOptions, load_view
from analyzer.views.table.storm_hint import BUSY, busiest
from tests.shared import ROOT, shared

STORMS = sorted((ROOT / "samples").glob("storm-*/input.pcap.gz"))
CALM = sorted(path for path in (ROOT / "samples").glob("*/input*") if "storm-" not in path.parent.name)


def table(report: Report) -> str:
    out = io.StringIO()
    load_view("table")(report, out, ViewOptions(width=120))
    return " ".join(out.getvalue().split())


@pytest.mark.parametrize("path", STORMS, ids=lambda path: path.parent.name)
def test_a_storm_is_pointed_at(path: Path) -> None:
    text = table(analyzer.analyze(path))
    assert ("this looks like a registration storm; sipcheck storm says why" in text) == (
        path.parent.name != "storm-none"
    )


@pytest.mark.parametrize("path", CALM, ids=lambda path: path.parent.name)
def test_calm_traffic_is_not(path: Path) -> None:
    assert "registration storm" not in table(analyzer.analyze(path))


def test_the_storm_of_the_lab_is_pointed_at_and_nothing_else_there() -> None:
    captures = sorted(shared("captures", "lab").rglob("*.pcap*"))
    assert captures
    for path in captures:
        assert (busiest(analyzer.analyze(path, rules=(), tables=False)) is not None) == ("storm" in path.parts[-2])


def counted(pace: dict[int, int], *, clients: int = 1000, **counts: int) -> Report:
    """A report with these counts; all clients are well where nothing else is said."""
    report = analyze_items(read_flow("> REGISTER sip:example.com\n< 200"), rules=())
    summary = report.summary
    summary.pace, summary.register_requests = Counter(pace), sum(pace.values())
    summary.registrations, summary.outcomes = clients, Counter({"registered": clients})
    for name, count in counts.items():
        setattr(summary, name, count)
    return report


STEADY = dict.fromkeys(range(100, 160), BUSY)


def test_steady_load_of_many_clients_is_none_however_much() -> None:
    assert busiest(counted(STEADY, clients=10_000)) is None


def test_a_peak_over_the_usual() -> None:
    assert busiest(counted(STEADY | {130: 3 * BUSY}, clients=10_000)) == (130 * PACE, 3 * BUSY)
    assert busiest(counted(STEADY | {130: 3 * BUSY - 1}, clients=10_000)) is None


def test_a_peak_out_of_silence() -> None:
    assert busiest(counted({100: 1, 5000: BUSY})) == (5000 * PACE, BUSY)
    assert busiest(counted({100: 1, 5000: BUSY - 1})) is None


def test_repeats_refusals_and_clients_that_come_again() -> None:
    total = sum(STEADY.values())
    assert busiest(counted(STEADY, clients=10_000, retransmissions=total // 10)) is not None
    report = counted(STEADY, clients=10_000)
    report.summary.outcomes = Counter({"registered": 5000, "rejected": 5000})
    assert busiest(report) is not None
    assert busiest(counted(STEADY, clients=total // 40 - 1)) is not None


def test_what_begins_in_ten_seconds_is_counted_with_its_copies() -> None:
    flow = "> REGISTER sip:example.com\n@0.5 > again\n@1 < 200\n@25 > REGISTER sip:example.com\n< 200"
    assert sorted(analyze_items(read_flow(flow)).summary.pace.values()) == [1, 2]


def test_counts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "MOST_PACES", 3)
    analysis = Analysis([])
    for item in read_flow("".join(f"@{60 * n} > REGISTER sip:example.com\n< 200\n" for n in range(9))):
        analysis.feed(item)
    assert len(analysis.finish().summary.pace) == 3


def test_without_a_clock_there_is_no_pace() -> None:
    from dataclasses import replace

    report = analyze_items([replace(item, time=None) for item in read_flow("> REGISTER sip:h\n< 200")])
    assert not report.summary.pace and busiest(report) is None
