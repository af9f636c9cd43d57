"""A cluster of one's own is nobody else's: no listener of it lets in who has no certificate of this run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from analyzer.cluster.executor import dask_executor
from tests.cluster.intruder import HOW
from tests.cluster.somebody import somebodys
from tests.faults.child import ENVIRONMENT
from tests.shared import ROOT

distributed = pytest.importorskip("distributed", reason="the tests of the cluster need dask, which is not installed")
NOBODY = 65534
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="to become another user needs root")
WHO = [pytest.param(os.getuid(), id="same-user"), pytest.param(NOBODY, id="another-user", marks=needs_root)]


def family() -> list[psutil.Process]:
    """This process and all that it started."""
    me = psutil.Process()
    return [me, *me.children(recursive=True)]


def listeners() -> list[int]:
    """Ports on which the family hears; it hears on loopback alone."""
    heard = [one for process in family() for one in process.net_connections("tcp") if one.status == "LISTEN"]
    assert {one.laddr[0] for one in heard} <= {"127.0.0.1"}
    return sorted({int(one.laddr[1]) for one in heard})


def tried(user: int, ports: list[int]) -> list[tuple[int, str, str]]:
    """What became of every try to enter."""
    child = [sys.executable, "-m", "tests.cluster.intruder", str(user)]
    done = subprocess.run(
        child, input=json.dumps(ports), capture_output=True, text=True, cwd=ROOT, env=ENVIRONMENT, check=False
    )
    assert done.returncode == 0, done.stderr
    return [(port, how, outcome) for port, how, outcome in json.loads(done.stdout)]


@pytest.fixture(scope="module")
def before() -> list[int]:
    """Ports on which other tests hear in this process."""
    return listeners()


@pytest.mark.parametrize("user", WHO)
def test_nobody_enters_while_the_run_goes_on(user: int, before: list[int]) -> None:
    with dask_executor(jobs=2) as executor:
        ports = [port for port in listeners() if port not in before]
        assert len(ports) == 5, "a scheduler, two nannies, two workers, and nothing beside them"
        assert tried(user, ports) == [(port, how, "refused") for port in ports for how in HOW]
        assert executor.run(abs, [-1, 2, -3]) == [1, 2, 3]


@pytest.mark.parametrize("user", WHO)
def test_where_there_is_no_guard_the_intruder_gets_in(user: int) -> None:
    """So that the test above can fail."""
    with somebodys(1) as address:
        port = int(address.rpartition(":")[2])
        assert tried(user, [port])[0] == (port, "plain", "Scheduler")


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder for temporary files, under a mask that takes nothing away."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    mask = os.umask(0)
    yield tmp_path
    os.umask(mask)


def test_the_key_is_in_no_file_and_no_command_line(scratch: Path) -> None:
    with dask_executor(jobs=1) as executor:
        assert executor.run(abs, [-1]) == [1]
        (own,) = scratch.iterdir()
        assert own.stat().st_mode & 0o777 == 0o700
        assert not [path for path in scratch.rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes()]
        for process in family()[1:]:
            assert "PRIVATE KEY" not in " ".join(process.cmdline()) + " ".join(process.environ().values())
    assert list(scratch.iterdir()) == []


def test_each_run_has_a_key_of_its_own() -> None:
    with dask_executor(jobs=1) as one, dask_executor(jobs=1) as other:
        mine, its = (executor._client.security.get_tls_config_for_role("client") for executor in (one, other))
        assert mine["key"] != its["key"] and mine["ca_file"] != its["ca_file"]
