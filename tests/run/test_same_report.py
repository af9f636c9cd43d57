"""Several processes give the report that one gives, to the octet."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from analyzer.capture.opener import open_sources
from analyzer.evidence import Item
from analyzer.run.partial_result import report_of
from analyzer.run.pipeline import Analysis, analyze
from analyzer.run.report import Report
from analyzer.run.shard import Inseparable, Shard
from analyzer.views import ViewOptions, load_view
from benchmarks.population import write_users
from benchmarks.storm import StormPlan
from benchmarks.traffic import make_storm
from tests.capture.build import frame, pcap, write
from tests.shared import LAB, ROOT, SHARED

CAPTURES = sorted((ROOT / "samples").glob("*/input.pcap*"))
OTHERS = sorted((SHARED / "captures" if SHARED else LAB).rglob("*.pcap*"))
SMALL = [path for path in CAPTURES + OTHERS if path.stat().st_size < 1 << 20]
OPTIONS = ViewOptions(width=100, color=False, all=True)


def printed(report: Report, view: str) -> str:
    out = io.StringIO()
    load_view(view)(report, out, OPTIONS)
    return out.getvalue()


def users(path: Path) -> list[Path]:
    known = path.parent / "users.csv"
    return [known] if known.is_file() else []


def shared_out(path: Path, jobs: int) -> Report:
    """What workers find, without their processes: one after the other here."""
    partials = []
    for number in range(jobs):
        with open_sources([path]) as reading:
            analysis = Analysis(reading.sources, shard=Shard(number, jobs))
            for item in reading:
                analysis.feed(item)
        partials.append(analysis.partial())
    return report_of(partials, analysis.rules)


@pytest.mark.parametrize("path", SMALL, ids=lambda path: "/".join(path.parts[-3:]))
def test_every_capture(path: Path) -> None:
    try:
        several = shared_out(path, 3)
    except Inseparable:
        return  # one process does it all: nothing to compare
    alone = analyze(path)
    for view in ("json", "table"):
        assert printed(several, view) == printed(alone, view)


@pytest.fixture(scope="module")
def storm(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A capture of a storm, and the passwords of its users."""
    folder = tmp_path_factory.mktemp("storm")
    path, known = folder / "storm.pcap", folder / "users.csv"
    make_storm(path, StormPlan(messages=3000, users=300))
    write_users(known, 300, 1)
    return path, known


@pytest.mark.parametrize("jobs", [2, 3])
@pytest.mark.parametrize("detail", [True, False])
def test_a_storm_by_processes(storm: tuple[Path, Path], jobs: int, detail: bool) -> None:
    path, known = storm
    alone = analyze(path, credentials=known, detail=detail)
    several = analyze(path, credentials=known, detail=detail, jobs=jobs)
    assert alone.summary.messages == 3000 and alone.summary.digests["match"] > 500
    for view in ("json", "ndjson", "table"):
        assert printed(several, view) == printed(alone, view)


def test_the_workers_share_the_work(storm: tuple[Path, Path]) -> None:
    """That the test above compares two ways: no worker has it all."""
    with open_sources([storm[0]]) as reading:
        items: list[Item] = list(reading)
    sizes = []
    for number in range(2):
        analysis = Analysis([], shard=Shard(number, 2))
        for item in items:
            analysis.feed(item)
        sizes.append(analysis.partial().summary.messages)
    assert sum(sizes) == 3000 and min(sizes) > 1000


def test_two_files_are_one_capture(tmp_path: Path, storm: tuple[Path, Path]) -> None:
    octets = storm[0].read_bytes()
    with open_sources([storm[0]]) as reading:
        places = [item.place[2] for item in reading]
    middle = int(places[len(places) // 2])
    first = write(tmp_path, "a.pcap", octets[:middle])
    second = write(tmp_path, "b.pcap", octets[:24] + octets[middle:])
    paths = [str(first), str(second)]
    assert printed(analyze(paths, jobs=2), "json") == printed(analyze(paths), "json")


@pytest.mark.parametrize(
    "make",
    [
        lambda path: open(path, "rb"),  # noqa: SIM115
        lambda path: io.BytesIO(path.read_bytes()),
    ],
    ids=["open file", "octets"],
)
def test_what_cannot_be_opened_again_is_read_by_one(make: Callable[[Path], io.BufferedIOBase]) -> None:
    path = CAPTURES[0]
    with make(path) as stream:
        one = analyze(stream, jobs=4)  # type: ignore[arg-type]
    other = analyze(path)
    for source in one.sources:
        source.name = other.sources[0].name
    assert replace(one.summary) == other.summary


def test_an_inseparable_capture_is_read_by_one(tmp_path: Path) -> None:
    cut = b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n\r\n"
    path = write(tmp_path, "x.pcap", pcap([frame(), frame(cut)]))
    report = analyze(path, jobs=2)
    assert report.summary.messages == 2 and report.notes == []
    assert printed(report, "json") == printed(analyze(path), "json")


def test_interrupted_the_sources_are_told_by_who_came_farthest(tmp_path: Path) -> None:
    """Not more messages than packets, as where the first of the workers was the slowest."""
    path = tmp_path / "storm.pcap"
    make_storm(path, StormPlan(messages=600, users=60))
    partials = []
    for number, limit in enumerate((100, 400)):
        with open_sources([str(path)]) as reading:
            analysis = Analysis(reading.sources, shard=Shard(number, 2), rules=())
            for _, item in zip(range(limit), reading, strict=False):
                analysis.feed(item)
            partials.append(analysis.partial(interrupted=True))
    report = report_of(partials, ())
    assert report.sources is partials[1].sources and report.interrupted
    assert 100 < report.summary.messages <= report.sources[0].frames == 400
