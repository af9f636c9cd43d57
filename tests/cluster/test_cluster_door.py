"""Which schedulers are spoken to, and with which keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from analyzer.cli import sipcheck
from analyzer.cluster import executor as executor
from analyzer.cluster.door import ClusterError, ClusterUsage, Door, Keys, is_here
from analyzer.cluster.executor import dask_executor
from tests.cluster.somebody import Papers, commanded, papers, somebodys
from tests.shared import ROOT

dask = pytest.importorskip("dask", reason="the tests of the cluster need dask, which is not installed")
pytest.importorskip("distributed", reason="the tests of the cluster need dask, which is not installed")
CALM = ROOT / "samples" / "storm-none" / "input.pcap.gz"


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    """The keys of a cluster."""
    return papers(tmp_path_factory.mktemp("mine"))


def run(*arguments: str | Path) -> Result:
    """The command with these arguments."""
    return CliRunner().invoke(sipcheck, ["storm", str(CALM), *map(str, arguments)])


@pytest.mark.parametrize(
    ("address", "opened"),
    [
        ("tcp://127.0.0.1:8786", "tcp://127.0.0.1:8786"),
        ("tcp://127.9.9.9:1", "tcp://127.9.9.9:1"),
        ("tcp://[::1]:65535", "tcp://[::1]:65535"),
        ("127.0.0.1:8786", "tcp://127.0.0.1:8786"),
        ("localhost:8786", "tcp://127.0.0.1:8786"),
        ("tcp://localhost:8786", "tcp://127.0.0.1:8786"),
    ],
)
def test_a_plain_address_of_this_machine(address: str, opened: str) -> None:
    assert Door(address).open()[0] == opened


@pytest.mark.parametrize(
    "host",
    [
        "10.0.0.1", "head", "localhost.localdomain", "ip6-localhost", "localhost.", "LOCALHOST.example", "0.0.0.0",
        "[::]", "[::ffff:127.0.0.1]", "[fe80::1]", "127.1", "2130706433", "0x7f.0.0.1", "128.0.0.1", "127.0.0.1.nip.io",
        "127.0.0.1@head",
    ],
)  # fmt: skip
@pytest.mark.parametrize("scheme", ["tcp://", ""])
def test_a_plain_address_beyond_this_machine(host: str, scheme: str) -> None:
    """Also one that leads here for now: who says where it leads is asked for the second time later."""
    with pytest.raises(
        ClusterUsage, match=r"is not encrypted .*--tls-ca, --tls-cert and --tls-key, or say --insecure-scheduler$"
    ):
        Door(f"{scheme}{host}:8786").open()
    assert Door(f"{scheme}{host}:8786", insecure=True).open()[0] == f"tcp://{host}:8786"


@pytest.mark.parametrize(
    "address",
    [
        "nonsense", "foo:bar", "http://127.0.0.1:1", "", "ucx://127.0.0.1:1", "ws://127.0.0.1:1", "wss://127.0.0.1:1",
        "inproc://127.0.0.1/1/1", "TCP://127.0.0.1:1", "tcp://127.0.0.1", "tcp://127.0.0.1:0", "tcp://127.0.0.1:65536",
        "tcp://127.0.0.1:x", "tcp://:8786", "tls://", "tls://127.0.0.1", "tcp://tcp://127.0.0.1:1", "tcp://127.0.0.1:1/x",
        "tcp://127.0.0.1:-1",
    ],
)  # fmt: skip
@pytest.mark.parametrize("insecure", [False, True])
def test_what_is_no_address(address: str, insecure: bool) -> None:
    with (
        pytest.raises(ClusterUsage, match=r"no address of a Dask scheduler, as tls://host:8786 is$"),
        dask_executor(Door(address, insecure=insecure)),
    ):
        raise AssertionError


@pytest.mark.parametrize(("host", "here"), [("127.0.0.1", True), ("::1", True), ("::ffff:7f00:1", False), ("x", False)])
def test_what_is_here(host: str, here: bool) -> None:
    assert is_here(host) == here


def test_the_transport_that_dask_takes_by_default_is_judged() -> None:
    with dask.config.set({"distributed.comm.default-scheme": "ucx"}), pytest.raises(ClusterUsage, match="no address"):
        Door("127.0.0.1:8786").open()
    with dask.config.set({"distributed.comm.default-scheme": "tls"}), pytest.raises(ClusterUsage, match="needs keys"):
        Door("127.0.0.1:8786").open()


def test_keys_that_are_needed(mine: Papers, tmp_path: Path) -> None:
    ca, cert, key = map(str, mine)
    assert Door("tls://head:8786", Keys(ca, cert, key)).open()[0] == "tls://head:8786"
    assert Door("head:8786", Keys(ca, cert, key)).open()[0] == "tls://head:8786"
    both = tmp_path / "both.pem"
    both.write_bytes(mine.cert.read_bytes() + mine.key.read_bytes())
    assert Door("tls://head:8786", Keys(ca, str(both))).open()[1].require_encryption
    for some in (Keys(), Keys(ca), Keys(None, cert, key), Keys(ca, None, key)):
        with pytest.raises(ClusterUsage, match="needs keys: name them with --tls-ca, --tls-cert and --tls-key, or in"):
            Door("tls://head:8786", some).open()


def test_keys_of_dask_s_own_configuration(mine: Papers, tmp_path: Path) -> None:
    ca, cert, key = map(str, mine)
    other = papers(tmp_path)
    place = "distributed.comm.tls"
    with dask.config.set({f"{place}.ca-file": ca, f"{place}.client.cert": cert, f"{place}.client.key": key}):
        assert Door("tls://head:8786").open()[1].require_encryption
        taken = Door("tls://head:8786", Keys(cert=str(other.cert), key=str(other.key))).open()[1]
        assert taken.get_tls_config_for_role("client") == {
            "ca_file": ca,
            "ciphers": None,
            "cert": str(other.cert),
            "key": str(other.key),
        }
        with pytest.raises(ClusterUsage, match=r"^the keys for TLS: cannot be used"):
            Door("tls://head:8786", Keys(cert=str(other.cert))).open()
    with (
        dask.config.set({"distributed.comm.require-encryption": True}),
        pytest.raises(ClusterUsage, match="require-encryption"),
    ):
        Door("tcp://127.0.0.1:8786", insecure=True).open()


def test_keys_that_are_of_no_use(mine: Papers, tmp_path: Path) -> None:
    ca, cert, key = map(str, mine)
    with pytest.raises(ClusterUsage, match=r"is not encrypted, so keys are of no use: give tls://127.0.0.1:1$"):
        Door("tcp://127.0.0.1:1", Keys(ca, cert, key)).open()
    (tmp_path / "noise").write_bytes(b"no key")
    absent = str(tmp_path / "absent")
    for keys in (Keys(absent, cert, key), Keys(ca, absent, key), Keys(ca, cert, absent)):
        with pytest.raises(ClusterUsage, match=rf"^{absent}: cannot be used: No such file or directory$"):
            Door("tls://head:1", keys).open()
    noise = str(tmp_path / "noise")
    for keys in (Keys(noise, cert, key), Keys(ca, noise, key), Keys(ca, cert, noise), Keys(ca, cert, ca)):
        with pytest.raises(ClusterUsage, match=r"^the keys for TLS: cannot be used: [^\n]+$"):
            Door("tls://head:1", keys).open()


def test_a_cluster_that_speaks_tls(mine: Papers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has other keys, or none, is told so in one line."""
    words: list[str | Path] = ["--tls-ca", mine.ca, "--tls-cert", mine.cert, "--tls-key", mine.key]
    with commanded(mine, tmp_path) as address:
        assert address.startswith("tls://127.0.0.1:")
        done = run("--scheduler", address, "--spool", tmp_path / "spool", *words)
        assert (done.exit_code, done.stderr) == (0, "") and done.stdout == run().stdout
        monkeypatch.setattr(executor, "CONNECT", 2.0)
        other = papers(tmp_path / "other")
        forged = Keys(str(mine.ca), str(other.cert), str(other.key))
        deceived = Keys(str(other.ca), str(mine.cert), str(mine.key))
        for keys in (forged, deceived):
            with pytest.raises(ClusterError, match=r"does not take these keys, or we do not take its$"):
                dask_executor(Door(address, keys)).__enter__()
        with pytest.raises(ClusterError, match="no Dask scheduler answers"):
            dask_executor(address.replace("tls", "tcp")).__enter__()


def test_the_options(mine: Papers) -> None:
    for words in (["--tls-ca", mine.ca], ["--tls-cert", ""], ["--tls-key", mine.key], ["--insecure-scheduler"]):
        done = run(*words)
        assert done.exit_code == 2 and "are for --scheduler" in done.stderr
    done = run("--scheduler", "tcp://192.0.2.1:8786")
    assert done.exit_code == 2 and done.output.count("\n") == 1
    assert all(word in done.output for word in ("--tls-ca", "--tls-cert", "--tls-key", "--insecure-scheduler"))


def test_insecure_is_a_word_that_is_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that leads here is none of this machine's addresses."""
    with somebodys(1) as address:
        there = address.replace("127.0.0.1", "[::ffff:127.0.0.1]")
        assert run("--scheduler", there).exit_code == 2
        assert run("--scheduler", there, "--insecure-scheduler").exit_code == 0
