"""A cluster of one's own, which no other user of this machine can enter.

Loopback is open to whoever is logged in, and who can speak to a scheduler, a worker or its nanny can have it run code.
So all of them want TLS, with a certificate on either side that only this run has: Dask makes the key in memory and
hands it to its processes by pipe. The HTTP servers, on which Dask would show pages without asking who looks, are not
started. What Dask writes is for this user alone, whatever the umask: folders and locks that are made while the cluster
starts, here and in its processes, and what a worker writes later, one that takes the place of a dead one, too.
Imports `distributed`, so it is imported late.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from distributed import Nanny, Scheduler, Security, SpecCluster, Worker

HOST = "127.0.0.1"
OWNERS = 0o077
"""The umask that leaves nothing to anybody else."""


class _NoPages:
    """Of a node: that it hears for its peers alone."""

    def start_http_server(self, *_: Any, **__: Any) -> None:
        """Dask calls this to serve pages: there are none."""


class QuietScheduler(_NoPages, Scheduler):
    """A scheduler without pages."""


class QuietWorker(_NoPages, Worker):
    """A worker without pages, in a process of its own."""

    def __init__(self, *given: Any, **named: Any) -> None:
        os.umask(OWNERS)
        super().__init__(*given, **named)


@contextmanager
def _owners_alone() -> Iterator[None]:
    """The umask of this whole process, for a while: a file that another thread makes then is stricter than asked."""
    before = os.umask(OWNERS)
    try:
        yield
    finally:
        os.umask(before)


@_owners_alone()
def guarded(jobs: int, *, memory_limit: int, folder: str, silence: int) -> SpecCluster:
    """A scheduler and `jobs` workers of one thread, a process each, on loopback, with `memory_limit` octets each and
    their files in `folder`. ImportError where `cryptography` is not installed."""
    security = Security.temporary()
    common = {"host": HOST, "protocol": "tls://", "security": security}
    worker = {
        "cls": Nanny,
        "options": common
        | {
            "worker_class": QuietWorker,
            "nthreads": 1,
            "memory_limit": memory_limit,
            "local_directory": folder,
            "silence_logs": silence,
        },
    }
    return SpecCluster(
        scheduler={"cls": QuietScheduler, "options": common | {"dashboard": False}},
        worker=worker,
        workers=dict.fromkeys(range(jobs), worker),
        security=security,
        silence_logs=silence,
    )
