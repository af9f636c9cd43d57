"""Several processes give the tables that one gives: every row, every number, in the same order."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from analyzer.capture.opener import open_sources
from analyzer.dataframes.frames import tables
from analyzer.run.partial_result import report_of
from analyzer.run.pipeline import Analysis, analyze
from analyzer.run.report import Report
from analyzer.run.shard import Inseparable, Shard
from benchmarks.population import write_users
from benchmarks.storm import StormPlan
from benchmarks.traffic import make_storm
from tests.shared import LAB, ROOT

CAPTURES = sorted((ROOT / "samples").glob("*/input.pcap*"))
SMALL = [
    path
    for path in [*CAPTURES, *sorted(LAB.glob("*/capture.pcap*"))]
    if path.stat().st_size < 1 << 19 and "tls" not in path.parent.name
]


def assert_same(one: Report, other: Report) -> None:
    frames = tables(other)
    for name, table in tables(one):
        pd.testing.assert_frame_equal(table, getattr(frames, name))


def shared_out(path: Path, jobs: int) -> Report:
    """What workers find, without their processes: one after the other here."""
    partials = []
    for number in range(jobs):
        with open_sources([path]) as reading:
            analysis = Analysis(reading.sources, shard=Shard(number, jobs), tables=True)
            for item in reading:
                analysis.feed(item)
        partials.append(analysis.partial())
    return report_of(partials, analysis.rules)


@pytest.mark.parametrize("path", SMALL, ids=lambda path: path.parent.name)
def test_tables_of_every_capture(path: Path) -> None:
    try:
        several = shared_out(path, 3)
    except Inseparable:
        return  # one process does it all: nothing to compare
    assert_same(several, analyze(path))


@pytest.mark.parametrize("jobs", [2, 3])
def test_tables_of_a_storm_by_processes(tmp_path: Path, jobs: int) -> None:
    path, known = tmp_path / "storm.pcap", tmp_path / "users.csv"
    make_storm(path, StormPlan(messages=2000, users=200))
    write_users(known, 200, 1)
    alone, several = analyze(path, credentials=known), analyze(path, credentials=known, jobs=jobs)
    assert alone.recording is not None and len(alone.recording.number) == 2000
    assert_same(several, alone)


def test_workers_keep_nothing_for_tables_that_nobody_wants(tmp_path: Path) -> None:
    path = tmp_path / "storm.pcap"
    make_storm(path, StormPlan(messages=400, users=40))
    report = analyze(path, jobs=2, tables=False)
    assert report.recording is None and len(report.transactions) > 100
    assert all(row.facts is None for row in report.transactions)
