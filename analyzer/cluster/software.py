"""What a worker runs and sees: results are the same only where the same code made them, on the same folder."""

from __future__ import annotations

import hashlib
import importlib
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

import analyzer

_LIBRARIES = ("dask", "distributed", "pandas", "pyarrow")


class Seen(NamedTuple):
    """The versions of a process by name, and why it cannot write into the folder (empty: it can)."""

    software: dict[str, str]
    fault: str


def look(folder: str) -> Seen:
    """What this process runs, and whether it can write rows into the folder of a run."""
    try:
        with tempfile.TemporaryFile(dir=Path(folder, "rows")):
            return Seen(software(), "")
    except OSError as error:
        return Seen(software(), error.strerror or type(error).__name__)


def software() -> dict[str, str]:
    """Versions of this process: of Python, of the libraries that results pass through, and of our own code."""
    versions = {name: str(importlib.import_module(name).__version__) for name in _LIBRARIES}
    return {"Python": f"{sys.version_info[0]}.{sys.version_info[1]}", "sipcheck (digest)": _digest()} | versions


@cache
def _digest() -> str:
    """Of all our modules: a checkout may differ under the same version."""
    folder = Path(analyzer.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]
