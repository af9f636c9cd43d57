"""Dask workers, real ones: several processes on loopback, one of which is killed in the midst of it."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from analyzer.cluster import executor
from analyzer.cluster.door import ClusterError
from analyzer.cluster.executor import DaskExecutor, dask_executor, local_cluster
from analyzer.cluster.join import join_bucket
from analyzer.cluster.read import read_capture
from analyzer.cluster.software import Seen, software
from analyzer.cluster.tabulate import tabulated
from analyzer.dataframes.frames import Tables, tables
from analyzer.run.pipeline import analyze
from analyzer.storm.analysis import storms
from benchmarks.storm import StormPlan
from benchmarks.traffic import make_storm
from tests.cluster.somebody import somebodys, unguarded
from tests.cluster.splitting import assert_same, split

dask = pytest.importorskip("dask", reason="the tests of the cluster need dask, which is not installed")
distributed = pytest.importorskip("distributed", reason="the tests of the cluster need dask, which is not installed")


PATIENCE = 60
"""Seconds in which a busy machine certainly starts a process."""
NOBODY = "tcp://127.0.0.1:1"


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """A client of two workers."""
    with local_cluster(2) as cluster, distributed.Client(cluster) as client:
        yield client


def forever(_: int) -> None:
    """A task that does not end by itself."""
    threading.Event().wait()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A storm in eight files."""
    folder = tmp_path_factory.mktemp("files")
    make_storm(folder / "storm", StormPlan(messages=1600, users=100, retransmitted=0.1))
    return split(folder / "storm", folder, 200)


@pytest.fixture(scope="module")
def whole(files: list[Path]) -> Tables:
    """What one process makes of them."""
    return tables(analyze([str(one) for one in files], rules=()))


def dying(task: Callable[[Any], Any], marker: str, when: str, told: Any) -> Any:
    """Run a task on a worker; the first one that comes here is killed: while its files have no names yet, or when they
    have, and only the result is still to be told."""
    try:
        with open(marker, "x", encoding="ascii") as file:
            file.write(str(os.getpid()))
    except FileExistsError:
        return task(told)
    if when == "writing":
        os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    task(told)
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("dead")


class Mortal(DaskExecutor):
    """Workers of which one is killed in the midst of a step; how many tasks the step had is noted."""

    def __init__(self, client: Any, folder: Path, step: Callable[[Any], Any], when: str) -> None:
        super().__init__(client)
        self.marker, self.step, self.when, self.tasks = folder / "victim", step, when, 0

    def run(self, task: Callable[[Any], Any], told: Sequence[Any]) -> list[Any]:
        if task is not self.step or not told:
            return super().run(task, told)
        self.tasks = len(told)
        return super().run(partial(dying, task, str(self.marker), self.when), told)


@pytest.mark.parametrize(
    ("step", "when"), [(read_capture, "writing"), (join_bucket, "telling")], ids=["reading", "joining"]
)
def test_a_worker_that_is_killed_changes_nothing(
    client: Any, files: list[Path], whole: Tables, tmp_path: Path, step: Callable[[Any], Any], when: str
) -> None:
    client.wait_for_workers(2, timeout=PATIENCE)
    before = set(client.run(os.getpid).values())
    executor = Mortal(client, tmp_path, step, when)
    spool = tabulated(files, tmp_path / "spool", executor, buckets=6)
    victim = int(executor.marker.read_text(encoding="ascii"))
    assert victim in before and victim not in set(client.run(os.getpid).values())
    assert executor.tasks >= 6
    assert spool.rows["messages"] == 1600 and spool.faults == ()
    assert not list(spool.folder.rglob(".*")), "what the dead one left is gone"
    assert_same(spool, whole)
    with executor.computing():
        found = storms(spool.frame("transactions")).to_dict()
    assert json.dumps(found) == json.dumps(storms(whole.transactions).to_dict())
    assert found["summary"]["requests"] > 600


def test_a_worker_that_is_killed_in_the_analysis_changes_nothing(
    client: Any, files: list[Path], whole: Tables, tmp_path: Path
) -> None:
    client.wait_for_workers(2, timeout=PATIENCE)
    executor = DaskExecutor(client)
    spool = tabulated(files, tmp_path / "spool", executor, buckets=6)
    before = client.run(os.getpid)
    with executor.computing():
        frame = spool.frame("transactions")
        frame["call_id"] = frame["call_id"].map_partitions(partial(_slow, seconds=0.2))
        threading.Timer(0.3, os.kill, (next(iter(before.values())), signal.SIGKILL)).start()
        found = storms(frame).to_dict()
    assert json.dumps(found) == json.dumps(storms(whole.transactions).to_dict())
    assert client.run(os.getpid) != before


