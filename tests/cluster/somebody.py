"""Schedulers that somebody else started, and the keys that such people have."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.faults.child import PATIENCE
from tests.shared import ROOT

HOST = "127.0.0.1"


@contextmanager
def somebodys(workers: int) -> Iterator[str]:
    """The address of a scheduler without TLS, as Dask starts one where nothing is said."""
    with unguarded(workers) as cluster:
        yield str(cluster.scheduler_address)


@contextmanager
def unguarded(workers: int) -> Iterator[Any]:
    """The same, as what can be closed."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        host=HOST,
        scheduler_kwargs={"dashboard": False, "dashboard_address": f"{HOST}:0"},
        silence_logs=50,
    ) as cluster:
        yield cluster


class Papers(NamedTuple):
    """Files of one party: who signs, its certificate, its key."""

    ca: Path
    cert: Path
    key: Path


def papers(folder: Path) -> Papers:
    """An authority of its own, and a certificate that it signed."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    folder.mkdir(parents=True, exist_ok=True)
    made = Papers(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]) for name in ("authority", "member")]
    now = datetime.datetime.now(datetime.UTC)
    for path, key, name, is_authority in zip((made.ca, made.cert), keys, names, (True, False), strict=True):
        certificate = (
            x509.CertificateBuilder(names[0], name, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
            .sign(keys[0], hashes.SHA256())
        )
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    octets = keys[1].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    made.key.write_bytes(octets)
    return made


@contextmanager
def commanded(member: Papers, folder: Path) -> Iterator[str]:
    """The address of a scheduler with one worker, started by Dask's own commands."""
    keys = ["--tls-ca-file", str(member.ca), "--tls-cert", str(member.cert), "--tls-key", str(member.key)]
    told = folder / "scheduler.json"
    words = ["--host", f"tls://{HOST}", "--port", "0", "--no-dashboard", "--scheduler-file", str(told), *keys]
    with running(["dask", "scheduler", *words], folder):
        wait_until_there(told)
        address = str(json.loads(told.read_text(encoding="utf-8"))["address"])
        with running(
            ["dask", "worker", address, "--nworkers", "1", "--nthreads", "1", "--no-dashboard", *keys], folder
        ):
            yield address


@contextmanager
def running(words: Sequence[str], folder: Path) -> Iterator[None]:
    """A command of Dask that does not end by itself, in a folder, whose files are its own."""
    assert words[0] == "dask"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "DASK_TEMPORARY_DIRECTORY": str(folder)}
    command = [sys.executable, "-m", *words]
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as child:
        try:
            yield
            assert child.poll() is None, "it ended by itself"
        finally:
            child.terminate()
            try:
                child.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                child.kill()


def wait_until_there(path: Path) -> None:
    """Wait for a file with something in it."""
    end = time.monotonic() + PATIENCE
    while not (path.exists() and path.stat().st_size):
        assert time.monotonic() < end, f"no {path}"
        time.sleep(0.05)
