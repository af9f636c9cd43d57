"""`sipcheck storm` by way of a cluster: when it is taken, what is said, with which exit code."""

from __future__ import annotations

import glob
import json
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from click.testing import CliRunner, Result

from analyzer.cli import sipcheck
from analyzer.cli import storm as command
from analyzer.cluster import executor, size
from analyzer.cluster.join import MADE
from benchmarks.storm import StormPlan
from benchmarks.traffic import make_storm
from tests.cluster.somebody import somebodys
from tests.cluster.splitting import split
from tests.faults.child import ENVIRONMENT, ended, started, wait_until
from tests.shared import ROOT

distributed = pytest.importorskip("distributed", reason="the tests of the cluster need dask, which is not installed")
RESTART = ROOT / "samples" / "storm-restart" / "input.pcap.gz"
HEARD = b"sipcheck: interrupted: what was read is put together; once more ends it at once\n"
CALM = ROOT / "samples" / "storm-none" / "input.pcap.gz"


def run(*arguments: str | Path) -> Result:
    """The command with these arguments."""
    return CliRunner().invoke(sipcheck, ["storm", *map(str, arguments)])


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a scheduler with a worker."""
    with somebodys(1) as address:
        yield address


@pytest.mark.parametrize(("path", "code"), [(RESTART, 1), (CALM, 0)])
def test_a_scheduler_tells_the_same(scheduler: str, tmp_path: Path, path: Path, code: int) -> None:
    by_cluster = run(path, "--scheduler", scheduler, "--spool", tmp_path / "spool", "--format", "json")
    assert (by_cluster.exit_code, by_cluster.stderr) == (code, "")
    assert by_cluster.stdout == run(path, "--format", "json").stdout
    assert len(list((tmp_path / "spool").glob("*.parquet/part-*"))) == 5


@pytest.mark.parametrize("view", ["json", "table"])
def test_jobs_tell_the_same(view: str) -> None:
    assert run(RESTART, "--jobs", "3", "--format", view).output == run(RESTART, "--format", view).output


def test_without_a_spool_nothing_is_kept(scheduler: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.chdir(ROOT)
    done = run(RESTART.relative_to(ROOT), "--scheduler", scheduler, "--plot", tmp_path / "storm.svg")
    assert done.exit_code == 1 and "Everybody registered again at once after a restart" in done.stdout
    assert [one.name for one in tmp_path.iterdir()] == ["storm.svg"]


def test_what_exceeds_memory_is_read_by_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = run(RESTART)
    monkeypatch.setattr(size, "memory", lambda: RESTART.stat().st_size)
    done = run(RESTART, "--jobs", "1")
    assert done.stderr == "sipcheck: this may need more memory than there is: worker processes read it in pieces\n"
    assert (done.exit_code, done.stdout) == (alone.exit_code, alone.stdout)


def test_where_dask_is_missing_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = run(CALM)
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    done = run(CALM, "--scheduler", "tcp://127.0.0.1:1")
    assert (done.exit_code, done.output) == (2, "sipcheck: dask is not installed: pip install 'sipcheck[cluster]'\n")
    monkeypatch.setattr(size, "memory", lambda: 1)
    for missing in ("distributed", "cryptography"):
        monkeypatch.setattr(command, "find_spec", lambda name, missing=missing: None if name == missing else name)
        done = run(CALM)  # it may fit all the same
        assert done.stderr.count("\n") == 1 and "pip install 'sipcheck[cluster]'" in done.stderr
        assert (done.exit_code, done.stdout) == (0, alone.stdout)


def test_workers_of_this_machine_need_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "cryptography", None)
    done = run(CALM, "--spool", tmp_path / "spool")
    assert done.exit_code == 2
    assert done.output == "sipcheck: cryptography is not installed: pip install 'sipcheck[cluster]'\n"


def test_what_can_be_wrong_with_the_cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(executor, "CONNECT", 0.5)
    done = run(CALM, "--scheduler", "tcp://127.0.0.1:1")
    assert (done.exit_code, done.output) == (3, "sipcheck: no Dask scheduler answers at tcp://127.0.0.1:1\n")
    done = run(CALM, "--scheduler", "nonsense")
    assert (done.exit_code, done.output.count("\n")) == (2, 1)
    assert run("--spool", tmp_path).exit_code == 2  # no file was named
    assert run(CALM, "--spool", "").exit_code == 2


def test_what_can_be_wrong_with_the_folder(scheduler: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="ascii")
    done = run(CALM, "--scheduler", scheduler, "--spool", tmp_path / "file")
    assert (done.exit_code, done.output) == (3, f"sipcheck: {tmp_path / 'file'}: cannot be written: File exists\n")
    done = run(CALM, "--scheduler", scheduler, "--spool", tmp_path)
    assert (done.exit_code, done.output.count("\n")) == (2, 1) and "holds something already" in done.output


def test_files_that_cannot_be_read(scheduler: str, tmp_path: Path) -> None:
    """One is told and the rest is shown; a cut one is told where the sources are; of nothing else there is nothing."""
    make_storm(tmp_path / "storm", StormPlan(messages=400, users=50))
    good, *_ = split(tmp_path / "storm", tmp_path, 200)
    cut, empty, absent = tmp_path / "cut.pcap", tmp_path / "empty.pcap", tmp_path / "absent.pcap"
    cut.write_bytes(good.read_bytes()[:-100])
    empty.write_bytes(b"")
    done = run(cut, empty, absent, "--scheduler", scheduler)
    assert done.exit_code == 3 and "No storm." in done.stdout and "damaged" in done.stdout
    assert done.stderr.splitlines() == [f"sipcheck: {empty}: is empty", f"sipcheck: {absent}: no such file"]
    done = run(empty, "--scheduler", scheduler)
    assert (done.exit_code, done.output) == (3, f"sipcheck: {empty}: is empty\n")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Many files, so that there is a midst."""
    folder = tmp_path_factory.mktemp("files")
    make_storm(folder / "storm", StormPlan(messages=3000, users=300, retransmitted=0.1))
    return split(folder / "storm", folder, 250)


