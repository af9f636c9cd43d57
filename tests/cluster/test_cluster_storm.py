"""One process, several, and a cluster tell the same storms: JSON and table, to the octet, with every source."""

from __future__ import annotations

import gzip
import io
from collections.abc import Sequence
from pathlib import Path

import pytest

from analyzer.cluster import storms as cluster_storm
from analyzer.cluster.door import ClusterError, ClusterUsage
from analyzer.cluster.storms import storms_of
from analyzer.cluster.tabulate import LocalExecutor
from analyzer.dataframes import tables
from analyzer.run.pipeline import analyze
from analyzer.run.report import Report
from analyzer.storm.analysis import storms
from analyzer.storm.values import StormReport
from analyzer.views import ViewOptions
from analyzer.views.storm.summary import write_json, write_table
from tests.cluster.splitting import records, split, write
from tests.shared import DATA, ROOT

STORMS = sorted((ROOT / "samples").glob("storm-*/input.pcap.gz"))
LOGS = sorted((ROOT / "samples").glob("*/input.txt"))
OTHERS = [path for path in sorted((ROOT / "samples").glob("*/input.pcap*")) if path not in STORMS]
OPTIONS = ViewOptions(width=100, color=False, all=False)


@pytest.fixture(autouse=True)
def _without_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tasks run here, one after the other: what they are, and how many, is as with two workers."""

    class Two(LocalExecutor):
        workers = 2

        def __init__(self, *_: object) -> None: ...
        def __enter__(self) -> Two:
            return self

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(cluster_storm, "dask_executor", Two)


def shown(report: Report, found: StormReport) -> tuple[str, str]:
    """What `sipcheck storm` prints, in both forms."""
    machine, person = io.StringIO(), io.StringIO()
    write_json(report, found, machine)
    write_table(report, found, person, OPTIONS)
    return machine.getvalue(), person.getvalue()


def alone(files: Sequence[Path], jobs: int = 1, aor: str = "") -> tuple[str, str]:
    """By one process, or by forked ones that share the work."""
    report = analyze([str(one) for one in files], rules=(), jobs=jobs, aor=aor)
    return shown(report, storms(tables(report).transactions))


def by_cluster(files: Sequence[Path], shares: int = 1, aor: str = "") -> tuple[str, str]:
    """By tasks."""
    made = storms_of([str(one) for one in files], buckets=3, shares=shares, aor=aor)
    assert made.spool.tally.unreadable == ()
    return shown(made.report, made.storms)


def unpacked(path: Path, folder: Path) -> Path:
    """A sample as a plain capture."""
    target = folder / f"{path.parent.name}.pcap"
    target.write_bytes(gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes())
    return target


@pytest.mark.parametrize("path", STORMS, ids=lambda path: path.parent.name)
def test_every_storm_is_the_same(tmp_path: Path, path: Path) -> None:
    """Cut into files that are given last first, each of them read by two tasks."""
    files = split(unpacked(path, tmp_path), tmp_path, 500)[::-1]
    whole = alone(files)
    assert len(files) > 1 and ('"storms": []' in whole[0]) == (path.parent.name == "storm-none")
    assert by_cluster(files, shares=2) == whole


@pytest.mark.parametrize("path", [path for path in STORMS if path.parent.name in ("storm-scan", "storm-slow-answers")])
def test_one_file_by_processes_by_tasks_and_in_pieces(tmp_path: Path, path: Path) -> None:
    """`--jobs`, a large file shared out, and the same traffic in several files: the storms are the same."""
    whole = alone([path])
    assert alone([path], jobs=2) == whole
    assert by_cluster([path], shares=3) == whole
    cut = alone(split(unpacked(path, tmp_path), tmp_path, 500))
    assert cut != whole and cut[0].partition('"storms":')[2] == whole[0].partition('"storms":')[2]


@pytest.mark.parametrize(
    "path", [one for one in OTHERS + LOGS if "flow-text" not in one.parent.name], ids=lambda path: path.parent.name
)
def test_every_other_sample_is_the_same(path: Path) -> None:
    """Streams, fragments, IPv6, logs: what is told of the source and of calm traffic."""
    assert by_cluster([path], shares=2) == alone([path])


def test_a_capture_and_two_logs_of_the_same_traffic() -> None:
    """One process reads logs after captures, whatever the times; so do tasks."""
    folder = DATA / "lab" / "5-c-interval-too-brief" / "asterisk-chan_sip"
    files = [folder / "full", folder / "capture.pcap", folder / "full_plain"]
    assert by_cluster(files) == alone(files)


def test_one_user_alone(tmp_path: Path) -> None:
    path = unpacked(ROOT / "samples" / "storm-auth-loop" / "input.pcap.gz", tmp_path)
    aor = tables(analyze(path, rules=())).transactions["aor"].iloc[0]
    one = alone([path], aor=aor)
    assert by_cluster([path], shares=2, aor=aor) == one != alone([path])


def test_capture_points_that_overlap(tmp_path: Path) -> None:
    linktype, packets = records(unpacked(ROOT / "samples" / "storm-restart" / "input.pcap.gz", tmp_path))
    files = [write(tmp_path / f"{first}.pcap", linktype, packets[first::3]) for first in range(3)]
    assert by_cluster(files, shares=2) == alone(files)


def test_an_analysis_that_does_not_fit_is_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_storm, "memory", lambda: 1 << 10)
    with pytest.raises(ClusterError, match=r"^the analysis of 680 transactions takes some .* tables are in .*spool$"):
        storms_of([ROOT / "samples" / "storm-none" / "input.pcap.gz"], spool=tmp_path / "spool")
    assert len(list((tmp_path / "spool").glob("transactions.parquet/*"))) == 2


def test_what_cannot_be_shared(tmp_path: Path) -> None:
    with pytest.raises(ClusterUsage, match="standard input"):
        storms_of(["-"])
    (tmp_path / "mine").write_text("kept", encoding="ascii")
    with pytest.raises(ClusterUsage, match="holds something already"):
        storms_of([STORMS[0]], spool=tmp_path)
