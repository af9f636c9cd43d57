"""A cluster of one's own, which no other user of this machine can enter.

Loopback is open to whoever is logged in, and who can speak to a scheduler, a worker or its nanny can have it run code.
So all of them want TLS, with a certificate on either side that only this run has: Dask makes the key in memory and
hands it to its processes by pipe. The HTTP servers, on which Dask would show pages without asking who looks, are not
started. Imports `distributed`, so it is imported late.
"""

from __future__ import annotations

from typing import Any

from distributed import Nanny, Scheduler, Security, SpecCluster, Worker

HOST = "127.0.0.1"


class _NoPages:
    """Of a node: that it hears for its peers alone."""

    def start_http_server(self, *_: Any, **__: Any) -> None:
        """Dask calls this to serve pages: there are none."""


class QuietScheduler(_NoPages, Scheduler):
    """A scheduler without pages."""


class QuietWorker(_NoPages, Worker):
    """A worker without pages."""


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
