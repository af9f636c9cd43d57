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
    ways_out = [line for line in routes[0] if _leads_on(*line.split()[1:3])] + routes[1]
    return Surroundings(enclosed=own != machine and not ways_out)


def _leads_on(destination: str, gateway: str = "") -> bool:
    """A route to everywhere, or to anywhere through a gateway: who knows where that leads."""
    return destination.strip("0") == "" or gateway.strip("0") != ""


def _ipv6_routes(proc: Path) -> list[str]:
    """Routes to everywhere or through a gateway, but on `lo` (where the kernel has unreachable ones)."""
    rows = [line.split() for line in (proc / "self/net/ipv6_route").read_text().splitlines()]
    return [" ".join(row) for row in rows if row[-1] != "lo" and (row[1] == "00" or row[4].strip("0"))]
