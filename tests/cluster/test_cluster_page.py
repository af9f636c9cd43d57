"""The commands in docs/cluster.md, run as they stand there, but for names and numbers of machines."""

from __future__ import annotations

import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from analyzer.cli import sipcheck
from tests.cluster.somebody import running
from tests.shared import ROOT

pytest.importorskip("distributed", reason="the tests of the cluster need dask, which is not installed")
PAGE = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
FENCES: list[str] = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
PYTHON: list[str] = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
LINES = [
    shlex.split(line, comments=True)
    for fence in FENCES
    for line in fence.replace("\\\n", " ").splitlines()
    if line.strip() and not line.startswith("#")
]
SAMPLE = ROOT / "samples" / "storm-restart" / "input.pcap.gz"


def free_port() -> int:
    """A port on which nobody hears now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def here(words: list[str], folder: Path, port: int) -> list[str]:
    """A command of the page for one machine."""
    changed = {"/mnt/captures/*.pcap": str(SAMPLE), "/mnt/spool/monday": str(folder / "spool"), "8GiB": "1GiB"}
    made = [changed.get(word, word) for word in words]
    made = [re.sub(r"^tls://head\b", "tls://127.0.0.1", word).replace("8786", str(port)) for word in made]
    if "--nworkers" in made:
        made[made.index("--nworkers") + 1] = "1"
    return [str(folder / word) if word.endswith((".pem", ".key")) else word for word in made]


def the(*first: str) -> list[str]:
    """The one command of the page that begins so."""
    (found,) = (line for line in LINES if line[: len(first)] == [*first])
    return found


@pytest.mark.needs_tool("openssl", "sh")
def test_the_commands_of_the_page(tmp_path: Path) -> None:
    (keys,) = (fence for fence in FENCES if "openssl" in fence)
    subprocess.run(["sh", "-eu"], input=keys, cwd=tmp_path, text=True, capture_output=True, check=True)
    made = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert made.keys() >= {"ca.pem", "ca.key", "member.pem", "member.key"} and set(made.values()) == {0o600}
    port = free_port()
    scheduler, worker, ask = (
        here(words, tmp_path, port)
        for words in (the("dask", "scheduler"), the("dask", "worker"), the("sipcheck", "storm"))
    )
    with running(scheduler, tmp_path), running(worker, tmp_path):
        done = CliRunner().invoke(sipcheck, ask[1:])
    assert (done.exit_code, done.stderr) == (1, "")
    assert done.stdout == CliRunner().invoke(sipcheck, ["storm", str(SAMPLE)]).stdout
    assert list((tmp_path / "spool").glob("*.parquet"))
    (text,) = (fence for fence in PYTHON if "WorkDirectory" in fence)
    done_there = subprocess.run(
        [sys.executable, "-c", text.replace("/mnt/spool/monday", str(tmp_path / "spool"))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done_there.returncode == 0, done_there.stderr


def test_the_page_shows_no_scheduler_without_keys() -> None:
    for words in (the("dask", "scheduler"), the("dask", "worker")):
        assert {"--tls-ca-file", "--tls-cert", "--tls-key", "--no-dashboard"} <= {*words}
    assert not [word for line in LINES for word in line if "tcp://" in word]
    assert "runs code as the user of the workers" in PAGE
