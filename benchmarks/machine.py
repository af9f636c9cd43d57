"""On what the numbers were taken: a figure without its machine and versions says nothing."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import shutil
import subprocess
from pathlib import Path

import psutil

_ASK = {"tshark": "--version", "sngrep": "--version"}


def machine() -> dict[str, str]:
    """What stands beside a result, by name."""
    return {
        "processor": _processor(),
        "cores": f"{psutil.cpu_count(logical=False) or '?'} ({psutil.cpu_count()} logical)",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "load before": _load(),
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "pyshark": importlib.metadata.version("pyshark"),
        **{program: _version(program, option) for program, option in _ASK.items()},
    }


def _load() -> str:
    """The load averages, with a word where others were at work: then the clock tells more of them than of us."""
    loads = psutil.getloadavg()
    busy = loads[0] > (psutil.cpu_count() or 1) / 4
    return " ".join(f"{load:.2f}" for load in loads) + (" (busy: go by CPU time)" if busy else "")


def _processor() -> str:
    """The processor's name: Linux alone tells it in a file."""
    path = Path("/proc/cpuinfo")
    text = path.read_text(encoding="ascii", errors="replace") if path.exists() else ""
    found = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    return found[1] if found else platform.processor() or platform.machine()


def _version(program: str, option: str) -> str:
    if shutil.which(program) is None:
        return "not installed"
    run = subprocess.run([program, option], capture_output=True, text=True, check=False)
    found = re.search(r"\d+(?:\.\d+)+", run.stdout + run.stderr)
    return found[0] if found else "?"
