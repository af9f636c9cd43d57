"""How much memory this process can have."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_LIMIT = Path("/sys/fs/cgroup/memory.max")
"""What a container may have, where that is less than the machine has."""


def memory() -> int:
    """Octets of memory that this process can have."""
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):  # no such file, or the word max
        there = min(there, int(_LIMIT.read_text(encoding="ascii")))
    return there
