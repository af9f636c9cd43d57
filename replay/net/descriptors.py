"""How many connections this process may hold: what the system allows in file descriptors, less what else needs some."""

from __future__ import annotations

import os
import sys

RESERVE = 64
"""Descriptors that are left for files, logs, the loop, and connections that are about to be closed."""
MOST_CONNECTIONS = 500
"""Connections that are open at once, however many descriptors there are: each may hold a message of 128 kB."""


LOOP_NEEDS = 4
"""Descriptors of a loop (its poll, its pipe to itself) and of one link."""


def afford(count: int = LOOP_NEEDS) -> None:
    """Raise OSError where the system does not give so many descriptors now. asyncio does not say so: a loop that is
    half made leaves tracebacks."""
    taken: list[int] = []
    try:
        for _ in range(count):
            taken.append(os.open(os.devnull, os.O_RDONLY))
    finally:
        for one in taken:
            os.close(one)


def most_connections(allowed: int | None = None, opened: int | None = None) -> int:
    """Connections for which there are descriptors, at least one and at most `MOST_CONNECTIONS`.

    `allowed` descriptors (default: the soft RLIMIT_NOFILE), `opened` of them in use. Of a small allowance no more than
    half is kept in reserve.
    """
    allowed = descriptors_allowed() if allowed is None else allowed
    if allowed is None:
        return MOST_CONNECTIONS
    free = allowed - (_opened() if opened is None else opened)
    return max(1, min(MOST_CONNECTIONS, free - min(RESERVE, free // 2)))


def descriptors_allowed() -> int | None:
    """The soft limit of this process; None where the system has none, or none that can be asked for."""
    if sys.platform == "win32":
        return None
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


def _opened() -> int:
    try:
        return len(os.listdir("/dev/fd"))
    except OSError:
        return RESERVE // 2  # more than an interpreter has open that reads and writes a few files