@pytest.fixture(scope="module")
def long_run(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """So many files that nobody is through with them when the first was read."""
    folder = tmp_path_factory.mktemp("long")
    make_storm(folder / "storm", StormPlan(messages=40_000, users=3000, retransmitted=0.1))
    return split(folder / "storm", folder, 2000)


def workers_of(child: Any) -> list[psutil.Process]:
    """The processes that work for the command."""
    family = psutil.Process(child.pid).children(recursive=True)
    return [one for one in family if "spawn_main" in " ".join(one.cmdline())]


def test_a_worker_that_is_killed_is_not_missed(tmp_path: Path, files: list[Path]) -> None:
    arguments = ["storm", *map(str, files), "--format", "json", "--jobs", "2"]
    with started(*arguments, "--spool", str(tmp_path / "spool")) as child:
        wait_until(lambda: bool(glob.glob(f"{tmp_path}/spool/rows/*.arrow")), child)
        family = workers_of(child)
        assert len(family) == 2
        family[0].send_signal(signal.SIGKILL)
        code, stdout, stderr = ended(child)
    alone = run(*files, "--format", "json")
    assert (code, stdout.decode(), stderr) == (alone.exit_code, alone.stdout, b"")
    assert not [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("whom", ["command", "group"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_reading_and_what_was_read_is_reported(
    tmp_path: Path, long_run: list[Path], number: signal.Signals, whom: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read is reported; the tables of it stay, but no temporary folder, nor a process."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setitem(ENVIRONMENT, "TMPDIR", str(tmp_path / "tmp"))
    arguments = ["storm", *map(str, long_run), "--format", "json", "--jobs", "2"]
    with started(*arguments, "--spool", str(tmp_path / "spool"), start_new_session=True) as child:
        wait_until(lambda: bool(glob.glob(f"{tmp_path}/spool/rows/*.arrow")), child)
        family = workers_of(child)
        assert len(family) == 2
        os.kill(child.pid, number) if whom == "command" else os.killpg(child.pid, number)
        code, stdout, stderr = ended(child)
    assert (code, stderr) == (128 + number, HEARD)
    told = json.loads(stdout)["summary"]
    assert told["interrupted"] and 0 < told["requests"] < 20_000
    assert re.match(r"what happened after |anything of [0-9]+ of 20 files", told["notes"][0])
    tables = {path.name for path in (tmp_path / "spool").iterdir()}
    assert tables == {f"{name}.parquet" for name in MADE}
    assert not [*(tmp_path / "spool").glob("*/.*"), *(tmp_path / "tmp").iterdir()]
    assert not [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def test_a_signal_before_anything_was_read(tmp_path: Path, long_run: list[Path]) -> None:
    """One line, and nothing stays."""
    arguments = ["storm", *map(str, long_run), "--format", "json", "--jobs", "2"]
    with started(*arguments, "--spool", str(tmp_path / "spool")) as child:
        wait_until(lambda: bool(workers_of(child)), child)
        os.kill(child.pid, signal.SIGTERM)
        code, stdout, stderr = ended(child)
    assert (code, stdout) == (143, b"")
    assert stderr == b"sipcheck: interrupted: nothing is reported\n"
    assert not (tmp_path / "spool").exists() or not [*(tmp_path / "spool").iterdir()]


def test_a_second_signal_ends_at_once(tmp_path: Path, long_run: list[Path]) -> None:
    arguments = ["storm", *map(str, long_run), "--format", "json", "--jobs", "2"]
    with started(*arguments, "--spool", str(tmp_path / "spool")) as child:
        wait_until(lambda: bool(glob.glob(f"{tmp_path}/spool/rows/*.arrow")), child)
        os.kill(child.pid, signal.SIGTERM)
        time.sleep(0.15)  # less is taken for an echo of the first
        os.kill(child.pid, signal.SIGINT)
        code, stdout, stderr = ended(child)
    assert code in (130, 143) and stdout == b""
    assert stderr == HEARD + b"sipcheck: interrupted: nothing is reported\n"
    assert not (tmp_path / "spool").exists() or [*(tmp_path / "spool").iterdir()] == []


def test_how_far_an_interrupted_run_came_is_said(tmp_path: Path, long_run: list[Path]) -> None:
    """For a person: that it was interrupted, the time up to which all is told, and which files nobody read."""
    with started("storm", *map(str, long_run), "--spool", str(tmp_path / "spool"), "--jobs", "1") as child:
        wait_until(lambda: bool(glob.glob(f"{tmp_path}/spool/rows/*.arrow")), child)
        os.kill(child.pid, signal.SIGINT)
        code, stdout, _ = ended(child)
    told = " ".join(stdout.decode().split())
    assert code == 130 and "interrupted: this is what was read so far." in told
    assert re.search(r"Not judged, or estimated: .*anything of \d+ of 20 files \(\d+.pcap, .* and \d+ more\)", told)