def _slow(part: Any, seconds: float) -> Any:
    time.sleep(seconds)
    return part


def test_the_tables_as_a_dask_dataframe(client: Any, files: list[Path], tmp_path: Path) -> None:
    spool = tabulated(files[:2], tmp_path / "spool", DaskExecutor(client), buckets=3)
    frame, whole = spool.frame("transactions"), spool.gather("transactions")
    assert frame.npartitions == 3
    counted = frame.groupby("status").retransmissions.sum().compute()
    assert dict(counted) == dict(whole.groupby("status").retransmissions.sum())
    rates = frame.assign(second=frame.time.dt.floor("1s")).groupby("second").size().compute()
    assert int(rates.sum()) == len(whole) and len(rates) > 1
    made = frame.compute()
    assert dict(made.dtypes)["aor"] == "string[pyarrow]"
    assert made.transaction.is_unique and sorted(made.call_id) == sorted(whole.call_id)


def test_a_scheduler_that_somebody_started(files: list[Path], tmp_path: Path) -> None:
    with somebodys(2) as address, dask_executor(address) as executor:
        assert executor.workers == 2 and executor.memory > 1 << 20
        spool = tabulated(files[:2], tmp_path / "spool", executor)
    assert spool.rows["messages"] == 400 and len(spool.parts("transactions")) == 2


def test_an_address_without_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor, "CONNECT", 0.5)
    with pytest.raises(ClusterError, match=r"^no Dask scheduler answers at tcp://127.0.0.1:1$"), dask_executor(NOBODY):
        raise AssertionError


def test_a_scheduler_without_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor, "FIRST_WORKER", 0.5)
    with (
        somebodys(0) as address,
        pytest.raises(ClusterError, match=f"^the Dask scheduler at {address} has no workers$"),
        dask_executor(address),
    ):
        raise AssertionError


def test_workers_that_differ_are_told_before_anything_is_read(
    client: Any, files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = software()
    monkeypatch.setattr(executor, "software", lambda: here | {"pandas": "0.1"})
    with pytest.raises(
        ClusterError, match=r"^worker tls://127.0.0.1:\d+ has pandas \S+, here it is 0.1: install the same"
    ):
        tabulated(files, tmp_path / "spool", DaskExecutor(client))
    assert not (tmp_path / "spool").exists()


def test_workers_that_do_not_see_the_folder(client: Any, tmp_path: Path) -> None:
    (tmp_path / "rows").write_text("no folder", encoding="ascii")
    with pytest.raises(ClusterError, match=r"cannot write into the folder \(Not a directory\): give --spool a folder"):
        DaskExecutor(client).check(tmp_path)


def test_what_a_worker_may_answer() -> None:
    good = software()
    assert executor.misfit(Seen(good, ""), good) == ""
    assert "lacks what is needed" in executor.misfit(Exception("No module named 'analyzer'"), good)
    assert executor.misfit(OSError("gone"), good) == "cannot be asked: OSError: gone"
    assert executor.misfit(Seen({}, ""), good).startswith("has Python none, here it is 3.")


def test_what_a_task_raises_is_raised(client: Any) -> None:
    with pytest.raises(FileNotFoundError):
        DaskExecutor(client).run(Path.read_text, [Path("/nowhere/at/all")])


def test_a_scheduler_that_dies_in_the_midst_of_it() -> None:
    with unguarded(1) as cluster, dask_executor(cluster.scheduler_address) as executor:
        gone = threading.Timer(1.0, cluster.close)
        gone.start()
        with pytest.raises(ClusterError, match="went away in the midst of it"):
            executor.run(forever, [1])
        gone.join()


def test_a_cluster_of_this_machine_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with dask_executor(jobs=1) as executor:
        assert executor.workers == 1
        assert executor.run(abs, [-1, 2, -3]) == [1, 2, 3]
        assert list(tmp_path.iterdir())
    assert list(tmp_path.iterdir()) == []
