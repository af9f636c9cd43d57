"""How large captures are, and whether one process that reads them may need more memory than there is."""

from __future__ import annotations

import os
from collections.abc import Iterable

from analyzer.memory import memory

NEEDED = 7
"""Octets of memory that `sipcheck storm` takes in one process for an octet of captures of SIP alone (docs/cluster.md);
what is mostly media takes far less, but that is not known before it was read."""
_PACKED = (".gz", ".bz2", ".xz", ".zst", ".lz4")
_UNPACKED = 10
"""Times that a packed capture of registrations grows."""


def size_of(name: str | os.PathLike[str]) -> int:
    """Octets of a capture, of a packed one about those that it holds; 0 where it is not to be seen from here."""
    if not os.path.isfile(name):
        return 0
    return os.path.getsize(name) * (_UNPACKED if os.fspath(name).lower().endswith(_PACKED) else 1)


def exceeds_memory(files: Iterable[str | os.PathLike[str]]) -> bool:
    """Whether one process that reads these captures may need more memory than there is."""
    return sum(map(size_of, files)) * NEEDED > memory()
