"""Where a program's packets go, as the kernel was asked for it: every address of a network call, by strace.

command = traced(trace, "python", "-m", "analyzer", ...)     run this instead
reached(trace)                                                   {("127.0.0.1", 5060), ("unix", "/run/nscd/socket")}
"""

from __future__ import annotations

import ipaddress
import re
import subprocess
from pathlib import Path

import pytest

from tests.tools import require_tool

_CALL = re.compile(r"^\d+ +(?:<\.\.\. )?(connect|sendto|sendmsg|sendmmsg)\b(.*)$")
_INET = re.compile(r'sin_port=htons\((\d+)\), sin_addr=inet_addr\("([^"]+)"\)')
_INET6 = re.compile(r'sin6_port=htons\((\d+)\).*?inet_pton\(AF_INET6, "([^"]+)"')
_UNIX = re.compile(r'sa_family=AF_UNIX, sun_path=@?"([^"]*)"')
Reached = set[tuple[str, int | str]]


def traced(trace: Path, *command: str) -> list[str]:
    """A command line that writes the network calls of `command` and its children to `trace`; skips by name without
    strace, or where nobody may trace."""
    strace = require_tool("strace")
    probe = subprocess.run([strace, "-o", "/dev/null", "true"], capture_output=True, check=False)
    if probe.returncode != 0:
        pytest.skip(f"strace may not trace here: {probe.stderr.decode(errors='replace').strip()[:100]}")
    return [strace, "-f", "-qq", "-s", "16", "-e", "trace=network", "-o", str(trace), *command]


def reached(trace: Path) -> Reached:
    """Each address that something was sent to, or a socket was connected to."""
    found: Reached = set()
    for line in trace.read_text(errors="replace").splitlines():
        call = _CALL.match(line)
        if call:
            found |= {(host, int(port)) for port, host in _INET.findall(call[2]) + _INET6.findall(call[2])}
            found |= {("unix", path) for path in _UNIX.findall(call[2])}
    return found


def elsewhere(found: Reached) -> Reached:
    """What is not loopback: also the socket of a resolver, which is a way out."""
    return {one for one in found if one[0] == "unix" or not ipaddress.ip_address(one[0]).is_loopback}


def children(pid: int) -> list[int]:
    """The processes that a process has started: strace's one is the program."""
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
