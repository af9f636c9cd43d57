"""Where the program runs: the machine's own network, or a namespace without a way out."""

from __future__ import annotations

import os
from pathlib import Path

from replay.target import Surroundings


def surroundings(proc: Path = Path("/proc")) -> Surroundings:
    """Look at the network namespace of this process; any doubt means that it is not enclosed."""
    try:
        own, machine = os.readlink(proc / "self/ns/net"), os.readlink(proc / "1/ns/net")
        routes = [(proc / "self/net/route").read_text().splitlines()[1:], _ipv6_routes(proc)]
    except OSError:
        return Surroundings()
    ways_out = [line for line in routes[0] if line.split()[1:2] == ["00000000"]] + routes[1]
    return Surroundings(enclosed=own != machine and not ways_out)


def _ipv6_routes(proc: Path) -> list[str]:
    """Default routes that lead to a gateway or a device other than `lo` (the kernel has unreachable ones on `lo`)."""
    lines = (proc / "self/net/ipv6_route").read_text().splitlines()
    return [line for line in lines if line.split()[1] == "00" and line.split()[-1] != "lo"]
